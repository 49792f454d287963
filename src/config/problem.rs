//! What is wrong with a config, shown as the Rust compiler shows it.
//!
//! A [`Problem`] points at its place in a file and says what to write
//! instead. [`Problems`] owns the files' text, so it can be shown anywhere.

use std::cell::RefCell;
use std::fmt;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::masked::masked;

/// More problems than this in one config are counted, not shown.
const MOST_SHOWN: usize = 30;
/// More than this are not even looked for.
const MOST_FOUND: usize = 1000;
/// Longer pieces of the user's text are cut when a message repeats them.
const MOST_QUOTED_CHARS: usize = 40;

/// The text of one config file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct File {
    /// The path as the user gave it.
    pub name: String,
    pub text: String,
}

/// A place in one of the files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Spot {
    /// Index into the list of files.
    pub file: usize,
    /// Bytes of its text.
    pub span: Range<usize>,
}

/// Something wrong, where, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    message: String,
    /// The place, and a remark beside its caret.
    at: Option<(Spot, Option<String>)>,
    /// A second place that matters, with its remark.
    also: Option<(Spot, String)>,
    hint: Option<String>,
}

impl Problem {
    /// A problem at a place.
    pub fn at(spot: Spot, message: impl Into<String>) -> Problem {
        Problem {
            message: message.into(),
            at: Some((spot, None)),
            also: None,
            hint: None,
        }
    }

    /// A problem with a file as a whole, which the message names.
    pub fn without_place(message: impl Into<String>) -> Problem {
        Problem {
            message: message.into(),
            at: None,
            also: None,
            hint: None,
        }
    }

    /// A remark beside the caret.
    pub fn label(mut self, label: impl Into<String>) -> Problem {
        if let Some((_, text)) = &mut self.at {
            *text = Some(label.into());
        }
        self
    }

    /// A second place, such as the first use of a name.
    pub fn also(mut self, spot: Spot, label: impl Into<String>) -> Problem {
        self.also = Some((spot, label.into()));
        self
    }

    /// What to write instead.
    pub fn hint(mut self, hint: impl Into<String>) -> Problem {
        self.hint = Some(hint.into());
        self
    }

    /// Where it is.
    #[cfg(test)]
    pub fn spot(&self) -> Option<Spot> {
        self.at.as_ref().map(|(spot, _)| spot.clone())
    }

    fn group<'a>(&'a self, level: Level<'a>, files: &'a [File]) -> Group<'a> {
        let mut group = Group::with_title(level.primary_title(self.message.as_str()));
        if let Some((spot, label)) = &self.at {
            group = group.elements(self.snippets(spot, label.as_deref(), files));
        }
        match &self.hint {
            Some(hint) => group.element(Level::HELP.message(hint.as_str())),
            None => group,
        }
    }

    fn snippets<'a>(
        &'a self,
        spot: &Spot,
        label: Option<&'a str>,
        files: &'a [File],
    ) -> Vec<Snippet<'a, annotate_snippets::Annotation<'a>>> {
        let primary = AnnotationKind::Primary
            .span(whole_chars(spot, files))
            .label(label);
        let mut first = source(&files[spot.file]).annotation(primary);
        let Some((also, label)) = &self.also else {
            return vec![first];
        };
        let context = AnnotationKind::Context
            .span(whole_chars(also, files))
            .label(label.as_str());
        if also.file == spot.file {
            first = first.annotation(context);
            return vec![first];
        }
        vec![first, source(&files[also.file]).annotation(context)]
    }
}

/// The parser counts bytes; a caret stands under whole characters.
fn whole_chars(spot: &Spot, files: &[File]) -> Range<usize> {
    let text = &files[spot.file].text;
    let start = text.floor_char_boundary(spot.span.start);
    start..text.ceil_char_boundary(spot.span.end).max(start)
}

fn source(file: &File) -> Snippet<'_, annotate_snippets::Annotation<'_>> {
    Snippet::source(masked(&file.text)).path(file.name.as_str())
}

/// Where problems gather while the rest of the config is still read.
#[derive(Debug, Default)]
pub(super) struct Findings {
    errors: RefCell<Vec<Problem>>,
    warnings: RefCell<Vec<Problem>>,
}

impl Findings {
    /// Something that makes the config unusable.
    pub fn error(&self, problem: Problem) {
        let mut errors = self.errors.borrow_mut();
        // Whoever has this many problems has one cause for all of them.
        if errors.len() < MOST_FOUND {
            errors.push(problem);
        }
    }

    /// Something that the user should know.
    pub fn warning(&self, problem: Problem) {
        self.warnings.borrow_mut().push(problem);
    }

