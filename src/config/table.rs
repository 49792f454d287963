//! Reads a TOML table key by key and goes on after each problem.
//!
//! A reader that returns `None` has reported why, or the key is absent. What
//! nobody asked for is reported when the table is left, so a key exists
//! exactly if some reader names it.

use std::cell::RefCell;
use std::ops::Range;

use serde_spanned::Spanned;
use toml::de::{DeTable, DeValue};

use super::item::Item;
use super::problem::{Findings, Problem, Spot, nearest, quoted};

/// One table, while it is read.
#[derive(Debug)]
pub(super) struct Table<'a> {
    findings: &'a Findings,
    file: usize,
    /// How messages call it, such as `[home]` or `this rule`.
    title: String,
    span: Range<usize>,
    entries: &'a DeTable<'a>,
    asked: RefCell<Vec<&'static str>>,
    /// Keys of which one must be there, and what to say if none is.
    missing: RefCell<Vec<(Vec<&'static str>, Problem)>>,
}

impl<'a> Table<'a> {
    /// Lets `read` ask for keys, then reports the others.
    pub fn read<T>(
        findings: &'a Findings,
        title: String,
        spot: Spot,
        entries: &'a DeTable<'a>,
        read: impl FnOnce(&Table<'a>) -> T,
    ) -> T {
        let table = Table {
            findings,
            file: spot.file,
            title,
            span: spot.span,
            entries,
            asked: RefCell::default(),
            missing: RefCell::default(),
        };
        let outcome = read(&table);
        table.leave();
        outcome
    }

    /// The table's header, or the whole of an inline table.
    pub fn spot(&self) -> Spot {
        Spot {
            file: self.file,
            span: self.span.clone(),
        }
    }

    /// How messages call this table.
    pub fn title(&self) -> &str {
        &self.title
    }

    pub fn error(&self, problem: Problem) {
        self.findings.error(problem);
    }

    pub fn warning(&self, problem: Problem) {
        self.findings.warning(problem);
    }

    /// The value of a key, if it is there.
    pub fn item(&self, key: &'static str) -> Option<Item<'a>> {
        self.asked.borrow_mut().push(key);
        let (name, value) = self.entries.get_key_value(key)?;
        Some(self.entry(name, value))
    }

    pub fn optional<T>(
        &self,
        key: &'static str,
        read: impl FnOnce(Item<'a>) -> Option<T>,
    ) -> Option<T> {
        read(self.item(key)?)
    }

    pub fn required<T>(
        &self,
        key: &'static str,
        read: impl FnOnce(Item<'a>) -> Option<T>,
    ) -> Option<T> {
        let item = self.item(key);
        if item.is_none() {
            let message = format!("{} needs `{key}`", self.title);
            let problem = Problem::at(self.spot(), message);
            self.miss(vec![key], problem.label(format!("`{key}` is missing")));
        }
        read(item?)
    }

    /// The same, with what to write where it is missing.
    pub fn required_hint<T>(
        &self,
        key: &'static str,
        hint: &str,
        read: impl FnOnce(Item<'a>) -> Option<T>,
    ) -> Option<T> {
        let item = self.item(key);
        if item.is_none() {
            let message = format!("{} needs `{key}`", self.title);
            let problem = Problem::at(self.spot(), message);
            let problem = problem.label(format!("`{key}` is missing"));
            self.miss(vec![key], problem.hint(hint));
        }
        read(item?)
    }

    /// Refuses a key that is known, but makes no sense here.
    pub fn refuse(&self, key: &'static str, message: &str, hint: &str) {
        if let Some(item) = self.item(key) {
            self.error(Problem::at(item.key_spot(), message).hint(hint));
        }
    }

    /// Notes that a key says nothing without another one.
    pub fn goes_with(&self, given: &'static str, partner: &'static str) {
        if let (Some(item), None) = (self.item(given), self.item(partner)) {
            let message = format!("`{given}` says nothing without `{partner}`");
            let problem = Problem::at(item.key_spot(), message);
            self.miss(vec![partner], problem.hint("give both, or neither"));
        }
    }

    /// Lets keys pass whose fitness cannot be judged.
    pub fn skip(&self, keys: &[&'static str]) {
        self.asked.borrow_mut().extend_from_slice(keys);
    }

    /// Whether one of several keys is there.
    pub fn has_any(&self, keys: &[&'static str]) -> bool {
        keys.iter().filter_map(|key| self.item(key)).count() > 0
    }

    /// Reports that none of several keys is there, if it is so.
    pub fn needs_any(&self, keys: &[&'static str], hint: &str) {
        if !self.has_any(keys) {
            let problem = Problem::at(self.spot(), format!("{} says nothing", self.title));
            self.miss(keys.to_vec(), problem.hint(hint));
        }
    }

    /// The one key of several that must be there.
    pub fn exactly_one(&self, keys: &[&'static str]) -> Option<Item<'a>> {
        let mut found: Vec<Item<'_>> = keys.iter().filter_map(|key| self.item(key)).collect();
        found.sort_by_key(|item| item.key_spot().span.start);
        let mut found = found.into_iter();
        let list = or_list(keys);
        let Some(first) = found.next() else {
            let message = format!("{} needs one of {list}", self.title);
            self.miss(keys.to_vec(), Problem::at(self.spot(), message));
            return None;
        };
        if let Some(second) = found.next() {
            let message = format!("{} takes only one of {list}", self.title);
            let problem = Problem::at(second.key_spot(), message);
            self.error(problem.also(first.key_spot(), "already given here"));
        }
        Some(first)
    }

    fn entry(
        &self,
        name: &'a Spanned<std::borrow::Cow<'a, str>>,
        value: &'a Spanned<DeValue<'a>>,
    ) -> Item<'a> {
        Item::new(self.findings, self.file, name, value)
    }

    /// Reports that none of these keys is there, unless an unknown one is a slip of
    /// the pen for one of them.
    pub fn miss(&self, keys: Vec<&'static str>, problem: Problem) {
        self.missing.borrow_mut().push((keys, problem));
    }

    /// Reports the keys that nobody asked for, and those that are missing
    /// unless one of the others is a slip of the pen for them.
    fn leave(self) {
        let mut known = self.asked.take();
        known.sort_unstable();
        known.dedup();
        let unknown: Vec<Item<'_>> = self
            .entries
            .iter()
            .filter(|(key, _)| !known.contains(&key.get_ref().as_ref()))
            .map(|(key, value)| self.entry(key, value))
            .collect();
        for (keys, problem) in self.missing.take() {
            let meant = |item: &Item<'_>| nearest(item.name(), keys.iter().copied()).is_some();
            if !unknown.iter().any(meant) {
                self.error(problem);
            }
        }
        for item in unknown {
            self.error(self.unknown_key(&item, &known));
        }
    }

    fn unknown_key(&self, item: &Item<'_>, known: &[&'static str]) -> Problem {
        let message = format!("unknown key {} in {}", quoted(item.name()), self.title);
        let hint = match nearest(item.name(), known.iter().copied()) {
            Some(name) => format!("did you mean `{name}`?"),
            None => format!("known keys here: {}", known.join(", ")),
        };
        Problem::at(item.key_spot(), message).hint(hint)
    }
}

/// `a`, `b` or `c`
pub(super) fn or_list(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    }
}
