//! CONNACK (3.2).

use std::num::{NonZeroU16, NonZeroU32};

use bytes::Bytes;

use super::error::DecodeError;
use super::packet::{ConnAck, Qos, Version};
use super::properties::{self, Property};
use super::reason::Reason;
use super::wire::{Reader, Sink};

pub(super) fn read(version: Version, mut reader: Reader<'_>) -> Result<ConnAck, DecodeError> {
    let flags = reader.u8()?;
    if flags > 1 {
        let message = "reserved acknowledge flags are set";
        return Err(DecodeError::malformed("3.2.2.1", message));
    }
    let code = reader.u8()?;
    let reason = match version {
        Version::V311 => Reason::from_connect_return_code(code),
        Version::V5 => Reason::from_code(code).filter(allowed),
    };
    let mut connack = ConnAck {
        session_present: flags == 1,
        reason: reason.ok_or_else(|| Reason::misplaced(code, "3.2.2.2"))?,
        ..ConnAck::default()
    };
    if connack.session_present && connack.reason != Reason::Success {
        let message = "it refuses, and yet says that a session is present";
        return Err(DecodeError::protocol("3.2.2.1.1", message));
    }
    if version == Version::V5 {
        read_properties(&mut reader, &mut connack)?;
    }
    reader.finish()?;
    Ok(connack)
}

/// The reasons that a CONNACK may give (3.2.2.2).
fn allowed(reason: &Reason) -> bool {
    use Reason::*;
    matches!(
        reason,
        Success
            | UnspecifiedError
            | MalformedPacket
            | ProtocolError
            | ImplementationSpecificError
            | UnsupportedProtocolVersion
            | ClientIdentifierNotValid
            | BadUserNameOrPassword
            | NotAuthorized
            | ServerUnavailable
            | ServerBusy
            | Banned
            | BadAuthenticationMethod
            | TopicNameInvalid
            | PacketTooLarge
            | QuotaExceeded
            | PayloadFormatInvalid
            | RetainNotSupported
            | QosNotSupported
            | UseAnotherServer
            | ServerMoved
            | ConnectionRateExceeded
    )
}

fn read_properties(reader: &mut Reader<'_>, connack: &mut ConnAck) -> Result<(), DecodeError> {
    properties::read(reader, |property| {
        match property {
            Property::SessionExpiry(seconds) => connack.session_expiry = Some(seconds),
            Property::ReceiveMaximum(maximum) => connack.receive_maximum = Some(maximum.get()),
            Property::MaximumQosIsOne(one) => connack.maximum_qos = Some(maximum_qos(one)),
            Property::RetainAvailable(yes) => connack.retain_available = Some(yes),
            Property::MaximumPacketSize(size) => connack.maximum_packet_size = Some(size.get()),
            Property::AssignedClientId(id) => connack.assigned_client_id = Some(id.into()),
            Property::TopicAliasMaximum(maximum) => connack.topic_alias_maximum = Some(maximum),
            Property::ReasonString(text) => connack.reason_string = Some(text.into()),
            Property::User(name, value) => {
                connack.user_properties.push((name.into(), value.into()));
            }
            Property::WildcardAvailable(yes) => {
                connack.wildcard_subscription_available = Some(yes);
            }
            Property::SubscriptionIdAvailable(yes) => {
                connack.subscription_ids_available = Some(yes);
            }
            Property::SharedAvailable(yes) => connack.shared_subscription_available = Some(yes),
            Property::ServerKeepAlive(seconds) => connack.server_keep_alive = Some(seconds),
            Property::ResponseInformation(text) => {
                connack.response_information = Some(text.into());
            }
            Property::ServerReference(text) => connack.server_reference = Some(text.into()),
            Property::AuthenticationMethod(text) => {
                connack.authentication_method = Some(text.into());
            }
            Property::AuthenticationData(data) => {
                connack.authentication_data = Some(Bytes::copy_from_slice(data));
            }
            other => return Err(other.misplaced()),
        }
        Ok(())
    })
}

fn maximum_qos(one: bool) -> Qos {
    if one {
        Qos::AtLeastOnce
    } else {
        Qos::AtMostOnce
    }
}

pub(super) fn write(connack: &ConnAck, version: Version, out: &mut dyn Sink) {
    out.u8((connack.session_present && connack.reason == Reason::Success).into());
    match version {
        Version::V311 => out.u8(connack.reason.connect_return_code()),
        Version::V5 => {
            out.u8(connack.reason.code());
            properties::write(out, |out| write_properties(connack, out));
        }
    }
}

fn write_properties(connack: &ConnAck, out: &mut dyn Sink) {
    let known = [
        connack.session_expiry.map(Property::SessionExpiry),
        connack
            .receive_maximum
            .and_then(NonZeroU16::new)
            .map(Property::ReceiveMaximum),
        // Not said means QoS 2, which has no code of its own (3.2.2.3.4).
        connack
            .maximum_qos
            .filter(|qos| *qos != Qos::ExactlyOnce)
            .map(|qos| Property::MaximumQosIsOne(qos == Qos::AtLeastOnce)),
        connack.retain_available.map(Property::RetainAvailable),
        connack
            .maximum_packet_size
            .and_then(NonZeroU32::new)
            .map(Property::MaximumPacketSize),
        connack
            .assigned_client_id
            .as_deref()
            .map(Property::AssignedClientId),
        connack.topic_alias_maximum.map(Property::TopicAliasMaximum),
        connack.reason_string.as_deref().map(Property::ReasonString),
        connack
            .wildcard_subscription_available
            .map(Property::WildcardAvailable),
        connack
            .subscription_ids_available
            .map(Property::SubscriptionIdAvailable),
        connack
            .shared_subscription_available
            .map(Property::SharedAvailable),
        connack.server_keep_alive.map(Property::ServerKeepAlive),
        connack
            .response_information
            .as_deref()
            .map(Property::ResponseInformation),
        connack
            .server_reference
            .as_deref()
            .map(Property::ServerReference),
        connack
            .authentication_method
            .as_deref()
            .map(Property::AuthenticationMethod),
        connack
            .authentication_data
            .as_deref()
            .map(Property::AuthenticationData),
    ];
    properties::write_some(out, known, &connack.user_properties);
}
