//! Replays of histories in real files.

use super::*;
use crate::history::record;
use crate::home::Value;

const RULES: &str = r#"
[[rule]]
name = "Fan"
when = { topic = "home/greenhouse/temperature", above = 28, until_below = 26.5, for = "30s" }
if = "value('home/greenhouse/window') != 'open'"
then = [{ set = "home/greenhouse/fan", to = "on" }]

[[rule]]
name = "Lamp"
when = [{ topic = "home/hall/presence", is = "on" }, { at = "07:30" }]
then = [{ set = "home/hall/lamp", to = "on" }, { publish = "garden/log", payload = "lamp" }]

[[rule]]
name = "Quiet"
when = { topic = "home/hall/presence", quiet_for = "20m" }
then = [{ set = "home/hall/lamp", to = "off" }]
"#;

const BEGIN: i64 = 1_780_000_000_000;
const DAY: i64 = 86_400_000;

fn rules() -> Vec<RuleSettings> {
    let read = config::load_text("hearth.toml", RULES, std::path::Path::new(""));
    read.unwrap().0.rules
}

fn reading(topic: &str, at: i64, payload: &str) -> Reading {
    Reading {
        topic: topic.to_owned(),
        value: Value::parse(payload),
        at: UtcMillis(BEGIN + at),
    }
}

/// A day of a house, always the same.
fn day() -> Vec<Reading> {
    let mut seed: u32 = 7;
    let mut random = move || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(seed >> 8) / f64::from(1u32 << 24)
    };
    let mut day = Vec::new();
    let mut temperature = 24.0;
    for at in (0..DAY).step_by(30_000) {
        temperature += (27.0 - temperature) * 0.02 + (random() - 0.5) * 1.5;
        let payload = format!("{temperature:.2}");
        day.push(reading("home/greenhouse/temperature", at, &payload));
        let word = |is: bool| if is { "on" } else { "off" };
        if random() < 0.02 {
            day.push(reading("home/hall/presence", at, word(random() < 0.5)));
        }
        if random() < 0.01 {
            let window = ["open", "closed"][usize::from(random() < 0.5)];
            day.push(reading("home/greenhouse/window", at + 7, window));
            day.push(reading("home/hall/lamp/set", at + 7, word(random() < 0.5)));
        }
    }
    day
}

async fn played(
    archive: &Archive,
    from: i64,
    to: i64,
) -> anyhow::Result<(Vec<Row>, Summary, Vec<String>)> {
    let (mut rows, mut notes) = (Vec::new(), Vec::new());
    let past = Past::new(&rules()).unwrap();
    let (from, to) = (UtcMillis(BEGIN + from), UtcMillis(BEGIN + to));
    let summary = past
        .play(archive, from, to, &mut |step| {
            match step {
                Step::Row(row) => rows.push(row),
                Step::Note(note) => notes.push(note),
                Step::Reached(_) => {}
            }
            Ok(())
        })
        .await?;
    Ok((rows, summary, notes))
}

async fn recorded(readings: &[Reading]) -> (tempfile::TempDir, Archive) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("history.db");
    record(&file, readings).await;
    let archive = Archive::open(&file).await.unwrap();
    (folder, archive)
}

#[tokio::test]
async fn a_day_replayed_twice_is_the_same_to_the_bit() {
    let (_folder, archive) = recorded(&day()).await;
    let (rows, summary, _) = played(&archive, 0, DAY).await.unwrap();
    let again = played(&archive, 0, DAY).await.unwrap();
    assert_eq!(format!("{rows:?}"), format!("{:?}", again.0));
    assert_eq!(summary, again.1);
    let would = |topic: &str| {
        let would = rows.iter().filter_map(|row| row.would.as_ref());
        would.filter(|one| &*one.topic == topic).count()
    };
    assert!(would("home/greenhouse/fan/set") > 3, "{summary:?}");
    assert!(would("home/hall/lamp/set") > 10, "{summary:?}");
    assert_eq!(summary.unknown, would("garden/log"));
    assert!(summary.only_did > 0);
    assert!(rows.is_sorted_by_key(|row| row.at));
}

