//! Reads how often a rule runs: `mode`, `max`, `cooldown`, `at_most`,
//! `after_downtime` and `allow_cycle`.

use toml::de::DeValue;

use crate::config::item::Item;
use crate::config::problem::quoted;
use crate::config::table::Table;
use crate::home::duration;
use crate::rules::{AfterDowntime, Mode, Rate, RuleSettings};

/// How many runs wait or go on beside each other where `max` does not say.
const DEFAULT_MAX: u32 = 10;
const MAX: std::ops::RangeInclusive<u32> = 1..=100;
const CYCLES: std::ops::RangeInclusive<u32> = 1..=100;
const MOST_TIMES: u32 = 10_000;

const AFTER_DOWNTIME: [(&str, AfterDowntime); 3] = [
    ("fire", AfterDowntime::Fire),
    ("resume", AfterDowntime::Resume),
    ("skip", AfterDowntime::Skip),
];

#[derive(Clone, Copy)]
enum Word {
    Single,
    Restart,
    Queued,
    Parallel,
}

const MODES: [(&str, Word); 4] = [
    ("single", Word::Single),
    ("restart", Word::Restart),
    ("queued", Word::Queued),
    ("parallel", Word::Parallel),
];

/// What only a rule with actions says.
pub(super) fn read(table: &Table<'_>, rule: &mut RuleSettings) {
    rule.mode = read_mode(table);
    let cooldown = table.optional("cooldown", Item::duration);
    rule.cooldown = cooldown.unwrap_or_default();
    let after = table.optional("after_downtime", |item| item.choice(&AFTER_DOWNTIME));
    rule.after_downtime = after.unwrap_or_default();
}

/// What a rule with `keep` says too.
pub(super) fn read_bounds(table: &Table<'_>, rule: &mut RuleSettings) {
    rule.rate = table.optional("at_most", read_rate).unwrap_or_default();
    let cycles = table.optional("allow_cycle", |item| item.integer(CYCLES));
    rule.allow_cycle = cycles.unwrap_or(rule.allow_cycle);
}

fn read_mode(table: &Table<'_>) -> Mode {
    let item = table.item("mode");
    let word = item.and_then(|item| item.choice(&MODES));
    let unreadable = item.is_some() && word.is_none();
    let max = if unreadable || matches!(word, Some(Word::Queued | Word::Parallel)) {
        table.optional("max", |item| item.integer(MAX))
    } else {
        table.refuse(
            "max",
            "`max` says nothing without mode = \"queued\" or \"parallel\"",
            "leave it out, or write mode = \"queued\" (runs wait for their turn) or \
             \"parallel\" (runs go on beside each other)",
        );
        None
    };
    let max = max.unwrap_or(DEFAULT_MAX) as usize;
    match word {
        Some(Word::Restart) => Mode::Restart,
        Some(Word::Queued) => Mode::Queued { max },
        Some(Word::Parallel) => Mode::Parallel { max },
        Some(Word::Single) | None => Mode::Single,
    }
}

/// `"10 per 1h"`
fn read_rate(item: Item<'_>) -> Option<Rate> {
    const EXAMPLE: &str = "write how often in how long: \"10 per 1h\" or \"1 per 30s\"";
    let DeValue::String(text) = item.value() else {
        return item.expected("a text in quotes", EXAMPLE);
    };
    let split = text.split_once(" per ");
    let rate = split.and_then(|(times, per)| {
        let times: u32 = times.trim().parse().ok()?;
        Some((times, duration::parse(per.trim()).ok()?))
    });
    let Some((times, per)) = rate else {
        return item.wrong(format!("{} does not say how often", quoted(text)), EXAMPLE);
    };
    if !(1..=MOST_TIMES).contains(&times) {
        let message = format!("`at_most` must be from 1 to {MOST_TIMES} times");
        return item.wrong(message, EXAMPLE);
    }
    if per.is_zero() {
        return item.wrong("`at_most` needs a time to count in", EXAMPLE);
    }
    Some(Rate { times, per })
}
