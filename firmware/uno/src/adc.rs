//! Analog inputs against the supply voltage: 0 to 1023 (data sheet, section 23).

use avr_device::atmega328p::ADC;

/// AVcc as reference.
const AVCC: u8 = 0b0100_0000;
/// The chip's own thermometer, in its own counts; good for noise.
pub const THERMOMETER: u8 = 8;
/// Enabled, 16 MHz / 128 = 125 kHz.
const ENABLED: u8 = 0b1000_0111;
const START: u8 = 0b0100_0000;

/// Converts; takes 104 µs. Channel 0 is A0.
pub fn read(channel: u8) -> u16 {
    // SAFETY: used here alone, with documented bits.
    unsafe {
        let adc = ADC::steal();
        adc.admux().write(|w| w.bits(AVCC | channel & 0x0F));
        adc.adcsra().write(|w| w.bits(ENABLED | START));
        while adc.adcsra().read().adsc().bit_is_set() {}
        adc.adc().read().bits()
    }
}
