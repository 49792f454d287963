//! Patterns of permissions: topic filters in which `%c` stands for the client
//! id and `%u` for the user.
//!
//! A client chooses its id, so nothing in it may make a pattern wider: an id
//! that holds `/`, `+` or `#` fits no pattern, and one that begins like a
//! reserved topic does not reach that topic.

use crate::broker::topic;

/// Stands in for every placeholder while the shape of a pattern is judged.
const ANY_NAME: &str = "x";
/// Have a meaning in filters.
const SPECIAL: [char; 3] = ['/', '+', '#'];

/// Whom patterns are filled in for.
#[derive(Clone, Copy, Debug)]
pub struct Who<'a> {
    /// `None` is anonymous.
    pub user: Option<&'a str>,
    pub client_id: &'a str,
}

/// A pattern as the config has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(Box<str>);

/// Why a text is no pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// `+` or `#` stand where they may not, or there is nothing at all.
    NoFilter,
    /// It names a shared subscription in place of topics.
    Shared,
    /// `%` is followed by this, or by nothing.
    Placeholder(Option<char>),
}

/// A piece of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece {
    Char(char),
    User,
    ClientId,
}

/// A pattern that is filled in for one client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    text: Box<str>,
    shape: Shape,
    /// Its first level is written out in the config: neither a wildcard nor a
    /// placeholder leads to `hearth/…`.
    names_first_level: bool,
}

/// The shapes that most patterns have are compared without looking at levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// `#`
    All,
    /// `home/hall/lamp`
    One,
    /// `home/#`
    Below,
    Other,
}

impl Pattern {
    /// Takes a text of the config.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn parse(text: &str) -> Result<Pattern, Fault> {
        let mut sample = String::new();
        for piece in pieces(text) {
            match piece? {
                Piece::Char(c) => sample.push(c),
                Piece::User | Piece::ClientId => sample.push_str(ANY_NAME),
            }
        }
        if sample.starts_with("$share/") {
            return Err(Fault::Shared);
        }
        match topic::valid_filter(&sample) {
            true => Ok(Pattern(text.into())),
            false => Err(Fault::NoFilter),
        }
    }

    /// As it is written in the config.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// Whether it is about the user.
    pub fn holds_user(&self) -> bool {
        self.pieces().any(|piece| piece == Piece::User)
    }

    /// Whether it means the same for everybody.
    pub fn is_fixed(&self) -> bool {
        self.pieces().all(|piece| matches!(piece, Piece::Char(_)))
    }

    /// What it grants this client; `None` is nothing.
    pub fn granted_to(&self, who: &Who<'_>) -> Option<Filter> {
        let mut text = String::new();
        for piece in self.pieces() {
            match piece {
                Piece::Char(c) => text.push(c),
                placeholder => text.push_str(placeholder.value(who)?),
            }
        }
        let names_first_level = self.names_first_level();
        // A client that calls itself `$SYS` gets nothing of `$SYS/…`.
        let is_reserved = !names_first_level && text.starts_with('$');
        (!is_reserved).then(|| Filter::new(text, names_first_level))
    }

    /// What it denies this client. Where an id cannot be filled in, the whole
    /// level is denied: a strange id must not get around it.
    pub fn denied_to(&self, who: &Who<'_>) -> Filter {
        let filled = self.0.split('/').map(|level| fill_or_deny(level, who));
        let text = filled.collect::<Vec<String>>().join("/");
        Filter::new(text, self.names_first_level())
    }

    fn names_first_level(&self) -> bool {
        let first = self.pieces().take_while(|piece| *piece != Piece::Char('/'));
        let is_text = |piece| matches!(piece, Piece::Char(c) if !matches!(c, '+' | '#'));
        first.into_iter().all(is_text)
    }

    fn pieces(&self) -> impl Iterator<Item = Piece> {
        // It was parsed before, so there are no faults.
        pieces(&self.0).filter_map(Result::ok)
    }
}

