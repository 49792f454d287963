//! Tables of edges, hysteresis and hold times.

use std::time::Duration;

use super::*;

fn trigger(test: Test, hold: u64) -> Trigger {
    let settings = TriggerSettings {
        hold: Duration::from_secs(hold),
        ..TriggerSettings::topic("t", test)
    };
    Trigger::new(&settings, "t".into())
}

/// Feeds one payload a second and writes one letter for each step: `.`
/// nothing, `h`eld, `b`roken, `F`ire, `r`earmed, `?` no number; a hold time
/// that ends before the payload comes adds `F`.
fn run(mut trigger: Trigger, payloads: &str) -> String {
    let mut steps = String::new();
    for (second, payload) in payloads.split(' ').enumerate() {
        let now = Moment(second as u64 * 1000);
        if trigger.wake(now) {
            steps.push('F');
        }
        let value = (payload != "_").then(|| Value::parse(payload));
        steps.push(match trigger.observe(value.as_ref(), now) {
            Step::Nothing => '.',
            Step::Held => 'h',
            Step::Broken => 'b',
            Step::Fire => 'F',
            Step::Rearmed => 'r',
            Step::NoNumber => '?',
        });
    }
    steps
}

fn above(limit: f64, until_below: f64) -> Test {
    Test::Above { limit, until_below }
}

fn below(limit: f64, until_above: f64) -> Test {
    Test::Below { limit, until_above }
}

#[test]
fn edges() {
    let is_on = Test::Is(Value::Switch(true));
    let table = [
        // is: fires on the way in, from any other value, and on a first value
        (is_on.clone(), "on on off on", "F.rF"),
        (is_on.clone(), "off unavailable ON _ true", "..FrF"),
        (Test::Is(Value::Number(5.0)), "5 5.0 4 5", "F.rF"),
        (
            Test::Is(Value::Text("open".into())),
            "shut open _ open",
            ".FrF",
        ),
        // is_not: another value of the same kind
        (
            Test::IsNot(Value::Switch(false)),
            "off unavailable _ 3 on off on",
            "....FrF",
        ),
        (
            Test::IsNot(Value::Text("open".into())),
            "open shut open",
            ".Fr",
        ),
        // above and below: strictly
        (above(28.0, 28.0), "28 28.1 29 28 28.1", ".F.rF"),
        (below(5.0, 5.0), "6 5 4.9 4 5 4", "..F.rF"),
        // hysteresis: armed again only beyond the second limit
        (above(28.0, 26.5), "29 27 29 26.5 29 26.4 29", "F....rF"),
        (below(5.0, 7.0), "4 6 4 7 4 7.1 4", "F....rF"),
        // flapping around the limit fires once
        (above(28.0, 26.5), "27.9 28.1 27.9 28.1 27.9 28.1", ".F...."),
        // what is no number neither fires nor resets
        (
            above(28.0, 26.5),
            "29 unavailable off unavailable 29 20 x 29",
            "F?...r?F",
        ),
        (above(28.0, 26.5), "unavailable 29", "?F"),
        (above(28.0, 26.5), "29 _ 29", "F.."),
        // changes: the first value is what it compares with
        (Test::Changes, "1 1 2 2 _ 2 3 x", "..F...FF"),
    ];
    for (test, payloads, steps) in table {
        assert_eq!(
            run(trigger(test.clone(), 0), payloads),
            steps,
            "{test:?} {payloads}"
        );
    }
}

#[test]
fn holding() {
    let is_on = Test::Is(Value::Switch(true));
    let table = [
        (above(28.0, 26.5), 3, "29 30 31 32", "h..F."),
        (above(28.0, 26.5), 3, "29 30 28 29 29 29 29", "h.bh..F."),
        // broken within the hysteresis: it has not fired, so it is still armed
        (above(28.0, 26.5), 2, "29 27 29 30 31", "hbh.F."),
        // after firing, the hysteresis counts
        (
            above(28.0, 26.5),
            1,
            "29 29 27 29 29 26 29 29",
            "hF....rhF.",
        ),
        // no number while holding: as if it had not come
        (above(28.0, 26.5), 3, "29 unavailable 29 29", "h?.F."),
        // a message at the very end comes after the hold time
        (above(28.0, 26.5), 2, "29 29 20", "h.Fr"),
        (is_on.clone(), 2, "on on on off", "h.F.r"),
        (is_on, 2, "on _ on on on", "hbh.F."),
        // every change begins anew, an unchanged value goes on holding
        (Test::Changes, 2, "1 2 2 2 3 4 4 4", ".h.F.hh.F."),
    ];
    for (test, hold, payloads, steps) in table {
        assert_eq!(
            run(trigger(test.clone(), hold), payloads),
            steps,
            "{test:?} {payloads}"
        );
    }
}

#[test]
fn sentences() {
    let mut hot = trigger(above(28.0, 26.5), 30);
    assert_eq!(hot.awaited(), "to rise above 28 and stay there for 30s");
    hot.observe(Some(&Value::Number(29.5)), Moment(0));
    assert_eq!(
        hot.held(),
        "t was found above 28 (29.5); it must stay there for 30s"
    );
    hot.observe(Some(&Value::Number(25.0)), Moment(0));
    assert_eq!(hot.broken(), "t came back to 25 before 30s were over");
    hot.observe(Some(&Value::Number(28.4)), Moment(0));
    assert_eq!(hot.happened(), "t rose above 28 (28.4)");
    assert!(hot.wake(Moment(30_000)));
    assert_eq!(
        hot.fired(),
        "t rose above 28 (28.4) and stayed there for 30s"
    );
    let mut change = trigger(Test::Changes, 0);
    change.observe(Some(&Value::parse("")), Moment(0));
    change.observe(Some(&Value::parse(&"x".repeat(50))), Moment(0));
    let happened = format!("t changed from an empty text to {}…", "x".repeat(40));
    assert_eq!(change.fired(), happened);
}

#[test]
fn silence_is_counted_from_the_last_message_whatever_it_was() {
    let mut quiet = trigger(Test::Quiet, 10);
    quiet.listen(Some(Duration::from_secs(4)), Moment(0));
    assert_eq!(quiet.deadline(), Some(Moment(6000)));
    assert_eq!(quiet.observe(None, Moment(5000)), Step::Nothing);
    assert!(!quiet.wake(Moment(14_999)) && quiet.wake(Moment(15_000)));
    assert_eq!(quiet.deadline(), None, "it fires once");
    let value = Value::parse("3");
    assert_eq!(quiet.observe(Some(&value), Moment(20_000)), Step::Rearmed);
    assert_eq!(quiet.deadline(), Some(Moment(30_000)));
    // It was silent for longer than that before the start.
    quiet.listen(Some(Duration::from_secs(99)), Moment(21_000));
    assert!(quiet.wake(Moment(21_000)));
}
