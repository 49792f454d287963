//! Finds the speed of a serial line: what arrives at a wrong one is not text.
//!
//! Boards with USB of their own (Leonardo, Pico, most ESP32) and ptys have no
//! speed and read as text at the first try. 1200 Bd is never tried: it
//! resets such boards into their bootloader.

use std::time::Duration;

use crate::clock::Moment;

/// In the order in which they are tried; Arduino's examples use the first.
pub(super) const RATES: [u32; 7] = [9600, 115_200, 57_600, 38_400, 19_200, 4800, 230_400];
/// This many bytes are enough to judge.
const SAMPLE: usize = 64;
/// So few do after a while: at a slower speed a board's line, or a frame, is a byte or two.
const FEW: usize = 4;
const WHILE: Duration = Duration::from_secs(1);
/// Between what a board says at once and what it says next.
const PAUSE: Duration = Duration::from_millis(20);
/// Each speed is listened to for as long, for a byte of noise must not decide.
const LISTEN: Duration = Duration::from_millis(250);
/// What arrives just after a change was sent before it.
const SETTLE: Duration = Duration::from_millis(50);
/// A line that read as text and then gives as many other bytes has changed.
const DOUBT: usize = 2048;
/// When no speed gives text, the round begins again after this.
const REST: Duration = Duration::from_secs(30);

/// What to do with bytes that arrived.
#[derive(Debug, PartialEq)]
pub(super) enum Heard {
    /// They are to be read, with those kept back before.
    Read(Vec<u8>),
    /// They are kept until more is known.
    Listen,
    /// Go on at another speed. After a whole round in vain, `thrown` tells the
    /// bytes that were no text at any.
    Change { baud: u32, thrown: usize },
}

#[derive(Debug)]
pub(super) struct Tuner {
    rate: usize,
    state: State,
    /// Speeds tried in this round.
    tried: usize,
    /// Bytes that were no text in this round.
    thrown: usize,
}

#[derive(Debug)]
enum State {
    /// The user has said the speed.
    Fixed(u32),
    Listening {
        since: Moment,
        held: Vec<u8>,
        /// When something last came.
        last: Moment,
    },
    /// Bytes in a row that are no text.
    Settled {
        doubt: usize,
    },
    Resting {
        until: Moment,
    },
}

impl Tuner {
    /// A tuner that keeps to `baud` if it is given.
    pub fn new(baud: Option<u32>, now: Moment) -> Tuner {
        let state = match baud {
            Some(baud) => State::Fixed(baud),
            None => listening(now),
        };
        Tuner {
            rate: 0,
            state,
            tried: 0,
            thrown: 0,
        }
    }

    /// The speed to open the port with.
    pub fn baud(&self) -> u32 {
        match self.state {
            State::Fixed(baud) => baud,
            _ => RATES[self.rate],
        }
    }

    /// The port was opened again; the speed found last is tried first.
    pub fn opened(&mut self, now: Moment) {
        if !matches!(self.state, State::Fixed(_)) {
            self.state = listening(now);
            (self.tried, self.thrown) = (0, 0);
        }
    }

    /// Whether the user has said the speed.
    pub fn is_fixed(&self) -> bool {
        matches!(self.state, State::Fixed(_))
    }

    /// Something else than text has proved that this is the right speed.
    pub fn settle(&mut self) {
        if !matches!(self.state, State::Fixed(_)) {
            self.state = State::Settled { doubt: 0 };
            (self.tried, self.thrown) = (0, 0);
        }
    }

    /// Judges what arrived.
    pub fn hear(&mut self, bytes: &[u8], now: Moment) -> Heard {
        match &mut self.state {
            State::Fixed(_) => Heard::Read(bytes.to_vec()),
            State::Resting { until } if now < *until => Heard::Read(bytes.to_vec()),
            State::Resting { .. } => self.change(bytes.len(), now),
            State::Settled { doubt } => {
                *doubt = if mostly_text(bytes) {
                    0
                } else {
                    *doubt + bytes.len()
                };
                if *doubt < DOUBT {
                    return Heard::Read(bytes.to_vec());
                }
                self.change(bytes.len(), now)
            }
            State::Listening { .. } => self.listen(bytes, now),
        }
    }

    fn listen(&mut self, bytes: &[u8], now: Moment) -> Heard {
        let State::Listening { since, held, last } = &mut self.state else {
            return Heard::Listen;
        };
        if self.tried > 0 && now.since(*since) < SETTLE {
            return Heard::Listen;
        }
        // What goes on coming may be a frame that is not whole yet.
        let is_over = now.since(std::mem::replace(last, now)) >= PAUSE;
        let few = held.len() >= FEW && !mostly_text(held);
        if is_over && few && now.since(*since) >= WHILE {
            let thrown = held.len() + bytes.len();
            return self.change(thrown, now);
        }
        held.extend_from_slice(bytes);
        if has_text_line(held) || (held.len() >= SAMPLE && mostly_text(held)) {
            let held = std::mem::take(held);
            self.state = State::Settled { doubt: 0 };
            (self.tried, self.thrown) = (0, 0);
            return Heard::Read(held);
        }
        if held.len() < SAMPLE {
            return Heard::Listen;
        }
        // What matters is judged from the latest bytes; the start may be noise.
        let surplus = held.len().saturating_sub(SAMPLE);
        held.drain(..surplus);
        if now.since(*since) < LISTEN {
            return Heard::Listen;
        }
        let thrown = held.len() + surplus;
        self.change(thrown, now)
    }

