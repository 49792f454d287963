//! A message inside the broker: received once, shared by all who get it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::codec::{Publish, PublishProperties, Qos, Will};
use super::journal::Generation;
use crate::clock::{Moment, Now, UtcMillis};

/// One application message. Copies for subscribers differ only in their
/// [`Delivery`](super::outbound::Delivery).
///
/// Aligned to a cache line: the counter of its `Arc`, which every connection
/// that is done with it changes, is not on the lines that the router reads.
#[derive(Clone, Debug, PartialEq)]
#[repr(align(64))]
pub struct Message {
    pub topic: Arc<str>,
    pub payload: Bytes,
    pub qos: Qos,
    pub retain: bool,
    pub properties: PublishProperties,
    /// Client id of the publisher.
    pub publisher: Arc<str>,
    pub received: UtcMillis,
    /// A QoS 2 message of a session that lasts: nobody gets it before the broker
    /// is sure to know that it has taken it, as its publisher may send it again
    /// after a crash [MQTT-4.3.3-10].
    pub taken_in: Option<Generation>,
    /// From then on it is not delivered any more (MQTT 5.0, 3.3.2.3.3).
    pub expires: Option<Moment>,
}

impl Message {
    /// Takes a PUBLISH whose topic alias is already resolved to `topic`.
    pub fn from_publish(
        publish: Publish,
        topic: Arc<str>,
        publisher: Arc<str>,
        now: Now,
    ) -> Message {
        Message {
            topic,
            payload: publish.payload,
            qos: publish.qos,
            retain: publish.retain,
            expires: expiry_moment(&publish.properties, now),
            properties: publish.properties,
            publisher,
            taken_in: None,
            received: now.utc,
        }
    }

    /// The message that a will becomes when its time has come.
    pub fn from_will(will: Will, publisher: Arc<str>, now: Now) -> Message {
        Message {
            topic: will.topic,
            payload: will.payload,
            qos: will.qos,
            retain: will.retain,
            expires: expiry_moment(&will.properties, now),
            properties: will.properties,
            publisher,
            taken_in: None,
            received: now.utc,
        }
    }

    /// The message as the state of its topic: that may be told more than once.
    pub fn as_kept(message: &Arc<Message>) -> Arc<Message> {
        match message.taken_in {
            None => Arc::clone(message),
            Some(_) => Arc::new(Message {
                taken_in: None,
                ..(**message).clone()
            }),
        }
    }

    /// Whether its expiry has passed.
    pub fn is_expired(&self, now: Now) -> bool {
        self.expires.is_some_and(|expires| expires <= now.moment)
    }

    /// Seconds left to tell the receiver, rounded up [MQTT-3.3.2-6].
    pub fn expiry_left(&self, now: Now) -> Option<u32> {
        let left = self.expires?.since(now.moment).as_millis().div_ceil(1000);
        Some(u32::try_from(left).unwrap_or(u32::MAX))
    }

    /// What it costs in memory, about: for the bounds of queues.
    pub fn size(&self) -> usize {
        self.topic.len() + self.payload.len() + 64
    }
}

fn expiry_moment(properties: &PublishProperties, now: Now) -> Option<Moment> {
    properties
        .message_expiry
        .map(|seconds| now.moment + Duration::from_secs(seconds.into()))
}