    pub fn any_error(&self) -> bool {
        !self.errors.borrow().is_empty()
    }

    /// The errors if there are any, else the warnings.
    pub fn into_result(self, files: Vec<File>) -> Result<Warnings, Problems> {
        let errors = self.errors.into_inner();
        if errors.is_empty() {
            let warnings = self.warnings.into_inner();
            return Ok(Problems::new(files, warnings, Level::WARNING));
        }
        Err(Problems::new(files, errors, Level::ERROR))
    }
}

/// Everything that is wrong with a config, in the order of its files.
#[derive(Clone)]
pub struct Problems {
    files: Vec<File>,
    list: Vec<Problem>,
    /// Found beyond those that are kept.
    more: usize,
    level: Level<'static>,
}

/// What a usable config should make its user think about.
pub type Warnings = Problems;

impl Problems {
    fn new(files: Vec<File>, mut list: Vec<Problem>, level: Level<'static>) -> Problems {
        let place = |problem: &Problem| {
            let spot = problem.at.as_ref().map(|(spot, _)| spot);
            spot.map(|spot| (spot.file, spot.span.start))
        };
        list.sort_by_key(place);
        let more = list.len().saturating_sub(MOST_SHOWN);
        list.truncate(MOST_SHOWN);
        Problems {
            files,
            list,
            more,
            level,
        }
    }

    /// One problem without a place in a file.
    pub(super) fn one(problem: Problem) -> Problems {
        Problems::new(Vec::new(), vec![problem], Level::ERROR)
    }

    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// What each problem says, in one line each, for the log.
    pub fn messages(&self) -> impl Iterator<Item = &str> {
        self.list.iter().map(|problem| problem.message.as_str())
    }

    /// The same with its place and its hint, and nothing else of the user's text: others
    /// than the config's owner may read it.
    pub fn sentences(&self) -> impl Iterator<Item = String> {
        self.list.iter().map(|problem| {
            let place = match &problem.at {
                Some((spot, _)) => format!("{}: ", line(spot, &self.files)),
                None => String::new(),
            };
            let hint = problem.hint.as_deref().map(|hint| format!("; {hint}"));
            format!("{place}{}{}", problem.message, hint.unwrap_or_default())
        })
    }

    /// The whole text for a person, with ANSI colours if asked for.
    pub fn render(&self, colours: bool) -> String {
        let renderer = match colours {
            true => Renderer::styled(),
            false => Renderer::plain(),
        };
        let one = |problem: &Problem| {
            renderer.render(&[problem.group(self.level.clone(), &self.files)]) + "\n"
        };
        let mut text = self.list.iter().map(one).collect::<Vec<_>>().join("\n");
        if self.more > 0 {
            text += &format!("\n… and {} more\n", self.more);
        }
        text
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.render(false).trim_end())
    }
}

impl fmt::Debug for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.messages()).finish()
    }
}

impl std::error::Error for Problems {}

/// As `hearth.toml:12`.
fn line(spot: &Spot, files: &[File]) -> String {
    let File { name, text } = &files[spot.file];
    let before = &text[..text.floor_char_boundary(spot.span.start)];
    format!("{name}:{}", before.matches('\n').count() + 1)
}

/// The user's text between backquotes, short and on one line.
pub(super) fn quoted(text: &str) -> String {
    let clean = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    let mut short: String = text.chars().take(MOST_QUOTED_CHARS).map(clean).collect();
    if text.chars().nth(MOST_QUOTED_CHARS).is_some() {
        short.push('…');
    }
    format!("`{short}`")
}

/// The one of `known` that the user most likely meant.
pub(super) fn nearest<'a>(
    written: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    // The comparison costs time and memory in proportion to the length.
    if written.len() > 64 {
        return None;
    }
    let written = written.to_lowercase();
    let distance = |name: &str| strsim::damerau_levenshtein(&written, &name.to_lowercase());
    let near = |name: &&str| distance(name) <= 1 + name.chars().count().min(written.len()) / 4;
    let candidates = known.into_iter().filter(near);
    candidates.min_by_key(|name| distance(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_text_is_short_and_harmless() {
        assert_eq!(quoted("a\x1b[31mb"), "`a\u{fffd}[31mb`");
        assert!(quoted(&"x".repeat(1000)).chars().count() < 50);
    }

    #[test]
    fn the_nearest_name_is_found_or_none() {
        let known = ["listen", "latitude", "name"];
        assert_eq!(nearest("lattitude", known), Some("latitude"));
        assert_eq!(nearest("Name", known), Some("name"));
        assert_eq!(nearest("frobnicate", known), None);
    }
}
