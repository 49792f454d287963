//! What a message says, and what it does not.

use bytes::Bytes;

use super::*;
use crate::broker::Qos;
use crate::broker::codec::{PublishProperties, RareProperties};
use crate::clock::{Moment, Now};
use crate::history::policy::{Class, Pattern};

const TOPIC: &str = "home/lab/gauge";
const NOW: i64 = 1_790_000_000_000;

fn message(topic: &str, payload: impl Into<Bytes>, properties: &[(&str, &str)]) -> Message {
    let property = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    let rare = RareProperties {
        user_properties: properties.iter().map(property).collect(),
        ..RareProperties::default()
    };
    Message {
        topic: topic.into(),
        payload: payload.into(),
        qos: Qos::AtLeastOnce,
        retain: false,
        received: UtcMillis(NOW - 5),
        properties: PublishProperties {
            rare: Some(Arc::new(rare)),
            ..PublishProperties::default()
        },
        publisher: "\0board".into(),
    }
}

fn read(clock: ClockQuality) -> Read {
    Read::new(Moment(1), Now::default(), clock)
}

fn take(intake: &mut Intake, message: &Message) -> Option<Item> {
    intake.take(message, read(ClockQuality::Synchronised), UtcMillis(NOW))
}

#[test]
fn long_texts_are_cut_between_characters_and_no_number_is_none() {
    let mut intake = Intake::new(Policy::default());
    let mut value = |payload: String| {
        take(&mut intake, &message(TOPIC, payload, &[]))
            .unwrap()
            .value
    };
    let text = "é".repeat(200);
    assert_eq!(value(text.clone()), Value::Text("é".repeat(128)));
    assert_eq!(value(format!("x{text}")).to_string().len(), 255);
    assert_eq!(value("1e999".into()), Value::Text("1e999".into()));
}

#[test]
fn a_sample_is_of_when_it_was_measured_if_that_can_be() {
    let mut intake = Intake::new(Policy::default());
    let mut at = |at: &str, clock| {
        let message = message(TOPIC, "1", &[("at", at)]);
        let item = intake.take(&message, read(clock), UtcMillis(NOW));
        item.unwrap().at.0 - NOW
    };
    let good = ClockQuality::Rtc;
    assert_eq!(at(&(NOW - 90_000).to_string(), good), -90_000);
    assert_eq!(at(&(NOW + 60_000).to_string(), good), 60_000);
    assert_eq!(at(&(NOW + 60_001).to_string(), good), -5);
    assert_eq!(at("yesterday", good), -5);
    assert_eq!(at(&(NOW - 90_000).to_string(), ClockQuality::Unknown), -5);
}

#[test]
fn the_same_count_is_the_same_sample() {
    let mut intake = Intake::new(Policy::default());
    intake.remember(
        TOPIC,
        Origin {
            boot: 7,
            sequence: 1,
        },
    );
    let mut say = |topic: &str, seq: &str| {
        let message = message(topic, "1", &[("boot", "7"), ("seq", seq)]);
        take(&mut intake, &message).map(|item| item.origin)
    };
    assert_eq!(say(TOPIC, "1"), None);
    let origin = Origin {
        boot: 7,
        sequence: 2,
    };
    assert_eq!(say(TOPIC, "2"), Some(Some(origin)));
    assert_eq!(say(TOPIC, "2"), None);
    assert_eq!(
        say("home/lab/other", "2"),
        Some(Some(origin)),
        "each series has its own"
    );
    assert_eq!(say(TOPIC, "-3"), Some(None), "who counts so does not count");
    assert_eq!(intake.doubled(), 2);
}

#[test]
fn what_rules_hear_of_people_and_boards_is_recorded_too() {
    let mut intake = Intake::new(Policy::default());
    let mut value =
        |topic, payload| take(&mut intake, &message(topic, payload, &[])).map(|item| item.value);
    let text = |text: &str| Some(Value::Text(text.to_owned()));
    assert_eq!(value("hearth/hook/doorbell", ""), text(""));
    assert_eq!(
        value("hearth/rule/night/press", "Good night"),
        text("Good night")
    );
    assert_eq!(value("hearth/rule/night/set", "disabled"), text("disabled"));
    assert_eq!(
        value("hearth/board/shed/status", "offline"),
        text("offline")
    );
    assert_eq!(value("hearth/board/shed/status", ""), None);
    assert_eq!(value("hearth/rule/night/last", "{}"), None);
    assert_eq!(value("hearth/status", "online"), None);
}

#[test]
fn the_policy_says_what_is_recorded_and_how_soon() {
    let pattern = |filter: &str, class, record| Pattern {
        filter: filter.into(),
        class,
        record,
        ..Pattern::default()
    };
    let mut intake = Intake::new(Policy {
        patterns: vec![
            pattern("home/bedroom/#", None, Some(false)),
            pattern(TOPIC, Some(Class::Critical), None),
        ],
        ..Policy::default()
    });
    let mut class = |topic| take(&mut intake, &message(topic, "on", &[])).map(|item| item.class);
    assert_eq!(class("home/bedroom/lamp"), None);
    assert_eq!(class("home/bedroom/lamp/set"), None);
    assert_eq!(class(TOPIC), Some(Class::Critical));
    assert_eq!(class("home/lab/other"), Some(Class::Normal));
    assert_eq!(class("home/lab/deep/other"), None);
}
