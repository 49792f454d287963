//! The outcome as JUnit XML, as Jenkins, GitLab and their like read it: a suite
//! for each rule, a case for each test, a failure with its timeline.

use std::fmt::Write;
use std::time::Duration;

use super::{Case, Outcome, Report, Suite};

/// The whole document.
pub(super) fn document(report: &Report) -> String {
    let took = report.cases().map(|case| case.took).sum();
    let counts = counts(report.cases(), took);
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    // Writing to a text cannot fail.
    let _ = writeln!(xml, "<testsuites name=\"hearth test\"{counts}>");
    for suite in &report.suites {
        write_suite(suite, &mut xml);
    }
    xml + "</testsuites>\n"
}

fn write_suite(suite: &Suite, xml: &mut String) {
    let took = suite.cases.iter().map(|case| case.took).sum();
    let (name, counts) = (escaped(&suite.rule), counts(suite.cases.iter(), took));
    let _ = writeln!(xml, "  <testsuite name=\"{name}\"{counts}>");
    for case in &suite.cases {
        let (test, time) = (escaped(&case.name), seconds(case.took));
        let head = format!("    <testcase name=\"{test}\" classname=\"{name}\" time=\"{time}\"");
        let (element, message) = match &case.outcome {
            Outcome::Passed => {
                let _ = writeln!(xml, "{head}/>");
                continue;
            }
            Outcome::Failed { failure, .. } => ("failure", failure.reasons.join("; ")),
            Outcome::Broken(why) => ("error", why.clone()),
        };
        let (message, told) = (escaped(&message), escaped(&case.outcome.lines().join("\n")));
        // Line breaks of a text need no escape; those of an attribute do.
        let told = told.replace("&#10;", "\n");
        let _ = writeln!(
            xml,
            "{head}>\n      <{element} message=\"{message}\" type=\"{element}\">{told}</{element}>\n    \
             </testcase>"
        );
    }
    xml.push_str("  </testsuite>\n");
}

/// The attributes that count.
fn counts<'a>(cases: impl Iterator<Item = &'a Case>, took: Duration) -> String {
    let (mut tests, mut failures, mut errors) = (0, 0, 0);
    for case in cases {
        tests += 1;
        match case.outcome {
            Outcome::Passed => {}
            Outcome::Failed { .. } => failures += 1,
            Outcome::Broken(_) => errors += 1,
        }
    }
    let time = seconds(took);
    format!(" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" time=\"{time}\"")
}

fn seconds(took: Duration) -> String {
    format!("{:.3}", took.as_secs_f64())
}

/// As the value of an attribute. What XML 1.0 cannot hold (section 2.2) becomes the
/// replacement character.
fn escaped(text: &str) -> String {
    let mut safe = String::new();
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&apos;"),
            '\t' => safe.push_str("&#9;"),
            '\n' => safe.push_str("&#10;"),
            '\r' => safe.push_str("&#13;"),
            '\0'..'\u{20}' | '\u{fffe}' | '\u{ffff}' => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::scenario::{Entry, Failure};

    const NASTY: &str = "a <b> & \"c\" 'd' \u{1b}[31m ]]>\r\n\té";

    fn report() -> Report {
        let case = |name: &str, outcome| Case {
            name: name.to_owned(),
            took: Duration::from_millis(12),
            outcome,
        };
        let failed = Outcome::Failed {
            failure: Failure {
                reasons: vec![NASTY.to_owned()],
                timeline: vec![Entry {
                    at: Duration::ZERO,
                    what: format!("t = {NASTY}"),
                    is_decision: false,
                }],
            },
            began: None,
        };
        Report {
            suites: vec![Suite {
                rule: NASTY.to_owned(),
                cases: vec![
                    case("fine", Outcome::Passed),
                    case(NASTY, failed),
                    case("odd", Outcome::Broken("no trigger".to_owned())),
                ],
            }],
        }
    }

    #[test]
    fn any_xml_reader_finds_in_it_what_happened() {
        let text = document(&report());
        let xml = roxmltree::Document::parse(&text).unwrap();
        let root = xml.root_element();
        assert_eq!(root.tag_name().name(), "testsuites");
        let of = |name: &str| root.attribute(name).unwrap().to_owned();
        assert_eq!([of("tests"), of("failures"), of("errors")], ["3", "1", "1"]);
        assert_eq!(of("time"), "0.036");
        let suite = root.first_element_child().unwrap();
        let clean = NASTY.replace('\u{1b}', "\u{fffd}");
        assert_eq!(suite.attribute("name"), Some(clean.as_str()));
        let cases: Vec<_> = suite.children().filter(|c| c.is_element()).collect();
        assert_eq!(cases.len(), 3);
        assert_eq!(cases[0].attribute("classname"), Some(clean.as_str()));
        assert!(cases[0].first_element_child().is_none());
        let failure = cases[1].first_element_child().unwrap();
        assert_eq!(failure.tag_name().name(), "failure");
        assert_eq!(failure.attribute("message"), Some(clean.as_str()));
        let told = failure.text().unwrap();
        assert!(
            told.contains("t = a <b>") && told.lines().count() > 1,
            "{told}"
        );
        let error = cases[2].first_element_child().unwrap();
        assert_eq!(error.tag_name().name(), "error");
    }
}
