//! Holds the architecture: parses every source file and checks who uses whom,
//! which files are pure, where SQL is, and how files are named and cut.
//!
//! ARCHITECTURE.md says why. A failure names file, line and what to do.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod layers;
mod paths;
mod purity;
mod style;

use std::fs;
use std::path::{Path, PathBuf};

use paths::Use;

/// One source file, read and parsed.
struct Source {
    /// From the repository's root: `src/broker/client.rs`.
    file: String,
    /// From the crate's root: `broker`, `client`.
    module: Vec<String>,
    text: String,
    uses: Vec<Use>,
}

impl Source {
    fn new(file: &str, text: String) -> Source {
        let module = module_of(file);
        let parsed = syn::parse_file(&text).unwrap_or_else(|error| panic!("{file}: {error}"));
        let uses = paths::uses(&parsed, &module);
        Source {
            file: file.to_owned(),
            module,
            text,
            uses,
        }
    }
}

/// The module that a file under `src` or `tests` defines.
fn module_of(file: &str) -> Vec<String> {
    let inside = file.split_once('/').map_or(file, |(_, inside)| inside);
    let path = inside.strip_suffix(".rs").unwrap_or(inside);
    let mut module: Vec<String> = path.split('/').map(str::to_owned).collect();
    let is_its_folder = |last: &String| matches!(last.as_str(), "mod" | "lib" | "main");
    if module.last().is_some_and(is_its_folder) {
        module.pop();
    }
    module
}

/// Every Rust file below `folder`, sorted.
fn sources(folder: &str) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    collect(&root.join(folder), &mut files);
    files.sort();
    assert!(!files.is_empty(), "there are no sources in {folder}");
    let read = |path: &PathBuf| {
        let file = path.strip_prefix(root).unwrap().to_str().unwrap();
        Source::new(file, fs::read_to_string(path).unwrap())
    };
    files.iter().map(read).collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// Fails with every problem, one on a line.
fn assert_none(problems: &[String]) {
    assert!(problems.is_empty(), "\n\n{}\n", problems.join("\n"));
}

#[test]
fn modules_use_only_the_layers_above_their_own() {
    assert_none(
        &sources("src")
            .iter()
            .flat_map(layers::problems)
            .collect::<Vec<_>>(),
    );
}

#[test]
fn pure_files_do_no_io_and_read_no_clock() {
    let sources = sources("src");
    let mut problems: Vec<String> = sources.iter().flat_map(purity::problems).collect();
    problems.extend(purity::missing(&sources));
    assert_none(&problems);
}

#[test]
fn sql_is_in_store_files_only() {
    assert_none(
        &sources("src")
            .iter()
            .flat_map(style::sql_problems)
            .collect::<Vec<_>>(),
    );
}

#[test]
fn files_are_short_and_introduce_themselves() {
    let all = ["src", "tests"].map(sources);
    let problems = all.iter().flatten().flat_map(style::file_problems);
    assert_none(&problems.collect::<Vec<_>>());
}
