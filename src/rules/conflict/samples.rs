//! Values that two expressions are tried with.
//!
//! An input is given what it is compared with, and a little more and less; each
//! expression is cut at `&&`, `||`, `?` and `:` to find that out. All
//! combinations are tried where there are few, and else a fixed choice of them.

use std::collections::{BTreeMap, BTreeSet};

use crate::clock::UtcMillis;
use crate::home::Value;
use crate::rules::asked::{Input, Kind};

/// So many combinations are tried at most.
const MOST: usize = 50_000;

/// Inputs, each with what it may be.
#[derive(Debug)]
pub(super) struct Samples {
    inputs: Vec<Input>,
    candidates: Vec<Vec<Option<Value>>>,
    /// Each input that asks for the age of a value that another one asks for.
    ages: Vec<(usize, usize)>,
}

/// One combination.
#[derive(Debug)]
pub(super) struct Seen<'a> {
    samples: &'a Samples,
    /// Which candidate, for each input.
    chosen: &'a [usize],
}

impl Samples {
    /// Makes candidates for the inputs of these texts.
    pub fn new<'a>(inputs: impl IntoIterator<Item = &'a Input>, texts: [&str; 2]) -> Samples {
        let mut distinct: Vec<Input> = Vec::new();
        for input in inputs {
            let input = one_time(input);
            if !distinct.contains(&input) {
                distinct.push(input);
            }
        }
        let compared = compared_with(&distinct, &texts);
        let candidates = distinct.iter().zip(compared);
        Samples {
            candidates: candidates
                .map(|(input, with)| candidates_of(input, &with))
                .collect(),
            ages: ages(&distinct),
            inputs: distinct,
        }
    }

    /// Where an input stands; it is one of those that the samples were made for.
    pub fn slot(&self, input: &Input) -> usize {
        let wanted = one_time(input);
        let slot = self.inputs.iter().position(|one| *one == wanted);
        slot.unwrap_or_default()
    }

    /// Tries until one combination will do.
    pub fn any(&self, mut will_do: impl FnMut(&Seen<'_>) -> bool) -> bool {
        let sizes: Vec<usize> = self.candidates.iter().map(Vec::len).collect();
        let all = sizes
            .iter()
            .try_fold(1usize, |all, size| all.checked_mul(*size));
        let mut random = Random(0x9E37_79B9_7F4A_7C15);
        let mut chosen = vec![0; sizes.len()];
        let exhaustive = all.is_some_and(|all| all <= MOST);
        for nth in 0..all.unwrap_or(MOST).min(MOST) {
            let mut rest = nth;
            for (chosen, size) in chosen.iter_mut().zip(&sizes) {
                *chosen = match exhaustive {
                    true => rest % size,
                    false => random.below(*size),
                };
                rest /= size;
            }
            let seen = Seen {
                samples: self,
                chosen: &chosen,
            };
            if seen.can_be() && will_do(&seen) {
                return true;
            }
        }
        false
    }
}

impl Seen<'_> {
    /// What an input is answered, whose place [`Samples::slot`] told.
    pub fn answer(&self, input: &Input, slot: usize) -> Option<Value> {
        let value = self.get(slot);
        match input.kind {
            Kind::Clock => input.at(moment(value)?),
            _ => value.cloned(),
        }
    }

    fn get(&self, nth: usize) -> Option<&Value> {
        self.samples.candidates[nth][self.chosen[nth]].as_ref()
    }

    /// A topic with a value has an age.
    fn can_be(&self) -> bool {
        let mut ages = self.samples.ages.iter();
        ages.all(|(age, value)| self.get(*age).is_some() || self.get(*value).is_none())
    }

    /// `home/pond/level is 5 and home/pond/mode is auto`
    pub fn example(&self) -> String {
        let parts =
            self.samples
                .inputs
                .iter()
                .enumerate()
                .map(|(nth, input)| match self.get(nth) {
                    value if input.kind == Kind::Clock => {
                        input.shown_at(moment(value).unwrap_or_default())
                    }
                    Some(value) => format!("{} is {value}", input.shown),
                    None => format!("{} has no value", input.shown),
                });
        parts.collect::<Vec<_>>().join(" and ")
    }
}

