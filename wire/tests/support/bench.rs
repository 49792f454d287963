//! A client between a clock and a gateway that a test plays.

use hearth_wire::client::{Client, Event, Profile, Will};
use hearth_wire::packet::{Packet, Qos};

pub const ROOM: usize = 128;

/// A board of ours, in what matters to the client.
#[derive(Clone, Debug)]
pub struct Board;

impl Profile for Board {
    const KEEP_ALIVE: u16 = 10;

    fn client_id(&self) -> &[u8] {
        b"uno-1"
    }
}

/// One that does everything that a client can do.
#[derive(Clone, Debug)]
pub struct Everything;

impl Profile for Everything {
    const KEEP_ALIVE: u16 = 10;
    const CLEAN_SESSION: bool = true;
    const HAS_WILL: bool = true;
    const SLEEPS: bool = true;
    const HAS_WILDCARDS: bool = true;

    fn client_id(&self) -> &[u8] {
        b"everything"
    }

    fn will(&self) -> Will<'_> {
        Will {
            qos: Qos::AtLeastOnce,
            retain: true,
            topic: b"w/t",
            message: b"gone",
        }
    }
}

pub struct Bench<P: Profile> {
    pub client: Client<P, ROOM>,
    pub now: u32,
    /// What the client sent and nobody has looked at.
    pub sent: Vec<Vec<u8>>,
}

impl<P: Profile> Bench<P> {
    /// The clock is about to wrap, so that every test sees it wrap.
    pub fn new(profile: P) -> Self {
        let now = u32::MAX - 700;
        Self {
            client: Client::new(profile, now),
            now,
            sent: Vec::new(),
        }
    }

    /// With a session, and nothing to look at.
    pub fn connected(profile: P) -> Self {
        let mut bench = Self::new(profile);
        bench.poll();
        assert_eq!(bench.receive(&connack()), Event::Connected);
        bench.sent.clear();
        bench
    }

    pub fn poll(&mut self) -> Event<'static> {
        self.client
            .poll(self.now, &mut |packet| self.sent.push(packet.to_vec()))
    }

    pub fn receive<'p>(&mut self, octets: &'p [u8]) -> Event<'p> {
        self.client.receive(octets, self.now, &mut |packet| {
            self.sent.push(packet.to_vec());
        })
    }

    /// Asks the client for something.
    pub fn ask<T>(
        &mut self,
        ask: impl FnOnce(&mut Client<P, ROOM>, &mut dyn FnMut(&[u8])) -> T,
    ) -> T {
        ask(&mut self.client, &mut |packet| {
            self.sent.push(packet.to_vec());
        })
    }

    /// Lets time pass, millisecond by millisecond; stops at an event.
    pub fn wait(&mut self, milliseconds: u32) -> Event<'static> {
        for _ in 0..milliseconds {
            self.now = self.now.wrapping_add(1);
            let event = self.poll();
            if event != Event::Nothing {
                return event;
            }
        }
        Event::Nothing
    }

    /// What was sent is these packets, no more and no less.
    #[allow(dead_code, reason = "not every test of a client looks at each packet")]
    pub fn expect(&mut self, packets: &[Packet<'_>]) {
        let sent = std::mem::take(&mut self.sent);
        let read: Vec<_> = sent.iter().map(|octets| Packet::decode(octets)).collect();
        let packets: Vec<_> = packets.iter().copied().map(Ok).collect();
        assert_eq!(read, packets);
    }
}

pub fn octets(packet: Packet<'_>) -> Vec<u8> {
    let mut buffer = [0; 300];
    let length = packet.encode(&mut buffer).expect("it may be sent");
    buffer[..length].to_vec()
}

pub fn connack() -> Vec<u8> {
    octets(Packet::ConnAck(hearth_wire::packet::ReturnCode::Accepted))
}
