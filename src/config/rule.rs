//! Reads `[[rule]]`; its `[[rule.test]]` are read in `scenario`.

use std::time::Duration;

use toml::de::DeValue;

use super::check::RulePlaces;
use super::clock;
use super::item::Item;
use super::problem::Problem;
use super::scenario;
use super::table::Table;
use crate::broker::Qos;
use crate::home::topic::{self, word};
use crate::home::{Presence, Value};
use crate::rules::{ActionSettings, ClockSettings, RuleSettings, Subject, Test, TriggerSettings};

/// Every rule of a file, with the places that later problems may speak of.
pub(super) fn read_all(item: Item<'_>) -> Vec<(RuleSettings, RulePlaces)> {
    if !matches!(item.value(), DeValue::Array(_)) {
        item.expected::<()>("a list of tables", "write [[rule]], with two brackets");
        return Vec::new();
    }
    item.list(read_rule).unwrap_or_default()
}

fn read_rule(item: Item<'_>) -> Option<(RuleSettings, RulePlaces)> {
    item.table(title(item), |table| {
        let mut places = RulePlaces::new(item.spot());
        let name = table.required("name", |item| read_name(item, &mut places));
        let when = table.required("when", |item| {
            item.one_or_list(|item| read_trigger(item, &mut places))
        });
        let condition = table.optional("if", |item| read_condition(item, &mut places));
        let then = table.required("then", |item| {
            item.one_or_list(|item| read_action(item, &mut places))
        });
        let tests = table.optional("test", |item| scenario::read_all(item, &mut places));
        not_empty(table, "when", when.as_deref());
        not_empty(table, "then", then.as_deref());
        let (mut values, mut clocks) = (Vec::new(), Vec::new());
        for awaited in when? {
            match awaited {
                Awaited::Value(trigger) => values.push(trigger),
                Awaited::Time(clock) => clocks.push(clock),
            }
        }
        let rule = RuleSettings {
            when: values,
            clocks,
            condition,
            then: then?,
            tests: tests.unwrap_or_default(),
            ..RuleSettings::new(name?)
        };
        Some((rule, places))
    })?
}

/// Messages call a rule by its name where it has one.
fn title(item: Item<'_>) -> String {
    let name = item
        .value()
        .get("name")
        .and_then(|name| name.get_ref().as_str());
    match name {
        Some(name) => format!("rule {}", super::problem::quoted(name)),
        None => "this rule".to_owned(),
    }
}

fn not_empty<T>(table: &Table<'_>, key: &'static str, list: Option<&[T]>) {
    if let (Some([]), Some(item)) = (list, table.item(key))
        && item
            .value()
            .as_array()
            .is_some_and(|array| array.is_empty())
    {
        let message = format!("{} needs at least one entry in `{key}`", table.title());
        table.error(Problem::at(item.spot(), message));
    }
}

fn read_name(item: Item<'_>, places: &mut RulePlaces) -> Option<String> {
    places.name = item.spot();
    let name = item.text()?;
    if word(&name).is_empty() {
        return item.wrong(
            "a rule's name needs a letter or a digit",
            "its last run is told at the topic hearth/rule/<name>/last",
        );
    }
    Some(name)
}

fn read_condition(item: Item<'_>, places: &mut RulePlaces) -> Option<String> {
    let text = item.text()?;
    places.condition = Some(item.spot());
    Some(text)
}

/// What a rule waits for.
enum Awaited {
    Value(TriggerSettings),
    Time(ClockSettings),
}

fn read_trigger(item: Item<'_>, places: &mut RulePlaces) -> Option<Awaited> {
    item.table("this trigger".to_owned(), |table| {
        let [at, cron, sunrise, sunset] = clock::KINDS;
        match table.exactly_one(&["topic", "board", at, cron, sunrise, sunset]) {
            Some(kind) if clock::KINDS.contains(&kind.name()) => {
                for key in TESTS {
                    let message = format!("`{key}` goes with `topic`");
                    table.refuse(key, &message, "a time has come or not");
                }
                places.clocks.push(item.spot());
                let (clock, sun) = clock::read(table, kind);
                places.suns.extend(sun);
                clock.map(Awaited::Time)
            }
            kind => {
                places.when.push(item.spot());
                for key in ["days", "dst"] {
                    let message = format!("`{key}` goes with a time, such as `at`");
                    table.refuse(key, &message, "leave it out");
                }
                read_value(table, kind).map(Awaited::Value)
            }
        }
    })?
}

