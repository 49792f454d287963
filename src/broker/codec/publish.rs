//! PUBLISH (3.3), the packet whose cost matters.

use std::num::{NonZeroU16, NonZeroU32};
use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use super::error::{DecodeError, quote};
use super::kind::Kind;
use super::packet::{PacketId, Publish, PublishProperties, Qos, RareProperties, Version};
use super::properties::{self, Property};
use super::reason::Reason;
use super::wire::{MAX_VARINT, Reader, Sink, measure, varint_len};
use crate::broker::topic;

/// What a copy of a message for one subscriber has of its own.
#[derive(Clone, Copy, Debug, Default)]
pub struct PublishHead<'a> {
    pub dup: bool,
    pub qos: Qos,
    pub retain: bool,
    /// Present exactly when `qos` is 1 or 2.
    pub packet_id: Option<PacketId>,
    pub topic_alias: Option<NonZeroU16>,
    /// Zeros are left out.
    pub subscription_ids: &'a [u32],
    /// Seconds; written in place of the expiry that the message came with.
    pub message_expiry_left: Option<u32>,
}

/// A whole PUBLISH, its payload copied.
pub(super) fn read(
    first: u8,
    version: Version,
    reader: Reader<'_>,
) -> Result<Publish, DecodeError> {
    let (publish, payload) = read_head(first, version, reader)?;
    Ok(Publish {
        payload: Bytes::copy_from_slice(payload),
        ..publish
    })
}

/// A PUBLISH still without its payload, and the payload.
pub(super) fn read_head<'a>(
    first: u8,
    version: Version,
    mut reader: Reader<'a>,
) -> Result<(Publish, &'a [u8]), DecodeError> {
    let (dup, qos, retain) = read_flags(first)?;
    let topic = reader.text()?;
    let packet_id = match qos {
        Qos::AtMostOnce => None,
        _ => Some(reader.packet_id()?),
    };
    let mut publish = Publish {
        dup,
        qos,
        retain,
        topic: Arc::from(topic),
        packet_id,
        payload: Bytes::new(),
        topic_alias: None,
        subscription_ids: Vec::new(),
        properties: PublishProperties::default(),
    };
    if version == Version::V5 {
        read_properties(&mut reader, &mut publish)?;
    }
    check_topic(&publish, version)?;
    Ok((publish, reader.rest()))
}

/// The topic may be left out only where a topic alias stands for it.
fn check_topic(publish: &Publish, version: Version) -> Result<(), DecodeError> {
    match (&*publish.topic, publish.topic_alias) {
        ("", Some(_)) => Ok(()),
        ("", None) if version == Version::V5 => {
            let message = "it has neither a topic nor a topic alias";
            Err(DecodeError::protocol("3.3.2.1", message))
        }
        (topic, _) => check_name(topic),
    }
}

fn read_flags(first: u8) -> Result<(bool, Qos, bool), DecodeError> {
    let dup = first & 0b1000 != 0;
    let qos = Qos::from_bits(first >> 1 & 0b11)
        .ok_or_else(|| DecodeError::malformed("3.3.1.2", "its QoS is 3"))?;
    if dup && qos == Qos::AtMostOnce {
        let message = "DUP is set at QoS 0";
        return Err(DecodeError::malformed("3.3.1.1", message));
    }
    Ok((dup, qos, first & 1 != 0))
}

fn read_properties(reader: &mut Reader<'_>, publish: &mut Publish) -> Result<(), DecodeError> {
    let mut gathered = Gathered::default();
    properties::read(reader, |property| {
        match property {
            Property::TopicAlias(alias) => publish.topic_alias = Some(alias),
            Property::SubscriptionId(id) => publish.subscription_ids.push(id.get()),
            other => gathered.take(other)?,
        }
        Ok(())
    })?;
    publish.properties = gathered.finish();
    Ok(())
}

/// The properties that messages and wills share, while they are read.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    message_expiry: Option<u32>,
    rare: Option<RareProperties>,
}

impl Gathered {
    pub(super) fn take(&mut self, property: Property<'_>) -> Result<(), DecodeError> {
        if let Property::MessageExpiry(seconds) = property {
            self.message_expiry = Some(seconds);
            return Ok(());
        }
        let rare = self.rare.get_or_insert_default();
        match property {
            Property::PayloadIsUtf8(yes) => rare.payload_is_utf8 = Some(yes),
            Property::ContentType(text) => rare.content_type = Some(text.into()),
            Property::ResponseTopic(topic) => {
                check_name(topic)?;
                rare.response_topic = Some(topic.into());
            }
            Property::CorrelationData(data) => {
                rare.correlation_data = Some(Bytes::copy_from_slice(data));
            }
            Property::User(name, value) => rare.user_properties.push((name.into(), value.into())),
            other => return Err(other.misplaced()),
        }
        Ok(())
    }

