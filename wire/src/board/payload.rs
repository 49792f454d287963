//! States and commands, in ASCII: `on`, `off`, a decimal integer, `?` from a sensor that
//! does not answer; and behind it, after a space, the id of a command: `on 17`.
//!
//! The board answers a command with the state that it read back, or with `!bad 17` or
//! `!slot 17`. A command that is overtaken by a later one for the same slot gets no
//! answer of its own.

use super::thing::Kind;

/// The longest payload of a state: `-2147483648 65535`, rounded up.
const ROOM: usize = 18;

const BAD: &[u8] = b"!bad";
const SLOT: &[u8] = b"!slot";

/// A state as a board knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// `on` or `off`.
    Switch(bool),
    /// Hundredths of a degree and the like.
    Signed(i16),
    /// Counts, pulses, duty, degrees.
    Count(u32),
    /// `?`
    Unknown,
    /// `!bad`: the command's value was not understood.
    BadValue,
    /// `!slot`: no output is there.
    NoOutput,
}

impl Value {
    /// The payload, with the id of the command that it answers.
    #[must_use]
    pub fn write(self, id: Option<u16>) -> Written {
        let mut to = Written {
            octets: [0; ROOM],
            length: 0,
        };
        match self {
            Self::Switch(true) => to.text(b"on"),
            Self::Switch(false) => to.text(b"off"),
            Self::Signed(value) => {
                if value < 0 {
                    to.text(b"-");
                }
                to.number(u32::from(value.unsigned_abs()));
            }
            Self::Count(value) => to.number(value),
            Self::Unknown => to.text(b"?"),
            Self::BadValue => to.text(BAD),
            Self::NoOutput => to.text(SLOT),
        }
        if let Some(id) = id {
            to.text(b" ");
            to.number(u32::from(id));
        }
        to
    }
}

/// A payload that was written.
#[derive(Clone, Copy, Debug)]
pub struct Written {
    octets: [u8; ROOM],
    length: u8,
}

impl Written {
    /// Its octets.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.octets
            .get(..usize::from(self.length))
            .unwrap_or_default()
    }

    #[inline(never)]
    fn text(&mut self, text: &[u8]) {
        text.iter().for_each(|&octet| self.put(octet));
    }

    fn put(&mut self, octet: u8) {
        if let Some(place) = self.octets.get_mut(usize::from(self.length)) {
            *place = octet;
            self.length = self.length.wrapping_add(1);
        }
    }

    /// Its digits come out from the last one on, and are turned round.
    #[inline(never)]
    fn number(&mut self, value: u32) {
        let start = usize::from(self.length);
        let mut rest = value;
        loop {
            let (tenth, digit) = divide_by_ten(rest);
            self.put(b'0' | digit);
            rest = tenth;
            if rest == 0 {
                break;
            }
        }
        if let Some(digits) = self.octets.get_mut(start..usize::from(self.length)) {
            digits.reverse();
        }
    }
}

/// Bit by bit: the division of an Uno's compiler takes a kilobyte.
fn divide_by_ten(value: u32) -> (u32, u8) {
    let (mut quotient, mut rest) = (value, 0_u8);
    for _ in 0..u32::BITS {
        rest = rest << 1 | u8::from(quotient >= 1 << 31);
        quotient <<= 1;
        if rest >= 10 {
            rest = rest.wrapping_sub(10);
            quotient |= 1;
        }
    }
    (quotient, rest)
}

/// A command, as the board reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Command<'a> {
    /// The wanted state.
    pub wanted: &'a [u8],
    /// Comes back with the state that was read; without one the state is reported alone.
    pub id: Option<u16>,
}

impl<'a> Command<'a> {
    /// Everything is a command; whether it can be obeyed, [`level`](Self::level) says.
    #[must_use]
    pub fn parse(payload: &'a [u8]) -> Self {
        let (wanted, id) = split(payload);
        Self { wanted, id }
    }

    /// The level that an output of this kind shall have; `None`: it cannot have it.
    #[must_use]
    pub fn level(&self, kind: Kind) -> Option<u8> {
        match (kind, self.wanted) {
            (Kind::Relay, b"on") => Some(1),
            (Kind::Relay, b"off") => Some(0),
            (Kind::Pwm | Kind::Servo, digits) => {
                let [high, low] = number(digits)?.to_be_bytes();
                (high == 0 && low <= kind.highest()).then_some(low)
            }
            _ => None,
        }
    }
}

/// What a board said, as the gateway reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report<'a> {
    /// A state or a refusal.
    pub said: Said<'a>,
    /// Of the command that it answers.
    pub id: Option<u16>,
}

/// A state or a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said<'a> {
    /// As it goes to the broker: `on`, `21`, `?`.
    State(&'a str),
    /// The command's value was not understood.
    BadValue,
    /// No output is there.
    NoOutput,
}

impl<'a> Report<'a> {
    /// `None`: not what a board of this version says.
    #[must_use]
    pub fn parse(payload: &'a [u8]) -> Option<Self> {
        let (state, id) = split(payload);
        let said = match state {
            BAD => Said::BadValue,
            SLOT => Said::NoOutput,
            _ => Said::State(state_text(state)?),
        };
        Some(Self { said, id })
    }
}

fn state_text(state: &[u8]) -> Option<&str> {
    let digits = state.strip_prefix(b"-").unwrap_or(state);
    let number = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    let known = number && state.len() <= ROOM || matches!(state, b"on" | b"off" | b"?");
    known.then(|| core::str::from_utf8(state).ok())?
}

/// The payload of a command, written to the start of `buffer`; how many octets it has.
/// `None`: the buffer is too short.
#[must_use]
pub fn write_command(wanted: &str, id: u16, buffer: &mut [u8]) -> Option<usize> {
    let digits = Value::Count(u32::from(id)).write(None);
    let parts = [wanted.as_bytes(), b" ", digits.as_bytes()];
    let mut places = buffer.iter_mut();
    let mut length = 0_usize;
    for octet in parts.into_iter().flatten() {
        *places.next()? = *octet;
        length = length.saturating_add(1);
    }
    Some(length)
}

/// At the first space, if a command's id follows.
fn split(payload: &[u8]) -> (&[u8], Option<u16>) {
    let mut spaces = payload.splitn(2, |&octet| octet == b' ');
    match (spaces.next(), spaces.next().and_then(number)) {
        (Some(wanted), Some(id)) => (wanted, Some(id)),
        _ => (payload, None),
    }
}

/// Decimal digits up to 65535.
#[inline(never)]
fn number(digits: &[u8]) -> Option<u16> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u16, |value, octet| {
        let digit = octet.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value.checked_mul(10)?.checked_add(u16::from(digit))
    })
}
