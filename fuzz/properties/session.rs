//! A session's outgoing half, driven by any bytes: the window and the queue keep
//! their bounds, every id is used once at a time, and order is kept.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hearth::broker::codec::{PacketId, PublishProperties, Qos};
use hearth::broker::journal::Log;
use hearth::broker::message::Message;
use hearth::broker::outbound::{Awaiting, Delivery, Limits, Next, Outbound};
use hearth::clock::Now;

const LIMITS: Limits = Limits {
    messages: 8,
    bytes: 4096,
};
/// Messages above this size do not fit; see [`message`].
const LARGEST: usize = 200;

/// Messages in flight at once.
const WIDEST: usize = 4;

struct World {
    outbound: Outbound,
    now: Now,
    window: usize,
    count: u32,
    /// Sent on this connection and not yet finished.
    open: Vec<PacketId>,
    /// Number of the newest message that was sent for the first time.
    newest: u32,
}

pub fn hold(bytes: &[u8]) {
    let mut world = World {
        outbound: Outbound::new(LIMITS),
        now: Now::default(),
        window: WIDEST,
        count: 0,
        open: Vec::new(),
        newest: 0,
    };
    for pair in bytes.chunks_exact(2) {
        world.step(pair[0], pair[1]);
        // In flight, queued, and what was put in front of the queue.
        assert!(world.outbound.len() <= WIDEST + LIMITS.messages);
    }
}

impl World {
    fn step(&mut self, what: u8, with: u8) {
        match what % 8 {
            0 | 1 => self.push(with),
            2 | 3 => self.send(),
            4 => self.finish(with),
            5 => self.received(with),
            6 => self.disconnect(with),
            _ => self.now = self.now + Duration::from_secs(with.into()),
        }
    }

    fn push(&mut self, with: u8) {
        self.count += 1;
        let delivery = self.message(with);
        let before = self.outbound.len();
        let taken = self
            .outbound
            .push(delivery, false, &mut Log::none())
            .is_ok();
        assert_eq!(self.outbound.len(), before + usize::from(taken));
    }

    /// Its topic is its number, so that the order can be seen.
    fn message(&self, with: u8) -> Delivery {
        let qos = Qos::from_bits(with % 3).unwrap_or_default();
        let expires = (with & 8 != 0).then(|| self.now.moment + Duration::from_secs(100));
        let length = if with & 16 == 0 { 1 } else { LARGEST + 1 };
        let message = Message {
            topic: self.count.to_string().into(),
            payload: Bytes::from(vec![b'x'; length]),
            qos,
            retain: false,
            properties: PublishProperties::default(),
            publisher: "fuzz".into(),
            taken_in: None,
            received: self.now.utc,
            expires,
        };
        Delivery {
            message: Arc::new(message),
            qos,
            retain: false,
            subscription_ids: Vec::new(),
            group: (with & 32 != 0).then(|| "$share/g/#".into()),
        }
    }

    fn send(&mut self) {
        let fits = |delivery: &Delivery| delivery.message.payload.len() <= LARGEST;
        let next = self.outbound.next(
            self.window,
            self.now,
            fits,
            &mut |_, _| {},
            &mut Log::none(),
        );
        match next {
            Some(Next::Publish(sending)) => {
                assert!(!sending.delivery.message.is_expired(self.now) || sending.dup);
                assert!(sending.delivery.message.payload.len() <= LARGEST);
                if !sending.dup {
                    let number = sending.delivery.message.topic.parse().unwrap_or(0);
                    assert!(number > self.newest, "{number} after {}", self.newest);
                    self.newest = number;
                }
                self.open_exchange(sending.packet_id);
            }
            Some(Next::PubRel(id)) => self.open_exchange(Some(id)),
            None => {}
        }
    }

    fn open_exchange(&mut self, id: Option<PacketId>) {
        if let Some(id) = id {
            assert!(!self.open.contains(&id), "{id} is used twice");
            self.open.push(id);
            assert!(self.open.len() <= self.window);
        }
    }

    fn finish(&mut self, with: u8) {
        let awaiting = [Awaiting::PubAck, Awaiting::PubRec, Awaiting::PubComp];
        let id = self.id(with);
        let awaiting = awaiting[usize::from(with) % 3];
        if self.outbound.finish(id, awaiting, &mut Log::none()) {
            self.open.retain(|open| *open != id);
        }
    }

    fn received(&mut self, with: u8) {
        let id = self.id(with);
        let received = self.outbound.received(id, &mut Log::none());
        assert!(!received || self.open.contains(&id));
    }

    /// One of the open ones, mostly.
    fn id(&self, with: u8) -> PacketId {
        let known = self
            .open
            .get(usize::from(with >> 2) % self.open.len().max(1));
        known.copied().unwrap_or(PacketId::MAX)
    }

    fn disconnect(&mut self, with: u8) {
        self.outbound.disconnected();
        self.open.clear();
        self.window = usize::from(with) % WIDEST + 1;
        if with & 64 != 0 {
            let taken = self.outbound.take_shared(|group| group == "$share/g/#");
            assert!(taken.iter().all(|taken| taken.delivery.group.is_some()));
        }
    }
}