    pub(super) fn finish(self) -> PublishProperties {
        PublishProperties {
            message_expiry: self.message_expiry,
            rare: self.rare.map(Arc::new),
        }
    }
}

/// A topic that messages can be published to (4.7).
pub(super) fn check_name(name: &str) -> Result<(), DecodeError> {
    if topic::valid_name(name) {
        return Ok(());
    }
    let message = if name.is_empty() {
        "its topic is empty".into()
    } else {
        format!(
            "its topic {} holds a wildcard; publish to one topic at a time",
            quote(name)
        )
    };
    Err(DecodeError::new(Reason::TopicNameInvalid, "4.7", message))
}

/// Appends one subscriber's copy of a message. 3.1.1 has none of the properties.
///
/// The whole packet must stay within 268,435,455 bytes, see [`publish_len`].
pub fn encode_publish(
    out: &mut BytesMut,
    version: Version,
    head: &PublishHead<'_>,
    topic: &str,
    payload: &[u8],
    properties: &PublishProperties,
) {
    let properties_len = properties_len(version, head, properties);
    let body = body_len(version, head, topic, payload.len(), properties_len);
    out.reserve(1 + varint_len(body) + body);
    out.u8(first_byte(head));
    out.varint(body);
    out.text(topic);
    if let Some(id) = head.packet_id {
        out.u16(id.get());
    }
    if version == Version::V5 {
        out.varint(properties_len);
        if properties_len > 0 {
            write_all_properties(head, properties, out);
        }
    }
    out.put(payload);
}

/// The exact size of what [`encode_publish`] appends, in bytes. More than
/// 268,435,460 means that the message cannot be sent at all.
pub fn publish_len(
    version: Version,
    head: &PublishHead<'_>,
    topic: &str,
    payload_len: usize,
    properties: &PublishProperties,
) -> usize {
    let properties_len = properties_len(version, head, properties);
    let body = body_len(version, head, topic, payload_len, properties_len);
    1 + varint_len(body) + body
}

pub(super) fn head(publish: &Publish) -> PublishHead<'_> {
    PublishHead {
        dup: publish.dup,
        qos: publish.qos,
        retain: publish.retain,
        packet_id: publish.packet_id,
        topic_alias: publish.topic_alias,
        subscription_ids: &publish.subscription_ids,
        message_expiry_left: publish.properties.message_expiry,
    }
}

fn first_byte(head: &PublishHead<'_>) -> u8 {
    Kind::Publish.first_byte()
        | u8::from(head.dup) << 3
        | (head.qos as u8) << 1
        | u8::from(head.retain)
}

fn body_len(
    version: Version,
    head: &PublishHead<'_>,
    topic: &str,
    payload_len: usize,
    properties_len: usize,
) -> usize {
    let id = if head.packet_id.is_some() { 2 } else { 0 };
    let properties = match version {
        Version::V311 => 0,
        Version::V5 => varint_len(properties_len) + properties_len,
    };
    2 + topic.floor_char_boundary(topic::MAX_BYTES) + id + properties + payload_len
}

/// The length of the properties without the length field in front of them.
fn properties_len(
    version: Version,
    head: &PublishHead<'_>,
    properties: &PublishProperties,
) -> usize {
    let bare = head.topic_alias.is_none()
        && head.subscription_ids.is_empty()
        && head.message_expiry_left.is_none()
        && properties.rare.is_none();
    if bare || version == Version::V311 {
        return 0;
    }
    measure(|counter| write_all_properties(head, properties, counter))
}

fn write_all_properties<S: Sink + ?Sized>(
    head: &PublishHead<'_>,
    properties: &PublishProperties,
    out: &mut S,
) {
    if let Some(alias) = head.topic_alias {
        Property::TopicAlias(alias).write(out);
    }
    for id in head.subscription_ids.iter().copied() {
        debug_assert!(id <= MAX_VARINT, "subscription id {id} has no encoding");
        if let Some(id) = NonZeroU32::new(id) {
            Property::SubscriptionId(id).write(out);
        }
    }
    write_properties(head.message_expiry_left, properties, out);
}

/// The properties that messages and wills share.
pub(super) fn write_properties<S: Sink + ?Sized>(
    expiry: Option<u32>,
    properties: &PublishProperties,
    out: &mut S,
) {
    if let Some(seconds) = expiry {
        Property::MessageExpiry(seconds).write(out);
    }
    if let Some(rare) = &properties.rare {
        write_rare(rare, out);
    }
}

fn write_rare<S: Sink + ?Sized>(rare: &RareProperties, out: &mut S) {
    let known = [
        rare.payload_is_utf8.map(Property::PayloadIsUtf8),
        rare.content_type.as_deref().map(Property::ContentType),
        rare.response_topic.as_deref().map(Property::ResponseTopic),
        rare.correlation_data
            .as_deref()
            .map(Property::CorrelationData),
    ];
    for property in known.into_iter().flatten() {
        property.write(out);
    }
    properties::write_user(out, &rare.user_properties);
}