/// What happens in the second half of a day does not depend on how the rules got there,
/// once everything has been said anew.
#[tokio::test]
async fn what_was_before_the_beginning_is_found() {
    let readings = [
        reading("home/greenhouse/window", 0, "open"),
        reading("home/hall/lamp/set", 0, "off"),
        reading("home/greenhouse/temperature", 60_000, "30"),
        reading("home/greenhouse/fan/set", 90_500, "on"),
    ];
    let (_folder, archive) = recorded(&readings).await;
    // The window is open, so nothing but the command of somebody else is there.
    let (_, summary, notes) = played(&archive, 1000, 600_000).await.unwrap();
    assert_eq!((summary.only_would, summary.only_did), (0, 1));
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert!(
        notes[0].contains("nothing of home/hall/presence:"),
        "{notes:?}"
    );
    let (_folder, archive) = recorded(&readings[1..]).await;
    let (rows, summary, _) = played(&archive, 1000, 600_000).await.unwrap();
    assert_eq!((summary.same, summary.only_did), (1, 0));
    assert_eq!(rows[0].at, UtcMillis(BEGIN + 90_000));
}

#[tokio::test]
async fn what_cannot_be_replayed_is_told() {
    let (_folder, archive) = recorded(&[]).await;
    let told = played(&archive, 0, DAY).await.unwrap_err().to_string();
    assert!(told.contains("the history is empty"), "{told}");
    let (_folder, archive) = recorded(&[reading("home/hall/presence", 0, "on")]).await;
    let told = played(&archive, DAY, 2 * DAY)
        .await
        .unwrap_err()
        .to_string();
    assert!(told.contains("the history goes from 2026-05-28T"), "{told}");
    let notes = played(&archive, 0, DAY).await.unwrap().2;
    assert!(
        notes
            .iter()
            .any(|note| note.contains("no commands were recorded")),
        "{notes:?}"
    );
}

#[test]
fn a_stretch_has_a_length_and_ends_by_now() {
    let zone = TimeZone::UTC;
    let now = UtcMillis(BEGIN);
    let stretch = |from, to| stretch(from, to, now, &zone);
    assert_eq!(stretch(None, None).unwrap(), (UtcMillis(BEGIN - DAY), now));
    let (from, to) = stretch(Some("-3h"), Some("2099-01-01")).unwrap();
    assert_eq!((from, to), (UtcMillis(BEGIN - 3 * 3_600_000), now));
    let told = stretch(Some("2026-05-01"), Some("2026-05-01"))
        .unwrap_err()
        .to_string();
    assert!(
        told.contains("a date without a time is its first moment"),
        "{told}"
    );
    let told = stretch(Some("noon"), None).unwrap_err().to_string();
    assert!(told.starts_with("--from: `noon` is no time"), "{told}");
}

#[tokio::test]
async fn boards_and_people_are_heard_as_they_were() {
    const RULES: &str = r#"
[[rule]]
name = "Shed"
when = { board = "shed", goes = "offline" }
then = [{ set = "home/shed/alarm", to = "on" }]

[[rule]]
name = "Bell"
when = [{ webhook = "bell" }, { button = "Ring" }]
then = [{ set = "home/hall/bell", to = "on" }]
"#;
    let (_folder, archive) = recorded(&[
        reading("hearth/board/shed/status", -5000, "online"),
        reading("hearth/board/shed/status", 1000, "offline"),
        reading("hearth/hook/bell", 20_000, ""),
        reading("hearth/rule/bell/set", 30_000, "disabled"),
        reading("hearth/rule/bell/press", 40_000, "Ring"),
        reading("hearth/rule/bell/set", 50_000, "enabled"),
        reading("hearth/rule/bell/press", 60_000, "Ring"),
    ])
    .await;
    let read = config::load_text("hearth.toml", RULES, std::path::Path::new(""));
    let past = Past::new(&read.unwrap().0.rules).unwrap();
    let mut would = Vec::new();
    let (from, to) = (UtcMillis(BEGIN), UtcMillis(BEGIN + 90_000));
    let mut note = |step| {
        if let Step::Row(row) = step {
            would.extend(
                row.would
                    .map(|one| (row.at.0 - BEGIN, one.topic.to_string())),
            );
        }
        Ok(())
    };
    let played = past.play(&archive, from, to, &mut note);
    played.await.unwrap();
    let expected = [
        (1000, "home/shed/alarm/set"),
        (20_000, "home/hall/bell/set"),
        (60_000, "home/hall/bell/set"),
    ];
    assert_eq!(would, expected.map(|(at, topic)| (at, topic.to_owned())));
}
