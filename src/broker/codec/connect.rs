//! CONNECT (3.1).

use bytes::Bytes;

use super::error::{DecodeError, quote};
use super::packet::{Connect, Qos, Version, Will};
use super::properties::{self, Property};
use super::publish::{self, Gathered};
use super::reason::Reason;
use super::wire::{Reader, Sink};

const RESERVED: u8 = 0x01;
const CLEAN_START: u8 = 0x02;
const WILL: u8 = 0x04;
const WILL_RETAIN: u8 = 0x20;
const PASSWORD: u8 = 0x40;
const USERNAME: u8 = 0x80;

/// Protocol name and level (3.1.2.1, 3.1.2.2).
pub(super) fn read_version(reader: &mut Reader<'_>) -> Result<Version, DecodeError> {
    let name = reader.text()?;
    let level = reader.u8()?;
    match (name, level) {
        ("MQTT", 4) => Ok(Version::V311),
        ("MQTT", 5) => Ok(Version::V5),
        _ => Err(DecodeError::new(
            Reason::UnsupportedProtocolVersion,
            "3.1.2.2",
            format!(
                "it asks for protocol {} level {level}; MQTT 3.1.1 (level 4) and 5.0 (level 5) are spoken here",
                quote(name)
            ),
        )),
    }
}

/// What follows protocol name and level.
pub(super) fn read(version: Version, mut reader: Reader<'_>) -> Result<Connect, DecodeError> {
    let flags = reader.u8()?;
    check_flags(flags, version)?;
    let mut connect = Connect {
        version,
        client_id: String::new(),
        clean_start: flags & CLEAN_START != 0,
        keep_alive: reader.u16()?,
        username: None,
        password: None,
        will: None,
        session_expiry: None,
        receive_maximum: None,
        maximum_packet_size: None,
        topic_alias_maximum: 0,
        request_response_information: false,
        request_problem_information: true,
        user_properties: Vec::new(),
        authentication_method: None,
        authentication_data: None,
    };
    if version == Version::V5 {
        read_properties(&mut reader, &mut connect)?;
    }
    connect.client_id = reader.text()?.into();
    if flags & WILL != 0 {
        connect.will = Some(read_will(&mut reader, flags, version)?);
    }
    if flags & USERNAME != 0 {
        connect.username = Some(reader.text()?.into());
    }
    if flags & PASSWORD != 0 {
        connect.password = Some(Bytes::copy_from_slice(reader.binary()?));
    }
    reader.finish()?;
    Ok(connect)
}

fn check_flags(flags: u8, version: Version) -> Result<(), DecodeError> {
    if flags & RESERVED != 0 {
        let message = "the reserved connect flag is set";
        return Err(DecodeError::malformed("3.1.2.3", message));
    }
    let will_qos = will_qos(flags)?;
    if flags & WILL == 0 && (will_qos != Qos::AtMostOnce || flags & WILL_RETAIN != 0) {
        let message = "will QoS or will retain is set without a will";
        return Err(DecodeError::malformed("3.1.2.6", message));
    }
    if version == Version::V311 && flags & PASSWORD != 0 && flags & USERNAME == 0 {
        let message = "a password comes without a user name, which 3.1.1 (3.1.2.9) forbids";
        return Err(DecodeError::malformed("3.1.2.9", message));
    }
    Ok(())
}

fn will_qos(flags: u8) -> Result<Qos, DecodeError> {
    Qos::from_bits(flags >> 3 & 0b11)
        .ok_or_else(|| DecodeError::malformed("3.1.2.6", "its will QoS is 3"))
}