fn read_value(table: &Table<'_>, kind: Option<Item<'_>>) -> Option<TriggerSettings> {
    let (topic, test) = match kind {
        Some(kind) if kind.name() == "board" => read_board(table, kind),
        Some(kind) => {
            let hint = "say `is`, `above` or the like of a topic";
            table.refuse("goes", "`goes` belongs to `board`", hint);
            (kind.topic(), read_test(table))
        }
        None => {
            table.skip(&TESTS);
            table.skip(&["goes"]);
            (None, None)
        }
    };
    let hold = match test {
        Some(Test::Quiet) => {
            let hint = "`quiet_for` says itself how long nothing must come";
            table.refuse("for", "`for` does not go with `quiet_for`", hint);
            table.optional("quiet_for", Item::duration)
        }
        _ => table.optional("for", Item::duration),
    };
    Some(TriggerSettings {
        subject: Subject::Topic(topic?),
        test: test?,
        hold: hold.unwrap_or(Duration::ZERO),
    })
}

const TESTS: [&str; 6] = ["is", "is_not", "above", "below", "changes", "quiet_for"];

/// A board that comes or goes says so on its status topic.
fn read_board(table: &Table<'_>, kind: Item<'_>) -> (Option<String>, Option<Test>) {
    for key in TESTS {
        let hint = "write { board = \"shed\", goes = \"offline\" }";
        table.refuse(key, &format!("`{key}` goes with `topic`"), hint);
    }
    let presences = [("offline", Presence::Offline), ("online", Presence::Online)];
    let goes = table.required("goes", |item| item.choice(&presences));
    let topic = kind.word().map(|board| topic::board_status(&board));
    let test = goes.map(|goes| Test::Is(Value::parse(goes.as_str())));
    (topic, test)
}

fn read_test(table: &Table<'_>) -> Option<Test> {
    let kind = table.exactly_one(&TESTS);
    let name = kind.map(|item| item.name()).unwrap_or_default();
    for (key, partner) in [("until_below", "above"), ("until_above", "below")] {
        if name != partner && kind.is_some() {
            let message = format!("`{key}` goes with `{partner}`");
            table.refuse(key, &message, &format!("leave it out, or use `{partner}`"));
        } else {
            table.skip(&[key]);
        }
    }
    let item = kind?;
    match name {
        "is" => item.house_value().map(Test::Is),
        "is_not" => item.house_value().map(Test::IsNot),
        "quiet_for" => Some(Test::Quiet),
        "above" => read_above(table, item),
        "below" => read_below(table, item),
        _ => read_changes(item),
    }
}

fn read_above(table: &Table<'_>, item: Item<'_>) -> Option<Test> {
    let limit = item.number()?;
    let until_below = match table.item("until_below") {
        Some(until) => until.number().filter(|until_below| {
            let ordered = *until_below <= limit;
            if !ordered {
                report_order(until, "`until_below` must not be higher than `above`", item);
            }
            ordered
        })?,
        None => limit,
    };
    Some(Test::Above { limit, until_below })
}

fn read_below(table: &Table<'_>, item: Item<'_>) -> Option<Test> {
    let limit = item.number()?;
    let until_above = match table.item("until_above") {
        Some(until) => until.number().filter(|until_above| {
            let ordered = *until_above >= limit;
            if !ordered {
                report_order(until, "`until_above` must not be lower than `below`", item);
            }
            ordered
        })?,
        None => limit,
    };
    Some(Test::Below { limit, until_above })
}

fn report_order(until: Item<'_>, message: &str, limit: Item<'_>) {
    let problem = Problem::at(until.spot(), message)
        .also(limit.spot(), "the rule fires beyond this")
        .hint("it says when the value counts as back to normal, so that the rule can fire again");
    until.error(problem);
}

fn read_changes(item: Item<'_>) -> Option<Test> {
    match item.flag()? {
        true => Some(Test::Changes),
        false => item.wrong(
            "`changes` can only be true",
            "write changes = true, or wait for a value with `is`, `above` or `below`",
        ),
    }
}

fn read_action(item: Item<'_>, places: &mut RulePlaces) -> Option<ActionSettings> {
    places.then.push(item.spot());
    item.table("this action".to_owned(), |table| {
        match table.exactly_one(&["set", "publish"]) {
            Some(kind) if kind.name() == "set" => read_set(table, kind),
            Some(kind) => read_publish(table, kind),
            None => {
                table.skip(&["to", "payload", "qos", "retain"]);
                None
            }
        }
    })?
}

fn read_set(table: &Table<'_>, kind: Item<'_>) -> Option<ActionSettings> {
    let thing = kind.thing();
    let to = table.required("to", Item::payload);
    for key in ["payload", "qos", "retain"] {
        let message = format!("`{key}` goes with `publish`; a `set` has only `to`");
        table.refuse(key, &message, "write { set = \"home/…/…\", to = \"on\" }");
    }
    Some(ActionSettings::Set {
        thing: thing?.topic(),
        to: to?,
    })
}

fn read_publish(table: &Table<'_>, kind: Item<'_>) -> Option<ActionSettings> {
    table.refuse(
        "to",
        "`to` goes with `set`; a `publish` has a `payload`",
        "write { publish = \"…\", payload = \"…\" }",
    );
    let topic = kind.topic_to_publish();
    let payload = table.required("payload", Item::payload);
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
