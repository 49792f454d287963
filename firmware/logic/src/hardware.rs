//! What a board's chip can do. Pins are numbers, as the Arduino has them (0 to 13, A0 is
//! 14, A5 is 19): which one does what is known only when the map comes, so the pin types
//! of `embedded-hal` do not fit.

/// A chip with pins, EEPROM and a serial line.
pub trait Hardware {
    /// Makes the pin an input, whatever it was before.
    fn input(&mut self, pin: u8, pull_up: bool);

    /// Makes the pin an output of this level; on the way there it has no other.
    fn output(&mut self, pin: u8, high: bool);

    /// The level at the pin, whoever drives it.
    fn read(&mut self, pin: u8) -> bool;

    /// The voltage at pin 14 to 19 as a share of the supply's, 0 to 1023.
    fn analog(&mut self, pin: u8) -> u16;

    /// Makes the pin an output with a duty of 0 to 255.
    fn pwm(&mut self, pin: u8, duty: u8);

    /// Makes the pin an output that holds a servo at 0 to 180 degrees.
    fn servo(&mut self, pin: u8, degrees: u8);

    /// Starts talking on a 1-Wire line; false: nobody is there.
    fn one_wire_reset(&mut self, pin: u8) -> bool;

    /// Sends an octet on a 1-Wire line.
    fn one_wire_write(&mut self, pin: u8, octet: u8);

    /// Reads an octet from a 1-Wire line; 0xFF when nobody answers.
    fn one_wire_read(&mut self, pin: u8) -> u8;

    /// The octet at an address below [`EEPROM`](Self::EEPROM).
    fn eeprom_read(&mut self, address: u16) -> u8;

    /// Begins to write an octet; false: it still writes the one before.
    fn eeprom_write(&mut self, address: u16, octet: u8) -> bool;

    /// Sends an octet on the serial line.
    fn send(&mut self, octet: u8);

    /// Octets that were lost on their way in since the start; wraps.
    fn overruns(&self) -> u16;

    /// How many octets of EEPROM are ours, from address 0 on.
    const EEPROM: u16 = 0x3F0;
}
