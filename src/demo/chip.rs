//! A simulated Uno: pins, EEPROM and serial line, with the parts that a
//! [`Wiring`] puts on them. Pure.

use hearth_logic::Hardware;

use super::ds18b20::Ds18b20;
use super::physics::House;
use super::wiring::{Part, Wiring};

const PINS: u8 = 20;
/// As an erased EEPROM reads.
const ERASED: u8 = 0xFF;
const EEPROM: usize = <Wired<'_> as Hardware>::EEPROM as usize;
/// The converter's highest count.
const COUNTS: f64 = 1023.0;

/// What the chip does with a pin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Drive {
    Input {
        pull_up: bool,
    },
    Output(bool),
    Pwm(u8),
    /// A pulse now and then: no part of the demo knows what to do with it.
    Servo,
}

/// The chip alone.
#[derive(Clone, Debug)]
pub struct Chip {
    drives: [Drive; PINS as usize],
    /// One per board is enough.
    thermometer: Ds18b20,
    eeprom: Box<[u8; EEPROM]>,
    /// What waits for the line; taken after each round, which sends a packet or two.
    sent: Vec<u8>,
    /// Something that takes many rounds has gone on.
    is_at_work: bool,
}

impl Default for Chip {
    fn default() -> Chip {
        Chip {
            drives: [Drive::Input { pull_up: false }; PINS as usize],
            thermometer: Ds18b20::default(),
            eeprom: Box::new([ERASED; EEPROM]),
            sent: Vec::new(),
            is_at_work: false,
        }
    }
}

impl Chip {
    /// A reset lets go of all pins, and keeps what is in the EEPROM.
    pub fn reset(&mut self, wiring: Wiring, house: &mut House) {
        self.sent.clear();
        let mut wired = self.wired(wiring, house);
        (0..PINS).for_each(|pin| wired.input(pin, false));
    }

    /// What was sent since the last time.
    pub fn take_sent(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.sent)
    }

    /// Whether there was work since the last time that goes on.
    pub fn take_at_work(&mut self) -> bool {
        std::mem::take(&mut self.is_at_work)
    }

    /// The chip in its place.
    pub fn wired<'a>(&'a mut self, wiring: Wiring, house: &'a mut House) -> Wired<'a> {
        Wired {
            chip: self,
            wiring,
            house,
        }
    }
}

/// A chip with parts on its pins and a house around it.
#[derive(Debug)]
pub struct Wired<'a> {
    chip: &'a mut Chip,
    wiring: Wiring,
    house: &'a mut House,
}

impl Wired<'_> {
    fn drive(&mut self, pin: u8, drive: Drive) {
        if let Some(place) = self.chip.drives.get_mut(usize::from(pin)) {
            *place = drive;
        }
        if let Some(Part::Actuator(act)) = self.wiring.part(pin) {
            let duty = match drive {
                Drive::Output(true) => u8::MAX,
                Drive::Pwm(duty) => duty,
                Drive::Output(false) | Drive::Input { .. } | Drive::Servo => 0,
            };
            act(self.house, duty);
        }
    }

    fn warmth(&self, pin: u8) -> Option<fn(&mut House) -> f64> {
        match self.wiring.part(pin) {
            Some(Part::Thermometer(warmth)) => Some(warmth),
            _ => None,
        }
    }
}

