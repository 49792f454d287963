//! Reads what a trigger asks of a value, and how long it must be so.

use std::time::Duration;

use crate::config::item::Item;
use crate::config::problem::Problem;
use crate::config::table::Table;
use crate::rules::Test;

const TESTS: [&str; 7] = [
    "is",
    "is_not",
    "above",
    "below",
    "changes",
    "comes",
    "quiet_for",
];

/// The test and its hold time. Either is none if it is wrong.
pub(super) fn read(table: &Table<'_>) -> (Option<Test>, Option<Duration>) {
    let test = read_test(table);
    let hold = match test {
        Some(Test::Quiet) => {
            let hint = "`quiet_for` says itself how long nothing must come: leave `for` out";
            table.refuse("for", "`for` does not go with `quiet_for`", hint);
            table.item("quiet_for").map(Item::time_to_wait)
        }
        Some(Test::Comes) => {
            let hint = "a message comes and is over; to wait after it, begin `then` with \
                        { delay = \"5m\" }";
            table.refuse("for", "`for` does not go with `comes`", hint);
            None
        }
        _ => table.item("for").map(Item::duration),
    };
    (test, hold.unwrap_or(Some(Duration::ZERO)))
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
        "comes" => item
            .only_true("wait for a value with `is`, `above` or `below`")
            .map(|()| Test::Comes),
        _ => item
            .only_true("wait for a value with `is`, `above` or `below`")
            .map(|()| Test::Changes),
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
