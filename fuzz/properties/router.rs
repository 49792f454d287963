//! Any bytes, as what a few clients do with the router: nothing panics, everyone
//! gets only what can be written and read again, the bounds hold, and what goes
//! to the disk makes sense there, wherever the process falls.
//!
//! Each step is a byte for what happens, one for the length, and that many bytes
//! as packets of the client.

use std::time::Duration;

#[path = "disk.rs"]
mod disk;

use bytes::BytesMut;
use disk::Disk;
use hearth::broker::codec::{self, Connect, Decoder, Packet, PublishHead, Version};
use hearth::broker::journal::{Batch, Journal};
use hearth::broker::outbound::{self, Sending};
use hearth::broker::router::{Effect, Limits, Link, Origin, Out, Router};
use hearth::clock::Now;

const CLIENTS: usize = 4;
const PACKET_SIZE: usize = 1 << 16;

struct Seat {
    link: Link,
    version: Version,
    is_open: bool,
}

struct World {
    router: Router,
    now: Now,
    /// The last connection of each client.
    seats: [Option<Seat>; CLIENTS],
    disk: Disk,
    /// On its way to the disk.
    batch: Option<Batch>,
}

pub fn hold(mut bytes: &[u8]) {
    let mut world = World {
        router: Router::new(limits()),
        now: Now::default(),
        seats: [const { None }; CLIENTS],
        disk: Disk::default(),
        batch: None,
    };
    world.restart();
    while let [what, length, rest @ ..] = bytes {
        let (input, rest) = rest.split_at(usize::from(*length).min(rest.len()));
        bytes = rest;
        world.step(*what, input);
        world.look();
    }
    world.router.shut_down(world.now);
    world.look();
}

fn limits() -> Limits {
    Limits {
        inflight: 4,
        receive_maximum: 4,
        subscriptions: 8,
        queue: outbound::Limits {
            messages: 16,
            bytes: 1 << 16,
        },
        ..Limits::default()
    }
}

impl World {
    fn step(&mut self, what: u8, input: &[u8]) {
        let seat = usize::from(what) % CLIENTS;
        match what / 4 % 8 {
            0 => self.connect(seat, input),
            1 => {
                let seconds = input.first().copied().unwrap_or(1);
                self.now = self.now + Duration::from_secs(seconds.into());
                self.router.wake(self.now);
            }
            2 => self.at(seat, |router, link, now| router.drained(link, now)),
            3 => {
                self.at(seat, |router, link, now| router.lost(link, now));
                if let Some(seat) = &mut self.seats[seat] {
                    seat.is_open = false;
                }
            }
            7 => match input.first() {
                Some(0) => self.restart(),
                Some(1) => self.written(),
                _ => self.write(),
            },
            _ => self.packets(seat, input),
        }
    }

    fn write(&mut self) {
        self.router.wake(self.now);
        self.batch = self.router.take_batch(self.now).or(self.batch.take());
    }

    fn written(&mut self) {
        if let Some(batch) = self.batch.take() {
            self.disk.write(&batch);
            self.router.written(batch.generation, 0);
        }
    }

    /// The process falls: what was not on the disk is gone.
    fn restart(&mut self) {
        self.batch = None;
        self.seats = [const { None }; CLIENTS];
        self.router = Router::new(limits());
        let journal = Journal::new(Duration::from_secs(5));
        self.router.restore(self.disk.state(), journal, self.now);
    }

    fn at(&mut self, seat: usize, act: impl FnOnce(&mut Router, Link, Now)) {
        if let Some(seat) = &self.seats[seat] {
            act(&mut self.router, seat.link, self.now);
        }
    }

    fn connect(&mut self, seat: usize, input: &[u8]) {
        let decoded = Decoder::new(PACKET_SIZE).decode(&mut BytesMut::from(input));
        let Ok(Some(Packet::Connect(mut connect))) = decoded else {
            return;
        };
        // Few names, so that clients take each other's place.
        connect
            .client_id
            .truncate(connect.client_id.floor_char_boundary(1));
        let version = connect.version;
        if let Some(link) = self.admit(*connect) {
            self.seats[seat] = Some(Seat {
                link,
                version,
                is_open: true,
            });
        }
    }

    fn admit(&mut self, connect: Connect) -> Option<Link> {
        self.router.connect(connect, Origin::Outside, self.now).ok()
    }

    fn packets(&mut self, seat: usize, input: &[u8]) {
        let Some(Seat { link, version, .. }) = self.seats[seat] else {
            return;
        };
        let mut buffer = BytesMut::from(input);
        let mut decoder = Decoder::with_version(version, PACKET_SIZE);
        loop {
            match decoder.decode(&mut buffer) {
                Ok(Some(packet)) => self.router.receive(link, packet, self.now),
                Ok(None) => return,
                Err(error) => return self.router.fail(link, error.reason, self.now),
            }
        }
    }

    fn look(&mut self) {
        for effect in std::mem::take(self.router.effects()) {
            match effect {
                Effect::Send { link, out } => self.sent(link, out),
                Effect::Close { link, .. } => {
                    if let Some(seat) = self.seat(link) {
                        seat.is_open = false;
                    }
                }
            }
        }
    }

    fn seat(&mut self, link: Link) -> Option<&mut Seat> {
        let seats = self.seats.iter_mut().flatten();
        seats.into_iter().find(|seat| seat.link == link)
    }

    fn sent(&mut self, link: Link, out: Out) {
        let Some(seat) = self.seat(link) else { return };
        assert!(seat.is_open, "{out:?} after the end");
        let version = seat.version;
        let mut written = BytesMut::new();
        match out {
            Out::Fence => return,
            Out::Packet(packet) => codec::encode(&packet, version, &mut written),
            Out::Publish(sending) => write(&sending, version, &mut written),
        }
        let read = Decoder::with_version(version, usize::MAX).decode(&mut written);
        assert!(matches!(read, Ok(Some(_))), "{read:?}");
        assert!(written.is_empty());
    }
}

fn write(sending: &Sending, version: Version, out: &mut BytesMut) {
    let message = &sending.delivery.message;
    let head = PublishHead {
        dup: sending.dup,
        qos: sending.delivery.qos,
        retain: sending.delivery.retain,
        packet_id: sending.packet_id,
        topic_alias: None,
        subscription_ids: &sending.delivery.subscription_ids,
        message_expiry_left: sending.expiry_left,
    };
    codec::encode_publish(
        out,
        version,
        &head,
        &message.topic,
        &message.payload,
        &message.properties,
    );
}