impl Hardware for Wired<'_> {
    fn input(&mut self, pin: u8, pull_up: bool) {
        self.drive(pin, Drive::Input { pull_up });
    }

    fn output(&mut self, pin: u8, high: bool) {
        self.drive(pin, Drive::Output(high));
    }

    fn read(&mut self, pin: u8) -> bool {
        match (
            self.chip.drives.get(usize::from(pin)),
            self.wiring.part(pin),
        ) {
            (Some(Drive::Output(high)), _) => *high,
            (Some(Drive::Input { .. }), Some(Part::Contact(is_high))) => is_high(self.house),
            (Some(Drive::Input { pull_up }), _) => *pull_up,
            (Some(Drive::Pwm(_) | Drive::Servo) | None, _) => false,
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to 0 to 1023"
    )]
    fn analog(&mut self, pin: u8) -> u16 {
        match self.wiring.part(pin) {
            Some(Part::Voltage(share)) => {
                (share(self.house) * COUNTS).round().clamp(0.0, COUNTS) as u16
            }
            _ => 0,
        }
    }

    fn pwm(&mut self, pin: u8, duty: u8) {
        self.drive(pin, Drive::Pwm(duty));
    }

    fn servo(&mut self, pin: u8, _degrees: u8) {
        self.drive(pin, Drive::Servo);
    }

    fn one_wire_reset(&mut self, pin: u8) -> bool {
        let is_there = self.warmth(pin).is_some();
        if is_there {
            self.chip.is_at_work = true;
            self.chip.thermometer.reset();
        }
        is_there
    }

    fn one_wire_write(&mut self, pin: u8, octet: u8) {
        self.chip.is_at_work = true;
        if let Some(warmth) = self.warmth(pin) {
            self.chip.thermometer.write(octet, || warmth(self.house));
        }
    }

    fn one_wire_read(&mut self, pin: u8) -> u8 {
        self.chip.is_at_work = true;
        match self.warmth(pin) {
            Some(_) => self.chip.thermometer.read(),
            None => u8::MAX,
        }
    }

    fn eeprom_read(&mut self, address: u16) -> u8 {
        let octet = self.chip.eeprom.get(usize::from(address));
        octet.copied().unwrap_or(ERASED)
    }

    fn eeprom_write(&mut self, address: u16, octet: u8) -> bool {
        self.chip.is_at_work = true;
        if let Some(place) = self.chip.eeprom.get_mut(usize::from(address)) {
            *place = octet;
        }
        true
    }

    fn send(&mut self, octet: u8) {
        self.chip.is_at_work = true;
        self.chip.sent.push(octet);
    }

    /// Octets are taken as they come.
    fn overruns(&self) -> u16 {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_drive_the_house_until_a_reset_lets_go_of_them() {
        let (mut chip, mut house) = (Chip::default(), House::new(1));
        let mut wired = chip.wired(Wiring::Greenhouse, &mut house);
        wired.output(7, true);
        wired.pwm(5, 204);
        assert!(wired.read(7));
        assert_eq!((house.greenhouse.pump, house.greenhouse.fan), (true, 80));
        chip.wired(Wiring::Greenhouse, &mut house)
            .eeprom_write(3, 7);
        chip.reset(Wiring::Greenhouse, &mut house);
        assert_eq!((house.greenhouse.pump, house.greenhouse.fan), (false, 0));
        assert_eq!(chip.wired(Wiring::Greenhouse, &mut house).eeprom_read(3), 7);
    }

    #[test]
    fn inputs_read_the_house_and_open_pins_their_pull_up() {
        let (mut chip, mut house) = (Chip::default(), House::new(1));
        house.living_room.presence = true;
        house.living_room.illuminance = 500.0;
        let mut wired = chip.wired(Wiring::LivingRoom, &mut house);
        assert!(wired.read(2));
        assert!((505..520).contains(&wired.analog(14)));
        assert!(!wired.read(3));
        wired.input(3, true);
        assert!(wired.read(3));
        assert!(!wired.one_wire_reset(3));
        assert_eq!((wired.analog(15), wired.one_wire_read(3)), (0, 0xFF));
    }

    #[test]
    fn no_number_of_a_pin_or_an_address_is_too_large() {
        let (mut chip, mut house) = (Chip::default(), House::new(1));
        let mut wired = chip.wired(Wiring::LivingRoom, &mut house);
        for pin in [20, 255] {
            wired.output(pin, true);
            assert!(!wired.read(pin));
            assert_eq!(wired.analog(pin), 0);
        }
        assert!(wired.eeprom_write(u16::MAX, 1));
        assert_eq!(wired.eeprom_read(u16::MAX), ERASED);
    }
}
