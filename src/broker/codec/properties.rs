//! The properties of MQTT 5.0 (2.2.2): reading a block of them, one by one,
//! with their types and ranges held, and writing them.

use std::num::{NonZeroU16, NonZeroU32};

use super::error::DecodeError;
use super::packet::UserProperties;
use super::reason::Reason;
use super::wire::{Counter, Reader, Sink};

/// One property and its value (2.2.2.2).
#[derive(Clone, Copy, Debug)]
pub(super) enum Property<'a> {
    PayloadIsUtf8(bool),
    MessageExpiry(u32),
    ContentType(&'a str),
    ResponseTopic(&'a str),
    CorrelationData(&'a [u8]),
    SubscriptionId(NonZeroU32),
    SessionExpiry(u32),
    AssignedClientId(&'a str),
    ServerKeepAlive(u16),
    AuthenticationMethod(&'a str),
    AuthenticationData(&'a [u8]),
    RequestProblemInformation(bool),
    WillDelay(u32),
    RequestResponseInformation(bool),
    ResponseInformation(&'a str),
    ServerReference(&'a str),
    ReasonString(&'a str),
    ReceiveMaximum(NonZeroU16),
    TopicAliasMaximum(u16),
    TopicAlias(NonZeroU16),
    MaximumQosIsOne(bool),
    RetainAvailable(bool),
    User(&'a str, &'a str),
    MaximumPacketSize(NonZeroU32),
    WildcardAvailable(bool),
    SubscriptionIdAvailable(bool),
    SharedAvailable(bool),
}

impl<'a> Property<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Property<'a>, DecodeError> {
        use Property::*;
        Ok(match reader.varint()? {
            1 => PayloadIsUtf8(flag(reader, "Payload Format Indicator")?),
            2 => MessageExpiry(reader.u32()?),
            3 => ContentType(reader.text()?),
            8 => ResponseTopic(reader.text()?),
            9 => CorrelationData(reader.binary()?),
            11 => SubscriptionId(
                NonZeroU32::new(reader.varint()?).ok_or_else(|| zero("Subscription Identifier"))?,
            ),
            17 => SessionExpiry(reader.u32()?),
            18 => AssignedClientId(reader.text()?),
            19 => ServerKeepAlive(reader.u16()?),
            21 => AuthenticationMethod(reader.text()?),
            22 => AuthenticationData(reader.binary()?),
            23 => RequestProblemInformation(flag(reader, "Request Problem Information")?),
            24 => WillDelay(reader.u32()?),
            25 => RequestResponseInformation(flag(reader, "Request Response Information")?),
            26 => ResponseInformation(reader.text()?),
            28 => ServerReference(reader.text()?),
            31 => ReasonString(reader.text()?),
            33 => ReceiveMaximum(
                NonZeroU16::new(reader.u16()?).ok_or_else(|| zero("Receive Maximum"))?,
            ),
            34 => TopicAliasMaximum(reader.u16()?),
            35 => TopicAlias(NonZeroU16::new(reader.u16()?).ok_or_else(alias_zero)?),
            36 => MaximumQosIsOne(flag(reader, "Maximum QoS")?),
            37 => RetainAvailable(flag(reader, "Retain Available")?),
            38 => User(reader.text()?, reader.text()?),
            39 => MaximumPacketSize(
                NonZeroU32::new(reader.u32()?).ok_or_else(|| zero("Maximum Packet Size"))?,
            ),
            40 => WildcardAvailable(flag(reader, "Wildcard Subscription Available")?),
            41 => SubscriptionIdAvailable(flag(reader, "Subscription Identifiers Available")?),
            42 => SharedAvailable(flag(reader, "Shared Subscription Available")?),
            unknown => {
                let message = format!("there is no property {unknown}");
                return Err(DecodeError::malformed("2.2.2.2", message));
            }
        })
    }

    fn id(&self) -> u8 {
        use Property::*;
        match self {
            PayloadIsUtf8(_) => 1,
            MessageExpiry(_) => 2,
            ContentType(_) => 3,
            ResponseTopic(_) => 8,
            CorrelationData(_) => 9,
            SubscriptionId(_) => 11,
            SessionExpiry(_) => 17,
            AssignedClientId(_) => 18,
            ServerKeepAlive(_) => 19,
            AuthenticationMethod(_) => 21,
            AuthenticationData(_) => 22,
            RequestProblemInformation(_) => 23,
            WillDelay(_) => 24,
            RequestResponseInformation(_) => 25,
            ResponseInformation(_) => 26,
            ServerReference(_) => 28,
            ReasonString(_) => 31,
            ReceiveMaximum(_) => 33,
            TopicAliasMaximum(_) => 34,
            TopicAlias(_) => 35,
            MaximumQosIsOne(_) => 36,
            RetainAvailable(_) => 37,
            User(..) => 38,
            MaximumPacketSize(_) => 39,
            WildcardAvailable(_) => 40,
            SubscriptionIdAvailable(_) => 41,
            SharedAvailable(_) => 42,
        }
    }

    pub(super) fn write<S: Sink + ?Sized>(self, out: &mut S) {
        use Property::*;
        out.u8(self.id());
        match self {
            PayloadIsUtf8(flag)
            | RequestProblemInformation(flag)
            | RequestResponseInformation(flag)
            | MaximumQosIsOne(flag)
            | RetainAvailable(flag)
            | WildcardAvailable(flag)
            | SubscriptionIdAvailable(flag)
            | SharedAvailable(flag) => out.u8(flag.into()),
            ServerKeepAlive(number) | TopicAliasMaximum(number) => out.u16(number),
            ReceiveMaximum(number) | TopicAlias(number) => out.u16(number.get()),
            MessageExpiry(number) | SessionExpiry(number) | WillDelay(number) => out.u32(number),
            MaximumPacketSize(number) => out.u32(number.get()),
            SubscriptionId(number) => out.varint(number.get() as usize),
            CorrelationData(bytes) | AuthenticationData(bytes) => out.binary(bytes),
            ContentType(text)
            | ResponseTopic(text)
            | AssignedClientId(text)
            | AuthenticationMethod(text)
            | ResponseInformation(text)
            | ServerReference(text)
            | ReasonString(text) => out.text(text),
            User(name, value) => {
                out.text(name);
                out.text(value);
            }
        }
    }

    /// The error for a property that this kind of packet does not have.
    pub(super) fn misplaced(self) -> DecodeError {
        let message = format!("property {} does not belong in it", self.id());
        DecodeError::malformed("2.2.2.2", message)
    }

    fn may_repeat(&self) -> bool {
        matches!(self, Property::User(..) | Property::SubscriptionId(_))
    }
}

/// Hands each property of the block at the front of `reader` to `take`.
pub(super) fn read<'a>(
    reader: &mut Reader<'a>,
    mut take: impl FnMut(Property<'a>) -> Result<(), DecodeError>,
) -> Result<(), DecodeError> {
    let length = reader.varint()? as usize;
    let mut block = Reader::new(reader.take(length)?);
    let mut seen = 0_u64;
    while !block.is_empty() {
        let property = Property::read(&mut block)?;
        let bit = 1 << property.id();
        if seen & bit != 0 && !property.may_repeat() {
            return Err(twice(property.id()));
        }
        seen |= bit;
        take(property)?;
    }
    Ok(())
}

/// Writes a block: its length, then what `fill` writes, which runs twice.
pub(super) fn write(out: &mut dyn Sink, fill: impl Fn(&mut dyn Sink)) {
    let mut counter = Counter::default();
    fill(&mut counter);
    out.varint(counter.0);
    fill(out);
}

/// Writes the properties that are there.
pub(super) fn write_some<'a, const N: usize>(
    out: &mut dyn Sink,
    properties: [Option<Property<'a>>; N],
    user: &UserProperties,
) {
    for property in properties.into_iter().flatten() {
        property.write(out);
    }
    write_user(out, user);
}

pub(super) fn write_user<S: Sink + ?Sized>(out: &mut S, user: &UserProperties) {
    for (name, value) in user {
        Property::User(name, value).write(out);
    }
}

/// The error for one that may come once only.
pub(super) fn twice(id: u8) -> DecodeError {
    DecodeError::protocol("2.2.2.2", format!("property {id} comes twice"))
}

fn flag(reader: &mut Reader<'_>, name: &'static str) -> Result<bool, DecodeError> {
    match reader.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        other => {
            let message = format!("its {name} is {other}; 0 and 1 are allowed");
            Err(DecodeError::protocol("2.2.2.2", message))
        }
    }
}

fn zero(name: &'static str) -> DecodeError {
    DecodeError::protocol("2.2.2.2", format!("its {name} is 0"))
}

fn alias_zero() -> DecodeError {
    DecodeError::new(
        Reason::TopicAliasInvalid,
        "3.3.2.3.4",
        "its Topic Alias is 0",
    )
}
