//! A DS18B20 thermometer on a 1-Wire line of its own, octet by octet. Pure.
//!
//! As its data sheet has it (Maxim 19-7487): a reset, the address, a command;
//! what it measured stays in its scratchpad until it is asked to measure again.

const SKIP_ROM: u8 = 0xCC;
const CONVERT: u8 = 0x44;
const READ_SCRATCHPAD: u8 = 0xBE;
/// What is in the scratchpad before the first measurement: 85 °C, in sixteenths.
const POWER_ON: i16 = 85 * 16;
/// What a line says on which nobody speaks.
const SILENCE: u8 = 0xFF;

#[derive(Clone, Debug)]
pub struct Ds18b20 {
    /// In sixteenths of a degree.
    measured: i16,
    listens_for: Next,
}

/// What the thermometer waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Reset,
    Address,
    Command,
    /// To be read on from this octet of the scratchpad.
    Reading(usize),
}

impl Default for Ds18b20 {
    fn default() -> Ds18b20 {
        Ds18b20 {
            measured: POWER_ON,
            listens_for: Next::Reset,
        }
    }
}

impl Ds18b20 {
    /// It answers a reset with its presence.
    pub fn reset(&mut self) {
        self.listens_for = Next::Address;
    }

    /// Takes an octet; `warmth`, in °C, is looked at when it measures.
    pub fn write(&mut self, octet: u8, warmth: impl FnOnce() -> f64) {
        self.listens_for = match (self.listens_for, octet) {
            (Next::Address, SKIP_ROM) => Next::Command,
            (Next::Command, READ_SCRATCHPAD) => Next::Reading(0),
            (Next::Command, CONVERT) => {
                self.measured = sixteenths(warmth());
                Next::Reset
            }
            // Not for this thermometer.
            _ => Next::Reset,
        };
    }

    pub fn read(&mut self) -> u8 {
        let Next::Reading(at) = self.listens_for else {
            return SILENCE;
        };
        self.listens_for = Next::Reading(at + 1);
        self.scratchpad().get(at).copied().unwrap_or(SILENCE)
    }

    /// The temperature, two alarms, the resolution of 12 bits, three octets
    /// without meaning, and the checksum.
    fn scratchpad(&self) -> [u8; 9] {
        let [low, high] = self.measured.to_le_bytes();
        let octets = [low, high, 0x4B, 0x46, 0x7F, 0xFF, 0x0C, 0x10];
        let mut pad = [0; 9];
        pad[..8].copy_from_slice(&octets);
        pad[8] = checksum(&octets);
        pad
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "clamped to what the thermometer can measure"
)]
fn sixteenths(warmth: f64) -> i16 {
    (warmth.clamp(-55.0, 125.0) * 16.0).round() as i16
}

/// x⁸ + x⁵ + x⁴ + 1, the lowest bit first.
fn checksum(octets: &[u8]) -> u8 {
    octets.iter().fold(0, |sum, octet| {
        (0..8).fold(sum ^ octet, |sum, _| match sum & 1 {
            1 => sum >> 1 ^ 0x8C,
            _ => sum >> 1,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(thermometer: &mut Ds18b20, command: u8, warmth: f64) {
        thermometer.reset();
        thermometer.write(SKIP_ROM, || warmth);
        thermometer.write(command, || warmth);
    }

    fn read(thermometer: &mut Ds18b20) -> Vec<u8> {
        ask(thermometer, READ_SCRATCHPAD, 99.0);
        (0..9).map(|_| thermometer.read()).collect()
    }

    #[test]
    fn it_says_what_it_measured_last() {
        let mut thermometer = Ds18b20::default();
        // The scratchpad after power-on, as the data sheet and its users know it.
        let fresh = [0x50, 0x05, 0x4B, 0x46, 0x7F, 0xFF, 0x0C, 0x10, 0x1C];
        assert_eq!(read(&mut thermometer), fresh);
        for (warmth, octets) in [(25.0625, [0x91, 0x01]), (-10.125, [0x5E, 0xFF])] {
            ask(&mut thermometer, CONVERT, warmth);
            assert_eq!(read(&mut thermometer)[..2], octets);
            assert_eq!(checksum(&read(&mut thermometer)), 0);
        }
    }

    #[test]
    fn without_a_reset_or_an_address_it_is_silent() {
        let mut thermometer = Ds18b20::default();
        assert_eq!(thermometer.read(), SILENCE);
        thermometer.write(READ_SCRATCHPAD, || 0.0);
        assert_eq!(thermometer.read(), SILENCE);
        thermometer.reset();
        thermometer.write(0x55, || 0.0);
        thermometer.write(READ_SCRATCHPAD, || 0.0);
        assert_eq!(thermometer.read(), SILENCE);
        assert_eq!(read(&mut thermometer).len(), 9);
        assert_eq!(thermometer.read(), SILENCE, "behind its end");
    }
}
