//! Two columns by time: what the rules would do, and what was done.

use std::io::{self, Write};

use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::times::zoned;
use crate::rules::replay::{Row, Summary};

/// Characters of the first column. What is longer is not cut: it pushes the second.
const WIDTH: usize = 44;
const NOTHING: &str = "–";
const UNKNOWN: &str = "(not recorded)";

/// Prints row by row.
#[derive(Debug)]
pub(super) struct Table {
    zone: TimeZone,
    date: Option<Date>,
}

impl Table {
    /// Times are shown in this zone.
    pub fn new(zone: TimeZone) -> Table {
        Table { zone, date: None }
    }

    /// Prints a row; before the first one of a day, the day.
    pub fn print(&mut self, row: &Row, out: &mut impl Write) -> io::Result<()> {
        let at = zoned(row.at, &self.zone);
        if self.date.is_none() {
            writeln!(out, "{:14}{:WIDTH$}  did", "", "would")?;
        }
        if self.date.replace(at.date()) != Some(at.date()) {
            writeln!(out, "{}", at.strftime("%A %Y-%m-%d"))?;
        }
        let would = row.would.as_ref().map(|one| said(&one.topic, &one.payload));
        let did = row
            .did
            .as_ref()
            .map(|one| said(&one.topic, &one.value.to_string()));
        let instead = match row.is_known() {
            true => NOTHING,
            false => UNKNOWN,
        };
        let would = would.as_deref().unwrap_or(NOTHING);
        let did = did.as_deref().unwrap_or(instead);
        writeln!(
            out,
            "{}  {would:WIDTH$}  {did}",
            at.strftime("%H:%M:%S%.3f")
        )
    }
}

/// On one line, without what could play tricks with a terminal.
fn said(topic: &str, payload: &str) -> String {
    let clean = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    format!("{topic} = {payload}").chars().map(clean).collect()
}

/// `3 actions the same, 1 only would, 2 only did`
pub(super) fn summary(summary: Summary) -> String {
    let Summary {
        same,
        only_would,
        only_did,
        unknown,
    } = summary;
    let actions = match same {
        1 => "action",
        _ => "actions",
    };
    let mut text =
        format!("{same} {actions} the same, {only_would} only would, {only_did} only did");
    if unknown > 0 {
        text += &format!(", {unknown} where nothing is recorded");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::UtcMillis;
    use crate::home::{Reading, Value};
    use crate::rules::replay::Taken;

    #[test]
    fn the_two_stand_side_by_side() {
        let mut table = Table::new(TimeZone::get("Europe/Budapest").unwrap());
        let mut out = Vec::new();
        let would = |at, topic: &str| {
            Some(Taken {
                at: UtcMillis(at),
                topic: topic.into(),
                payload: "on\x1b[2J".into(),
            })
        };
        let did = |at| {
            Some(Reading {
                at: UtcMillis(at),
                topic: "home/hall/lamp/set".to_owned(),
                value: Value::Switch(true),
            })
        };
        let (night, morning) = (1_780_005_599_999, 1_780_005_600_000);
        for (at, would, did) in [
            (night, would(night, "home/hall/lamp/set"), did(night + 3)),
            (morning, None, did(morning)),
            (morning, would(morning, "home/hall/fan/set"), None),
            (morning, would(morning, "garden/log"), None),
        ] {
            let at = UtcMillis(at);
            table.print(&Row { at, would, did }, &mut out).unwrap();
        }
        insta::assert_snapshot!(String::from_utf8(out).unwrap());
    }

    #[test]
    fn the_summary_counts() {
        let mut counts = Summary::default();
        assert_eq!(
            summary(counts),
            "0 actions the same, 0 only would, 0 only did"
        );
        (counts.same, counts.unknown) = (1, 2);
        let text = "1 action the same, 0 only would, 0 only did, 2 where nothing is recorded";
        assert_eq!(summary(counts), text);
    }
}
