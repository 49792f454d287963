//! Reads what a rule waits for: `when`.

use std::time::Duration;

use super::asks;
use super::kind::Kinds;
use crate::config::check::RulePlaces;
use crate::config::clock;
use crate::config::item::Item;
use crate::config::problem::{Problem, Spot};
use crate::config::table::Table;
use crate::home::topic;
use crate::home::{Presence, Value};
use crate::rules::pattern::Pattern;
use crate::rules::{ClockSettings, RuleSettings, Subject, Test, TriggerSettings};

const OF_TOPICS: &[&str] = &["topic", "matches"];

const TRIGGERS: Kinds = Kinds {
    plural: "triggers",
    kinds: &[
        ("topic", r#"{ topic = "home/hall/door", is = "open" }"#),
        (
            "matches",
            r#"{ matches = "home/{room}/window", is = "open" }"#,
        ),
        ("board", r#"{ board = "shed", goes = "offline" }"#),
        ("start", "{ start = true }"),
        ("webhook", r#"{ webhook = "doorbell" }"#),
        ("button", r#"{ button = "Good night" }"#),
        ("at", r#"{ at = "07:30" }"#),
        ("cron", r#"{ cron = "*/15 * * * *" }"#),
        ("sunrise", r#"{ sunrise = "-30m" }"#),
        ("sunset", r#"{ sunset = "-30m" }"#),
    ],
    keys: &[
        ("is", OF_TOPICS),
        ("is_not", OF_TOPICS),
        ("above", OF_TOPICS),
        ("until_below", OF_TOPICS),
        ("below", OF_TOPICS),
        ("until_above", OF_TOPICS),
        ("changes", OF_TOPICS),
        ("comes", OF_TOPICS),
        ("quiet_for", OF_TOPICS),
        ("for", &["topic", "matches", "board"]),
        ("goes", &["board"]),
        ("days", &["at", "sunrise", "sunset"]),
        ("dst", &["at", "cron"]),
        ("if", &[]),
        ("payload", &[]),
    ],
    two: "write two of them, either is enough: when = [{ … }, { … }]; `if` can ask for more",
    hints: &[
        (
            "days",
            "cron",
            "a cron expression says them in its fifth field",
        ),
        (
            "days",
            "*",
            "`if` can ask for the day: if = \"weekday() == 'sat'\"",
        ),
        (
            "dst",
            "sunrise",
            "the sun knows no summer time: leave it out",
        ),
        (
            "dst",
            "sunset",
            "the sun knows no summer time: leave it out",
        ),
        (
            "dst",
            "*",
            "only a time on the clock meets a change of the clocks: leave it out",
        ),
        (
            "for",
            "*",
            "it comes and is over; to wait after it, begin `then` with { delay = \"5m\" }",
        ),
        (
            "if",
            "*",
            "`if` stands beside `when`, and holds for all triggers of the rule",
        ),
        ("payload", "*", "write is = \"on\" to wait for this payload"),
    ],
};

/// What starts a rule, and where it stands.
#[derive(Debug, Default)]
pub(super) struct Triggers {
    pub when: Vec<TriggerSettings>,
    pub clocks: Vec<ClockSettings>,
    pub at_start: bool,
    pub button: Option<(String, Spot)>,
}

impl Triggers {
    pub fn put_into(self, rule: &mut RuleSettings) {
        rule.when = self.when;
        rule.clocks = self.clocks;
        rule.at_start = self.at_start;
        rule.button = self.button.map(|(label, _)| label);
    }
}

/// All triggers of the rule with this name.
pub(super) fn read_all(item: Item<'_>, rule: &str, places: &mut RulePlaces) -> Triggers {
    let mut triggers = Triggers::default();
    item.one_or_list(|item| {
        let title = "this trigger".to_owned();
        item.table(title, |table| read(table, rule, &mut triggers, places))
    });
    triggers
}

fn read(table: &Table<'_>, rule: &str, triggers: &mut Triggers, places: &mut RulePlaces) {
    let Some(kind) = TRIGGERS.of(table) else {
        return;
    };
    let trigger = match kind.name() {
        "topic" => of_topic(table, kind),
        "matches" => of_pattern(table, kind),
        "board" => of_board(table, kind),
        "webhook" => kind.word().map(|name| message_at(topic::hook(&name))),
        "button" => of_button(kind, rule, triggers),
        "start" => {
            triggers.at_start |= kind.only_true("leave the trigger out").is_some();
            return;
        }
        _ => {
            let (clock, sun) = clock::read(table, kind);
            places.clocks.push(table.spot());
            // One that is wrong is not asked where the house is, too.
            places.suns.extend(sun.filter(|_| clock.is_some()));
            triggers.clocks.extend(clock);
            return;
        }
    };
    places.when.push(table.spot());
    triggers.when.extend(trigger);
}

fn of_topic(table: &Table<'_>, kind: Item<'_>) -> Option<TriggerSettings> {
    let topic = topic_to_hear(kind);
    let (test, hold) = asks::read(table);
    Some(TriggerSettings {
        subject: Subject::Topic(topic?),
        test: test?,
        hold: hold?,
    })
}

/// One topic. Whoever wants many of them writes `matches`.
fn topic_to_hear(item: Item<'_>) -> Option<String> {
    let topic = item.topic_or_pattern()?;
    let is_named = |level: &str| level.starts_with('{') && level.ends_with('}');
    let wild = topic.split('/').find(|level| is_named(level));
    let wild = wild.or_else(|| topic.matches(['+', '#']).next());
    match wild {
        Some(wild) => item.wrong(
            format!("`topic` must name one topic, without `{wild}`"),
            format!("write matches = \"{topic}\" to wait for each topic of this kind"),
        ),
        None => Some(topic),
    }
}

fn of_pattern(table: &Table<'_>, kind: Item<'_>) -> Option<TriggerSettings> {
    let text = kind.topic_or_pattern();
    let pattern = text.and_then(|text| match Pattern::parse(&text) {
        Ok(pattern) => Some(pattern),
        Err(sentence) => kind.wrong(
            sentence,
            "`{room}` is one level that gets a name, `+` is one level, `#` all that follow",
        ),
    });
    let (test, hold) = asks::read(table);
    Some(TriggerSettings {
        subject: Subject::Matches(pattern?),
        test: test?,
        hold: hold?,
    })
}

/// A board that comes or goes says so on its status topic.
fn of_board(table: &Table<'_>, kind: Item<'_>) -> Option<TriggerSettings> {
    let presences = [("offline", Presence::Offline), ("online", Presence::Online)];
    let goes = table.required_hint(
        "goes",
        r#"write goes = "offline" or goes = "online""#,
        |i| i.choice(&presences),
    );
    let hold = table.optional("for", Item::duration);
    let board = kind.word()?;
    Some(TriggerSettings {
        subject: Subject::Topic(topic::board_status(&board)),
        test: Test::Is(Value::parse(goes?.as_str())),
        hold: hold.unwrap_or(Duration::ZERO),
    })
}

fn of_button(kind: Item<'_>, rule: &str, triggers: &mut Triggers) -> Option<TriggerSettings> {
    let label = kind.text()?;
    if let Some((_, first)) = &triggers.button {
        let problem = Problem::at(kind.spot(), "a rule has one button")
            .also(first.clone(), "the first is here")
            .hint("give the second button a rule of its own");
        kind.error(problem);
        return None;
    }
    triggers.button = Some((label, kind.spot()));
    Some(message_at(topic::rule_press(rule)))
}

fn message_at(topic: String) -> TriggerSettings {
    TriggerSettings::topic(topic, Test::Comes)
}
