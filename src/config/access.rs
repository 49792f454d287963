//! Reads `[access]`: who may read and write which topics.

use std::collections::BTreeMap;

use super::item::Item;
use super::problem::{Problem, Spot, quoted};
use super::table::Table;
use crate::broker::access::pattern::{Fault, Pattern};
use crate::broker::access::{Access, Client, Grants, Section, rights};
use crate::broker::users;

const LISTS: [&str; 3] = ["read", "write", "deny"];

/// Whom a section is for, as far as its patterns depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum For {
    Anonymous,
    Others,
}

pub(super) fn read(root: &Table<'_>) -> Access {
    let read = |table: &Table<'_>| Access {
        everyone: table.optional("everyone", |item| section(item, "everyone", For::Others)),
        anonymous: table.optional("anonymous", |item| {
            section(item, "anonymous", For::Anonymous)
        }),
        users: named(table, "user", read_user),
        clients: named(table, "client", read_client),
    };
    root.optional("access", |item| item.table("[access]".to_owned(), read))
        .unwrap_or_default()
}

fn named<T>(
    table: &Table<'_>,
    key: &'static str,
    read: fn(Item<'_>) -> Option<(String, T)>,
) -> BTreeMap<String, T> {
    let items = table.item(key).map(|item| item.named_tables(read));
    items.unwrap_or_default().into_iter().collect()
}

fn read_user(item: Item<'_>) -> Option<(String, Section)> {
    let name = item.name();
    let section = section(item, &format!("user.{name}"), For::Others)?;
    is_name(name, item, item.key_spot()).then(|| (name.to_owned(), section))
}

fn read_client(item: Item<'_>) -> Option<(String, Client)> {
    let id = item.name();
    if id.is_empty() {
        let message = "no client has an id of no letters";
        item.error(Problem::at(item.key_spot(), message).hint("a client without one is given one"));
    }
    item.table(format!("[access.client.{id}]"), |table| {
        let user = table.optional("user", |item| {
            let name = item.text()?;
            is_name(&name, item, item.spot()).then_some(name)
        });
        let says_more = table.has_any(&LISTS) || !table.has_any(&["user"]);
        let section = says_more.then(|| lists(table, For::Others));
        if section.is_some() && user.is_none() {
            let message = format!("every client may call itself {}", quoted(id));
            let hint = "clients choose their ids: say whose this one is with user = \"NAME\"";
            table.warning(Problem::at(item.key_spot(), message).hint(hint));
        }
        (id.to_owned(), Client { user, section })
    })
}

fn is_name(name: &str, item: Item<'_>, at: Spot) -> bool {
    let good = users::is_name(name);
    if !good {
        let message = format!("{} cannot be a user", quoted(name));
        item.error(Problem::at(at, message).hint(users::NAME_RULE));
    }
    good
}

fn section(item: Item<'_>, name: &str, whom: For) -> Option<Section> {
    item.table(format!("[access.{name}]"), |table| lists(table, whom))
}

fn lists(table: &Table<'_>, whom: For) -> Section {
    let list = |key, read: &dyn Fn(Item<'_>) -> Option<Pattern>| {
        let patterns = table.optional(key, |item| item.one_or_list(read));
        patterns.unwrap_or_default()
    };
    let any = |item: Item<'_>| pattern(item, whom);
    let written = |item: Item<'_>| any(item).filter(|pattern| is_writable(pattern, item));
    table.needs_any(
        &LISTS,
        "list what may be done: read = [\"home/#\"], or read = [] for nothing",
    );
    // Who lists nothing but exceptions means the rest.
    let grants = table.has_any(&["read", "write"]).then(|| Grants {
        read: list("read", &any),
        write: list("write", &written),
    });
    Section::new(grants, list("deny", &any))
}

fn pattern(item: Item<'_>, whom: For) -> Option<Pattern> {
    let text = item.text()?;
    match Pattern::parse(&text) {
        Ok(pattern) if whom == For::Anonymous && pattern.holds_user() => item.wrong(
            "`%u` stands for nobody here: anonymous clients have no user",
            "`%c` is the client id; `%u` fits under [access.everyone]",
        ),
        Ok(pattern) => Some(pattern),
        Err(fault) => explain(item, &text, &fault),
    }
}

fn explain(item: Item<'_>, text: &str, fault: &Fault) -> Option<Pattern> {
    match fault {
        Fault::NoFilter => item.wrong(
            format!("{} fits no topics", quoted(text)),
            "`+` is one whole level (home/+/lamp), `#` all that follows and comes last (home/#)",
        ),
        Fault::Shared => item.wrong(
            format!("{} names a shared subscription", quoted(text)),
            "write the topics alone, without `$share` and the group's name",
        ),
        Fault::Placeholder(letter) => item.wrong(
            match letter {
                Some(letter) => format!("`%{letter}` stands for nothing"),
                None => "`%` at the end stands for nothing".to_owned(),
            },
            "`%c` is the client id, `%u` the user; write `%%` for a percent sign",
        ),
    }
}

fn is_writable(pattern: &Pattern, item: Item<'_>) -> bool {
    let is_brokers = rights::is_brokers_own(pattern.text());
    if is_brokers {
        let message = format!("only the broker itself writes {}", quoted(pattern.text()));
        item.error(
            Problem::at(item.spot(), message).hint("leave it out; it may stand under `read`"),
        );
    }
    !is_brokers
}
