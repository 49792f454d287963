//! `docs/mqtt-conformance.md` and the tests say the same.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

/// Version, statement and test.
type Claim = (String, String, String);

fn file(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A row of the page.
#[derive(Debug)]
struct Row {
    version: String,
    statement: String,
    says: String,
    held_by: String,
}

impl Row {
    /// The tests that it names: what stands between backquotes as `file::name`.
    fn tests(&self) -> impl Iterator<Item = &str> {
        let quoted = self.held_by.split('`').skip(1).step_by(2);
        quoted.filter(|name| name.contains("::"))
    }
}

fn rows() -> Vec<Row> {
    let page = fs::read_to_string(file("docs/mqtt-conformance.md")).unwrap();
    let mut version = None;
    let mut rows = Vec::new();
    for line in page.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            version = heading.strip_prefix("MQTT ").map(str::to_owned);
        }
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let begins_with_a_digit = cells[0].starts_with(|first: char| first.is_ascii_digit());
        if let (Some(version), [statement, says, held_by], true) =
            (&version, &cells[..], begins_with_a_digit)
        {
            rows.push(Row {
                version: version.clone(),
                statement: (*statement).to_owned(),
                says: (*says).to_owned(),
                held_by: (*held_by).to_owned(),
            });
        }
    }
    rows
}

/// What the tests' comments cite.
fn citations() -> BTreeSet<Claim> {
    let mut claims = BTreeSet::new();
    for entry in fs::read_dir(file("tests/conformance")).unwrap() {
        let path = entry.unwrap().path();
        let module = path.file_stem().unwrap().to_str().unwrap().to_owned();
        cite(&module, &fs::read_to_string(&path).unwrap(), &mut claims);
    }
    claims
}

fn cite(module: &str, source: &str, claims: &mut BTreeSet<Claim>) {
    let mut cited: Vec<(String, String)> = Vec::new();
    for line in source.lines() {
        if let Some((version, statements)) = citation(line) {
            let statements = statements.split_whitespace();
            cited.extend(statements.map(|one| (version.to_owned(), one.to_owned())));
        }
        if let Some(rest) = line.strip_prefix("fn ") {
            let test = rest.split('(').next().unwrap_or_default();
            let claim = |(version, statement)| (version, statement, format!("{module}::{test}"));
            claims.extend(cited.drain(..).map(claim));
        }
    }
    assert!(cited.is_empty(), "{module}: {cited:?} stand before no test");
}

/// The version and the statements of a line such as `/// [MQTT 5.0: 3.1.0-1]`.
fn citation(line: &str) -> Option<(&str, &str)> {
    let inside = line.strip_prefix("/// [MQTT ")?.strip_suffix(']')?;
    inside.split_once(": ")
}

#[test]
fn the_page_and_the_tests_agree() {
    let claim = |row: &Row, test: &str| {
        let (version, statement) = (row.version.clone(), row.statement.clone());
        (version, statement, test.to_owned())
    };
    let rows = rows();
    let of_page: BTreeSet<Claim> = rows
        .iter()
        .flat_map(|row| row.tests().map(|test| claim(row, test)))
        .collect();
    let of_tests = citations();
    let missing: Vec<_> = of_tests.difference(&of_page).collect();
    let invented: Vec<_> = of_page.difference(&of_tests).collect();
    assert!(missing.is_empty(), "not on the page: {missing:#?}");
    assert!(
        invented.is_empty(),
        "on the page, but cited by no test: {invented:#?}"
    );
}

#[test]
fn every_statement_is_there_once_and_answered() {
    let rows = rows();
    let mut seen = BTreeSet::new();
    for row in &rows {
        assert!(
            seen.insert((&row.version, &row.statement)),
            "{row:?} stands twice"
        );
        assert!(
            !row.says.is_empty() && !row.held_by.is_empty(),
            "{row:?} is not answered"
        );
        assert!(!row.held_by.contains('?'), "{row:?} is not answered");
    }
    let count = |version: &str| rows.iter().filter(|row| row.version == version).count();
    // A row that gets lost is missed here.
    assert_eq!((count("3.1.1"), count("5.0")), (141, 251));
}
