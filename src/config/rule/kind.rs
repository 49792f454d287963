//! Tables of which there are several kinds, such as actions. One key makes the
//! kind; each other key belongs to some of the kinds.

use crate::config::item::Item;
use crate::config::problem::Problem;
use crate::config::table::{Table, or_list};

/// What kinds there are, and what to write in place of a muddle of them.
#[derive(Debug)]
pub(super) struct Kinds {
    /// What several of them are called.
    pub plural: &'static str,
    /// The key that makes a kind, and how one is written.
    pub kinds: &'static [(&'static str, &'static str)],
    /// The other keys and the kinds that they belong to; where these are none, a key
    /// that people try.
    pub keys: &'static [(&'static str, &'static [&'static str])],
    /// What to write in place of two kinds in one table.
    pub two: &'static str,
    /// Better words than an example: key, kind (or `*`, or `-` for no kind at all), hint.
    pub hints: &'static [(&'static str, &'static str, &'static str)],
}

impl Kinds {
    /// The key that makes this table's kind. Refuses keys of other kinds.
    pub fn of<'a>(&self, table: &Table<'a>) -> Option<Item<'a>> {
        let kinds = self.kinds.iter().map(|(kind, _)| *kind);
        let mut found: Vec<Item<'a>> = kinds.filter_map(|kind| table.item(kind)).collect();
        found.sort_by_key(|item| item.key_spot().span.start);
        match found[..] {
            [] => self.no_kind(table),
            [kind] => {
                self.refuse_strangers(table, kind);
                return Some(kind);
            }
            [first, second, ..] => {
                let (one, other) = (first.name(), second.name());
                let message = format!("`{one}` and `{other}` are two {}", self.plural);
                let problem = Problem::at(second.key_spot(), message).hint(self.two);
                table.error(problem.also(first.key_spot(), "the first is here"));
            }
        }
        // Which of them fit is unknown, so none of them is a problem.
        for (key, _) in self.keys {
            table.skip(&[key]);
        }
        None
    }

    fn refuse_strangers(&self, table: &Table<'_>, kind: Item<'_>) {
        for (key, owners) in self.keys {
            if owners.contains(&kind.name()) {
                table.skip(&[key]);
                continue;
            }
            let message = match owners {
                [] => format!("{} takes no `{key}`", table.title()),
                _ => format!(
                    "`{key}` belongs to {}, not to `{}`",
                    or_list(owners),
                    kind.name()
                ),
            };
            table.refuse(key, &message, &self.hint(key, kind.name(), kind.name()));
        }
    }

    fn no_kind(&self, table: &Table<'_>) {
        let kinds: Vec<&'static str> = self.kinds.iter().map(|(kind, _)| *kind).collect();
        let keys = self.keys.iter();
        let given = keys.filter_map(|(key, owners)| Some((table.item(key)?, *owners)));
        let problem = match given.min_by_key(|(item, _)| item.key_spot().span.start) {
            None => {
                let message = format!("{} needs one of {}", table.title(), or_list(&kinds));
                Problem::at(table.spot(), message)
            }
            Some((item, owners)) => {
                let key = item.name();
                let (message, hint) = match owners.first() {
                    None => (
                        format!("{} takes no `{key}`", table.title()),
                        self.hint(key, "*", ""),
                    ),
                    Some(owner) => (
                        format!("`{key}` says nothing without {}", or_list(owners)),
                        self.hint(key, "-", owner),
                    ),
                };
                Problem::at(item.key_spot(), message).hint(hint)
            }
        };
        table.miss(kinds, problem);
    }

    fn hint(&self, key: &str, kind: &str, example_of: &str) -> String {
        let mut hints = self.hints.iter();
        let fits = |with: &str| with == kind || with == "*" && kind != "-";
        if let Some((.., hint)) = hints.find(|(of, with, _)| *of == key && fits(with)) {
            return (*hint).to_owned();
        }
        let example = self.kinds.iter().find(|(kind, _)| *kind == example_of);
        example.map_or_else(
            || "leave it out".to_owned(),
            |(_, example)| format!("write {example}"),
        )
    }
}
