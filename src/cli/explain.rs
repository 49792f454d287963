//! What goes wrong between us and a broker, in plain words and with what to do.

use std::fmt::Debug;
use std::io;

use anyhow::{anyhow, bail};
use rumqttc::v5;

pub(super) fn explain_v311(error: rumqttc::ConnectionError, place: &str) -> anyhow::Error {
    use rumqttc::{ConnectionError, StateError};
    match error {
        ConnectionError::Io(error) | ConnectionError::MqttState(StateError::Io(error)) => {
            explain_io(&error, place)
        }
        ConnectionError::ConnectionRefused(code) => refused(place, &words(&code)),
        ConnectionError::NetworkTimeout | ConnectionError::FlushTimeout => no_answer(place),
        other => anyhow!("the connection to {place} broke: {other}"),
    }
}

pub(super) fn explain_v5(error: v5::ConnectionError, place: &str) -> anyhow::Error {
    use v5::{ConnectionError, StateError};
    match error {
        ConnectionError::Io(error) | ConnectionError::MqttState(StateError::Io(error)) => {
            explain_io(&error, place)
        }
        ConnectionError::ConnectionRefused(code) => refused(place, &words(&code)),
        ConnectionError::Timeout(_) => no_answer(place),
        ConnectionError::MqttState(StateError::ServerDisconnect {
            reason_code,
            reason_string,
        }) => {
            let more = reason_string.map(|text| format!(" ({text:?})"));
            let more = more.unwrap_or_default();
            let reason = words(&reason_code);
            anyhow!("the broker at {place} ended the connection: {reason}{more}")
        }
        other => anyhow!("the connection to {place} broke: {other}"),
    }
}

fn explain_io(error: &io::Error, place: &str) -> anyhow::Error {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => anyhow!(
            "nothing listens on {place}: is Hearth running? Start it with `hearth run` or \
             `hearth demo`, or name another broker with --host and --port"
        ),
        io::ErrorKind::ConnectionAborted
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::UnexpectedEof => {
            anyhow!("{place} closed the connection; is it an MQTT broker, and does it know you?")
        }
        io::ErrorKind::TimedOut => no_answer(place),
        _ => anyhow!("cannot reach {place}: {error}"),
    }
}

fn no_answer(place: &str) -> anyhow::Error {
    anyhow!("{place} does not answer: is the address right, and does a firewall let MQTT through?")
}

fn refused(place: &str, reason: &str) -> anyhow::Error {
    let hint = match reason {
        "not authorized" | "bad user name password" => "; see --username and --password",
        _ => "",
    };
    anyhow!("the broker at {place} refused the connection: {reason}{hint}")
}

/// `NotAuthorized` as `not authorized`.
pub(super) fn words(name: &impl Debug) -> String {
    let mut words = String::new();
    for c in format!("{name:?}").chars() {
        if c.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(c.to_lowercase());
    }
    words
}

/// Whether a message may be published to `topic`.
///
/// # Errors
/// Says what is wrong with it.
pub(super) fn check_topic(topic: &str) -> anyhow::Result<()> {
    if crate::broker::topic::valid_name(topic) {
        return Ok(());
    }
    if topic.contains(['+', '#']) {
        bail!("cannot publish to `{topic}`: `+` and `#` are for subscribing; name one topic");
    }
    bail!("cannot publish to `{topic}`: a topic has 1 to 65535 bytes");
}

/// Whether one can subscribe to `filter`.
///
/// # Errors
/// Says what is wrong with it.
pub(super) fn check_filter(filter: &str) -> anyhow::Result<()> {
    if crate::broker::topic::valid_filter(filter) {
        return Ok(());
    }
    bail!(
        "cannot subscribe to `{filter}`: `+` stands for one whole level (`home/+/light`), `#` for \
         all that follows and comes last (`home/#`)"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_said_in_words() {
        assert_eq!(
            words(&rumqttc::ConnectReturnCode::NotAuthorized),
            "not authorized"
        );
    }

    #[test]
    fn wildcards_are_for_subscribing() {
        let error = check_topic("home/+").unwrap_err().to_string();
        assert!(
            error.contains("`home/+`") && error.contains("subscribing"),
            "{error}"
        );
        assert!(check_filter("home/+").is_ok());
        assert!(check_filter("home/#/x").is_err());
    }
}
