//! The last command of a thing in words: how far it came, and when.

use crate::home::{CommandReport, Stage, Step};
use crate::web::wording;

/// How the page marks it: `waiting`, `done` or `failed`.
pub fn mark(report: &CommandReport) -> &'static str {
    match report.stage {
        Stage::Received | Stage::Sent | Stage::Acknowledged | Stage::ReadBack => "waiting",
        Stage::Reported => "done",
        Stage::Ignored | Stage::Refused => "failed",
    }
}

/// The end, or how far it is: for a card.
pub fn short(report: &CommandReport) -> String {
    let to = wording::cut(&report.to);
    let took = wording::took(report.ms);
    match report.stage {
        Stage::Received | Stage::Sent => format!("Commanded {to}, waiting for its report"),
        Stage::Acknowledged | Stage::ReadBack | Stage::Reported => {
            format!("Commanded {to}, {} after {took}", words(report.stage))
        }
        Stage::Ignored => {
            let came = steps(report)
                .last()
                .map(|step| format!(" ({} after {})", words(step.stage), wording::took(step.ms)));
            format!("{}{}", ignored(report), came.unwrap_or_default())
        }
        Stage::Refused => match &report.reason {
            Some(reason) => format!("Commanded {to}, refused: {}", wording::cut(reason)),
            None => format!("Commanded {to}, refused"),
        },
    }
}

/// Each stage that it passed, where they are known: for a page.
pub fn long(report: &CommandReport) -> String {
    let steps: Vec<String> = steps(report)
        .map(|step| format!("{} {}", words(step.stage), wording::took(step.ms)))
        .collect();
    match (report.stage, steps.is_empty()) {
        (_, true) | (Stage::Refused, _) => short(report),
        (Stage::Ignored, _) => format!("{}: {}", ignored(report), steps.join(", ")),
        _ => format!(
            "Commanded {}: {}",
            wording::cut(&report.to),
            steps.join(", ")
        ),
    }
}

fn ignored(report: &CommandReport) -> String {
    let (to, took) = (wording::cut(&report.to), wording::took(report.ms));
    format!("Commanded {to}, did not obey within {took}")
}

/// What a board or pin had a part in.
fn steps(report: &CommandReport) -> impl Iterator<Item = &Step> {
    report.steps.iter().filter(|step| {
        matches!(
            step.stage,
            Stage::Sent | Stage::Acknowledged | Stage::ReadBack | Stage::Reported
        )
    })
}

fn words(stage: Stage) -> &'static str {
    match stage {
        Stage::ReadBack => "read back",
        other => other.as_str(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::UtcMillis;

    fn report(stage: Stage, ms: u64, steps: &[(Stage, u64)]) -> CommandReport {
        CommandReport {
            topic: "home/garden/pump".to_owned(),
            to: "on".to_owned(),
            at: UtcMillis(5),
            stage,
            ms,
            id: Some(17),
            steps: steps
                .iter()
                .map(|(stage, ms)| Step {
                    stage: *stage,
                    ms: *ms,
                })
                .collect(),
            reason: None,
        }
    }

    #[test]
    fn a_page_tells_each_stage_and_a_card_the_last() {
        use Stage as S;
        let passed = [
            (S::Received, 0),
            (S::Sent, 1),
            (S::Acknowledged, 7),
            (S::ReadBack, 9),
            (S::Reported, 9),
        ];
        let done = report(S::Reported, 9, &passed);
        assert_eq!(short(&done), "Commanded on, reported after 9 ms");
        assert_eq!(
            long(&done),
            "Commanded on: sent 1 ms, acknowledged 7 ms, read back 9 ms, reported 9 ms"
        );
        let waits = report(S::Acknowledged, 7, &passed[..3]);
        assert_eq!(short(&waits), "Commanded on, acknowledged after 7 ms");
        assert_eq!(long(&waits), "Commanded on: sent 1 ms, acknowledged 7 ms");
    }

    #[test]
    fn who_did_not_obey_is_told_to_have_heard_or_not() {
        use Stage as S;
        let heard = report(S::Ignored, 5000, &[(S::Sent, 1), (S::Acknowledged, 7)]);
        assert_eq!(
            short(&heard),
            "Commanded on, did not obey within 5 s (acknowledged after 7 ms)"
        );
        assert_eq!(
            long(&heard),
            "Commanded on, did not obey within 5 s: sent 1 ms, acknowledged 7 ms"
        );
        let silent = report(S::Ignored, 5000, &[]);
        assert_eq!(short(&silent), "Commanded on, did not obey within 5 s");
        assert_eq!(long(&silent), short(&silent));
    }

    #[test]
    fn a_command_that_cannot_be_says_why() {
        let mut refused = report(Stage::Refused, 0, &[(Stage::Received, 0)]);
        assert_eq!(long(&refused), "Commanded on, refused");
        refused.reason = Some("pump takes on or off".to_owned());
        assert_eq!(
            long(&refused),
            "Commanded on, refused: pump takes on or off"
        );
    }
}
