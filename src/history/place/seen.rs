//! Which of a series' samples have come already, as far as a board's counts tell.

use std::collections::VecDeque;

use crate::history::sample::Origin;

/// So far back from the highest count each one is remembered.
const WINDOW: u32 = 1024;
/// Of so many starts of a board; the one that was silent for the longest is forgotten.
const BOOTS: usize = 4;

/// Whether a sample has come before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    New,
    Doubled,
    /// It is too old to say; [`place`](super::place) knows, for chunks keep origins.
    Unsure,
}

/// What has come of one series: about 600 bytes, whatever comes.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// The one that spoke last is at the end.
    boots: VecDeque<Boot>,
}

#[derive(Clone, Debug)]
struct Boot {
    boot: u32,
    highest: u32,
    /// One bit for each count from `highest` down, at the count's place modulo [`WINDOW`].
    bits: [u64; WINDOW as usize / 64],
}

impl Seen {
    /// Judges a sample, and remembers it.
    pub fn judge(&mut self, origin: Origin) -> Verdict {
        let place = self.boots.iter().position(|one| one.boot == origin.boot);
        let known = place.and_then(|place| self.boots.remove(place));
        let (mut boot, verdict) = match known {
            Some(mut boot) => {
                let verdict = boot.judge(origin.sequence);
                (boot, verdict)
            }
            None => (Boot::new(origin), Verdict::New),
        };
        boot.mark(origin.sequence, verdict);
        if self.boots.len() == BOOTS {
            self.boots.pop_front();
        }
        self.boots.push_back(boot);
        verdict
    }
}

impl Boot {
    fn new(origin: Origin) -> Boot {
        Boot {
            boot: origin.boot,
            highest: origin.sequence,
            bits: [0; WINDOW as usize / 64],
        }
    }

    fn judge(&mut self, sequence: u32) -> Verdict {
        let ahead = sequence.wrapping_sub(self.highest);
        if ahead != 0 && ahead <= u32::MAX / 2 {
            self.advance(ahead);
            return Verdict::New;
        }
        let behind = self.highest.wrapping_sub(sequence);
        if behind >= WINDOW {
            return Verdict::Unsure;
        }
        let (word, bit) = place(sequence);
        if self.bits[word] & bit == 0 {
            Verdict::New
        } else {
            Verdict::Doubled
        }
    }

    /// Forgets what falls out of the window.
    fn advance(&mut self, by: u32) {
        for step in 1..=by.min(WINDOW) {
            let (word, bit) = place(self.highest.wrapping_add(step));
            self.bits[word] &= !bit;
        }
        self.highest = self.highest.wrapping_add(by);
    }

    fn mark(&mut self, sequence: u32, verdict: Verdict) {
        if verdict == Verdict::New {
            let (word, bit) = place(sequence);
            self.bits[word] |= bit;
        }
    }
}

fn place(sequence: u32) -> (usize, u64) {
    let place = sequence % WINDOW;
    ((place / 64) as usize, 1 << (place % 64))
}
