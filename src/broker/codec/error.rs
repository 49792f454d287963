//! What is wrong with bytes that are no MQTT.

use std::borrow::Cow;

use thiserror::Error;

use super::reason::Reason;

/// How much of a client's text an error repeats, in characters.
const QUOTED: usize = 60;

/// A packet that the standard does not allow. The connection cannot go on: where
/// the next packet starts is unknown, or the peer breaks the rules (4.13).
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{packet}: {message} (MQTT 5.0, section {section})")]
pub struct DecodeError {
    /// What to say in CONNACK or DISCONNECT.
    pub reason: Reason,
    /// The packet's name as the standard writes it; `packet` while it is unknown.
    pub packet: &'static str,
    /// What is wrong, in plain English.
    pub message: Cow<'static, str>,
    /// Where MQTT 5.0 says so; 3.1.1 agrees unless the message says otherwise.
    pub section: &'static str,
}

impl DecodeError {
    pub(super) fn new(
        reason: Reason,
        section: &'static str,
        message: impl Into<Cow<'static, str>>,
    ) -> DecodeError {
        DecodeError {
            reason,
            packet: "packet",
            message: message.into(),
            section,
        }
    }

    /// The bytes cannot be parsed.
    pub(super) fn malformed(
        section: &'static str,
        message: impl Into<Cow<'static, str>>,
    ) -> DecodeError {
        DecodeError::new(Reason::MalformedPacket, section, message)
    }

    /// The bytes can be parsed, but must not be sent.
    pub(super) fn protocol(
        section: &'static str,
        message: impl Into<Cow<'static, str>>,
    ) -> DecodeError {
        DecodeError::new(Reason::ProtocolError, section, message)
    }

    /// A packet ends in the middle of a field.
    pub(super) fn truncated() -> DecodeError {
        DecodeError::malformed("4.13.1", "it ends in the middle of a field")
    }

    pub(super) fn in_packet(self, packet: &'static str) -> DecodeError {
        DecodeError { packet, ..self }
    }
}

/// A client's text, made safe for one log line: escaped, and cut when long.
pub(super) fn quote(text: &str) -> String {
    match text.char_indices().nth(QUOTED) {
        Some((end, _)) => format!("{:?}…", &text[..end]),
        None => format!("{text:?}"),
    }
}
