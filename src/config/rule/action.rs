//! Reads what a rule does: `then`.

use super::kind::Kinds;
use super::{flow, notify};
use crate::broker::Qos;
use crate::config::check::RulePlaces;
use crate::config::item::Item;
use crate::config::problem::{Problem, quoted};
use crate::config::table::Table;
use crate::home::Thing;
use crate::rules::ActionSettings;

/// Of one rule, those within others counted.
const MOST_ACTIONS: usize = 200;
/// Actions within actions.
const DEEPEST: usize = 8;

const AS_ARM: &str =
    "an action that depends is an arm: { choose = [{ if = \"…\", then = [ … ] }] }";

const ACTIONS: Kinds = Kinds {
    plural: "actions",
    kinds: &[
        ("set", r#"{ set = "home/hall/lamp", to = "on" }"#),
        ("publish", r#"{ publish = "bell", payload = "1" }"#),
        ("scene", r#"{ scene = { "home/hall/lamp" = "on" } }"#),
        ("delay", r#"{ delay = "5m" }"#),
        (
            "wait_for",
            r#"{ wait_for = "value('home/hall/door') == 'closed'", timeout = "10m" }"#,
        ),
        (
            "choose",
            r#"{ choose = [{ if = "…", then = [ … ] }], else = [ … ] }"#,
        ),
        ("repeat", "{ repeat = 5, do = [ … ] }"),
        ("notify", r#"{ notify = "…", topic = "home-news" }"#),
        ("enable", r#"{ enable = "Another rule" }"#),
        ("disable", r#"{ disable = "Another rule" }"#),
        ("stop", "{ stop = true }"),
    ],
    keys: &[
        ("to", &["set"]),
        ("payload", &["publish"]),
        ("qos", &["publish"]),
        ("retain", &["publish"]),
        ("timeout", &["wait_for", "notify"]),
        ("on_timeout", &["wait_for"]),
        ("else", &["choose"]),
        ("do", &["repeat"]),
        ("while", &["repeat"]),
        ("title", &["notify"]),
        ("topic", &["notify"]),
        ("ntfy", &["notify"]),
        ("webhook", &["notify"]),
        ("retries", &["notify"]),
        ("if", &[]),
        ("then", &[]),
        ("for", &[]),
    ],
    two: "write them one after the other: then = [{ … }, { … }]",
    hints: &[
        ("if", "*", AS_ARM),
        (
            "then",
            "repeat",
            "what is repeated stands in `do`: { repeat = 5, do = [ … ] }",
        ),
        ("then", "*", AS_ARM),
        (
            "for",
            "*",
            "actions follow one another: { set = … }, { delay = \"5m\" }, { set = … }",
        ),
        (
            "topic",
            "-",
            "write { publish = \"…\", payload = \"…\" }, or { notify = \"…\", topic = \"…\" }",
        ),
        (
            "payload",
            "set",
            "a thing is set `to` a level: { set = \"home/hall/lamp\", to = \"on\" }",
        ),
        (
            "while",
            "wait_for",
            "the condition is `wait_for` itself; it goes on when that becomes true",
        ),
    ],
};

/// A list of actions, `depth` deep in others. One may stand without brackets.
pub(super) fn read_list(
    item: Item<'_>,
    depth: usize,
    places: &mut RulePlaces,
) -> Option<Vec<ActionSettings>> {
    item.one_or_list(|item| read(item, depth, places))
}

fn read(item: Item<'_>, depth: usize, places: &mut RulePlaces) -> Option<ActionSettings> {
    places.then.push(item.spot());
    if places.then.len() > MOST_ACTIONS {
        // The others need not be read to know that they are too many.
        if places.then.len() == MOST_ACTIONS + 1 {
            let message = format!("a rule has at most {MOST_ACTIONS} actions");
            let hint = "`repeat` does the same several times; or let another rule do a part";
            item.error(Problem::at(item.spot(), message).hint(hint));
        }
        return None;
    }
    if depth >= DEEPEST {
        return item.wrong(
            format!("actions stand within each other at most {DEEPEST} deep"),
            "join conditions with && instead, or let another rule do the inner part",
        );
    }
    item.table("this action".to_owned(), |table| {
        let kind = ACTIONS.of(table)?;
        match kind.name() {
            "set" => read_set(table, kind),
            "publish" => read_publish(table, kind),
            "scene" => read_scene(kind),
            "delay" => kind.time_to_wait().map(ActionSettings::Delay),
            "wait_for" => flow::read_wait(table, kind),
            "choose" => flow::read_choose(table, kind, depth, places),
            "repeat" => flow::read_repeat(table, kind, depth, places),
            "notify" => notify::read(table, kind),
            "enable" => kind.text().map(ActionSettings::Enable),
            "disable" => kind.text().map(ActionSettings::Disable),
            _ => kind
                .only_true("leave the action out")
                .map(|()| ActionSettings::Stop),
        }
    })?
}

/// Reports an action that stands in another table as if it belonged there.
pub(super) fn refuse_in(table: &Table<'_>, message: &str, hint: &str) -> bool {
    let kinds = ACTIONS.kinds.iter().map(|(kind, _)| *kind);
    let found: Vec<Item<'_>> = kinds.filter_map(|kind| table.item(kind)).collect();
    if let Some(item) = found.first() {
        table.error(Problem::at(item.key_spot(), message).hint(hint));
        for (key, _) in ACTIONS.keys {
            table.skip(&[key]);
        }
    }
    !found.is_empty()
}

/// Whether a text holds `{{ … }}`, and so says only later what it is.
fn is_template(text: &str) -> bool {
    text.contains("{{")
}

fn read_set(table: &Table<'_>, kind: Item<'_>) -> Option<ActionSettings> {
    let to = table.required_hint("to", r#"write to = "on", or another level"#, Item::payload);
    let thing = match kind.value().as_str() {
        Some(text) if is_template(text) => kind.topic_or_pattern(),
        _ => kind.thing().map(|thing| thing.topic()),
    };
    Some(ActionSettings::Set {
        thing: thing?,
        to: to?,
    })
}

fn read_publish(table: &Table<'_>, kind: Item<'_>) -> Option<ActionSettings> {
    let topic = match kind.value().as_str() {
        Some(text) if is_template(text) => kind.topic_or_pattern(),
        _ => kind.topic_to_publish(),
    };
    let hint = r#"write payload = "1", or another text"#;
    let payload = table.required_hint("payload", hint, Item::payload);
    let qos = table.optional("qos", |item| item.integer(0..=2));
    let retain = table.optional("retain", Item::flag);
    Some(ActionSettings::Publish {
        topic: topic?,
        payload: payload?,
        qos: match qos {
            Some(1) => Qos::AtLeastOnce,
            Some(2) => Qos::ExactlyOnce,
            _ => Qos::AtMostOnce,
        },
        retain: retain.unwrap_or(false),
    })
}

/// Things and their levels, in the order in which they are written.
fn read_scene(kind: Item<'_>) -> Option<ActionSettings> {
    if kind.value().as_table().is_none() {
        let hint = r#"write scene = { "home/hall/lamp" = "on", "home/hall/fan" = "off" }"#;
        return kind.expected("a table of things and their levels", hint);
    }
    let mut levels = kind.named_tables(|item| {
        let start = item.key_spot().span.start;
        let (thing, to) = (scene_thing(item), level(item));
        Some((start, thing?, to?))
    });
    if kind
        .value()
        .as_table()
        .is_some_and(|table| table.is_empty())
    {
        return kind.wrong(
            "this scene is empty",
            r#"write which things get which level: { "home/hall/lamp" = "on" }"#,
        );
    }
    levels.sort_by_key(|(start, ..)| *start);
    let levels = levels.into_iter().map(|(_, thing, to)| (thing, to));
    Some(ActionSettings::Scene(levels.collect()))
}

/// `home.hall.lamp = "on"` is a table within a table to TOML.
fn scene_thing(item: Item<'_>) -> Option<Thing> {
    if item.value().as_table().is_some() {
        let message = format!("{} is no thing of the house", quoted(item.name()));
        let hint = "write the thing in quotes: \"home/hall/lamp\" = \"on\"";
        item.error(Problem::at(item.key_spot(), message).hint(hint));
        return None;
    }
    item.name_as_thing()
}

fn level(item: Item<'_>) -> Option<String> {
    match item.value().as_table() {
        Some(_) => None,
        None => item.payload(),
    }
}
