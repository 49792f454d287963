//! Whose turn it was: the order in which series spoke. Mostly each speaks after the
//! same one as before, and then it costs nothing.

use std::collections::HashMap;

use crate::history::column::bytes::{Input, put_count};
use crate::history::column::{DecodeError, ints};

/// The series of a block, by when they first spoke, and which of them each entry is of.
#[derive(Debug)]
pub struct Turns {
    known: Vec<u32>,
    /// Indexes of `known`.
    turns: Vec<usize>,
}

impl Turns {
    pub fn of(series: impl Iterator<Item = u32>) -> Turns {
        let mut places = HashMap::new();
        let mut known = Vec::new();
        let turn = |series| {
            *places.entry(series).or_insert_with(|| {
                known.push(series);
                known.len() - 1
            })
        };
        let turns = series.map(turn).collect();
        Turns { known, turns }
    }

    /// The series of each entry.
    pub fn series(&self) -> impl Iterator<Item = u32> {
        self.turns.iter().map(|turn| self.known[*turn])
    }

    /// How many entries each series has.
    pub fn lengths(&self) -> Vec<usize> {
        let mut lengths = vec![0; self.known.len()];
        for turn in &self.turns {
            lengths[*turn] += 1;
        }
        lengths
    }

    /// Places of the entries, series after series.
    pub fn by_series(&self) -> Vec<usize> {
        let mut places: Vec<usize> = (0..self.turns.len()).collect();
        places.sort_by_key(|place| self.turns[*place]);
        places
    }

    pub fn write(&self, out: &mut Vec<u8>) {
        put_count(out, self.known.len());
        let known: Vec<i64> = self.known.iter().map(|series| i64::from(*series)).collect();
        ints::write(out, &known);
        let mut guess = Guess::new(self.known.len());
        let surprise = |turn: &usize| {
            let surprise = if guess.next() == *turn { 0 } else { turn + 1 };
            guess.was(*turn);
            surprise as i64
        };
        let surprises: Vec<i64> = self.turns.iter().map(surprise).collect();
        ints::write(out, &surprises);
    }

    pub fn read(input: &mut Input<'_>, count: usize) -> Result<Turns, DecodeError> {
        let known = input.count()?;
        if known > count {
            return Err(DecodeError::Malformed("a series has no entry"));
        }
        let series = |number| u32::try_from(number).ok();
        let known: Option<Vec<u32>> = ints::read(input, known)?.into_iter().map(series).collect();
        let known = known.ok_or(DecodeError::Malformed("a series is unknown"))?;
        let mut guess = Guess::new(known.len());
        let turn = |surprise: i64| {
            let turn = match usize::try_from(surprise) {
                Ok(0) => guess.next(),
                Ok(turn) => turn - 1,
                Err(_) => usize::MAX,
            };
            if turn >= known.len() {
                return Err(DecodeError::Malformed("a turn is nobody's"));
            }
            guess.was(turn);
            Ok(turn)
        };
        let turns = ints::read(input, count)?.into_iter();
        let turns = turns.map(turn).collect::<Result<_, _>>()?;
        Ok(Turns { known, turns })
    }
}

/// Guesses who is next: who came the last time, or else somebody new.
struct Guess {
    after: Vec<Option<usize>>,
    last: Option<usize>,
    new: usize,
}

impl Guess {
    fn new(known: usize) -> Guess {
        Guess {
            after: vec![None; known],
            last: None,
            new: 0,
        }
    }

    fn next(&self) -> usize {
        let after = self.last.and_then(|last| self.after[last]);
        after.unwrap_or(self.new)
    }

    fn was(&mut self, turn: usize) {
        if let Some(last) = self.last {
            self.after[last] = Some(turn);
        }
        self.last = Some(turn);
        self.new = self.new.max(turn + 1);
    }
}
