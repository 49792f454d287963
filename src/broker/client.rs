//! The client through which the other parts of Hearth meet.
//!
//! It is an MQTT client without a socket: its publications and subscriptions
//! pass through the router like anyone else's.

mod message;

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use thiserror::Error;
use tokio::sync::{mpsc, oneshot};

use super::access::Access;
use super::bridge::Bridges;
use super::codec::{
    Ack, Connect, Packet, PacketId, Publish, PublishProperties, Qos, Reason, Subscribe,
    SubscriptionOptions, Unsubscribe, Version,
};
use super::door::Door;
use super::figures::Figures;
use super::lane::Lane;
use super::mqttsn::cable::Cable;
use super::outbound::{Delivery, Sending};
use super::router::{Link, Origin, Out};
use super::task::Input;
use crate::clock::Clock;
pub use message::Message;

/// The broker has stopped; only a stop of the gateway leads here.
#[derive(Clone, Copy, Debug, Error)]
#[error("the broker has stopped")]
pub struct Stopped;

/// A message to publish.
#[derive(Clone, Debug)]
pub struct Publication {
    pub topic: Arc<str>,
    pub payload: Bytes,
    pub qos: Qos,
    pub retain: bool,
    /// Retained, but the disk may have one that is much older.
    pub is_note: bool,
}

impl Publication {
    /// QoS 0, not retained.
    pub fn new(topic: impl Into<Arc<str>>, payload: impl Into<Bytes>) -> Publication {
        Publication {
            topic: topic.into(),
            payload: payload.into(),
            qos: Qos::AtMostOnce,
            retain: false,
            is_note: false,
        }
    }

    /// The same, retained.
    pub fn retained(self) -> Publication {
        Publication {
            retain: true,
            ..self
        }
    }

    /// The same, retained as what changes often and is nobody's loss: after a fall the one
    /// before may stand there, until the next one comes.
    pub fn note(self) -> Publication {
        Publication {
            is_note: true,
            ..self.retained()
        }
    }

    /// The same, at another QoS.
    pub fn qos(self, qos: Qos) -> Publication {
        Publication { qos, ..self }
    }
}

/// The way to a running broker. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Handle {
    door: Door,
    bridges: Bridges,
}

impl Handle {
    pub(super) fn new(door: Door, bridges: Bridges) -> Handle {
        Handle { door, bridges }
    }

    pub(super) fn all_bridges(&self) -> &Bridges {
        &self.bridges
    }

    /// The largest packet that a client of the network may send, in bytes.
    pub(super) fn largest_packet(&self) -> u32 {
        self.door.limits.packet_size
    }

    /// The way in for clients on the network that another part's port brings.
    pub fn door(&self) -> Door {
        self.door.clone()
    }

    /// Serves an MQTT-SN client at the other end of a line.
    pub fn attach(&self, clock: Clock) -> Cable {
        Cable::attach(self.door.clone(), clock)
    }

    /// Opens a clean session in the name of a part, such as `rules`. No client
    /// from outside can take it over.
    pub async fn connect(&self, part: &str) -> Result<Client, Stopped> {
        let (link, lane) = self.enter(connect_as(part), Origin::Inside).await?;
        Ok(Client {
            publisher: Publisher::new(link, self.clone()),
            lane,
            taken: Vec::new(),
            ready: VecDeque::new(),
            next_id: 0,
        })
    }

    /// The retained messages whose topic matches `filter`, as of now.
    pub async fn retained(&self, filter: &str) -> Result<Vec<Message>, Stopped> {
        let (answer, found) = oneshot::channel();
        self.send(Input::Retained {
            filter: filter.to_owned(),
            answer,
        })
        .await?;
        let found = found.await.map_err(|_| Stopped)?;
        Ok(found
            .iter()
            .map(|message| Message::from_shared(message, message.qos, true))
            .collect())
    }

    /// What the broker counts and holds, as of now.
    pub async fn figures(&self) -> Result<Figures, Stopped> {
        let (answer, figures) = oneshot::channel();
        self.send(Input::Figures { answer }).await?;
        figures.await.map_err(|_| Stopped)
    }

    /// Opens a session; what it is sent comes through the lane.
    pub(super) async fn enter(
        &self,
        connect: Connect,
        origin: Origin,
    ) -> Result<(Link, Arc<Lane>), Stopped> {
        let lane = Arc::new(Lane::default());
        let (answer, admission) = oneshot::channel();
        self.send(Input::Connect {
            connect: Box::new(connect),
            origin,
            lane: Arc::clone(&lane),
            answer,
        })
        .await?;
        let link = admission.await.map_err(|_| Stopped)?.map_err(|_| Stopped)?;
        Ok((link, lane))
    }

    /// Has other permissions hold from now on.
    pub async fn permit(&self, access: Access) -> Result<(), Stopped> {
        self.send(Input::Permit(Box::new(access))).await
    }

    pub(super) async fn send(&self, input: Input) -> Result<(), Stopped> {
        self.door.inputs.send(input).await.map_err(|_| Stopped)
    }

    pub(super) fn inputs(&self) -> &mpsc::Sender<Input> {
        &self.door.inputs
    }
}

/// A session with the broker. Dropping it disconnects.
#[derive(Debug)]
pub struct Client {
    publisher: Publisher,
    lane: Arc<Lane>,
    /// Swapped with the lane; empty between calls.
    taken: Vec<Out>,
    /// Taken off the lane and not yet returned; bounded like the lane.
    ready: VecDeque<Out>,
    next_id: u16,
}