    fn change(&mut self, thrown: usize, now: Moment) -> Heard {
        self.rate = (self.rate + 1) % RATES.len();
        self.tried += 1;
        self.thrown += thrown;
        let baud = RATES[self.rate];
        if self.tried < RATES.len() {
            self.state = listening(now);
            return Heard::Change { baud, thrown: 0 };
        }
        self.tried = 0;
        self.state = State::Resting { until: now + REST };
        let thrown = std::mem::take(&mut self.thrown);
        Heard::Change { baud, thrown }
    }
}

fn listening(since: Moment) -> State {
    State::Listening {
        since,
        held: Vec::new(),
        last: since,
    }
}

pub(super) fn is_text(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\t' | b'\r' | b'\n')
}

/// At least nine bytes of ten.
fn mostly_text(bytes: &[u8]) -> bool {
    let text = bytes.iter().filter(|b| is_text(**b)).count();
    text * 10 >= bytes.len() * 9
}

/// Whether the last whole line is three or more characters of text: at a wrong
/// speed no byte with the pattern of a newline follows so many others.
fn has_text_line(bytes: &[u8]) -> bool {
    let Some(end) = bytes.iter().rposition(|b| *b == b'\n') else {
        return false;
    };
    let line = bytes[..end]
        .rsplit(|b| *b == b'\n')
        .next()
        .unwrap_or_default();
    line.len() >= 3 && line.iter().all(|b| is_text(*b))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a board that prints at `sent` looks like at `heard`.
    fn arrives(sent: u32, heard: u32) -> Vec<u8> {
        if sent == heard {
            b"temperature:21.5\r\nhumidity:40\r\n".to_vec()
        } else {
            [0x00, 0xf8, 0x80, 0x78, 0xfe, 0xe6, 0x06, 0x1e].repeat(5)
        }
    }

    #[test]
    fn every_usual_speed_is_found_within_a_round() {
        for sent in RATES {
            let mut tuner = Tuner::new(None, Moment(0));
            let read = (1..200).map(Moment).find_map(|at| {
                let now = Moment(at.0 * 60);
                match tuner.hear(&arrives(sent, tuner.baud()), now) {
                    Heard::Read(bytes) => Some(bytes),
                    _ => None,
                }
            });
            assert_eq!(read, Some(arrives(sent, sent)), "{sent}");
            assert_eq!(tuner.baud(), sent);
        }
    }

    /// A line each half second at 115,200 Bd is four bytes of noise at 9600.
    #[test]
    fn a_board_that_says_little_is_found_soon() {
        let mut tuner = Tuner::new(None, Moment(0));
        let found = (1..).map(|n| Moment(n * 500)).find(|now| {
            let bytes: &[u8] = match tuner.baud() {
                115_200 => b"temperature:19.8\r\nlux:348\r\n",
                _ => &[0xf6, 0xb1, 0xbd, 0xff],
            };
            matches!(tuner.hear(bytes, *now), Heard::Read(_))
        });
        assert_eq!(tuner.baud(), 115_200);
        assert!(found.is_some_and(|now| now <= Moment(2000)), "{found:?}");
    }

    #[test]
    fn half_a_line_is_waited_for() {
        let mut tuner = Tuner::new(None, Moment(0));
        assert_eq!(tuner.hear(b"temperat", Moment(5000)), Heard::Listen);
        assert_eq!(tuner.baud(), RATES[0]);
    }

    #[test]
    fn one_short_line_settles() {
        let mut tuner = Tuner::new(None, Moment(0));
        assert_eq!(tuner.hear(b"t:2", Moment(1)), Heard::Listen);
        assert_eq!(
            tuner.hear(b"1\n", Moment(2)),
            Heard::Read(b"t:21\n".to_vec())
        );
        assert_eq!(tuner.hear(b"\x00", Moment(3)), Heard::Read(vec![0]));
    }

    #[test]
    fn a_board_that_prints_no_text_is_left_in_peace_after_a_round() {
        let mut tuner = Tuner::new(None, Moment(0));
        let mut changes = 0;
        for at in 1..200 {
            if let Heard::Change { .. } = tuner.hear(&[0xf8; 64], Moment(at * 100)) {
                changes += 1;
            }
        }
        assert_eq!(changes, RATES.len());
    }

    #[test]
    fn a_given_speed_is_kept() {
        let mut tuner = Tuner::new(Some(57_600), Moment(0));
        assert_eq!(
            tuner.hear(&[0; 9000], Moment(9000)),
            Heard::Read(vec![0; 9000])
        );
        assert_eq!(tuner.baud(), 57_600);
    }

    #[test]
    fn a_line_that_turns_to_noise_is_tuned_again() {
        let mut tuner = Tuner::new(None, Moment(0));
        tuner.hear(b"t:21\n", Moment(1));
        let heard = (0..100).map(|i| tuner.hear(&[0xf8; 64], Moment(10 + i)));
        assert!(
            heard
                .into_iter()
                .any(|heard| matches!(heard, Heard::Change { .. }))
        );
    }
}
