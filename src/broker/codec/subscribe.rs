//! SUBSCRIBE, UNSUBSCRIBE and their answers (3.8 to 3.11).

use std::num::NonZeroU32;

use super::ack;
use super::error::{DecodeError, quote};
use super::packet::{
    Qos, RetainHandling, SubAck, Subscribe, SubscriptionOptions, Unsubscribe, UserProperties,
    Version,
};
use super::properties::{self, Property};
use super::reason::Reason;
use super::wire::{Reader, Sink};
use crate::broker::topic::{self, SharedFilter};

const NO_LOCAL: u8 = 0x04;
const RETAIN_AS_PUBLISHED: u8 = 0x08;

pub(super) fn read(version: Version, mut reader: Reader<'_>) -> Result<Subscribe, DecodeError> {
    let mut subscribe = Subscribe {
        packet_id: reader.packet_id()?,
        id: None,
        filters: Vec::new(),
        user_properties: Vec::new(),
    };
    if version == Version::V5 {
        read_properties(&mut reader, &mut subscribe)?;
    }
    check_not_empty(reader, "3.8.3")?;
    while !reader.is_empty() {
        let filter = read_filter(&mut reader)?;
        let options = read_options(reader.u8()?, filter, version)?;
        subscribe.filters.push((filter.into(), options));
    }
    Ok(subscribe)
}

fn read_properties(reader: &mut Reader<'_>, subscribe: &mut Subscribe) -> Result<(), DecodeError> {
    properties::read(reader, |property| {
        match property {
            // Only a PUBLISH may have several.
            Property::SubscriptionId(_) if subscribe.id.is_some() => {
                return Err(properties::twice(11));
            }
            Property::SubscriptionId(id) => subscribe.id = Some(id.get()),
            Property::User(name, value) => {
                subscribe.user_properties.push((name.into(), value.into()));
            }
            other => return Err(other.misplaced()),
        }
        Ok(())
    })
}

fn read_options(
    bits: u8,
    filter: &str,
    version: Version,
) -> Result<SubscriptionOptions, DecodeError> {
    let reserved = match version {
        Version::V311 => 0b1111_1100,
        Version::V5 => 0b1100_0000,
    };
    if bits & reserved != 0 {
        let message = "reserved bits of its subscription options are set";
        return Err(DecodeError::malformed("3.8.3.1", message));
    }
    let options = SubscriptionOptions {
        qos: Qos::from_bits(bits & 0b11)
            .ok_or_else(|| DecodeError::protocol("3.8.3.1", "it asks for QoS 3"))?,
        no_local: bits & NO_LOCAL != 0,
        retain_as_published: bits & RETAIN_AS_PUBLISHED != 0,
        retain_handling: RetainHandling::from_bits(bits >> 4)
            .ok_or_else(|| DecodeError::protocol("3.8.3.1", "its Retain Handling is 3"))?,
    };
    if options.no_local && SharedFilter::parse(filter).is_some() {
        let message = format!("{} is shared and cannot be No Local", quote(filter));
        return Err(DecodeError::protocol("3.8.3.1", message));
    }
    Ok(options)
}

fn read_filter<'a>(reader: &mut Reader<'a>) -> Result<&'a str, DecodeError> {
    let filter = reader.text()?;
    if topic::valid_filter(filter) {
        return Ok(filter);
    }
    let message = if filter.is_empty() {
        "a topic filter is empty".into()
    } else {
        format!(
            "{} is no topic filter: `+` stands alone between slashes, `#` alone at the end, \
             a shared one is `$share/group/filter`",
            quote(filter)
        )
    };
    Err(DecodeError::new(Reason::TopicFilterInvalid, "4.7", message))
}

fn check_not_empty(payload: Reader<'_>, section: &'static str) -> Result<(), DecodeError> {
    if payload.is_empty() {
        return Err(DecodeError::protocol(section, "its payload is empty"));
    }
    Ok(())
}

pub(super) fn read_unsubscribe(
    version: Version,
    mut reader: Reader<'_>,
) -> Result<Unsubscribe, DecodeError> {
    let mut unsubscribe = Unsubscribe {
        packet_id: reader.packet_id()?,
        filters: Vec::new(),
        user_properties: Vec::new(),
    };
    if version == Version::V5 {
        unsubscribe.user_properties = read_user_properties(&mut reader)?;
    }
    check_not_empty(reader, "3.10.3")?;
    while !reader.is_empty() {
        unsubscribe.filters.push(read_filter(&mut reader)?.into());
    }
    Ok(unsubscribe)
}

fn read_user_properties(reader: &mut Reader<'_>) -> Result<UserProperties, DecodeError> {
    let mut user = Vec::new();
    properties::read(reader, |property| match property {
        Property::User(name, value) => {
            user.push((name.into(), value.into()));
            Ok(())
        }
        other => Err(other.misplaced()),
    })?;
    Ok(user)
}

