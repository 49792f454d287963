//! The client id of a board: `uno-` and eight hexadecimal digits, which it drew once in
//! its life.

/// The length of a board's client id.
pub const CLIENT_ID: usize = 12;

const PREFIX: &str = "uno-";

/// The client id of a board, in ASCII.
#[must_use]
pub fn client_id(id: u32) -> [u8; CLIENT_ID] {
    let mut text = *b"uno-00000000";
    let mut rest = id;
    for place in text.iter_mut().rev().take(8) {
        *place = digit(rest.to_le_bytes()[0] & 0x0F);
        rest >>= 4;
    }
    text
}

const fn digit(value: u8) -> u8 {
    match value {
        0..=9 => b'0'.saturating_add(value),
        _ => b'a'.saturating_sub(10).saturating_add(value),
    }
}

/// The number in a board's client id; `None` if it is of another client.
#[must_use]
pub fn of_client_id(text: &str) -> Option<u32> {
    let digits = text.strip_prefix(PREFIX)?;
    let lower = |octet: u8| octet.is_ascii_digit() || (b'a'..=b'f').contains(&octet);
    if digits.len() != 8 || !digits.bytes().all(lower) {
        return None;
    }
    u32::from_str_radix(digits, 16).ok()
}
