//! Reads the triggers that are times: `at`, `cron`, `sunrise`, `sunset`.

use jiff::tz::TimeZone;

use super::HomeSettings;
use super::item::Item;
use super::problem::Spot;
use super::table::Table;
use crate::rules::ClockSettings;
use crate::rules::schedule::{
    At, Cron, Days, Dst, Place, Position, Problem, Schedule, Sun, SunEvent, parse_offset,
};

/// A time, and where it stands if it needs to know where the house is.
pub(super) fn read(table: &Table<'_>, kind: Item<'_>) -> (Option<ClockSettings>, Option<Spot>) {
    let sun = match kind.name() {
        "sunrise" => Some(SunEvent::Sunrise),
        "sunset" => Some(SunEvent::Sunset),
        _ => None,
    };
    let is_cron = kind.name() == "cron";
    let days = (!is_cron)
        .then(|| table.optional("days", read_days))
        .flatten();
    let dst = match sun {
        None => table.optional("dst", |item| {
            item.choice(&[("once", Dst::Once), ("skip", Dst::Skip)])
        }),
        Some(_) => None,
    };
    let text = kind.text();
    let clock = text.and_then(|text| {
        let days_text = days.as_ref().map(|(_, text)| text.as_str());
        let days = days.as_ref().map(|(days, _)| *days).unwrap_or_default();
        let schedule = match sun {
            Some(event) => parse_offset(&text).map(|offset| {
                Schedule::Sun(Sun {
                    event,
                    offset,
                    days,
                })
            }),
            None if is_cron => Cron::parse(&text).map(|mut cron| {
                cron.dst = dst.unwrap_or_default();
                Schedule::Cron(cron)
            }),
            None => At::parse(&text).map(|at| {
                Schedule::At(At {
                    days,
                    dst: dst.unwrap_or_default(),
                    ..at
                })
            }),
        };
        Some(ClockSettings {
            schedule: said(kind, schedule)?,
            text: spoken(kind.name(), &text, days_text),
        })
    });
    (clock, sun.map(|_| kind.spot()))
}

/// As a trace names it: `07:30 on mon-fri`, `30m before sunset`.
fn spoken(kind: &str, text: &str, days: Option<&str>) -> String {
    let text = text.trim();
    let time = match (kind, text.strip_prefix('-')) {
        ("at", _) => text.to_owned(),
        ("cron", _) => format!("the time of cron {text}"),
        (sun, Some(before)) => format!("{before} before {sun}"),
        (sun, None) if text.trim_matches(|c| "0+smh".contains(c)).is_empty() => sun.to_owned(),
        (sun, None) => format!("{} after {sun}", text.trim_start_matches('+')),
    };
    match days {
        Some(days) => format!("{time} on {days}"),
        None => time,
    }
}

fn read_days(item: Item<'_>) -> Option<(Days, String)> {
    let text = item.text()?;
    Some((said(item, Days::parse(&text))?, text))
}

fn said<T>(item: Item<'_>, parsed: Result<T, Problem>) -> Option<T> {
    match parsed {
        Ok(value) => Some(value),
        Err(problem) => item.wrong(problem.message, "docs/rules.md shows how times are written"),
    }
}

impl HomeSettings {
    /// Where the house is, for rules.
    pub fn place(&self) -> Place {
        let zone = self.timezone.as_deref();
        let zone = zone.and_then(|name| TimeZone::get(name).ok());
        let position = self.latitude.zip(self.longitude);
        Place {
            zone: zone.unwrap_or_else(TimeZone::system),
            position: position
                .and_then(|(latitude, longitude)| Position::new(latitude, longitude).ok()),
        }
    }
}

#[cfg(test)]
mod tests;
