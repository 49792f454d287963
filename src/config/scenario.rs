//! Reads `[[rule.test]]`.

use std::time::Duration;

use jiff::civil::DateTime;

use super::check::RulePlaces;
use super::item::Item;
use super::problem::Problem;
use super::table::Table;
use crate::rules::{Expectation, Expected, Given, Scenario};

/// Every test of a rule.
pub(super) fn read_all(item: Item<'_>, places: &mut RulePlaces) -> Option<Vec<Scenario>> {
    item.list(|item| {
        places.tests.push(item.spot());
        read_scenario(item)
    })
}

fn read_scenario(item: Item<'_>) -> Option<Scenario> {
    item.table("this test".to_owned(), |table| {
        let name = table.required("name", Item::text);
        let starts = table.optional("starts", read_start);
        let given = table.required("given", |item| item.list(read_given));
        let expect = table.optional("expect", |item| item.one_or_list(read_expectation));
        let expect_not = table.optional("expect_not", |item| item.one_or_list(read_expectation));
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
            format!("`{text}` is no date and time"),
            "write it as the house's clock shows it, such as \"2026-03-29T01:30\"",
        ),
    }
}

/// A test that cannot fail proves nothing.
fn expects_something(table: &Table<'_>) {
    if table.item("expect").is_none() && table.item("expect_not").is_none() {
        let problem = Problem::at(table.spot(), "this test expects nothing");
        table.error(problem.hint("add `expect` or `expect_not`"));
    }
}

fn read_given(item: Item<'_>) -> Option<Given> {
    item.table("this message".to_owned(), |table| {
        let at = table.optional("at", Item::duration);
        let topic = table.required("topic", Item::topic_to_publish);
        let payload = table.required("payload", Item::payload);
        Some(Given::message(
            at.unwrap_or(Duration::ZERO),
            &topic?,
            &payload?,
        ))
    })?
}

fn read_expectation(item: Item<'_>) -> Option<Expectation> {
    item.table("this expectation".to_owned(), |table| {
        let action = read_expected_action(table);
        let after = table.optional("after", Item::duration);
        let before = table.optional("before", Item::duration);
        if let (Some(after), Some(before)) = (after, before)
            && after > before
        {
            let message = "nothing happens after `after` and yet before `before`";
            table.error(Problem::at(table.spot(), message).hint("`after` is the earlier time"));
        }
        let (topic, payload) = action?;
        Some(Expectation {
            what: Expected::Message { topic, payload },
            times: None,
            after: after.unwrap_or(Duration::ZERO),
            before,
        })
    })?
}

fn read_expected_action(table: &Table<'_>) -> Option<(String, Option<String>)> {
    let Some(kind) = table.exactly_one(&["set", "publish"]) else {
        table.skip(&["to", "payload"]);
        return None;
    };
    if kind.name() == "set" {
        let hint = "write { set = \"home/…/…\", to = \"on\" }";
        table.refuse("payload", "a `set` has a `to`, not a `payload`", hint);
        let payload = table.optional("to", Item::payload);
        return Some((kind.thing()?.set_topic(), payload));
    }
    let hint = "write { publish = \"…\", payload = \"…\" }";
    table.refuse("to", "a `publish` has a `payload`, not a `to`", hint);
    let payload = table.optional("payload", Item::payload);
    Some((kind.topic_to_publish()?, payload))
}
