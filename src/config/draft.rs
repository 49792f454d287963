//! Rules that are not in the house yet, in the house that the config describes.

use std::path::Path;

use super::problem::Findings;
use super::{Config, Problems, check, file, folder_of, read_files};
use crate::rules;

/// Reads the config at `path` with the rules of the file `draft` in place of its own,
/// and checks and tests them.
///
/// # Errors
/// Everything that keeps the config or the rules from being used.
pub fn load_draft(path: &Path, draft: &Path) -> Result<Config, Problems> {
    let files = vec![file::read_one(path)?, file::read_one(draft)?];
    let findings = Findings::default();
    let (mut config, mut places) = read_files(&files, folder_of(path), &findings);
    let is_draft: Vec<bool> = places
        .rules
        .iter()
        .map(|rule| rule.name.file == 1)
        .collect();
    let mut kept = is_draft.iter();
    config.rules.retain(|_| kept.next() == Some(&true));
    let mut kept = is_draft.iter();
    places.rules.retain(|_| kept.next() == Some(&true));
    check::whole(&config, &places, &files, &findings);
    if !findings.any_error() {
        for problem in rules::check(&config.rules) {
            findings.error(check::place(problem, &places, &files));
        }
    }
    findings.into_result(files)?;
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAIN: &str = "[home]\ntimezone = 'Europe/Budapest'\n[[rule]]\nname = 'Old'\n\
        when = { topic = 'a', changes = true }\nthen = { publish = 'b', payload = 'x' }\n";

    fn load(draft: &str) -> Result<Config, String> {
        let folder = tempfile::tempdir().unwrap();
        let (main, rules) = (
            folder.path().join("hearth.toml"),
            folder.path().join("draft.toml"),
        );
        std::fs::write(&main, MAIN).unwrap();
        std::fs::write(&rules, draft).unwrap();
        load_draft(&main, &rules).map_err(|problems| problems.to_string())
    }

    #[test]
    fn the_draft_takes_the_place_of_the_rules_and_keeps_the_house() {
        let config =
            load(&MAIN.replace("Old", "New")["[home]\ntimezone = 'Europe/Budapest'\n".len()..]);
        let config = config.unwrap();
        let names: Vec<&str> = config.rules.iter().map(|rule| rule.name.as_str()).collect();
        assert_eq!(names, ["New"]);
        assert_eq!(
            config.rules[0].place.zone.iana_name(),
            Some("Europe/Budapest")
        );
    }

    #[test]
    fn what_is_wrong_with_the_draft_is_shown_at_its_place() {
        let text = "[[rule]]\nname = 'N'\nwhen = { topic = 'a', changes = true }\n\
            if = 'valu(1)'\nthen = { publish = 'b', payload = 'x' }\n";
        let shown = load(text).unwrap_err();
        assert!(
            shown.contains("draft.toml:4") && shown.contains("^^^^"),
            "{shown}"
        );
        let shown = load("[home]\nname = 'x'").unwrap_err();
        assert!(
            shown.contains("`home` does not belong in a file of rules"),
            "{shown}"
        );
    }
}