/// It is one time for all that ask for it.
fn one_time(input: &Input) -> Input {
    match input.kind {
        Kind::Clock => input.moment(),
        _ => input.clone(),
    }
}

fn ages(inputs: &[Input]) -> Vec<(usize, usize)> {
    let of = |kind| {
        let all = inputs.iter().enumerate();
        all.filter(move |(_, input)| input.kind == kind)
    };
    of(Kind::Seconds)
        .flat_map(|(age, aged)| {
            let values = of(Kind::Value).filter(|(_, value)| value.topic == aged.topic);
            values.map(move |(value, _)| (age, value))
        })
        .collect()
}

/// What stands beside each input in the texts.
fn compared_with(inputs: &[Input], texts: &[&str]) -> Vec<Literals> {
    let mut compared = vec![Literals::default(); inputs.len()];
    for part in texts.iter().flat_map(|text| parts(text)) {
        let named: Vec<usize> = (0..inputs.len())
            .filter(|nth| part.texts.contains(&inputs[*nth].topic))
            .collect();
        for nth in &named {
            compared[*nth].join(&part, named.len() > 1);
        }
    }
    // What is compared with each other, the one against what the other is held against.
    for part in texts.iter().flat_map(|text| parts(text)) {
        let named = |nth: &usize| part.texts.contains(&inputs[*nth].topic);
        let named: Vec<usize> = (0..inputs.len()).filter(named).collect();
        let mut together = Literals::default();
        for nth in &named {
            together.join(&compared[*nth], false);
        }
        // Room for one to be more than another that is more than a number.
        if named.len() > 1 {
            let numbers: Vec<f64> = together.numbers.values().copied().collect();
            for number in numbers {
                together.number(number + 1.0);
                together.number(number - 1.0);
            }
        }
        for nth in named {
            compared[nth].join(&together, false);
        }
    }
    compared
}

/// The literals of a part of an expression.
#[derive(Clone, Debug, Default)]
struct Literals {
    texts: BTreeSet<String>,
    /// As they are written, so that they can be ordered.
    numbers: BTreeMap<String, f64>,
}

impl Literals {
    fn join(&mut self, other: &Literals, several: bool) {
        self.texts.extend(other.texts.iter().cloned());
        for number in other.numbers.values() {
            self.number(*number);
            // A sum or difference of two inputs.
            if several {
                self.number(0.0);
                self.number(-number - 1.0);
                self.number(number * 2.0 + 1.0);
            }
        }
    }

    fn number(&mut self, number: f64) {
        self.numbers.insert(number.to_string(), number);
    }
}

/// Cuts an expression where one comparison ends and the next begins.
fn parts(text: &str) -> Vec<Literals> {
    let mut parts = vec![Literals::default()];
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let part = parts.len() - 1;
        let length = match c {
            '\'' | '"' => {
                let (string, length) = string(rest, c);
                parts[part].texts.insert(string);
                length
            }
            '0'..='9' => {
                let end = rest.find(|c: char| !(c.is_ascii_digit() || c == '.'));
                let digits = &rest[..end.unwrap_or(rest.len())];
                if let Ok(number) = digits.parse::<f64>() {
                    parts[part].number(number);
                    parts[part].number(-number);
                }
                digits.len()
            }
            '&' | '|' | '?' | ':' => {
                parts.push(Literals::default());
                1
            }
            // The digits of a name are no number.
            c if c.is_alphabetic() || c == '_' => {
                let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_'));
                end.unwrap_or(rest.len())
            }
            c => c.len_utf8(),
        };
        rest = &rest[length..];
    }
    parts
}

/// A quoted text at the beginning, and how long it is with its quotes.
fn string(text: &str, quote: char) -> (String, usize) {
    let mut inner = String::new();
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match (escaped, c) {
            (false, '\\') => escaped = true,
            (false, c) if c == quote => return (inner, at + c.len_utf8()),
            _ => {
                escaped = false;
                inner.push(c);
            }
        }
    }
    (inner, text.len())
}

