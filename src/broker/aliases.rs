//! Topic aliases towards one client (MQTT 5.0, 3.3.2.3.4).
//!
//! The first topics that a client is sent get an alias each, up to the number
//! that it allows; a topic with an alias travels once.

use std::num::NonZeroU16;
use std::sync::Arc;

use bytes::BytesMut;
use rustc_hash::FxHashMap;

use super::codec::{self, PublishHead, Version};
use super::outbound::Sending;

/// A client that allows thousands is given this many.
const MOST: u16 = 64;

/// The aliases of one connection.
#[derive(Debug)]
pub struct Aliases {
    topics: FxHashMap<Arc<str>, NonZeroU16>,
    allowed: u16,
}

impl Aliases {
    /// For a client with this Topic Alias Maximum; 0 allows none.
    pub fn new(allowed: u16) -> Aliases {
        Aliases {
            topics: FxHashMap::default(),
            allowed: allowed.min(MOST),
        }
    }

    /// Encodes a delivery, with an alias in place of its topic where it has one.
    pub fn encode(&mut self, sending: &Sending, version: Version, out: &mut BytesMut) {
        let message = &sending.delivery.message;
        let (topic_alias, is_known) = self.alias(&message.topic);
        let head = PublishHead {
            dup: sending.dup,
            qos: sending.delivery.qos,
            retain: sending.delivery.retain,
            packet_id: sending.packet_id,
            topic_alias,
            subscription_ids: &sending.delivery.subscription_ids,
            message_expiry_left: sending.expiry_left,
        };
        let topic = if is_known { "" } else { &message.topic };
        codec::encode_publish(
            out,
            version,
            &head,
            topic,
            &message.payload,
            &message.properties,
        );
    }

    /// The topic's alias, and whether the client knows it already.
    fn alias(&mut self, topic: &Arc<str>) -> (Option<NonZeroU16>, bool) {
        if self.allowed == 0 {
            return (None, false);
        }
        if let Some(alias) = self.topics.get(topic) {
            return (Some(*alias), true);
        }
        let next = u16::try_from(self.topics.len() + 1).ok();
        let next = next
            .filter(|next| *next <= self.allowed)
            .and_then(NonZeroU16::new);
        if let Some(next) = next {
            self.topics.insert(Arc::clone(topic), next);
        }
        (next, false)
    }
}
