//! The checksum of a frame: FCS-16 of RFC 1662, appendix C.2, also known as CRC-16/X-25.
//! By shifts: a table would take 512 octets of an Uno's memory.

/// Of no octets.
pub(super) const START: u16 = 0xFFFF;

/// After the octets and their checksum, low octet first, if nothing was damaged.
pub(super) const GOOD: u16 = 0xF0B8;

/// Takes one more octet in.
#[inline(never)]
pub(super) const fn step(fcs: u16, octet: u8) -> u16 {
    let [high, low] = fcs.to_be_bytes();
    // The remainder of eight steps at once: the polynomial has three terms, and the
    // lowest folds the octet's half onto its other half.
    let folded = low ^ octet;
    let folded = folded ^ (folded << 4);
    let wide = folded as u16;
    (high as u16 | wide << 8) ^ (wide << 3) ^ (wide >> 4)
}

/// The two octets behind a packet.
pub(super) fn of(packet: &[u8]) -> [u8; 2] {
    let fcs = packet.iter().fold(START, |fcs, &octet| step(fcs, octet));
    (!fcs).to_le_bytes()
}

/// The checksum of octets that come one by one, as behind the packet of a frame.
#[derive(Clone, Copy, Debug)]
pub struct Fcs(u16);

impl Default for Fcs {
    fn default() -> Self {
        Self::new()
    }
}

impl Fcs {
    /// Of no octets.
    #[must_use]
    pub const fn new() -> Self {
        Self(START)
    }

    /// Takes one more octet in.
    pub const fn push(&mut self, octet: u8) {
        self.0 = step(self.0, octet);
    }

    /// What is to be written behind the octets.
    #[must_use]
    pub const fn octets(self) -> [u8; 2] {
        (!self.0).to_le_bytes()
    }

    /// Whether the octets and their checksum behind them were not damaged.
    #[must_use]
    pub const fn is_good(self) -> bool {
        self.0 == GOOD
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bit by bit, as the polynomial x^16 + x^12 + x^5 + 1 says.
    fn by_definition(fcs: u16, octet: u8) -> u16 {
        (0..8).fold(fcs ^ u16::from(octet), |fcs, _| match fcs & 1 {
            1 => (fcs >> 1) ^ 0x8408,
            _ => fcs >> 1,
        })
    }

    #[test]
    fn a_step_is_what_the_polynomial_says_for_every_state_and_octet() {
        // In the octet and the low half the step is linear; so is the definition. Every
        // state once, and every octet once, is every case.
        for state in 0..=u16::MAX {
            assert_eq!(step(state, 0), by_definition(state, 0), "{state:#x}");
        }
        for octet in 0..=u8::MAX {
            assert_eq!(
                step(START, octet),
                by_definition(START, octet),
                "{octet:#x}"
            );
        }
    }

    #[test]
    fn the_catalogue_s_check_value() {
        assert_eq!(of(b"123456789"), 0x906E_u16.to_le_bytes());
    }

    #[test]
    fn octets_with_their_checksum_leave_the_good_remainder() {
        let mut fcs = Fcs::new();
        b"123456789".iter().for_each(|&octet| fcs.push(octet));
        assert!(!fcs.is_good());
        assert_eq!(fcs.octets(), of(b"123456789"));
        fcs.octets().into_iter().for_each(|octet| fcs.push(octet));
        assert!(fcs.is_good());
        let mut whole = [0; 11];
        whole[..9].copy_from_slice(b"123456789");
        whole[9..].copy_from_slice(&of(b"123456789"));
        assert_eq!(
            whole.iter().fold(START, |fcs, &octet| step(fcs, octet)),
            GOOD
        );
    }
}
