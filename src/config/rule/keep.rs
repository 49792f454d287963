//! Reads `keep`: a level that a rule sees to at all times.

use crate::config::check::RulePlaces;
use crate::config::item::Item;
use crate::config::problem::Problem;
use crate::config::table::Table;
use crate::rules::KeepSettings;

/// What makes no sense beside `keep`, and what to do instead.
const BESIDE: [(&str, &str); 7] = [
    (
        "if",
        "write the condition into it: keep = { …, while = \"…\" }",
    ),
    (
        "when",
        "leave it out: `keep` looks again by itself whenever something changes that it asks for",
    ),
    (
        "then",
        "leave it out, or make a rule of its own with `when` and `then`",
    ),
    ("mode", KEEP_DOES_NOT_RUN),
    ("max", KEEP_DOES_NOT_RUN),
    ("cooldown", "leave it out; `at_most` limits how often"),
    (
        "after_downtime",
        "leave it out: after a start `keep` looks at once how things are",
    ),
];
const KEEP_DOES_NOT_RUN: &str = "leave it out: `keep` has no actions that take time";

/// Words of other tables, and what `keep` says.
const OTHERWISE_CALLED: [(&str, &str); 4] = [
    ("set", "thing"),
    ("to", "at"),
    ("if", "while"),
    ("else", "otherwise"),
];

pub(super) fn read(
    item: Item<'_>,
    rule: &Table<'_>,
    places: &mut RulePlaces,
) -> Option<KeepSettings> {
    for (key, hint) in BESIDE {
        rule.refuse(key, &format!("`{key}` does not go with `keep`"), hint);
    }
    places.keep = Some(item.spot());
    item.table("`keep`".to_owned(), read_table)?
}

fn read_table(table: &Table<'_>) -> Option<KeepSettings> {
    let write = r#"write { thing = "home/pond/pump", at = "on", while = "…" }"#;
    for (key, right) in OTHERWISE_CALLED {
        table.refuse(key, &format!("`keep` says `{right}`, not `{key}`"), write);
    }
    // What has a wrong name is not missing.
    let required = |key, wrong: &[&'static str]| match table.has_any(wrong) {
        true => None,
        false => table.required_hint(key, write, Some),
    };
    let thing = required("thing", &["set"]).and_then(Item::thing);
    let at = required("at", &["to"]).and_then(level);
    let condition = table.optional("while", Item::text);
    let unless = table.optional("unless", Item::text);
    let otherwise = table.optional("otherwise", level);
    if let (Some(first), Some(second)) = (table.item("while"), table.item("unless")) {
        let problem = Problem::at(
            second.key_spot(),
            "`keep` takes `while` or `unless`, not both",
        )
        .also(first.key_spot(), "already given here")
        .hint("write one: while = \"A && !B\" is the same as while A, unless B");
        table.error(problem);
    }
    if !table.has_any(&["while", "unless", "if"]) {
        table.refuse(
            "otherwise",
            "`otherwise` says nothing without `while` or `unless`",
            "leave it out: without a condition the thing is always kept at `at`",
        );
    } else if let (Some(at), Some(otherwise)) = (&at, table.item("otherwise"))
        && otherwise.value().as_str() == Some(at)
    {
        let problem = Problem::at(otherwise.spot(), "`otherwise` is the same as `at`");
        table.error(problem.hint("name the other level, or leave it and the condition out"));
    }
    Some(KeepSettings {
        thing: thing?,
        at: at?,
        inverted: unless.is_some(),
        condition: condition.or(unless),
        otherwise,
    })
}

/// A fixed level: what is kept must be known when nothing happens, too.
fn level(item: Item<'_>) -> Option<String> {
    let level = item.payload()?;
    if level.contains("{{") {
        return item.wrong(
            format!("`{}` is a fixed level, without {{{{ … }}}}", item.name()),
            "a rule with `when` and `then` can set a level that it works out",
        );
    }
    Some(level)
}
