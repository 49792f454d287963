//! A message as the parts of Hearth see it.
//!
//! It knows who published it, so that a part can tell what people, boards and rules did.

use std::sync::Arc;

use bytes::Bytes;

use crate::broker::codec::{PublishProperties, Qos};
use crate::broker::message::Message as Shared;
use crate::clock::UtcMillis;

/// A message that a subscription brought.
#[derive(Clone, Debug)]
pub struct Message {
    pub topic: Arc<str>,
    pub payload: Bytes,
    pub qos: Qos,
    /// Set when the message was retained before the subscription was made.
    pub retain: bool,
    /// When the broker received it.
    pub received: UtcMillis,
    pub properties: PublishProperties,
    /// Client id of who published it: that of a part of Hearth begins with U+0000, so
    /// that nobody outside can pass for one. See [`Message::part`].
    pub publisher: Arc<str>,
}

impl Message {
    /// The part of Hearth that published it, such as `rules`, if it was one.
    pub fn part(&self) -> Option<&str> {
        self.publisher.strip_prefix('\0')
    }

    /// The payload as text, if it is UTF-8.
    pub fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.payload).ok()
    }

    pub(super) fn from_shared(message: &Shared, qos: Qos, retain: bool) -> Message {
        Message {
            topic: Arc::clone(&message.topic),
            payload: message.payload.clone(),
            qos,
            retain,
            received: message.received,
            properties: message.properties.clone(),
            publisher: Arc::clone(&message.publisher),
        }
    }
}
