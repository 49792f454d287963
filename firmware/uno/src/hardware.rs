//! The chip as the logic of a board sees it.

use hearth_logic::Hardware;

use crate::{adc, eeprom, one_wire, pins, pwm, serial, servo};

/// Pin of the first analog channel.
const FIRST_ANALOG: u8 = 14;

/// The Uno; there is one.
pub struct Uno;

impl Hardware for Uno {
    fn input(&mut self, pin: u8, pull_up: bool) {
        pwm::release(pin);
        servo::release(pin);
        pins::input(pin, pull_up);
    }

    fn output(&mut self, pin: u8, high: bool) {
        pins::output(pin, high);
    }

    fn read(&mut self, pin: u8) -> bool {
        pins::place(pin).read()
    }

    fn analog(&mut self, pin: u8) -> u16 {
        adc::read(pin.wrapping_sub(FIRST_ANALOG))
    }

    fn pwm(&mut self, pin: u8, duty: u8) {
        pwm::set(pin, duty);
    }

    fn servo(&mut self, pin: u8, degrees: u8) {
        servo::set(pin, degrees);
    }

    fn one_wire_reset(&mut self, pin: u8) -> bool {
        one_wire::reset(pin)
    }

    fn one_wire_write(&mut self, pin: u8, octet: u8) {
        one_wire::write(pin, octet);
    }

    fn one_wire_read(&mut self, pin: u8) -> u8 {
        one_wire::read(pin)
    }

    fn eeprom_read(&mut self, address: u16) -> u8 {
        eeprom::read(address)
    }

    fn eeprom_write(&mut self, address: u16, octet: u8) -> bool {
        eeprom::write(address, octet)
    }

    fn send(&mut self, octet: u8) {
        serial::send(octet);
    }

    fn overruns(&self) -> u16 {
        serial::overruns()
    }
}