impl Client {
    /// Subscribes; matching retained messages arrive first. A QoS above 1 is
    /// taken as 1: nothing is lost or doubled between parts of one program.
    pub async fn subscribe(&mut self, filter: &str, qos: Qos) -> Result<(), Stopped> {
        let options = SubscriptionOptions {
            qos: qos.min(Qos::AtLeastOnce),
            ..SubscriptionOptions::default()
        };
        let subscribe = Subscribe {
            packet_id: self.free_id(),
            id: None,
            filters: vec![(filter.to_owned(), options)],
            user_properties: Vec::new(),
        };
        self.send(Packet::Subscribe(Box::new(subscribe))).await
    }

    /// Ends a subscription; messages already on their way still arrive.
    pub async fn unsubscribe(&mut self, filter: &str) -> Result<(), Stopped> {
        let unsubscribe = Unsubscribe {
            packet_id: self.free_id(),
            filters: vec![filter.to_owned()],
            user_properties: Vec::new(),
        };
        self.send(Packet::Unsubscribe(Box::new(unsubscribe))).await
    }

    /// The next message; waits for one. Cancel-safe.
    pub async fn next(&mut self) -> Result<Message, Stopped> {
        loop {
            if self.ready.is_empty() {
                self.refill().await?;
            }
            // A place for the answer first: nothing is taken before it is sure.
            // From a broker that has stopped, what it sent last still arrives.
            let place = self.publisher.handle.door.inputs.reserve().await.ok();
            let link = self.publisher.link;
            while let Some(out) = self.ready.pop_front() {
                let answer = match &out {
                    Out::Publish(sending) => sending.packet_id.map(|packet_id| Input::Packets {
                        link,
                        packets: vec![puback(packet_id)],
                    }),
                    Out::Fence => Some(Input::Drained { link }),
                    Out::Packet(_) => continue,
                };
                if let (Some(place), Some(answer)) = (place, answer) {
                    place.send(answer);
                }
                match out {
                    Out::Publish(Sending { delivery, .. }) => {
                        let Delivery { qos, retain, .. } = delivery;
                        return Ok(Message::from_shared(&delivery.message, qos, retain));
                    }
                    // The place is used up; the next round takes another.
                    _ => break,
                }
            }
        }
    }

    /// For publishing from other tasks.
    pub fn publisher(&self) -> Publisher {
        self.publisher.clone()
    }

    /// Publishes; waits while the broker is busy.
    pub async fn publish(&self, publication: Publication) -> Result<(), Stopped> {
        self.publisher.publish(publication).await
    }

    /// Publishes at QoS 1, and returns when the broker has it where a power cut does not
    /// reach it.
    pub async fn publish_surely(&mut self, publication: Publication) -> Result<(), Stopped> {
        let packet_id = self.free_id();
        self.send(Packet::Publish(Publish {
            dup: false,
            qos: Qos::AtLeastOnce,
            retain: publication.retain,
            topic: publication.topic,
            packet_id: Some(packet_id),
            payload: publication.payload,
            topic_alias: None,
            subscription_ids: Vec::new(),
            properties: PublishProperties::default(),
        }))
        .await?;
        loop {
            let closed = self.lane.take(&mut self.taken).await;
            let is_it = |out: &Out| matches!(out, Out::Packet(Packet::PubAck(ack)) if ack.packet_id == packet_id);
            let is_acknowledged = self.taken.iter().any(is_it);
            self.ready.extend(self.taken.drain(..));
            match closed {
                _ if is_acknowledged => return Ok(()),
                Some(_) => return Err(Stopped),
                None => {}
            }
        }
    }

    async fn refill(&mut self) -> Result<(), Stopped> {
        let closed = self.lane.take(&mut self.taken).await;
        if closed.is_some() && self.taken.is_empty() {
            return Err(Stopped);
        }
        self.ready.extend(self.taken.drain(..));
        Ok(())
    }

    async fn send(&self, packet: Packet) -> Result<(), Stopped> {
        let link = self.publisher.link;
        self.publisher
            .handle
            .send(Input::Packets {
                link,
                packets: vec![packet],
            })
            .await
    }

    fn free_id(&mut self) -> PacketId {
        self.next_id = self.next_id.checked_add(1).unwrap_or(1);
        PacketId::new(self.next_id).unwrap_or(PacketId::MIN)
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let link = self.publisher.link;
        super::task::send_or_later(&self.publisher.handle.door.inputs, Input::Lost { link });
    }
}

/// Publishes in the name of a [`Client`]. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Publisher {
    link: Link,
    handle: Handle,
}

impl Publisher {
    pub(super) fn new(link: Link, handle: Handle) -> Publisher {
        Publisher { link, handle }
    }

    /// Publishes; waits while the broker is busy.
    pub async fn publish(&self, publication: Publication) -> Result<(), Stopped> {
        self.handle
            .send(Input::Publish {
                link: self.link,
                publication,
            })
            .await
    }
}

/// The name begins with U+0000, which no client id from the network may hold
/// [MQTT-1.5.4-2]: nobody outside can take over a part's session.
pub(super) fn connect_as(part: &str) -> Connect {
    Connect {
        version: Version::V5,
        client_id: format!("\0{part}"),
        clean_start: true,
        keep_alive: 0,
        username: None,
        password: None,
        will: None,
        session_expiry: None,
        receive_maximum: None,
        maximum_packet_size: None,
        topic_alias_maximum: 0,
        request_response_information: false,
        request_problem_information: false,
        user_properties: Vec::new(),
        authentication_method: None,
        authentication_data: None,
    }
}

fn puback(packet_id: PacketId) -> Packet {
    Packet::PubAck(Ack {
        packet_id,
        reason: Reason::Success,
        reason_string: None,
    })
}

#[cfg(test)]
mod tests;
