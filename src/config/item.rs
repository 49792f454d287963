//! One value of the config file, read as what it should be.
//!
//! Each reader returns `None` after it has reported a problem that shows the
//! value and what to write instead.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use serde_spanned::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::{Findings, Problem, Spot, nearest, quoted};
use super::table::{Table, or_list};

/// A value, its key, and where both stand.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item<'a> {
    findings: &'a Findings,
    file: usize,
    name: &'a str,
    name_span: (usize, usize),
    value: &'a Spanned<DeValue<'a>>,
}

impl<'a> Item<'a> {
    pub fn new(
        findings: &'a Findings,
        file: usize,
        name: &'a Spanned<Cow<'a, str>>,
        value: &'a Spanned<DeValue<'a>>,
    ) -> Item<'a> {
        let span = name.span();
        Item {
            findings,
            file,
            name: name.get_ref(),
            name_span: (span.start, span.end),
            value,
        }
    }

    /// The key.
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// Where the value stands; for tables with a header, the header.
    pub fn spot(&self) -> Spot {
        Spot {
            file: self.file,
            span: self.value.span(),
        }
    }

    /// Where the key stands.
    pub fn key_spot(&self) -> Spot {
        Spot {
            file: self.file,
            span: self.name_span.0..self.name_span.1,
        }
    }

    pub fn value(&self) -> &'a DeValue<'a> {
        self.value.get_ref()
    }

    pub fn error(&self, problem: Problem) {
        self.findings.error(problem);
    }

    /// Reports that the value is no `expected`, with what to write instead.
    pub fn expected<T>(&self, expected: &str, hint: &str) -> Option<T> {
        let message = format!("`{}` must be {expected}", self.name);
        let label = format!("this is {}", kind(self.value()));
        let problem = Problem::at(self.spot(), message).label(label);
        self.error(match hint {
            "" => problem,
            _ => problem.hint(hint),
        });
        None
    }

    /// Reports that the value, though of the right type, cannot be used.
    pub fn wrong<T>(&self, message: impl Into<String>, hint: impl Into<String>) -> Option<T> {
        self.error(Problem::at(self.spot(), message).hint(hint));
        None
    }

    /// Any text but an empty one.
    pub fn text(self) -> Option<String> {
        let DeValue::String(text) = self.value() else {
            let hint = format!("{} = \"…\"", self.name);
            return self.expected("a text in quotes", &hint);
        };
        if text.trim().is_empty() {
            let message = format!("`{}` is empty", self.name);
            return self.wrong(message, "write something here, or leave the key out");
        }
        Some(text.to_string())
    }

    /// Any text, of a form that `expected` and `hint` tell where it is none.
    pub fn text_as(&self, expected: &str, hint: &str) -> Option<&'a str> {
        match self.value() {
            DeValue::String(text) => Some(text),
            _ => self.expected(expected, hint),
        }
    }

    /// `true` or `false`.
    pub fn flag(self) -> Option<bool> {
        match self.value() {
            DeValue::Boolean(flag) => Some(*flag),
            _ => self.expected("true or false, without quotes", ""),
        }
    }

    /// `true`, where `false` would say nothing.
    pub fn only_true(self, instead: &str) -> Option<()> {
        match self.flag()? {
            true => Some(()),
            false => self.wrong(
                format!("`{}` can only be true", self.name),
                format!("write {} = true, or {instead}", self.name),
            ),
        }
    }

    /// A whole number within a range.
    pub fn integer(self, range: RangeInclusive<u32>) -> Option<u32> {
        let DeValue::Integer(integer) = self.value() else {
            return self.expected("a whole number, without quotes", "");
        };
        let number = i64::from_str_radix(integer.as_str(), integer.radix()).ok();
        let number = number.and_then(|number| u32::try_from(number).ok());
        match number.filter(|number| range.contains(number)) {
            None => {
                let (low, high) = range.into_inner();
                let message = format!("`{}` must be from {low} to {high}", self.name);
                self.error(Problem::at(self.spot(), message));
                None
            }
            number => number,
        }
    }

    /// A finite number, with or without decimals.
    pub fn number(self) -> Option<f64> {
        let number = match self.value() {
            DeValue::Float(float) => float.as_str().parse::<f64>().ok(),
            DeValue::Integer(integer) => i64::from_str_radix(integer.as_str(), integer.radix())
                .ok()
                .and_then(|integer| integer.to_string().parse().ok()),
            _ => return self.expected("a number, without quotes", ""),
        };
        match number.filter(|number| number.is_finite()) {
            None => self.wrong(
                format!("`{}` must be a number that can be measured", self.name),
                "such as 21.5",
            ),
            number => number,
        }
    }

    /// A number within a range.
    pub fn number_within(self, range: RangeInclusive<f64>) -> Option<f64> {
        let number = self.number()?;
        if range.contains(&number) {
            return Some(number);
        }
        let (low, high) = range.into_inner();
        let message = format!("`{}` must be from {low} to {high}", self.name);
        self.error(Problem::at(self.spot(), message));
        None
    }

    /// One word of a list, with what it stands for.
    pub fn choice<T: Copy>(self, choices: &[(&'static str, T)]) -> Option<T> {
        let text = self.text()?;
        let chosen = choices.iter().find(|(word, _)| *word == text);
        if chosen.is_none() {
            let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
            self.not_one_of(&text, &words);
        }
        chosen.map(|(_, meaning)| *meaning)
    }

    /// Reports a word that is not in its list.
    pub fn not_one_of(&self, text: &str, words: &[&str]) {
        let message = format!("`{}` cannot be {}", self.name, quoted(text));
        let hint = match nearest(text, words.iter().copied()) {
            Some(word) => format!("did you mean \"{word}\"?"),
            None => format!("write {}", or_list(words)),
        };
        self.error(Problem::at(self.spot(), message).hint(hint));
    }

    /// Each element of an array; those with problems are left out.
    pub fn list<T>(self, read: impl FnMut(Item<'a>) -> Option<T>) -> Option<Vec<T>> {
        match self.value() {
            DeValue::Array(_) => Some(self.elements().filter_map(read).collect()),
            _ => self.expected("a list in square brackets", ""),
        }
    }

    /// The same, where a single element may stand without brackets.
    pub fn one_or_list<T>(self, mut read: impl FnMut(Item<'a>) -> Option<T>) -> Option<Vec<T>> {
        match self.value() {
            DeValue::Array(_) => self.list(read),
            _ => read(self).map(|one| vec![one]),
        }
    }

    fn elements(self) -> impl Iterator<Item = Item<'a>> {
        let elements = self.value().as_array().map(|array| array.iter());
        let item = move |value| Item { value, ..self };
        elements.into_iter().flatten().map(item)
    }

    /// A table, called `title` in messages.
    pub fn table<T>(self, title: String, read: impl FnOnce(&Table<'a>) -> T) -> Option<T> {
        let entries = self.as_table()?;
        let outcome = Table::read(self.findings, title, self.table_spot(), entries, read);
        Some(outcome)
    }

    /// Tables under names that the user chose, such as `[board.NAME]`.
    pub fn named_tables<T>(self, mut read: impl FnMut(Item<'a>) -> Option<T>) -> Vec<T> {
        let entries = self.as_table().into_iter().flatten();
        let item = |(name, value)| Item::new(self.findings, self.file, name, value);
        entries.filter_map(|entry| read(item(entry))).collect()
    }

    fn as_table(&self) -> Option<&'a DeTable<'a>> {
        match self.value() {
            DeValue::Table(entries) => Some(entries),
            _ => self.expected(
                "a table",
                "a table stands in braces, { key = value }, or below a header",
            ),
        }
    }

    /// A table that exists only through its sub-tables has no header of its
    /// own: then its name, within theirs, is the place to point at.
    fn table_spot(&self) -> Spot {
        match self.value.span().is_empty() {
            true => self.key_spot(),
            false => self.spot(),
        }
    }
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with decimals",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
