//! What is wrong with an expression, in words that help to mend it.

use std::ops::Range;

use cel::parser::ParseError;

use super::Scope;
use super::operators::{ROUNDED, TEXT_FUNCTIONS};
use super::questions::{self, QUESTIONS};

/// How other languages call what is here.
const KNOWN_ELSEWHERE: [(&str, &str); 10] = [
    ("average", "avg"),
    ("day", "weekday"),
    ("daytime", "sun_up"),
    ("least", "min"),
    ("lowest", "min"),
    ("greatest", "max"),
    ("highest", "max"),
    ("mean", "avg"),
    ("round", "rounded"),
    ("state", "value"),
];

/// One thing that is wrong with an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Byte range within the expression.
    pub within: Range<usize>,
    pub message: String,
    pub hint: Option<String>,
}

impl Fault {
    pub(super) fn new(within: Range<usize>, message: impl Into<String>) -> Fault {
        Fault {
            within,
            message: message.into(),
            hint: None,
        }
    }

    /// Of the whole expression.
    pub fn whole(text: &str, message: impl Into<String>) -> Fault {
        Fault::new(0..text.len(), message)
    }

    pub(super) fn hint(self, hint: impl Into<String>) -> Fault {
        Fault {
            hint: Some(hint.into()),
            ..self
        }
    }
}

/// The byte range of the bracket or `?` that goes deeper than `limit`.
/// Quotes are not looked at, so a text full of brackets counts too.
pub(super) fn too_deep(text: &str, limit: usize) -> Option<Range<usize>> {
    let (mut depth, mut choices) = (0_usize, 0_usize);
    for (at, c) in text.char_indices() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            '?' => choices += 1,
            _ => {}
        }
        if depth + choices > limit {
            return Some(at..at + c.len_utf8());
        }
    }
    None
}

/// The parser's first complaint, translated.
pub(super) fn syntax(text: &str, errors: &[ParseError]) -> Fault {
    let first = errors.iter().find(|error| error.msg.starts_with("Syntax"));
    let position = first.or(errors.first()).map_or((1, 1), |error| error.pos);
    let at = byte_offset(text, position);
    let rest = &text[at..];
    let Some(next) = rest.chars().next() else {
        return ends_early(text);
    };
    let token: &str = match next.is_alphanumeric() {
        true => rest
            .split(|c: char| !c.is_alphanumeric())
            .next()
            .unwrap_or(rest),
        false => &rest[..next.len_utf8()],
    };
    let within = at..at + token.len();
    if let (None, Some(error)) = (first, errors.first())
        && let Some(fault) = refused(rest, token, within.clone(), &error.msg)
    {
        return fault;
    }
    let fault = Fault::new(within, format!("`{token}` is not understood here"));
    match token {
        "=" => fault.hint("a comparison is written `==`"),
        "is" | "equals" => fault.hint("a comparison is written `==`"),
        "and" | "AND" => fault.hint("`and` is written `&&`"),
        "or" | "OR" => fault.hint("`or` is written `||`"),
        "&" | "|" => fault.hint("`and` is written `&&`, `or` is written `||`"),
        "," => fault.hint("decimals are written with a point, such as 21.5"),
        ")" | "]" => fault.hint("this bracket was never opened, or something before it is missing"),
        "'" | "\"" => bad_quotes(rest, at),
        "’" | "‘" | "“" | "”" | "`" => {
            fault.hint("text is written in straight quotes: 'open'")
        }
        _ if last_word(&text[..at]) == "not" => fault.hint("`not` is written `!`, as in !(…)"),
        "°" => fault.hint("numbers are written without their unit"),
        _ => fault
            .hint("is an operator such as `==` or `&&` missing before it, or quotes around it?"),
    }
}

/// A text in quotes that cannot be read: its end is missing, or a backslash in it
/// stands before what CEL gives no meaning.
fn bad_quotes(rest: &str, at: usize) -> Fault {
    let inner = rest.get(1..).unwrap_or_default();
    let length = inner.find(rest.get(..1).unwrap_or_default());
    match length.filter(|length| inner[..*length].contains('\\')) {
        Some(length) => Fault::new(at..at + length + 2, "this backslash means nothing here")
            .hint(r"a backslash itself is written twice: \\"),
        None => Fault::new(at..at + rest.len(), "this text has no closing quote"),
    }
}