pub(super) fn read_suback(version: Version, reader: Reader<'_>) -> Result<SubAck, DecodeError> {
    let allowed = |reason: &Reason| match version {
        Version::V311 => reason.code() <= 2 || *reason == Reason::UnspecifiedError,
        Version::V5 => subscribe_reason(*reason),
    };
    read_reasons(version, reader, "3.9.3", allowed)
}

pub(super) fn read_unsuback(
    version: Version,
    mut reader: Reader<'_>,
) -> Result<SubAck, DecodeError> {
    if version == Version::V5 {
        return read_reasons(version, reader, "3.11.3", |reason| {
            unsubscribe_reason(*reason)
        });
    }
    let packet_id = reader.packet_id()?;
    reader.finish()?;
    Ok(SubAck {
        packet_id,
        reasons: Vec::new(),
        reason_string: None,
    })
}

fn read_reasons(
    version: Version,
    mut reader: Reader<'_>,
    section: &'static str,
    allowed: impl Fn(&Reason) -> bool,
) -> Result<SubAck, DecodeError> {
    let packet_id = reader.packet_id()?;
    let reason_string = match version {
        Version::V311 => None,
        Version::V5 => ack::read_reason_string(&mut reader)?,
    };
    check_not_empty(reader, section)?;
    let mut reasons = Vec::with_capacity(reader.len());
    while !reader.is_empty() {
        reasons.push(Reason::read(&mut reader, section, &allowed)?);
    }
    Ok(SubAck {
        packet_id,
        reasons,
        reason_string,
    })
}

fn subscribe_reason(reason: Reason) -> bool {
    use Reason::*;
    matches!(
        reason,
        Success
            | GrantedQos1
            | GrantedQos2
            | UnspecifiedError
            | ImplementationSpecificError
            | NotAuthorized
            | TopicFilterInvalid
            | PacketIdentifierInUse
            | QuotaExceeded
            | SharedSubscriptionsNotSupported
            | SubscriptionIdentifiersNotSupported
            | WildcardSubscriptionsNotSupported
    )
}

fn unsubscribe_reason(reason: Reason) -> bool {
    use Reason::*;
    matches!(
        reason,
        Success
            | NoSubscriptionExisted
            | UnspecifiedError
            | ImplementationSpecificError
            | NotAuthorized
            | TopicFilterInvalid
            | PacketIdentifierInUse
    )
}

pub(super) fn write(subscribe: &Subscribe, version: Version, out: &mut dyn Sink) {
    out.u16(subscribe.packet_id.get());
    if version == Version::V5 {
        let id = subscribe.id.and_then(NonZeroU32::new);
        properties::write(out, |out| {
            let known = [id.map(Property::SubscriptionId)];
            properties::write_some(out, known, &subscribe.user_properties);
        });
    }
    for (filter, options) in &subscribe.filters {
        out.text(filter);
        out.u8(option_bits(*options, version));
    }
}

fn option_bits(options: SubscriptionOptions, version: Version) -> u8 {
    match version {
        Version::V311 => options.qos as u8,
        Version::V5 => options.bits(),
    }
}

impl SubscriptionOptions {
    /// As SUBSCRIBE of MQTT 5.0 carries them (3.8.3.1).
    pub fn bits(self) -> u8 {
        let mut bits = self.qos as u8 | (self.retain_handling as u8) << 4;
        if self.no_local {
            bits |= NO_LOCAL;
        }
        if self.retain_as_published {
            bits |= RETAIN_AS_PUBLISHED;
        }
        bits
    }

    /// The options with these bits; `None` if they are none.
    pub fn from_bits(bits: u8) -> Option<SubscriptionOptions> {
        read_options(bits, "", Version::V5).ok()
    }
}

pub(super) fn write_unsubscribe(unsubscribe: &Unsubscribe, version: Version, out: &mut dyn Sink) {
    out.u16(unsubscribe.packet_id.get());
    if version == Version::V5 {
        properties::write(out, |out| {
            properties::write_user(out, &unsubscribe.user_properties);
        });
    }
    for filter in &unsubscribe.filters {
        out.text(filter);
    }
}

pub(super) fn write_suback(suback: &SubAck, version: Version, out: &mut dyn Sink) {
    out.u16(suback.packet_id.get());
    if version == Version::V5 {
        ack::write_reason_string(suback.reason_string.as_deref(), out);
    }
    for reason in &suback.reasons {
        out.u8(match version {
            Version::V311 => reason.subscribe_return_code(),
            Version::V5 => reason.code(),
        });
    }
}

pub(super) fn write_unsuback(unsuback: &SubAck, version: Version, out: &mut dyn Sink) {
    match version {
        Version::V311 => out.u16(unsuback.packet_id.get()),
        Version::V5 => write_suback(unsuback, version, out),
    }
}
