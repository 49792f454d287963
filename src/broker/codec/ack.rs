//! PUBACK, PUBREC, PUBREL and PUBCOMP (3.4 to 3.7).

use super::error::DecodeError;
use super::kind::Kind;
use super::packet::{Ack, Version};
use super::properties::{self, Property};
use super::reason::Reason;
use super::wire::{Reader, Sink};

pub(super) fn read(
    kind: Kind,
    version: Version,
    mut reader: Reader<'_>,
) -> Result<Ack, DecodeError> {
    let mut ack = Ack {
        packet_id: reader.packet_id()?,
        reason: Reason::Success,
        reason_string: None,
    };
    if version == Version::V5 && !reader.is_empty() {
        ack.reason = Reason::read(&mut reader, "3.4.2.1", |reason| allowed(kind, *reason))?;
        // Without properties, their length may be left out too (3.4.2.2.1).
        if !reader.is_empty() {
            ack.reason_string = read_reason_string(&mut reader)?;
        }
    }
    reader.finish()?;
    Ok(ack)
}

fn allowed(kind: Kind, reason: Reason) -> bool {
    use Reason::*;
    match kind {
        Kind::PubRel | Kind::PubComp => matches!(reason, Success | PacketIdentifierNotFound),
        _ => matches!(
            reason,
            Success
                | NoMatchingSubscribers
                | UnspecifiedError
                | ImplementationSpecificError
                | NotAuthorized
                | TopicNameInvalid
                | PacketIdentifierInUse
                | QuotaExceeded
                | PayloadFormatInvalid
        ),
    }
}

/// The properties of every acknowledgement: a reason string, and user properties,
/// which are checked and dropped because nobody reads them.
pub(super) fn read_reason_string(reader: &mut Reader<'_>) -> Result<Option<String>, DecodeError> {
    let mut reason_string = None;
    properties::read(reader, |property| {
        match property {
            Property::ReasonString(text) => reason_string = Some(text.into()),
            Property::User(..) => {}
            other => return Err(other.misplaced()),
        }
        Ok(())
    })?;
    Ok(reason_string)
}

pub(super) fn write(ack: &Ack, version: Version, out: &mut dyn Sink) {
    out.u16(ack.packet_id.get());
    if version == Version::V311 {
        return;
    }
    match &ack.reason_string {
        Some(_) => {
            out.u8(ack.reason.code());
            write_reason_string(ack.reason_string.as_deref(), out);
        }
        None if ack.reason != Reason::Success => out.u8(ack.reason.code()),
        None => {}
    }
}

pub(super) fn write_reason_string(reason_string: Option<&str>, out: &mut dyn Sink) {
    properties::write(out, |out| {
        if let Some(text) = reason_string {
            Property::ReasonString(text).write(out);
        }
    });
}
