//! The client through which the other parts of Hearth meet.
//!
//! It is an MQTT client without a socket: its publications and subscriptions
//! pass through the router like anyone else's.

use std::sync::Arc;

use bytes::Bytes;
use thiserror::Error;

use super::codec::{PublishProperties, Qos};
use crate::clock::UtcMillis;

/// The broker has stopped; only a stop of the gateway leads here.
#[derive(Clone, Copy, Debug, Error)]
#[error("the broker has stopped")]
pub struct Stopped;

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
}

impl Message {
    /// The payload as text, if it is UTF-8.
    pub fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.payload).ok()
    }
}

/// A message to publish.
#[derive(Clone, Debug)]
pub struct Publication {
    pub topic: Arc<str>,
    pub payload: Bytes,
    pub qos: Qos,
    pub retain: bool,
}

impl Publication {
    /// QoS 0, not retained.
    pub fn new(topic: impl Into<Arc<str>>, payload: impl Into<Bytes>) -> Publication {
        Publication {
            topic: topic.into(),
            payload: payload.into(),
            qos: Qos::AtMostOnce,
            retain: false,
        }
    }

    /// The same, retained.
    pub fn retained(self) -> Publication {
        Publication {
            retain: true,
            ..self
        }
    }

    /// The same, at another QoS.
    pub fn qos(self, qos: Qos) -> Publication {
        Publication { qos, ..self }
    }
}

/// The way to a running broker. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Handle {}

impl Handle {
    /// Opens a clean session under this client id.
    pub async fn connect(&self, _client_id: &str) -> Result<Client, Stopped> {
        Err(Stopped)
    }

    /// The retained messages whose topic matches `filter`, as of now.
    pub async fn retained(&self, _filter: &str) -> Result<Vec<Message>, Stopped> {
        Err(Stopped)
    }
}

/// A session with the broker. Dropping it disconnects.
#[derive(Debug)]
pub struct Client {}

impl Client {
    /// Subscribes; matching retained messages arrive first.
    pub async fn subscribe(&mut self, _filter: &str, _qos: Qos) -> Result<(), Stopped> {
        Err(Stopped)
    }

    /// The next message; waits for one. Cancel-safe.
    pub async fn next(&mut self) -> Result<Message, Stopped> {
        Err(Stopped)
    }

    /// For publishing from other tasks.
    pub fn publisher(&self) -> Publisher {
        Publisher {}
    }

    /// Publishes; waits while the broker is busy.
    pub async fn publish(&self, _publication: Publication) -> Result<(), Stopped> {
        Err(Stopped)
    }
}

/// Publishes in the name of a [`Client`]. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Publisher {}

impl Publisher {
    /// Publishes; waits while the broker is busy.
    pub async fn publish(&self, _publication: Publication) -> Result<(), Stopped> {
        Err(Stopped)
    }
}