/// What the parser reads and yet refuses.
fn refused(rest: &str, token: &str, within: Range<usize>, complaint: &str) -> Option<Fault> {
    if complaint.starts_with("reserved") {
        let message = format!("`{token}` is a word that CEL keeps for itself");
        return Some(Fault::new(within, message));
    }
    if complaint.contains("macro") {
        let message = "expressions know no maps, records or macros";
        return Some(Fault::new(within, message));
    }
    if complaint.starts_with("invalid string literal") {
        return Some(bad_quotes(rest, within.start));
    }
    let is_number =
        complaint.starts_with("invalid") && token.starts_with(|c: char| c.is_ascii_digit());
    is_number.then(|| Fault::new(within, "this number is too large"))
}

fn ends_early(text: &str) -> Fault {
    let end = text.len();
    let start = text
        .trim_end()
        .char_indices()
        .next_back()
        .map_or(0, |(at, _)| at);
    let count = |wanted: char| text.chars().filter(|c| *c == wanted).count();
    let fault = Fault::new(start..end, "the expression ends too early");
    if text.trim().is_empty() {
        return Fault::new(0..end, "the expression is empty").hint("leave it out to ask nothing");
    }
    match count('(') > count(')') {
        true => fault.hint("a `)` is missing"),
        false => fault.hint("something must follow"),
    }
}

fn last_word(text: &str) -> &str {
    text.split_whitespace().next_back().unwrap_or_default()
}

/// The parser counts lines and characters from one.
fn byte_offset(text: &str, (line, column): (isize, isize)) -> usize {
    let index = |n: isize| usize::try_from(n - 1).unwrap_or(0);
    let before: usize = text
        .split_inclusive('\n')
        .take(index(line))
        .map(str::len)
        .sum();
    let in_line = text[before..].char_indices().nth(index(column));
    in_line.map_or(text.len(), |(at, _)| before + at)
}

/// A misspelt variable, a function without its brackets, or a text without quotes.
pub(super) fn unknown_name(name: &str, scope: &Scope, within: Range<usize>) -> Fault {
    let fault = Fault::new(within, format!("`{name}` means nothing here"));
    if let Some(example) = questions::example(name, "home/room/thing") {
        return fault.hint(format!("`{name}` is a function: write {example}"));
    }
    let names: Vec<&str> = scope.names.iter().map(String::as_str).collect();
    match (name, nearest(name, &names)) {
        ("on" | "off", _) => fault.hint(format!("text is written in quotes: '{name}'")),
        ("round", _) => fault.hint("`round` is known in what a `repeat` does"),
        (_, Some(near)) => fault.hint(format!(
            "did you mean `{near}`? A text is written in quotes: '{name}'"
        )),
        (_, None) if names.is_empty() => fault.hint(format!(
            "text is written in quotes: '{name}'; a topic is asked for by value('…')"
        )),
        (_, None) => fault.hint(format!(
            "the variables here are {}; text is written in quotes: '{name}'",
            names.join(", ")
        )),
    }
}

pub(super) fn unknown_function(name: &str, of_text: bool, within: Range<usize>) -> Fault {
    let fault = Fault::new(within, format!("there is no function `{name}`"));
    let known: Vec<&str> = match of_text {
        true => TEXT_FUNCTIONS.to_vec(),
        false => QUESTIONS.into_iter().chain([ROUNDED]).collect(),
    };
    let elsewhere = KNOWN_ELSEWHERE.iter().find(|(other, _)| *other == name);
    let elsewhere = elsewhere.map(|(_, here)| *here).filter(|_| !of_text);
    match elsewhere.or_else(|| nearest(name, &known)) {
        Some(known) => fault.hint(format!("did you mean `{known}`?")),
        None if of_text => fault.hint(format!("a text has {}", known.join(", "))),
        None if TEXT_FUNCTIONS.contains(&name) => {
            fault.hint(format!("write it behind a text: value('…').{name}('…')"))
        }
        None => fault.hint(format!("there are {}", known.join(", "))),
    }
}

/// The known word that was probably meant.
fn nearest<'k>(name: &str, known: &[&'k str]) -> Option<&'k str> {
    let distances = known
        .iter()
        .map(|known| (strsim::damerau_levenshtein(known, name), *known));
    let (distance, near) = distances.min()?;
    // Two changes make a word of three letters any other.
    let most = if name.chars().count() < 5 { 1 } else { 2 };
    (distance <= most).then_some(near)
}
