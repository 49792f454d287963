//! Reads the actions that wait, choose and repeat.

use super::action;
use crate::config::check::RulePlaces;
use crate::config::item::Item;
use crate::config::problem::Problem;
use crate::config::table::Table;
use crate::rules::{ActionSettings, Arm, OnTimeout};

const MOST_ARMS: usize = 20;
const ROUNDS: std::ops::RangeInclusive<u32> = 1..=1000;

const ON_TIMEOUT: [(&str, OnTimeout); 2] = [("stop", OnTimeout::Stop), ("go_on", OnTimeout::GoOn)];

pub(super) fn read_wait(table: &Table<'_>, kind: Item<'_>) -> Option<ActionSettings> {
    let condition = kind.text();
    let timeout = table.required_hint(
        "timeout",
        "say how long to wait at most: timeout = \"10m\"; then the run stops, or goes on \
         with on_timeout = \"go_on\"",
        Item::time_to_wait,
    );
    let on_timeout = table.optional("on_timeout", |item| item.choice(&ON_TIMEOUT));
    Some(ActionSettings::WaitFor {
        condition: condition?,
        timeout: timeout?,
        on_timeout: on_timeout.unwrap_or_default(),
    })
}

pub(super) fn read_choose(
    table: &Table<'_>,
    kind: Item<'_>,
    depth: usize,
    places: &mut RulePlaces,
) -> Option<ActionSettings> {
    // Arms first: places are counted in this order.
    let arms = kind.one_or_list(|item| read_arm(item, depth, places));
    let otherwise = table.optional("else", |item| action::read_list(item, depth + 1, places));
    match kind.value().as_array().map_or(1, |arms| arms.len()) {
        0 => kind.wrong(
            "`choose` has no arm",
            "write at least one: choose = [{ if = \"…\", then = [ … ] }]; `else` is for the rest",
        ),
        many if many > MOST_ARMS => kind.wrong(
            format!("`choose` has at most {MOST_ARMS} arms"),
            "what differs only in a value can be worked out: to = \"{{ … }}\"",
        ),
        _ => Some(ActionSettings::Choose {
            arms: arms?,
            otherwise: otherwise.unwrap_or_default(),
        }),
    }
}

fn read_arm(item: Item<'_>, depth: usize, places: &mut RulePlaces) -> Option<Arm> {
    item.table("this arm".to_owned(), |table| {
        if !table.has_any(&["if"])
            && let Some(other) = table.item("else")
        {
            let problem = Problem::at(other.key_spot(), "`else` is no arm");
            table.error(problem.hint(
                "it stands beside `choose`: { choose = [{ if = \"…\", then = [ … ] }], \
                 else = [ … ] }",
            ));
            table.skip(&["then"]);
            return None;
        }
        table.refuse(
            "else",
            "an arm has no `else`",
            "what comes where no arm fits stands beside `choose`: { choose = [ … ], else = [ … ] }",
        );
        if !table.has_any(&["then"]) {
            let hint = "write { if = \"…\", then = [{ set = \"home/hall/lamp\", to = \"on\" }] }";
            if action::refuse_in(table, "the actions of an arm stand in `then`", hint) {
                return None;
            }
        }
        let write = "write { if = \"…\", then = [ … ] }";
        let condition = table.required_hint("if", write, Item::text);
        let then = table.required_hint("then", write, |item| {
            action::read_list(item, depth + 1, places)
        });
        Some(Arm {
            condition: condition?,
            then: then?,
        })
    })?
}

pub(super) fn read_repeat(
    table: &Table<'_>,
    kind: Item<'_>,
    depth: usize,
    places: &mut RulePlaces,
) -> Option<ActionSettings> {
    let times = kind.integer(ROUNDS);
    let condition = table.optional("while", Item::text);
    if table.has_any(&["then"]) {
        table.skip(&["do"]);
        return None;
    }
    let body = table.required_hint(
        "do",
        "write what is done in each round: do = [{ … }]",
        |item| {
            let body = action::read_list(item, depth + 1, places)?;
            match item.value().as_array().is_some_and(|list| list.is_empty()) {
                true => item.wrong("`do` is empty", "write what is done in each round"),
                false => Some(body),
            }
        },
    );
    Some(ActionSettings::Repeat {
        times: times?,
        condition,
        body: body?,
    })
}