/// Values first, so that an example is one that a person can picture.
fn candidates_of(input: &Input, with: &Literals) -> Vec<Option<Value>> {
    let numbers = numbers_around(with.numbers.values().copied());
    let mut values: Vec<Value> = Vec::new();
    match input.kind {
        Kind::Value => {
            let topics = |text: &&String| **text != input.topic;
            values.extend(
                with.texts
                    .iter()
                    .filter(topics)
                    .map(|text| Value::parse(text)),
            );
            values.extend(numbers.into_iter().map(Value::Number));
            values.extend([Value::Switch(true), Value::Switch(false)]);
        }
        Kind::Number => values.extend(numbers.into_iter().map(Value::Number)),
        Kind::Clock => return moments(),
        Kind::Seconds => {
            let seconds = numbers.into_iter().filter(|number| *number >= 0.0);
            values.extend(seconds.map(Value::Number));
        }
    }
    let mut candidates: Vec<Option<Value>> = Vec::new();
    for value in values.into_iter().map(Some).chain([None]) {
        if !candidates.contains(&value) {
            candidates.push(value);
        }
    }
    candidates
}

/// Every half hour of a week in each season, in UTC milliseconds.
fn moments() -> Vec<Option<Value>> {
    const HALF_HOUR: u32 = 1_800_000;
    const SEASON: u32 = 91 * 48;
    let starts = (0..4).map(|season| season * SEASON);
    let halves = starts.flat_map(|start| start..start + 7 * 48);
    let moments = halves.map(|half| f64::from(half) * f64::from(HALF_HOUR));
    moments.map(|moment| Some(Value::Number(moment))).collect()
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "whole milliseconds of one year"
)]
fn moment(value: Option<&Value>) -> Option<UtcMillis> {
    Some(UtcMillis(value?.as_number()? as i64))
}

/// Each number, a little less, a little more, and something between each two of them;
/// small and round ones first.
fn numbers_around(literals: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut literals: Vec<f64> = literals.collect();
    literals.sort_by(f64::total_cmp);
    let mut numbers: Vec<f64> = literals
        .iter()
        .flat_map(|number| [*number, number + 1.0, number - 1.0])
        .collect();
    for pair in literals.windows(2) {
        let is_between = |number: &f64| *number > pair[0] && *number < pair[1];
        if !numbers.iter().any(is_between) {
            numbers.push(f64::midpoint(pair[0], pair[1]));
        }
    }
    let is_broken = |number: &f64| number.fract() != 0.0;
    numbers.sort_by(|a, b| {
        let size = a.abs().total_cmp(&b.abs()).then(b.total_cmp(a));
        is_broken(a).cmp(&is_broken(b)).then(size)
    });
    numbers.dedup();
    numbers
}

/// The same choice each time (Vigna's splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        usize::try_from(mixed % limit.max(1) as u64).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_found_beside_their_inputs() {
        let parts = parts("value('a') < 5.5 && (value('b2') == 'it\\'s' || !x9)");
        assert!(parts[0].texts.contains("a") && parts[0].numbers.contains_key("5.5"));
        assert!(parts.iter().any(|part| part.texts.contains("it's")));
        assert!(parts.iter().all(|part| !part.numbers.contains_key("9")));
    }

    #[test]
    fn the_choice_is_always_the_same() {
        let inputs: Vec<Input> = (0..12).map(|n| Input::value(&format!("t{n}"))).collect();
        let text: Vec<String> = (0..12).map(|n| format!("value('t{n}') > {n}")).collect();
        let samples = Samples::new(&inputs, [&text.join(" && "), ""]);
        let all = || {
            let mut all = Vec::new();
            samples.any(|seen| {
                all.push(seen.example());
                false
            });
            all
        };
        assert_eq!(all().len(), MOST);
        assert!(all() == all());
    }
}
