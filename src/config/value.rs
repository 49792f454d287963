//! Values that the house gives a meaning: words, topics, payloads, times.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use serde::de::IntoDeserializer;
use toml::de::DeValue;

use super::item::Item;
use super::problem::{Problem, Spot, quoted};
use crate::home::duration::{self, NoDuration};
use crate::home::topic::{is_word, word};
use crate::home::{Thing, Value};

/// MQTT writes a topic's length in two bytes (MQTT 5.0, section 1.5.4).
const LONGEST_TOPIC_BYTES: usize = 65_535;

impl Item<'_> {
    /// A word as topics are made of.
    pub fn word(self) -> Option<String> {
        let text = self.text()?;
        self.checked_word(&text, self.spot())
    }

    /// The key itself, which must be a word.
    pub fn name_as_word(&self) -> Option<String> {
        self.checked_word(self.name(), self.key_spot())
    }

    fn checked_word(&self, text: &str, spot: Spot) -> Option<String> {
        if is_word(text) {
            return Some(text.to_owned());
        }
        let message = format!(
            "{} is no name: lower-case letters, digits and single `-` make one",
            quoted(text)
        );
        let problem = Problem::at(spot, message);
        let suggestion = word(text);
        self.error(match suggestion.is_empty() {
            true => problem,
            false => problem.hint(format!("write {suggestion}")),
        });
        None
    }

    /// A time such as `"30s"`, `"1m30s"`, `"500ms"` or `"2h"`.
    pub fn duration(self) -> Option<Duration> {
        const EXAMPLES: &str =
            r#"write a time with its unit: "500ms", "30s", "1m30s", "2h" or "7d""#;
        let DeValue::String(text) = self.value() else {
            return self.expected("a time in quotes", EXAMPLES);
        };
        match duration::parse(text) {
            Ok(duration) => Some(duration),
            Err(NoDuration::Unreadable) => {
                self.wrong(format!("{} is no time", quoted(text)), EXAMPLES)
            }
            Err(NoDuration::TooLong) => self.wrong(
                format!("{} is longer than a year", quoted(text)),
                "times in this file go up to \"366d\"",
            ),
        }
    }

    /// A time that something waits for.
    pub fn time_to_wait(self) -> Option<Duration> {
        let duration = self.duration()?;
        if duration < Duration::from_millis(1) {
            return self.wrong(
                format!("`{}` needs a time of at least 1ms", self.name()),
                "write how long, such as \"30s\" or \"10m\"",
            );
        }
        Some(duration)
    }

    /// A time within bounds.
    pub fn duration_within(self, shortest: Duration, longest: Duration) -> Option<Duration> {
        let duration = self.duration()?;
        if (shortest..=longest).contains(&duration) {
            return Some(duration);
        }
        self.wrong(
            format!("`{}` is out of range", self.name()),
            format!("write a time from {shortest:?} to {longest:?}"),
        )
    }

    /// An IP address and port.
    pub fn address(self) -> Option<SocketAddr> {
        let text = match self.value() {
            DeValue::Integer(port) => port.as_str().to_owned(),
            _ => self.text()?,
        };
        if let Ok(address) = text.parse() {
            return Some(address);
        }
        let message = format!("{} is no address with a port", quoted(&text));
        self.wrong(message, address_hint(&text))
    }

    /// The path of a device file, from the config's folder if it is relative.
    /// A bare name is more likely a port of another system, such as `COM3`.
    pub fn device_path(self) -> Option<PathBuf> {
        let text = self.text()?;
        if text.contains('/') {
            return Some(text.into());
        }
        let message = format!("{} is no path of a device", quoted(&text));
        self.wrong(
            message,
            "write it in full, such as \"/dev/ttyACM0\"; `hearth boards` lists them",
        )
    }

    /// A topic, maybe with wildcards or named levels.
    pub fn topic_or_pattern(self) -> Option<String> {
        let text = self.text()?;
        if text.chars().any(char::is_control) {
            let message = format!("{} holds a control character", quoted(&text));
            return self.wrong(message, "topics are made of printable characters");
        }
        if text.len() > LONGEST_TOPIC_BYTES {
            let message = format!("this topic is longer than {LONGEST_TOPIC_BYTES} bytes");
            return self.wrong(message, "choose a shorter one");
        }
        Some(text)
    }

    /// A topic that clients may publish to.
    pub fn topic_to_publish(self) -> Option<String> {
        let topic = self.topic_or_pattern()?;
        if let Some(wildcard) = topic.chars().find(|c| matches!(c, '+' | '#')) {
            let message = format!(
                "`{}` must name one topic, without `{wildcard}`",
                self.name()
            );
            return self.wrong(message, "a message goes to one topic: write it out");
        }
        if topic.starts_with('$') {
            return self.wrong(
                format!("{} cannot be published to", quoted(&topic)),
                "topics that start with `$` belong to the broker",
            );
        }
        Some(topic)
    }

    /// `home/<room>/<thing>`
    pub fn thing(self) -> Option<Thing> {
        let text = self.topic_or_pattern()?;
        self.checked_thing(&text, self.spot())
    }

    /// The key itself, which must be `home/<room>/<thing>`.
    pub fn name_as_thing(&self) -> Option<Thing> {
        self.checked_thing(self.name(), self.key_spot())
    }

    fn checked_thing(&self, text: &str, spot: Spot) -> Option<Thing> {
        let thing = Thing::from_topic(text);
        if let Some(thing) = thing.filter(|t| is_word(&t.room) && is_word(&t.name)) {
            return Some(thing);
        }
        let message = format!("{} is no thing of the house", quoted(text));
        self.error(Problem::at(spot, message).hint(thing_hint(text)));
        None
    }

    /// What a message says: a text, or a number as it is written.
    pub fn payload(self) -> Option<String> {
        match self.value() {
            DeValue::String(text) => Some(text.to_string()),
            DeValue::Integer(integer) => Some(integer.to_string()),
            DeValue::Float(float) => Some(float.as_str().to_owned()),
            DeValue::Boolean(true) => self.expected("a text or a number", r#"write "on""#),
            DeValue::Boolean(false) => self.expected("a text or a number", r#"write "off""#),
            _ => self.expected("a text or a number", r#"such as "on", "open" or 21.5"#),
        }
    }

    /// The value that a payload stands for.
    pub fn house_value(self) -> Option<Value> {
        self.payload().map(|payload| Value::parse(&payload))
    }

    /// A word that `home` spells, such as a device class.
    pub fn home_word<T: for<'de> Deserialize<'de>>(self) -> Option<T> {
        let text = self.text()?;
        match T::deserialize(text.as_str().into_deserializer()) {
            Ok(value) => Some(value),
            Err(NotOneOf(words)) => {
                self.not_one_of(&text, words);
                None
            }
        }
    }
}

fn thing_hint(text: &str) -> String {
    if text.contains(['{', '}']) {
        let doubled = text.replace('{', "{{ ").replace('}', " }}");
        return match text.contains("{{") {
            true => "name one thing here, without {{ … }}".to_owned(),
            false => format!("in actions, captured names stand in two braces: \"{doubled}\""),
        };
    }
    let base = text.strip_suffix("/set").unwrap_or(text);
    match Thing::from_topic(base).map(|t| (word(&t.room), word(&t.name))) {
        Some((room, name)) if !room.is_empty() && !name.is_empty() => {
            format!("write \"home/{room}/{name}\"")
        }
        _ => "write home/<room>/<thing>, such as \"home/greenhouse/fan\"".to_owned(),
    }
}

fn address_hint(text: &str) -> String {
    let port = text
        .rsplit(':')
        .next()
        .and_then(|port| port.parse::<u16>().ok());
    match port {
        Some(port) => format!(
            "write \"127.0.0.1:{port}\" for this computer alone, \
             or \"0.0.0.0:{port}\" for every network it is in"
        ),
        None => "write an IP address and a port, such as \"127.0.0.1:1883\"".to_owned(),
    }
}

/// The words that an enum knows, as its `Deserialize` tells them.
#[derive(Debug)]
struct NotOneOf(&'static [&'static str]);

impl std::fmt::Display for NotOneOf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "not one of {:?}", self.0)
    }
}

impl std::error::Error for NotOneOf {}

impl serde::de::Error for NotOneOf {
    fn custom<T: std::fmt::Display>(_: T) -> NotOneOf {
        NotOneOf(&[])
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> NotOneOf {
        NotOneOf(expected)
    }
}
