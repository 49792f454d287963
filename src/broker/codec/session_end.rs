//! DISCONNECT and AUTH (3.14, 3.15).

use bytes::Bytes;

use super::error::DecodeError;
use super::packet::{Auth, Disconnect, Version};
use super::properties::{self, Property};
use super::reason::Reason;
use super::wire::{Reader, Sink};

pub(super) fn read(version: Version, mut reader: Reader<'_>) -> Result<Disconnect, DecodeError> {
    let mut disconnect = Disconnect::default();
    if version == Version::V5 && !reader.is_empty() {
        disconnect.reason = Reason::read(&mut reader, "3.14.2.1", allowed)?;
        // Without properties, their length may be left out too (3.14.2.2.1).
        if !reader.is_empty() {
            read_properties(&mut reader, &mut disconnect)?;
        }
    }
    reader.finish()?;
    Ok(disconnect)
}

fn read_properties(
    reader: &mut Reader<'_>,
    disconnect: &mut Disconnect,
) -> Result<(), DecodeError> {
    properties::read(reader, |property| {
        match property {
            Property::SessionExpiry(seconds) => disconnect.session_expiry = Some(seconds),
            Property::ReasonString(text) => disconnect.reason_string = Some(text.into()),
            Property::ServerReference(text) => disconnect.server_reference = Some(text.into()),
            Property::User(name, value) => {
                disconnect.user_properties.push((name.into(), value.into()));
            }
            other => return Err(other.misplaced()),
        }
        Ok(())
    })
}

/// The reasons that a DISCONNECT may give (3.14.2.1).
impl Reason {
    /// What a DISCONNECT may say for it (3.14.2.1): a fault of a CONNECT that
    /// came where none may come is a breach of the protocol.
    pub fn in_disconnect(self) -> Reason {
        match allowed(&self) {
            true => self,
            false => Reason::ProtocolError,
        }
    }
}

fn allowed(reason: &Reason) -> bool {
    use Reason::*;
    match reason {
        Success | DisconnectWithWill => true,
        UnsupportedProtocolVersion
        | ClientIdentifierNotValid
        | BadUserNameOrPassword
        | ServerUnavailable
        | Banned
        | BadAuthenticationMethod
        | PacketIdentifierInUse
        | PacketIdentifierNotFound => false,
        other => other.is_error(),
    }
}

pub(super) fn read_auth(mut reader: Reader<'_>) -> Result<Auth, DecodeError> {
    let mut auth = Auth::default();
    if reader.is_empty() {
        return Ok(auth);
    }
    auth.reason = Reason::read(&mut reader, "3.15.2.1", |reason| {
        use Reason::*;
        matches!(reason, Success | ContinueAuthentication | ReAuthenticate)
    })?;
    read_auth_properties(&mut reader, &mut auth)?;
    reader.finish()?;
    if auth.authentication_method.is_none() {
        let message = "its Authentication Method is missing";
        return Err(DecodeError::protocol("3.15.2.2.2", message));
    }
    Ok(auth)
}

fn read_auth_properties(reader: &mut Reader<'_>, auth: &mut Auth) -> Result<(), DecodeError> {
    properties::read(reader, |property| {
        match property {
            Property::AuthenticationMethod(text) => auth.authentication_method = Some(text.into()),
            Property::AuthenticationData(data) => {
                auth.authentication_data = Some(Bytes::copy_from_slice(data));
            }
            Property::ReasonString(text) => auth.reason_string = Some(text.into()),
            Property::User(name, value) => auth.user_properties.push((name.into(), value.into())),
            other => return Err(other.misplaced()),
        }
        Ok(())
    })
}

pub(super) fn write(disconnect: &Disconnect, version: Version, out: &mut dyn Sink) {
    if version == Version::V311 || *disconnect == Disconnect::default() {
        return;
    }
    // The property length could be left out when it is 0, but not every client
    // can read that, rumqttc among them.
    out.u8(disconnect.reason.code());
    properties::write(out, |out| write_properties(disconnect, out));
}

fn write_properties(disconnect: &Disconnect, out: &mut dyn Sink) {
    let known = [
        disconnect.session_expiry.map(Property::SessionExpiry),
        disconnect
            .reason_string
            .as_deref()
            .map(Property::ReasonString),
        disconnect
            .server_reference
            .as_deref()
            .map(Property::ServerReference),
    ];
    properties::write_some(out, known, &disconnect.user_properties);
}

pub(super) fn write_auth(auth: &Auth, out: &mut dyn Sink) {
    if *auth == Auth::default() {
        return;
    }
    out.u8(auth.reason.code());
    properties::write(out, |out| {
        let known = [
            auth.authentication_method
                .as_deref()
                .map(Property::AuthenticationMethod),
            auth.authentication_data
                .as_deref()
                .map(Property::AuthenticationData),
            auth.reason_string.as_deref().map(Property::ReasonString),
        ];
        properties::write_some(out, known, &auth.user_properties);
    });
}
