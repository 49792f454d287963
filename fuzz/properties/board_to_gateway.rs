//! What a board sends, as any bytes: nothing but a whole frame is a packet, a packet is
//! written as it was read, and a session answers with packets that can be read, whatever
//! board and broker say in between.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hearth::broker::codec::{Packet as Mqtt, PacketId, PublishProperties, Qos, Reason};
use hearth::broker::message::Message;
use hearth::broker::mqttsn::session::{Effect, Patience, Session};
use hearth::broker::outbound::{Delivery, Sending};
use hearth::clock::Now;
use hearth_wire::Packet;
use hearth_wire::frame::{DEFRAMER_SIZE, Deframer, encode_frame};

/// The most that one step may make a session do: it keeps 64 messages for a client that
/// sleeps.
const MOST_EFFECTS: usize = 200;

pub fn hold(bytes: &[u8]) {
    on_the_line(bytes);
    in_a_session(bytes);
}

/// Frames found in the bytes are those that would be made of their packets.
fn on_the_line(bytes: &[u8]) {
    let mut deframer = Deframer::<DEFRAMER_SIZE>::new();
    let mut begun = Vec::new();
    for byte in bytes {
        if let Ok(Some(packet)) = deframer.push(*byte) {
            let mut frame = [0; DEFRAMER_SIZE + 3];
            let length = encode_frame(packet, &mut frame).unwrap_or(0);
            assert_eq!([&begun[..], &[0]].concat(), &frame[..length]);
        }
        if *byte == 0 {
            begun.clear();
        } else {
            begun.push(*byte);
        }
    }
}

struct World {
    session: Session,
    now: Now,
    /// Of the last message of the broker.
    packet_id: u16,
}

/// An octet says what happens; a packet's octets follow its length.
fn in_a_session(bytes: &[u8]) {
    let now = Now::default();
    let mut world = World {
        session: Session::new(Arc::default(), Patience::default(), now),
        now,
        packet_id: 0,
    };
    let mut rest = bytes;
    while let Some((what, after)) = rest.split_first() {
        let length = usize::from(*what).min(after.len());
        let used = match what {
            0..=199 => {
                world.receive(&after[..length]);
                length
            }
            200..=219 => {
                world.deliver(after.first().copied().unwrap_or(0));
                1
            }
            220..=229 => {
                let answer = Mqtt::ConnAck(Box::default());
                world.session.told(&answer, now);
                0
            }
            230..=239 => {
                world.session.entered(Err(Reason::NotAuthorized), now);
                0
            }
            240..=253 => {
                let seconds = after.first().copied().unwrap_or(0);
                world.now = world.now + Duration::from_secs(seconds.into());
                world.session.tick(world.now);
                1
            }
            _ => {
                world.session.closed(Reason::SessionTakenOver);
                0
            }
        };
        world.look();
        rest = after.get(used..).unwrap_or_default();
    }
}

impl World {
    fn receive(&mut self, octets: &[u8]) {
        let Ok(packet) = Packet::decode(octets) else {
            return;
        };
        let mut written = vec![0; octets.len() + 4];
        let length = packet.encode(&mut written).unwrap_or(0);
        assert_eq!(Packet::decode(&written[..length]), Ok(packet));
        self.session.received(packet, self.now);
    }

    fn deliver(&mut self, with: u8) {
        let qos = Qos::from_bits(with % 3).unwrap_or_default();
        self.packet_id = self.packet_id.checked_add(1).unwrap_or(1);
        let message = Message {
            topic: ["a/b", "ab", "a/very/long/topic"][usize::from(with) % 3].into(),
            payload: Bytes::from(vec![with; usize::from(with)]),
            qos,
            retain: false,
            properties: PublishProperties::default(),
            publisher: "fuzz".into(),
            taken_in: None,
            received: self.now.utc,
            expires: None,
        };
        let delivery = Delivery {
            message: Arc::new(message),
            qos,
            retain: with & 4 != 0,
            subscription_ids: Vec::new(),
            group: None,
        };
        let packet_id = PacketId::new(self.packet_id).filter(|_| qos != Qos::AtMostOnce);
        let sending = Sending {
            delivery,
            packet_id,
            dup: with & 8 != 0,
            expiry_left: None,
        };
        self.session.deliver(sending, self.now);
    }

    fn look(&mut self) {
        let effects = self.session.take_effects();
        assert!(effects.len() <= MOST_EFFECTS, "{} at once", effects.len());
        for effect in effects {
            if let Effect::Send(packet) = effect {
                assert!(Packet::decode(&packet).is_ok(), "{packet:?}");
            }
        }
    }
}
