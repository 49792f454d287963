//! The examples are whole configs with tests that pass, and what docs/rules.md shows
//! of them is what stands in them.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use std::fs;
use std::path::{Path, PathBuf};

use hearth::config;

const STEPS: usize = 10;
/// A step is read in one go.
const MOST_LINES: usize = 25;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn steps() -> Vec<PathBuf> {
    let files = fs::read_dir(root().join("examples/rules")).unwrap();
    let mut files: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    files
}

/// Each step of the course: its text without the heading.
fn course() -> Vec<String> {
    let page = fs::read_to_string(root().join("docs/rules.md")).unwrap();
    let (_, course) = page.split_once("\n## A course of ten steps\n").unwrap();
    let (course, _) = course.split_once("\n## Reference\n").unwrap();
    let steps = course.split("\n### ").skip(1);
    steps.map(|step| step.trim().to_owned()).collect()
}

/// The blocks of TOML in a text, divided where the page leaves something out.
fn shown(step: &str) -> Vec<&str> {
    let blocks = step.split("```toml\n").skip(1);
    let blocks = blocks.map(|block| block.split("\n```").next().unwrap());
    blocks.flat_map(|block| block.split("\n\n")).collect()
}

#[test]
fn each_example_is_a_config_whose_tests_pass() {
    let mut files = steps();
    assert_eq!(files.len(), STEPS);
    files.push(root().join("examples/hearth.toml"));
    files.push(root().join("examples/demo/hearth.toml"));
    for file in files {
        let name = file.display();
        let (config, _) = config::load(&file).unwrap_or_else(|problems| panic!("{problems}"));
        let mut tests = config.rules.iter().map(|rule| rule.tests.len());
        assert!(tests.any(|tests| tests > 0), "{name} has no tests");
    }
}

#[test]
fn the_course_shows_what_stands_in_the_files() {
    let (steps, files) = (course(), steps());
    assert_eq!(steps.len(), files.len());
    for (step, file) in steps.iter().zip(&files) {
        let name = file.file_name().unwrap().to_str().unwrap();
        assert!(
            step.contains(&format!("](../examples/rules/{name})")),
            "{step}"
        );
        let number = name[..2].trim_start_matches('0');
        assert!(step.starts_with(&format!("{number}. ")), "{step}");
        let text = fs::read_to_string(file).unwrap();
        assert!(
            text.contains(&format!("# Step {number} of docs/rules.md: ")),
            "{name}"
        );
        let shown = shown(step);
        assert!(!shown.is_empty(), "{name} is not shown");
        for block in shown {
            assert!(text.contains(block), "{name} does not hold:\n{block}");
        }
        let lines = step.lines().count();
        assert!(lines <= MOST_LINES, "{name} takes {lines} lines");
    }
}

#[test]
fn the_readme_shows_a_rule_that_stands_in_a_file() {
    let page = fs::read_to_string(root().join("README.md")).unwrap();
    let file = fs::read_to_string(root().join("examples/rules/06-pump.toml")).unwrap();
    let shown = page
        .split("```toml\n")
        .find(|block| block.contains("keep = "));
    let shown = shown.unwrap().split("\n```").next().unwrap();
    assert!(file.contains(shown), "{shown}");
}

#[test]
fn every_link_within_the_page_leads_somewhere() {
    let page = fs::read_to_string(root().join("docs/rules.md")).unwrap();
    let headings = page.lines().filter(|line| line.starts_with('#'));
    let anchors: Vec<String> = headings.map(anchor).collect();
    let links = page.split("](#").skip(1);
    let links: Vec<&str> = links.filter_map(|rest| rest.split(')').next()).collect();
    assert!(links.len() > 20, "{links:?}");
    for link in links {
        assert!(
            anchors.iter().any(|anchor| anchor == link),
            "#{link} leads nowhere"
        );
    }
}

/// As GitHub makes it of a heading.
fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}
