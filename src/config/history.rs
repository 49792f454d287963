//! Reads `[history]`: how much a power cut may cost, and how much is written.

pub(super) mod influx;
mod series;
mod server;
mod size;

use std::path::Path;
use std::time::Duration;

use super::check::Places;
use super::item::Item;
use super::problem::quoted;
use super::table::Table;
use crate::history::{Policy, QUEUE, Settings};

/// The name of the file, in the folder of the databases.
pub(super) const FILE: &str = "history.db";
const LOSE_AT_MOST: [Duration; 2] = [Duration::from_secs(1), Duration::from_hours(1)];
const MB: u64 = 1_000_000;
const TB: u64 = 1_000_000 * MB;
/// Below, not even the things that every house writes would have room.
const WRITE_BUDGET: [u64; 2] = [MB, TB];
/// Less would be full within minutes.
const QUEUES: [u64; 2] = [MB, TB];
const ENDURANCE: [u64; 2] = [TB / 10, 100_000 * TB];

pub(super) fn read(root: &Table<'_>, base: &Path, data: &Path, places: &mut Places) -> Settings {
    let mut settings = Settings::new(data.join(FILE));
    root.optional("history", |item| {
        item.table("[history]".to_owned(), |table| {
            settings.policy = policy(table);
            settings.write_budget = table.optional("write_budget", write_budget);
            settings.endurance = table.optional("card_endurance", endurance);
            settings.server = server::read(table, base, places);
            settings.queue = table.optional("queue", queue).unwrap_or(QUEUE);
            (settings.influx, places.influx) = influx::read(table, base).unzip();
        })
    });
    settings
}

fn policy(table: &Table<'_>) -> Policy {
    table.refuse(
        "commit_every",
        "`commit_every` is called `lose_at_most` now",
        "write how much a power cut may cost, 1s to 1h: lose_at_most = \"10s\"",
    );
    let [shortest, longest] = LOSE_AT_MOST;
    let lose_at_most = table.optional("lose_at_most", |item| {
        item.duration_within(shortest, longest)
    });
    let defaults = Policy::default();
    Policy {
        lose_at_most: lose_at_most.unwrap_or(defaults.lose_at_most),
        patterns: series::read(table),
    }
}

/// `"40 MB/day"`
fn write_budget(item: Item<'_>) -> Option<u64> {
    const EXAMPLE: &str = "write how much may be written in a day, such as \"40 MB/day\"";
    let text = item.text_as("a size in quotes", EXAMPLE)?;
    let Some(size) = text.trim_end().strip_suffix("/day") else {
        let hint = match size::parse(text) {
            Some(_) => format!("write \"{}/day\"", text.trim()),
            None => EXAMPLE.to_owned(),
        };
        return item.wrong(format!("{} is no size a day", quoted(text)), hint);
    };
    let Some(bytes) = size::parse(size) else {
        let message = format!("{} is no size a day", quoted(text));
        return item.wrong(message, size::hint(size, "/day").unwrap_or(EXAMPLE.into()));
    };
    within(item, bytes, WRITE_BUDGET, "/day")
}

/// `"10 TB"`
fn endurance(item: Item<'_>) -> Option<u64> {
    const EXAMPLE: &str = "write what the card's maker promises, such as \"10 TB\"";
    let text = item.text_as("a size in quotes", EXAMPLE)?;
    let Some(bytes) = size::parse(text) else {
        let message = format!("{} is no size", quoted(text));
        return item.wrong(message, size::hint(text, "").unwrap_or(EXAMPLE.into()));
    };
    within(item, bytes, ENDURANCE, "")
}

/// `"256 MB"`
fn queue(item: Item<'_>) -> Option<u64> {
    const EXAMPLE: &str = "write how much may wait on the disk, such as \"256 MB\"";
    let text = item.text_as("a size in quotes", EXAMPLE)?;
    let Some(bytes) = size::parse(text) else {
        let message = format!("{} is no size", quoted(text));
        return item.wrong(message, size::hint(text, "").unwrap_or(EXAMPLE.into()));
    };
    within(item, bytes, QUEUES, "")
}

fn within(item: Item<'_>, bytes: u64, [least, most]: [u64; 2], per: &str) -> Option<u64> {
    if (least..=most).contains(&bytes) {
        return Some(bytes);
    }
    let [least, most] = [least, most].map(size::words);
    let message = format!("`{}` is out of range", item.name());
    item.wrong(
        message,
        format!("write a size from {least}{per} to {most}{per}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::load_text;
    use crate::history::{Class, Keep, Pattern};

    #[test]
    fn keys_mean_what_they_say() {
        let text = "[history]\nlose_at_most = '1h'\nwrite_budget = '1.5 GB/day'\ncard_endurance = '30TB'\n\
                    [[history.series]]\ntopic = 'home/+/temperature'\nclass = 'lazy'\nkeep = 'raw 30d'\n\
                    deadband = 0.1\n[[history.series]]\ntopic = 'home/hall/#'\nrecord = false";
        let (config, warnings) = load_text("hearth.toml", text, Path::new("/etc/hearth")).unwrap();
        assert!(warnings.is_empty(), "{warnings}");
        let temperature = Pattern {
            filter: "home/+/temperature".to_owned(),
            class: Some(Class::Lazy),
            keep: Keep::parse("raw 30d, minutes forever").ok(),
            deadband: Some(0.1),
            record: None,
        };
        let hall = Pattern {
            filter: "home/hall/#".to_owned(),
            record: Some(false),
            ..Pattern::default()
        };
        let expected = Settings {
            policy: Policy {
                lose_at_most: Duration::from_hours(1),
                patterns: vec![temperature, hall],
            },
            write_budget: Some(1_500 * MB),
            endurance: Some(30 * TB),
            ..Settings::new("/var/lib/hearth/history.db")
        };
        assert_eq!(config.history, expected);
    }

    #[test]
    fn a_pattern_of_what_is_not_recorded_is_warned_of() {
        let text = "[[history.series]]\ntopic = 'garden/#'\nrecord = false";
        let (_, warnings) = load_text("hearth.toml", text, Path::new("")).unwrap();
        insta::assert_snapshot!(warnings.to_string(), @"
        warning: nothing that is recorded matches `garden/#`
         --> hearth.toml:2:9
          |
        2 | topic = 'garden/#'
          |         ^^^^^^^^^^
          |
          = help: the history holds home/<room>/<thing>, the commands below at …/set, and what rules hear: hearth/hook/<name>, hearth/rule/<rule>/press, hearth/rule/<rule>/set and hearth/board/<board>/status
        ");
    }
}
