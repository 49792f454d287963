//! The control packets of MQTT 3.1.1 and 5.0 as values.
//!
//! Names are the standard's. Sections in the comments are those of MQTT 5.0.

use std::num::NonZeroU16;
use std::sync::Arc;

use bytes::Bytes;

use super::reason::Reason;

/// Identifies a message that is on its way at QoS 1 or 2 (2.2.1).
pub type PacketId = NonZeroU16;

/// The protocol version of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Version {
    /// MQTT 3.1.1, protocol level 4.
    V311,
    /// MQTT 5.0, protocol level 5.
    V5,
}

/// How surely a message is delivered (4.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Qos {
    #[default]
    AtMostOnce = 0,
    AtLeastOnce = 1,
    ExactlyOnce = 2,
}

impl Qos {
    /// The QoS with this number; 3 is none.
    pub fn from_bits(bits: u8) -> Option<Qos> {
        match bits {
            0 => Some(Qos::AtMostOnce),
            1 => Some(Qos::AtLeastOnce),
            2 => Some(Qos::ExactlyOnce),
            _ => None,
        }
    }
}

/// Any control packet.
#[derive(Clone, Debug, PartialEq)]
pub enum Packet {
    Connect(Box<Connect>),
    ConnAck(Box<ConnAck>),
    Publish(Publish),
    PubAck(Ack),
    PubRec(Ack),
    PubRel(Ack),
    PubComp(Ack),
    Subscribe(Box<Subscribe>),
    SubAck(SubAck),
    Unsubscribe(Box<Unsubscribe>),
    UnsubAck(SubAck),
    PingReq,
    PingResp,
    Disconnect(Disconnect),
    Auth(Box<Auth>),
}

/// A client asks to come in (3.1).
#[derive(Clone, Debug, PartialEq)]
pub struct Connect {
    pub version: Version,
    pub client_id: String,
    /// 3.1.1 calls it Clean Session.
    pub clean_start: bool,
    /// Seconds; 0 turns the mechanism off.
    pub keep_alive: u16,
    pub username: Option<String>,
    pub password: Option<Bytes>,
    pub will: Option<Will>,
    /// Seconds; `u32::MAX` never expires. Absent in 3.1.1.
    pub session_expiry: Option<u32>,
    pub receive_maximum: Option<NonZeroU16>,
    pub maximum_packet_size: Option<u32>,
    pub topic_alias_maximum: u16,
    pub request_response_information: bool,
    pub request_problem_information: bool,
    pub user_properties: UserProperties,
    pub authentication_method: Option<String>,
    pub authentication_data: Option<Bytes>,
}

/// What the broker publishes for a client that goes without a word (3.1.2.5).
#[derive(Clone, Debug, PartialEq)]
pub struct Will {
    pub topic: Arc<str>,
    pub payload: Bytes,
    pub qos: Qos,
    pub retain: bool,
    /// Seconds to wait before it is published.
    pub delay: u32,
    pub properties: PublishProperties,
}

/// The answer to CONNECT (3.2).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConnAck {
    pub session_present: bool,
    pub reason: Reason,
    pub session_expiry: Option<u32>,
    pub receive_maximum: Option<u16>,
    pub maximum_qos: Option<Qos>,
    pub retain_available: Option<bool>,
    pub maximum_packet_size: Option<u32>,
    pub assigned_client_id: Option<String>,
    pub topic_alias_maximum: Option<u16>,
    pub reason_string: Option<String>,
    pub user_properties: UserProperties,
    pub wildcard_subscription_available: Option<bool>,
    pub subscription_ids_available: Option<bool>,
    pub shared_subscription_available: Option<bool>,
    pub server_keep_alive: Option<u16>,
    pub response_information: Option<String>,
    pub server_reference: Option<String>,
    pub authentication_method: Option<String>,
    pub authentication_data: Option<Bytes>,
}

/// A message on its way (3.3).
#[derive(Clone, Debug, PartialEq)]
pub struct Publish {
    pub dup: bool,
    pub qos: Qos,
    pub retain: bool,
    /// Empty when a topic alias stands for it.
    pub topic: Arc<str>,
    /// Present exactly when `qos` is 1 or 2.
    pub packet_id: Option<PacketId>,
    pub payload: Bytes,
    pub topic_alias: Option<NonZeroU16>,
    /// Broker to client only.
    pub subscription_ids: Vec<u32>,
    pub properties: PublishProperties,
}

/// What travels with a message unchanged, but for the expiry, which counts down (3.3.2.3).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PublishProperties {
    /// Seconds.
    pub message_expiry: Option<u32>,
    /// The rarely used ones, shared by all copies of the message.
    pub rare: Option<Arc<RareProperties>>,
}

/// Properties that most messages do without.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RareProperties {
    /// True: the payload is UTF-8 text.
    pub payload_is_utf8: Option<bool>,
    pub response_topic: Option<String>,
    pub correlation_data: Option<Bytes>,
    pub content_type: Option<String>,
    pub user_properties: UserProperties,
}

/// Name and value pairs in the order they were sent.
pub type UserProperties = Vec<(String, String)>;

/// PUBACK, PUBREC, PUBREL or PUBCOMP (3.4 to 3.7).
#[derive(Clone, Debug, PartialEq)]
pub struct Ack {
    pub packet_id: PacketId,
    pub reason: Reason,
    pub reason_string: Option<String>,
}

/// A client wants messages (3.8).
#[derive(Clone, Debug, PartialEq)]
pub struct Subscribe {
    pub packet_id: PacketId,
    pub id: Option<u32>,
    pub filters: Vec<(String, SubscriptionOptions)>,
    pub user_properties: UserProperties,
}

/// How a subscription wants its messages (3.8.3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SubscriptionOptions {
    pub qos: Qos,
    /// Not the messages this client published itself.
    pub no_local: bool,
    /// Keep the RETAIN flag as it was published.
    pub retain_as_published: bool,
    pub retain_handling: RetainHandling,
}

/// Whether a new subscription is sent the retained messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum RetainHandling {
    #[default]
    Send = 0,
    SendIfNew = 1,
    DoNotSend = 2,
}

impl RetainHandling {
    /// The handling with this number; 3 is none.
    pub fn from_bits(bits: u8) -> Option<RetainHandling> {
        match bits {
            0 => Some(RetainHandling::Send),
            1 => Some(RetainHandling::SendIfNew),
            2 => Some(RetainHandling::DoNotSend),
            _ => None,
        }
    }
}

/// SUBACK or UNSUBACK: one reason for each filter, in order (3.9, 3.11).
#[derive(Clone, Debug, PartialEq)]
pub struct SubAck {
    pub packet_id: PacketId,
    /// Not sent in a 3.1.1 UNSUBACK, which has no payload.
    pub reasons: Vec<Reason>,
    pub reason_string: Option<String>,
}

/// A client no longer wants messages (3.10).
#[derive(Clone, Debug, PartialEq)]
pub struct Unsubscribe {
    pub packet_id: PacketId,
    pub filters: Vec<String>,
    pub user_properties: UserProperties,
}

/// The last packet of a connection (3.14).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Disconnect {
    pub reason: Reason,
    pub session_expiry: Option<u32>,
    pub reason_string: Option<String>,
    pub server_reference: Option<String>,
    pub user_properties: UserProperties,
}

/// A step of extended authentication (3.15).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Auth {
    pub reason: Reason,
    pub authentication_method: Option<String>,
    pub authentication_data: Option<Bytes>,
    pub reason_string: Option<String>,
    pub user_properties: UserProperties,
}
