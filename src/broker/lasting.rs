//! A session that outlives the part that has it open: for parts that pass
//! messages on to elsewhere.
//!
//! What waits for the part is the session's own queue, with bounds and a policy
//! of its own. Unlike a [`Client`](super::Client), nothing is acknowledged when
//! it is taken: the part says so itself, once the other side has it. After a
//! crash, or when the session is opened again, what was not acknowledged comes
//! again, in order.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::oneshot;

use super::client::{Handle, Publisher, Stopped, connect_as};
use super::codec::Packet;
use super::lane::Lane;
use super::outbound::Sending;
pub use super::router::Held;
use super::router::{Link, Origin, Out};
pub use super::session::Lasting;
use super::task::{Input, send_or_later};

/// What the broker tells a lasting session, in order. The first is CONNACK,
/// which says whether the session was there already.
#[derive(Debug, PartialEq)]
pub enum Event {
    Publish(Sending),
    Packet(Packet),
}

/// The turns of one session, which the broker grants.
#[derive(Clone, Debug)]
pub struct Turns(Arc<Lane>);

impl Turns {
    /// Waits until the broker is done with what was sent, and those whom
    /// publishers must wait for have caught up. Cancel-safe.
    pub async fn next(&self) {
        self.0.turn().await;
    }
}

/// A lasting session, open. Dropping it leaves the session to wait.
#[derive(Debug)]
pub struct LastingClient {
    link: Link,
    handle: Handle,
    lane: Arc<Lane>,
    /// Swapped with the lane; empty between calls.
    taken: Vec<Out>,
    /// Taken off the lane and not yet returned; bounded like the lane.
    ready: VecDeque<Out>,
}

impl Handle {
    /// Opens the lasting session of this name, or makes it. Whoever had it open
    /// is told that the broker has stopped for it.
    pub async fn lasting(&self, name: &str, wishes: Lasting) -> Result<LastingClient, Stopped> {
        let mut connect = connect_as(name);
        connect.clean_start = false;
        connect.receive_maximum = Some(wishes.window);
        let origin = Origin::Lasting(wishes);
        let (link, lane) = self.enter(connect, origin).await?;
        Ok(LastingClient {
            link,
            handle: self.clone(),
            lane,
            taken: Vec::new(),
            ready: VecDeque::new(),
        })
    }

    /// Ends the lasting session of this name, with all that waits in it.
    pub async fn forget(&self, name: &str) -> Result<(), Stopped> {
        let (link, _) = self.enter(connect_as(name), Origin::Inside).await?;
        self.send(Input::Lost { link }).await
    }

    /// The sessions of parts whose names begin with `prefix`, open or waiting.
    pub async fn held(&self, prefix: &str) -> Result<Vec<Held>, Stopped> {
        let (answer, held) = oneshot::channel();
        let prefix = prefix.to_owned();
        self.send(Input::Held { prefix, answer }).await?;
        held.await.map_err(|_| Stopped)
    }
}

impl LastingClient {
    /// The next event; waits for one. Cancel-safe.
    pub async fn next(&mut self) -> Result<Event, Stopped> {
        loop {
            if let Some(event) = self.try_next() {
                return Ok(event);
            }
            if self.ready.is_empty() {
                self.refill().await?;
            }
        }
    }

    /// The next event, if it is here already.
    pub fn try_next(&mut self) -> Option<Event> {
        match self.ready.pop_front()? {
            Out::Publish(sending) => Some(Event::Publish(sending)),
            Out::Packet(packet) => Some(Event::Packet(packet)),
            Out::Fence => {
                let link = self.link;
                send_or_later(self.handle.inputs(), Input::Drained { link });
                None
            }
        }
    }

    /// Sends packets as a client of the network would: SUBSCRIBE,
    /// acknowledgements, or PUBLISH, whose acknowledgement among the events says
    /// that the broker has taken the message.
    pub async fn send(&self, packets: Vec<Packet>) -> Result<(), Stopped> {
        let link = self.link;
        self.handle.send(Input::Packets { link, packets }).await
    }

    /// Tells when the broker is done with what was sent.
    pub fn turns(&self) -> Turns {
        Turns(Arc::clone(&self.lane))
    }

    /// For publishing without an acknowledgement.
    pub fn publisher(&self) -> Publisher {
        Publisher::new(self.link, self.handle.clone())
    }

    async fn refill(&mut self) -> Result<(), Stopped> {
        let closed = self.lane.take(&mut self.taken).await;
        if closed.is_some() && self.taken.is_empty() {
            return Err(Stopped);
        }
        self.ready.extend(self.taken.drain(..));
        Ok(())
    }
}

impl Drop for LastingClient {
    fn drop(&mut self) {
        let link = self.link;
        send_or_later(self.handle.inputs(), Input::Lost { link });
    }
}

#[cfg(test)]
mod tests;
