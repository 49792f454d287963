//! Reads `[[bridge.NAME.topic]]`: what crosses, which way, and under which names.

use toml::de::DeValue;

use crate::broker::Qos;
use crate::broker::bridge::mapping::{Direction, Retain, Rule, is_own};
use crate::broker::topic::{MAX_BYTES, SharedFilter, valid_filter};
use crate::config::item::Item;
use crate::config::problem::{Problem, quoted};
use crate::config::table::Table;

const DIRECTIONS: [(&str, Direction); 3] = [
    ("out", Direction::Out),
    ("in", Direction::In),
    ("both", Direction::Both),
];
const RETAIN: [(&str, Retain); 3] = [
    ("as-published", Retain::AsPublished),
    ("always", Retain::Always),
    ("never", Retain::Never),
];

/// The rules of one bridge, at least one.
pub(super) fn read(bridge: &Table<'_>) -> Option<Vec<Rule>> {
    let rules = bridge.required("topic", |item| {
        if !matches!(item.value(), DeValue::Array(_)) {
            return item.expected(
                "a list of tables",
                "write [[bridge.NAME.topic]], with two brackets",
            );
        }
        Some((
            item.list(read_rule)?,
            item.value().as_array()?.is_empty(),
            item.spot(),
        ))
    });
    let (rules, is_empty, spot) = rules?;
    if is_empty {
        let message = format!("{} lets nothing cross", bridge.title());
        bridge.error(Problem::at(spot, message).hint("name at least one topic"));
    }
    Some(rules)
}

fn read_rule(item: Item<'_>) -> Option<Rule> {
    item.table("this topic".to_owned(), |table| {
        let pattern = table.required("pattern", pattern);
        let direction = table.required("direction", |item| item.choice(&DIRECTIONS));
        let qos = table.optional("qos", qos);
        let local = table.optional("local_prefix", prefix);
        let remote = table.optional("remote_prefix", prefix);
        let retain = table.optional("retain", |item| item.choice(&RETAIN));
        let rule = Rule {
            pattern: pattern?,
            direction: direction?,
            qos: qos.unwrap_or(Qos::AtLeastOnce),
            local_prefix: local.unwrap_or_default(),
            remote_prefix: remote.unwrap_or_default(),
            retain: retain.unwrap_or_default(),
        };
        fits(table, &rule).then_some(rule)
    })?
}

/// A filter, as one subscribes with.
fn pattern(item: Item<'_>) -> Option<String> {
    let text = item.text()?;
    if SharedFilter::parse(&text).is_some() || text.starts_with("$share/") {
        let hint = "each bridge gets every message: write the pattern without $share/…/";
        return item.wrong("a bridge cannot share a subscription", hint);
    }
    if valid_filter(&text) && !text.chars().any(char::is_control) {
        return Some(text);
    }
    let hint = match text.find('#') {
        Some(at) if at + 1 < text.len() => "`#` stands at the end: \"home/#\"",
        _ => "`+` and `#` stand for whole levels: \"home/+/temperature\", \"home/#\"",
    };
    item.wrong(format!("{} is no pattern of topics", quoted(&text)), hint)
}

fn qos(item: Item<'_>) -> Option<Qos> {
    let number = item.integer(0..=2)?;
    Qos::from_bits(u8::try_from(number).ok()?)
}

/// What stands before a pattern; may be empty.
fn prefix(item: Item<'_>) -> Option<String> {
    if matches!(item.value(), DeValue::String(text) if text.is_empty()) {
        return Some(String::new());
    }
    let text = item.text()?;
    if text.contains(['+', '#']) {
        let message = format!("the prefix {} must be without wildcards", quoted(&text));
        return item.wrong(message, "wildcards belong in `pattern`");
    }
    if !text.ends_with('/') {
        let message = format!("the prefix {} does not end a level", quoted(&text));
        return item.wrong(message, format!("write \"{text}/\""));
    }
    if text.chars().any(char::is_control) {
        let hint = "topics are made of printable characters";
        return item.wrong(format!("{} holds a control character", quoted(&text)), hint);
    }
    Some(text)
}

/// Whether the parts can stand together.
fn fits(table: &Table<'_>, rule: &Rule) -> bool {
    let longest = rule.local_filter().len().max(rule.remote_filter().len());
    if longest > MAX_BYTES {
        let message = format!("a topic has at most {MAX_BYTES} bytes, prefix included");
        table.error(Problem::at(table.spot(), message));
        return false;
    }
    let local = rule.local_filter();
    if rule.comes_in() && is_own(&local) {
        let spot = ["local_prefix", "pattern"].map(|key| table.item(key).map(|item| item.spot()));
        let spot = spot
            .into_iter()
            .flatten()
            .next()
            .unwrap_or_else(|| table.spot());
        let message = format!("what comes in would be at {}", quoted(&local));
        table.error(
            Problem::at(spot, message)
                .label("only this house itself writes topics below `hearth/` and `$`")
                .hint("let it only out, or choose a `local_prefix` such as \"remote/\""),
        );
        return false;
    }
    true
}
