//! Reads `[[history.series]]`: what is different for the topics of a pattern.

use toml::de::DeValue;

use crate::broker::topic::{SharedFilter, valid_filter};
use crate::config::item::Item;
use crate::config::problem::{Problem, quoted};
use crate::config::table::Table;
use crate::history::policy::NoKeep;
use crate::history::{Class, Keep, Pattern};
use crate::home::topic::ALL_RECORDED;

const CLASSES: [(&str, Class); 3] = [
    ("critical", Class::Critical),
    ("normal", Class::Normal),
    ("lazy", Class::Lazy),
];
const SAYS: [&str; 4] = ["class", "keep", "deadband", "record"];
const WIDEST: f64 = 1e9;

pub(super) fn read(history: &Table<'_>) -> Vec<Pattern> {
    let patterns = history.optional("series", |item| match item.value() {
        DeValue::Array(_) => item.list(pattern),
        _ => item.expected(
            "a list of tables",
            "write [[history.series]], with two brackets",
        ),
    });
    patterns.unwrap_or_default()
}

fn pattern(item: Item<'_>) -> Option<Pattern> {
    item.table("this series".to_owned(), |table| {
        let filter = table.required_hint(
            "topic",
            "say which: topic = \"home/greenhouse/humidity\", or many: \"home/+/humidity\"",
            |item| filter(table, item),
        );
        table.needs_any(
            &SAYS,
            "say what is different: class, keep, deadband or record",
        );
        let pattern = Pattern {
            filter: String::new(),
            class: table.optional("class", |item| item.choice(&CLASSES)),
            keep: table.optional("keep", keep),
            deadband: table.optional("deadband", |item| item.number_within(0.0..=WIDEST)),
            record: table.optional("record", Item::flag),
        };
        if pattern.record == Some(false) {
            nothing_else(table);
        }
        Some(Pattern {
            filter: filter?,
            ..pattern
        })
    })?
}

/// What is not recorded is neither kept nor thinned.
fn nothing_else(table: &Table<'_>) {
    for key in ["class", "keep", "deadband"] {
        let message = format!("`{key}` says nothing where nothing is recorded");
        table.refuse(key, &message, "leave it out, or record = false");
    }
}

pub(super) fn filter(table: &Table<'_>, item: Item<'_>) -> Option<String> {
    let text = item.text()?;
    if SharedFilter::parse(&text).is_some() || text.starts_with("$share/") {
        return item.wrong(
            format!("{} names a shared subscription", quoted(&text)),
            "write the topics alone, without `$share` and the group's name",
        );
    }
    if !valid_filter(&text) || text.chars().any(char::is_control) {
        return item.wrong(
            format!("{} is no pattern of topics", quoted(&text)),
            "`+` is one whole level (home/+/lamp), `#` all that follows and comes last (home/#)",
        );
    }
    if !ALL_RECORDED.iter().any(|all| can_match(&text, all)) {
        let message = format!("nothing that is recorded matches {}", quoted(&text));
        table.warning(
            Problem::at(item.spot(), message)
                .hint("the history holds home/<room>/<thing>, the commands below at …/set, and what rules hear: hearth/hook/<name>, hearth/rule/<rule>/press, hearth/rule/<rule>/set and hearth/board/<board>/status"),
        );
    }
    Some(text)
}

/// Whether some topic matches both; in `all`, a `+` may be any word.
fn can_match(filter: &str, all: &str) -> bool {
    let mut levels = all.split('/');
    for wanted in filter.split('/') {
        if wanted == "#" {
            return true;
        }
        let fits = match levels.next() {
            Some("+") => !wanted.is_empty(),
            Some(level) => wanted == "+" || wanted == level,
            None => false,
        };
        if !fits {
            return false;
        }
    }
    levels.next().is_none()
}

/// `"raw 30d, minutes 2y, hours forever"`
fn keep(item: Item<'_>) -> Option<Keep> {
    const EXAMPLE: &str =
        "write \"raw 30d, minutes 2y, hours forever\", or one time for all: \"30d\"";
    let text = item.text_as("a text in quotes", EXAMPLE)?;
    match Keep::parse(text) {
        Ok(keep) => Some(keep),
        Err(fault) => {
            let (message, hint) = explain(&fault, EXAMPLE);
            item.wrong(message, hint)
        }
    }
}

fn explain(fault: &NoKeep, example: &str) -> (String, String) {
    const TIME: &str = "write a whole number with h, d, w or y, such as \"30d\", or forever";
    match fault {
        NoKeep::Unknown(word) => (
            format!("{} is none of raw, minutes and hours", quoted(word)),
            example.to_owned(),
        ),
        NoKeep::Twice(name) => (fault.to_string(), format!("name `{name}` once")),
        NoKeep::NoTime(text) if text.is_empty() => {
            ("a time to keep is missing here".to_owned(), TIME.to_owned())
        }
        NoKeep::NoTime(text) => (
            format!("{} is no time to keep something", quoted(text)),
            TIME.to_owned(),
        ),
        NoKeep::OutOfRange(text) => (
            format!("{} is out of range", quoted(text)),
            "write a time from 1h to 100y, or forever".to_owned(),
        ),
        NoKeep::CoarserFirst(finer, coarser) => (
            format!("`{coarser}` would be gone before `{finer}`"),
            format!(
                "keep `{coarser}` as long as `{finer}` or longer, as old charts are drawn from it; \
                 what is not named is kept forever"
            ),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_that_can_match_what_is_recorded_are_told_from_others() {
        let fits = |filter| ALL_RECORDED.iter().any(|all| can_match(filter, all));
        for filter in [
            "#",
            "home/#",
            "home/+/temperature",
            "+/x/y",
            "home/x/y/set",
            "home/x/y/#",
            "hearth/#",
            "hearth/hook/doorbell",
            "hearth/board/+/status",
        ] {
            assert!(fits(filter), "{filter}");
        }
        for filter in [
            "hearth/rule/+/last",
            "garden/#",
            "home",
            "home/+",
            "home/x/y/z",
            "home//y",
            "home/+/+/+/+",
        ] {
            assert!(!fits(filter), "{filter}");
        }
    }
}