fn read_properties(reader: &mut Reader<'_>, connect: &mut Connect) -> Result<(), DecodeError> {
    properties::read(reader, |property| {
        match property {
            Property::SessionExpiry(seconds) => connect.session_expiry = Some(seconds),
            Property::ReceiveMaximum(maximum) => connect.receive_maximum = Some(maximum),
            Property::MaximumPacketSize(size) => connect.maximum_packet_size = Some(size.get()),
            Property::TopicAliasMaximum(maximum) => connect.topic_alias_maximum = maximum,
            Property::RequestResponseInformation(wanted) => {
                connect.request_response_information = wanted;
            }
            Property::RequestProblemInformation(wanted) => {
                connect.request_problem_information = wanted;
            }
            Property::User(name, value) => {
                connect.user_properties.push((name.into(), value.into()));
            }
            Property::AuthenticationMethod(method) => {
                connect.authentication_method = Some(method.into());
            }
            Property::AuthenticationData(data) => {
                connect.authentication_data = Some(Bytes::copy_from_slice(data));
            }
            other => return Err(other.misplaced()),
        }
        Ok(())
    })?;
    if connect.authentication_data.is_some() && connect.authentication_method.is_none() {
        let message = "Authentication Data comes without an Authentication Method";
        return Err(DecodeError::protocol("3.1.2.11.10", message));
    }
    Ok(())
}

fn read_will(reader: &mut Reader<'_>, flags: u8, version: Version) -> Result<Will, DecodeError> {
    let mut delay = 0;
    let mut gathered = Gathered::default();
    if version == Version::V5 {
        properties::read(reader, |property| match property {
            Property::WillDelay(seconds) => {
                delay = seconds;
                Ok(())
            }
            other => gathered.take(other),
        })?;
    }
    let topic = reader.text()?;
    publish::check_name(topic)?;
    Ok(Will {
        topic: topic.into(),
        payload: Bytes::copy_from_slice(reader.binary()?),
        qos: will_qos(flags)?,
        retain: flags & WILL_RETAIN != 0,
        delay,
        properties: gathered.finish(),
    })
}

pub(super) fn write(connect: &Connect, out: &mut dyn Sink) {
    out.text("MQTT");
    out.u8(match connect.version {
        Version::V311 => 4,
        Version::V5 => 5,
    });
    out.u8(flags(connect));
    out.u16(connect.keep_alive);
    if connect.version == Version::V5 {
        properties::write(out, |out| write_properties(connect, out));
    }
    out.text(&connect.client_id);
    if let Some(will) = &connect.will {
        write_will(will, connect.version, out);
    }
    if let Some(username) = &connect.username {
        out.text(username);
    }
    if let Some(password) = &connect.password {
        out.binary(password);
    }
}

fn flags(connect: &Connect) -> u8 {
    let mut flags = 0;
    if connect.clean_start {
        flags |= CLEAN_START;
    }
    if let Some(will) = &connect.will {
        flags |= WILL | (will.qos as u8) << 3;
        if will.retain {
            flags |= WILL_RETAIN;
        }
    }
    if connect.username.is_some() {
        flags |= USERNAME;
    }
    if connect.password.is_some() {
        flags |= PASSWORD;
    }
    flags
}

fn write_properties(connect: &Connect, out: &mut dyn Sink) {
    let alias_maximum = connect.topic_alias_maximum;
    let known = [
        connect.session_expiry.map(Property::SessionExpiry),
        connect.receive_maximum.map(Property::ReceiveMaximum),
        connect
            .maximum_packet_size
            .and_then(std::num::NonZeroU32::new)
            .map(Property::MaximumPacketSize),
        (alias_maximum > 0).then_some(Property::TopicAliasMaximum(alias_maximum)),
        connect
            .request_response_information
            .then_some(Property::RequestResponseInformation(true)),
        (!connect.request_problem_information)
            .then_some(Property::RequestProblemInformation(false)),
        connect
            .authentication_method
            .as_deref()
            .map(Property::AuthenticationMethod),
        connect
            .authentication_data
            .as_deref()
            .map(Property::AuthenticationData),
    ];
    properties::write_some(out, known, &connect.user_properties);
}

fn write_will(will: &Will, version: Version, out: &mut dyn Sink) {
    if version == Version::V5 {
        properties::write(out, |out| {
            if will.delay > 0 {
                Property::WillDelay(will.delay).write(out);
            }
            publish::write_properties(will.properties.message_expiry, &will.properties, out);
        });
    }
    out.text(&will.topic);
    out.binary(&will.payload);
}
