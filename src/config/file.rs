//! Finds the config's files and parses them, syntax errors included.

use std::borrow::Cow;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde_spanned::Spanned;
use toml::de::{DeTable, DeValue};

use super::item::Item;
use super::problem::{File, Findings, Problem, Problems, Spot};
use super::table::Table;

/// No file written by a person is longer; it bounds what a check costs.
const MOST_BYTES: u64 = 1024 * 1024;
/// Of one file: what follows is mostly the first error's shadow.
const MOST_SYNTAX_ERRORS: usize = 5;

/// Reads `hearth.toml` and the rules beside it, in the order of their names.
pub(super) fn read_all(path: &Path) -> Result<Vec<File>, Problems> {
    let rules = rules_beside(path).map_err(|error| {
        let message = format!("cannot look for rules beside {}: {error}", path.display());
        Problems::one(Problem::without_place(message))
    })?;
    std::iter::once(path.to_owned())
        .chain(rules)
        .map(|path| read_one(&path))
        .collect()
}

pub(super) fn rules_beside(path: &Path) -> io::Result<Vec<PathBuf>> {
    let folder = path.with_file_name("rules.d");
    let entries = match std::fs::read_dir(&folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let file = entry?.path();
        if file
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

pub(super) fn read_one(path: &Path) -> Result<File, Problems> {
    let name = path.display().to_string();
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(MOST_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|error| Problems::one(unreadable(path, &error)))?;
    if bytes.len() as u64 > MOST_BYTES {
        let message = format!("{name} is longer than {} KiB", MOST_BYTES / 1024);
        let problem = Problem::without_place(message);
        return Err(Problems::one(
            problem.hint("split its rules into rules.d/*.toml"),
        ));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(File { name, text }),
        Err(error) => Err(Problems::one(not_text(&name, &error))),
    }
}

fn unreadable(path: &Path, error: &io::Error) -> Problem {
    let problem = Problem::without_place(format!("cannot read {}: {error}", path.display()));
    match error.kind() {
        io::ErrorKind::NotFound if path == Path::new(super::DEFAULT_PATH) => problem.hint(
            "an empty file there is enough to start; \
             or name another file with --config, or see a house at work with `hearth demo`",
        ),
        io::ErrorKind::NotFound => problem.hint("check the path given with --config"),
        io::ErrorKind::PermissionDenied => {
            problem.hint("the user that runs hearth must be allowed to read it")
        }
        _ => problem,
    }
}

fn not_text(name: &str, error: &std::string::FromUtf8Error) -> Problem {
    let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
    let line = 1 + good.iter().filter(|byte| **byte == b'\n').count();
    Problem::without_place(format!("{name} is not UTF-8 text: see line {line}"))
        .hint("save the file in the encoding UTF-8")
}

/// Words for the slips that beginners make most.
fn syntax_hint(message: &str) -> Option<&'static str> {
    if message.starts_with("invalid basic string") || message.starts_with("invalid literal") {
        return Some("a text ends with the same quote, on the same line");
    }
    if message.starts_with("unexpected key or value") {
        return Some("one `key = value` on each line, without commas between them");
    }
    if message.starts_with("string values must be quoted") {
        return Some("write texts in quotes, such as name = \"Lab house\"");
    }
    None
}

/// A parsed file.
#[derive(Debug)]
pub(super) struct Tree<'a> {
    file: usize,
    name: &'a str,
    root: Spanned<DeTable<'a>>,
}

/// Parses each file; those with syntax errors are reported and left out,
/// because what could still be read of them would only mislead.
pub(super) fn parse<'a>(files: &'a [File], findings: &Findings) -> Vec<Tree<'a>> {
    let mut trees = Vec::new();
    for (file, content) in files.iter().enumerate() {
        let (root, errors) = DeTable::parse_recoverable(&content.text);
        if errors.is_empty() {
            trees.push(Tree {
                file,
                name: &content.name,
                root,
            });
        }
        report_syntax(file, &content.text, &errors, findings);
    }
    trees
}

fn report_syntax(file: usize, text: &str, errors: &[toml::de::Error], findings: &Findings) {
    let mut last_line = None;
    for error in errors.iter().take(MOST_SYNTAX_ERRORS) {
        let span = error.span().unwrap_or(text.len()..text.len());
        let line = text
            .bytes()
            .take(span.start)
            .filter(|b| *b == b'\n')
            .count();
        if last_line.replace(line) == Some(line) {
            continue;
        }
        let problem = Problem::at(Spot { file, span }, error.message());
        findings.error(match syntax_hint(error.message()) {
            Some(hint) => problem.hint(hint),
            None => problem,
        });
    }
}

impl<'a> Tree<'a> {
    /// Whether this is `hearth.toml` itself.
    pub fn is_main(&self) -> bool {
        self.file == 0
    }

    /// Reads the top level.
    pub fn read<T>(&'a self, findings: &'a Findings, read: impl FnOnce(&Table<'a>) -> T) -> T {
        let spot = Spot {
            file: self.file,
            span: 0..0,
        };
        let title = Path::new(self.name)
            .file_name()
            .map(|n| n.to_string_lossy());
        let title = title.unwrap_or(Cow::Borrowed(self.name)).into_owned();
        Table::read(findings, title, spot, self.root.get_ref(), read)
    }

    /// One key of the top level.
    pub fn item(&'a self, findings: &'a Findings, key: &str) -> Option<Item<'a>> {
        let (name, value): (_, &Spanned<DeValue<'a>>) = self.root.get_ref().get_key_value(key)?;
        Some(Item::new(findings, self.file, name, value))
    }
}
