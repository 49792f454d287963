//! How files are named, cut and opened, and where SQL is.

use crate::Source;
use crate::paths::Use;

const MOST_LINES: usize = 400;
/// Tables of frozen bytes and cases are long, and easily read.
const MOST_LINES_OF_TESTS: usize = 500;
/// Names that say nothing of what is inside.
const VAGUE: &[&str] = &[
    "common", "helper", "helpers", "manager", "misc", "util", "utils",
];

/// A sentence for each rule that the file breaks.
pub fn file_problems(source: &Source) -> Vec<String> {
    let file = &source.file;
    let mut problems = Vec::new();
    if !source.text.starts_with("//!") {
        problems.push(format!(
            "{file}:1: open the file with `//!` and what it is for"
        ));
    }
    let lines = source.text.lines().count();
    let most = most_lines(source);
    if lines > most {
        problems.push(format!(
            "{file}:{most}: {lines} lines; divide it by thought"
        ));
    }
    for name in source
        .module
        .iter()
        .filter(|name| VAGUE.contains(&name.as_str()))
    {
        problems.push(format!(
            "{file}:1: `{name}` says nothing; name what is inside"
        ));
    }
    problems
}

fn most_lines(source: &Source) -> usize {
    let tests = source.file.starts_with("tests/") || source.module.iter().any(|m| m == "tests");
    if tests {
        MOST_LINES_OF_TESTS
    } else {
        MOST_LINES
    }
}

/// A sentence for each query outside a store.
pub fn sql_problems(source: &Source) -> Vec<String> {
    // Opening a file asks what kind of file it is.
    let is_store = source.file.ends_with("/store.rs") || source.file.contains("/store/");
    if is_store || source.file == "src/database.rs" {
        return Vec::new();
    }
    let is_query =
        |one: &&Use| !one.in_tests && one.path[0] == "sqlx" && one.path[1].starts_with("query");
    let sentence = |one: &Use| format!("{}:{}: SQL belongs into a `store`", source.file, one.line);
    source.uses.iter().filter(is_query).map(sentence).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(file: &str, text: &str) -> Source {
        Source::new(file, text.to_owned())
    }

    #[test]
    fn each_rule_is_held() {
        assert_eq!(
            file_problems(&source("src/web/live.rs", "//! Live.\n")).len(),
            0
        );
        assert_eq!(
            file_problems(&source("src/web/live.rs", "use a::b;\n")).len(),
            1
        );
        assert_eq!(
            file_problems(&source("src/web/utils.rs", "//! x\n")).len(),
            1
        );
        let long = format!("//! x\n{}", "\n".repeat(MOST_LINES));
        assert_eq!(file_problems(&source("src/web/live.rs", &long)).len(), 1);
        assert_eq!(
            file_problems(&source("src/web/live/tests.rs", &long)).len(),
            0
        );
    }

    #[test]
    fn sql_outside_a_store_is_found() {
        let text = "fn f() { sqlx::query!(\"SELECT 1\"); sqlx::query_as::<_, A>(\"x\"); }";
        assert_eq!(
            sql_problems(&source("src/history/recorder.rs", text)).len(),
            2
        );
        assert_eq!(sql_problems(&source("src/history/store.rs", text)).len(), 0);
        assert_eq!(
            sql_problems(&source("src/broker/store/read.rs", text)).len(),
            0
        );
    }
}