impl Piece {
    /// What a placeholder stands for, if that can stand in a filter.
    fn value<'a>(self, who: &Who<'a>) -> Option<&'a str> {
        let value = match self {
            Piece::User => who.user?,
            Piece::ClientId => who.client_id,
            Piece::Char(_) => return None,
        };
        (!value.is_empty() && !value.contains(SPECIAL)).then_some(value)
    }
}

impl Filter {
    fn new(text: String, names_first_level: bool) -> Filter {
        let shape = match text.find(['+', '#']) {
            None => Shape::One,
            Some(0) if text == "#" => Shape::All,
            Some(at) if text[at..] == *"#" => Shape::Below,
            Some(_) => Shape::Other,
        };
        Filter {
            text: text.into(),
            shape,
            names_first_level,
        }
    }

    /// The filter as a client could subscribe to it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether the topic is among its own (4.7).
    pub fn matches(&self, name: &str) -> bool {
        match self.shape {
            Shape::All => !name.starts_with('$'),
            Shape::One => *self.text == *name,
            Shape::Below => {
                let base = &self.text[..self.text.len() - "/#".len()];
                let rest = name.strip_prefix(base);
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            }
            Shape::Other => topic::matches(&self.text, name),
        }
    }

    /// Whether the config itself writes out its first level.
    pub fn names_first_level(&self) -> bool {
        self.names_first_level
    }
}

/// The filter of exactly the topics that match both; `None` if there is none.
pub fn common(one: &str, other: &str) -> Option<String> {
    let starts_wild = |filter: &str| filter.starts_with(['+', '#']);
    let hides = |a: &str, b: &str| starts_wild(a) && b.starts_with('$');
    if hides(one, other) || hides(other, one) {
        return None;
    }
    let (mut ones, mut others) = (one.split('/'), other.split('/'));
    let mut levels = Vec::new();
    loop {
        let (a, b) = (ones.next(), others.next());
        match (a, b) {
            (None, None) => return Some(levels.join("/")),
            (Some("#"), rest) | (rest, Some("#")) => {
                let tail = if a == Some("#") { others } else { ones };
                levels.extend(rest.into_iter().chain(tail));
                return Some(levels.join("/"));
            }
            (Some(a), Some(b)) if b == "+" || a == b => levels.push(a),
            (Some("+"), Some(b)) => levels.push(b),
            _ => return None,
        }
    }
}

/// Whether every topic of `narrow` is one of `wide`.
pub fn covers(wide: &str, narrow: &str) -> bool {
    if wide.starts_with(['+', '#']) && narrow.starts_with('$') {
        return false;
    }
    let (mut wides, mut narrows) = (wide.split('/'), narrow.split('/'));
    loop {
        match (wides.next(), narrows.next()) {
            (Some("#"), _) | (None, None) => return true,
            (Some("+"), Some(level)) if level != "#" => {}
            (Some(a), Some(b)) if a == b => {}
            _ => return false,
        }
    }
}

fn fill_or_deny(level: &str, who: &Who<'_>) -> String {
    let mut text = String::new();
    for piece in pieces(level).filter_map(Result::ok) {
        match (piece, piece.value(who)) {
            (Piece::Char(c), _) => text.push(c),
            (_, Some(value)) => text.push_str(value),
            (_, None) => return "+".to_owned(),
        }
    }
    text
}

fn pieces(text: &str) -> impl Iterator<Item = Result<Piece, Fault>> {
    let mut chars = text.chars();
    std::iter::from_fn(move || {
        let piece = match chars.next()? {
            '%' => match chars.next() {
                Some('c') => Ok(Piece::ClientId),
                Some('u') => Ok(Piece::User),
                Some('%') => Ok(Piece::Char('%')),
                other => Err(Fault::Placeholder(other)),
            },
            c => Ok(Piece::Char(c)),
        };
        Some(piece)
    })
}

#[cfg(test)]
mod tests;
