//! Choices that a seed decides: the same seed makes the same choices again.

use std::hash::{DefaultHasher, Hash, Hasher};

/// A source of choices.
#[derive(Clone, Debug)]
pub struct Chance {
    seed: u64,
    drawn: u64,
}

impl Chance {
    pub fn new(seed: u64) -> Chance {
        Chance { seed, drawn: 0 }
    }

    /// Another source, for one purpose: what others draw does not change it.
    pub fn of(&self, purpose: impl Hash) -> Chance {
        Chance::new(hash((self.seed, purpose)))
    }

    /// A number from zero to below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.drawn += 1;
        hash((self.seed, self.drawn)) % bound
    }

    /// True once in `times`.
    pub fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }
}

fn hash(what: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
}
