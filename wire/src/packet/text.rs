//! Text in a packet. It was checked when it was read, so that whoever holds one need
//! not doubt it; the check has no table, which an Uno would keep in its memory.

use core::fmt;

/// UTF-8 of any length.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Text<'a>(&'a [u8]);

impl<'a> Text<'a> {
    /// `None` if the octets are not UTF-8.
    #[must_use]
    pub fn from_bytes(bytes: &'a [u8]) -> Option<Self> {
        is_utf8(bytes).then_some(Self(bytes))
    }

    /// The octets.
    #[must_use]
    pub const fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// The text. For the gateway: on an Uno this brings a table of 256 octets along.
    #[must_use]
    pub fn as_str(self) -> &'a str {
        // Never the default: every way to a Text leads through the check.
        core::str::from_utf8(self.0).unwrap_or_default()
    }

    /// In characters, not in octets.
    #[must_use]
    pub fn chars(self) -> usize {
        self.0
            .iter()
            .filter(|&&byte| !is_continuation(byte))
            .count()
    }
}

impl<'a> From<&'a str> for Text<'a> {
    fn from(text: &'a str) -> Self {
        Self(text.as_bytes())
    }
}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

const fn is_continuation(byte: u8) -> bool {
    byte & 0b1100_0000 == 0b1000_0000
}

/// RFC 3629, section 4: no character in more octets than it needs, no surrogates,
/// nothing above U+10FFFF.
fn is_utf8(mut bytes: &[u8]) -> bool {
    while let Some((&first, rest)) = bytes.split_first() {
        let Some(rest) = after_character(first, rest) else {
            return false;
        };
        bytes = rest;
    }
    true
}

fn after_character(first: u8, rest: &[u8]) -> Option<&[u8]> {
    let (more, low, high) = match first {
        0x00..=0x7F => return Some(rest),
        0xC2..=0xDF => (1, 0x80, 0xBF),
        0xE0 => (2, 0xA0, 0xBF),
        0xED => (2, 0x80, 0x9F),
        0xE1..=0xEF => (2, 0x80, 0xBF),
        0xF0 => (3, 0x90, 0xBF),
        0xF1..=0xF3 => (3, 0x80, 0xBF),
        0xF4 => (3, 0x80, 0x8F),
        _ => return None,
    };
    let (tail, after) = rest.split_at_checked(more)?;
    let (&second, others) = tail.split_first()?;
    let right = (low..=high).contains(&second) && others.iter().all(|&byte| is_continuation(byte));
    right.then_some(after)
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use proptest::prelude::*;

    /// Octets at the edges of the table in RFC 3629.
    const EDGES: &[u8] = &[
        0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1,
        0xEC, 0xED, 0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF,
    ];

    #[test]
    fn agrees_with_the_standard_library_at_every_edge() {
        for &a in EDGES {
            for &b in EDGES {
                for &c in EDGES {
                    for &d in EDGES {
                        let bytes = [a, b, c, d];
                        let right = core::str::from_utf8(&bytes).is_ok();
                        assert_eq!(is_utf8(&bytes), right, "{bytes:x?}");
                    }
                }
            }
        }
    }

    proptest! {
        #[test]
        fn agrees_with_the_standard_library(bytes: std::vec::Vec<u8>) {
            prop_assert_eq!(is_utf8(&bytes), core::str::from_utf8(&bytes).is_ok());
        }

        #[test]
        fn every_string_is_text_of_as_many_characters(text: std::string::String) {
            let read = Text::from_bytes(text.as_bytes());
            prop_assert_eq!(read.map(Text::as_str), Some(text.as_str()));
            prop_assert_eq!(read.map(Text::chars), Some(text.chars().count()));
        }
    }
}
