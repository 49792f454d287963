//! Reads `[[rule.test]]`: what happens to the house, and what is expected then.

use std::time::Duration;

use jiff::civil::DateTime;

use super::kind::Kinds;
use crate::config::check::RulePlaces;
use crate::config::item::Item;
use crate::config::problem::{Problem, quoted};
use crate::config::table::Table;
use crate::home::{Presence, topic};
use crate::rules::{Expectation, Expected, Given, Happening, RuleSettings, Scenario};

/// A rule acts less often in a test that ends.
const TIMES: std::ops::RangeInclusive<u32> = 1..=10_000;

const GIVEN: Kinds = Kinds {
    plural: "things that happen",
    kinds: &[
        (
            "topic",
            r#"{ at = "1m", topic = "home/hall/door", payload = "open" }"#,
        ),
        ("event", r#"{ at = "1m", event = "restart" }"#),
    ],
    keys: &[
        ("payload", &["topic", "event"]),
        ("retain", &["topic"]),
        ("down", &["event"]),
        ("board", &["event"]),
        ("webhook", &["event"]),
        ("button", &[]),
    ],
    two: "write two of them: given = [{ … }, { … }]",
    hints: &[
        (
            "board",
            "-",
            r#"write { event = "board_offline", board = "shed" }"#,
        ),
        (
            "webhook",
            "-",
            r#"write { event = "webhook", webhook = "doorbell" }"#,
        ),
        (
            "button",
            "*",
            r#"write { event = "press" }: a rule has one button"#,
        ),
        (
            "retain",
            "event",
            "only a message at a `topic` can be retained",
        ),
    ],
};

#[derive(Clone, Copy, PartialEq)]
enum Event {
    Restart,
    Board(Presence),
    Press,
    Webhook,
}

const EVENTS: [(&str, Event); 5] = [
    ("restart", Event::Restart),
    ("board_offline", Event::Board(Presence::Offline)),
    ("board_online", Event::Board(Presence::Online)),
    ("press", Event::Press),
    ("webhook", Event::Webhook),
];

/// Keys of events, and how the event is written that has them.
const OF_EVENTS: [(&str, &[&str], &str); 4] = [
    (
        "down",
        &["restart"],
        r#"{ event = "restart", down = "10m" }"#,
    ),
    (
        "board",
        &["board_offline", "board_online"],
        r#"{ event = "board_offline", board = "shed" }"#,
    ),
    (
        "webhook",
        &["webhook"],
        r#"{ event = "webhook", webhook = "doorbell", payload = "…" }"#,
    ),
    (
        "payload",
        &["webhook"],
        r#"{ event = "webhook", webhook = "doorbell", payload = "…" }"#,
    ),
];

const EXPECTED: Kinds = Kinds {
    plural: "expectations",
    kinds: &[
        ("set", r#"{ set = "home/hall/lamp", to = "on" }"#),
        ("publish", r#"{ publish = "bell", payload = "1" }"#),
        ("notify", r#"{ notify = "part of the text" }"#),
    ],
    keys: &[("to", &["set"]), ("payload", &["publish"])],
    two: "write two of them: expect = [{ … }, { … }]",
    hints: &[],
};

/// Every test of a rule.
pub(super) fn read_all(
    item: Item<'_>,
    rule: &RuleSettings,
    places: &mut RulePlaces,
) -> Option<Vec<Scenario>> {
    item.list(|item| {
        places.tests.push(item.spot());
        read_scenario(item, rule)
    })
}

fn read_scenario(item: Item<'_>, rule: &RuleSettings) -> Option<Scenario> {
    item.table("this test".to_owned(), |table| {
        let name = table.required("name", Item::text);
        let starts = table.optional("starts", read_start);
        let given = table.required_hint(
            "given",
            "write what happens, or given = [] if only time passes",
            |item| item.list(|item| read_given(item, rule)),
        );
        let wanted = |item: Item<'_>| read_expectation(item, true);
        let unwanted = |item: Item<'_>| read_expectation(item, false);
        let expect = table.optional("expect", |item| item.one_or_list(wanted));
        let expect_not = table.optional("expect_not", |item| item.one_or_list(unwanted));
        expects_something(table);
        let mut given = given?;
        given.sort_by_key(|given| given.at);
        Some(Scenario {
            name: name?,
            starts,
            given,
            expect: expect.unwrap_or_default(),
            expect_not: expect_not.unwrap_or_default(),
        })
    })?
}

fn read_start(item: Item<'_>) -> Option<DateTime> {
    let text = item.text()?;
    match text.parse() {
        Ok(starts) => Some(starts),
        Err(_) => item.wrong(
            format!("{} is no date and time", quoted(&text)),
            "write it as the house's clock shows it, such as \"2026-03-29T01:30\"",
        ),
    }
}

/// A test that cannot fail proves nothing.
fn expects_something(table: &Table<'_>) {
    let is_there = |key| {
        let item: Option<Item<'_>> = table.item(key);
        item.is_some_and(|item| item.value().as_array().is_none_or(|list| !list.is_empty()))
    };
    if !is_there("expect") && !is_there("expect_not") {
        let problem = Problem::at(table.spot(), "this test expects nothing");
        table.error(problem.hint("add `expect` or `expect_not`"));
    }
}

fn read_given(item: Item<'_>, rule: &RuleSettings) -> Option<Given> {
    item.table("this entry of `given`".to_owned(), |table| {
        let at = table.optional("at", Item::duration);
        let kind = GIVEN.of(table)?;
        let what = match kind.name() {
            "topic" => read_message(table, kind),
            _ => read_event(table, kind, rule),
        };
        Some(Given {
            at: at.unwrap_or(Duration::ZERO),
            what: what?,
        })
    })?
}

fn read_message(table: &Table<'_>, kind: Item<'_>) -> Option<Happening> {
    let topic = kind.topic_to_publish();
    let payload = table.required("payload", Item::payload);
    let retain = table.optional("retain", Item::flag);
    Some(Happening::Message {
        topic: topic?,
        payload: payload?,
        retain: retain.unwrap_or(true),
    })
}

fn read_event(table: &Table<'_>, kind: Item<'_>, rule: &RuleSettings) -> Option<Happening> {
    let event = kind.choice(&EVENTS);
    let name = kind.value().as_str().unwrap_or_default();
    for (key, owners, example) in OF_EVENTS {
        if event.is_some() && !owners.contains(&name) {
            let message = format!("`{key}` does not go with the event `{name}`");
            table.refuse(key, &message, &format!("leave it out, or write {example}"));
        }
    }
    let message = |topic: String, payload: String, retain| Happening::Message {
        topic,
        payload,
        retain,
    };
    match event? {
        Event::Restart => {
            let down = table.optional("down", Item::duration);
            Some(Happening::Restart(down.unwrap_or(Duration::ZERO)))
        }
        Event::Board(presence) => {
            let board = table.required_hint("board", "write board = \"shed\"", Item::word)?;
            let payload = presence.as_str().to_owned();
            Some(message(topic::board_status(&board), payload, true))
        }
        Event::Press => match &rule.button {
            Some(label) => Some(message(topic::rule_press(&rule.name), label.clone(), false)),
            None => kind.wrong(
                "nobody can press it: this rule has no button",
                "give it one: when = { button = \"Good night\" }",
            ),
        },
        Event::Webhook => {
            let hint = "write webhook = \"doorbell\"";
            let webhook = table.required_hint("webhook", hint, Item::word);
            let payload = table.optional("payload", Item::payload);
            Some(message(
                topic::hook(&webhook?),
                payload.unwrap_or_default(),
                false,
            ))
        }
    }
}

fn read_expectation(item: Item<'_>, is_wanted: bool) -> Option<Expectation> {
    item.table("this expectation".to_owned(), |table| {
        let after = table.optional("after", Item::duration);
        let before = table.optional("before", Item::duration);
        if let (Some(after), Some(before)) = (after, before)
            && after > before
        {
            let message = "nothing happens after `after` and yet before `before`";
            table.error(Problem::at(table.spot(), message).hint("`after` is the earlier time"));
        }
        let times = read_times(table, is_wanted);
        let kind = EXPECTED.of(table)?;
        Some(Expectation {
            what: read_expected(table, kind)?,
            times,
            after: after.unwrap_or(Duration::ZERO),
            before,
        })
    })?
}

fn read_times(table: &Table<'_>, is_wanted: bool) -> Option<usize> {
    if !is_wanted {
        let hint = "it must not happen once; to count, write `times` in `expect`";
        table.refuse("times", "`times` does not go with `expect_not`", hint);
        return None;
    }
    let item = table.item("times")?;
    let is_none = |number: &str| number.parse::<i64>() == Ok(0);
    if item
        .value()
        .as_integer()
        .is_some_and(|number| is_none(number.as_str()))
    {
        return item.wrong(
            "0 times is not at all",
            "write it in `expect_not`, without `times`",
        );
    }
    item.integer(TIMES).map(|times| times as usize)
}

fn read_expected(table: &Table<'_>, kind: Item<'_>) -> Option<Expected> {
    let (topic, payload) = match kind.name() {
        "notify" => return kind.text().map(Expected::Notice),
        "set" => {
            let to = table.optional("to", Item::payload);
            (kind.thing()?.set_topic(), to)
        }
        _ => {
            let payload = table.optional("payload", Item::payload);
            (kind.topic_to_publish()?, payload)
        }
    };
    Some(Expected::Message { topic, payload })
}
