//! A publisher whose session outlives its connections and the broker: the
//! sending side of MQTT 5.0, 4.3, 4.4 and 4.6.
//!
//! What is not acknowledged is sent again on the next connection, in the
//! original order, with DUP and its id; PUBRELs in the order of their PUBRECs.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use super::chance::Chance;
use super::ledger::{Ledger, Stop};
use super::line::Line;
use super::session::{Goal, Session};
use super::trace::{Did, Message};
use super::wire::{self, PUBACK, PUBCOMP, PUBREC, PUBREL, Packet, Version};

/// Messages that one publisher has open at once, at most.
const MOST_OPEN: u64 = 16;

/// A client that publishes at one QoS.
#[derive(Debug)]
pub struct Publisher {
    pub session: Session,
    qos: u8,
    /// Of the ledger.
    topics: Vec<usize>,
    /// Takes the lowest free packet id, and so each again as soon as it may.
    lowest_id: bool,
    last_id: u16,
    /// Not acknowledged.
    publishing: VecDeque<Exchange>,
    /// PUBREC is here, PUBCOMP is not.
    releasing: VecDeque<Exchange>,
}

/// One message on its way.
#[derive(Clone, Copy, Debug)]
struct Exchange {
    id: u16,
    message: Message,
}

impl Publisher {
    pub fn new(name: &str, version: Version, qos: u8, topics: Vec<usize>) -> Publisher {
        Publisher {
            session: Session::new(name, wire::lasting(version, name)),
            qos,
            topics,
            lowest_id: version == Version::V5,
            last_id: 0,
            publishing: VecDeque::new(),
            releasing: VecDeque::new(),
        }
    }

    /// Publishes until the goal is reached or the broker is ended.
    pub fn run(
        &mut self,
        at: SocketAddr,
        ledger: &Ledger,
        mut chance: Chance,
        goal: Goal,
    ) -> Result<(), Stop> {
        loop {
            let mut line = self.session.resume(at, ledger)?;
            self.send_again(&mut line, ledger);
            if goal == Goal::Begin {
                let topics = self.topics.clone();
                topics
                    .iter()
                    .for_each(|topic| self.send(&mut line, *topic, ledger));
            }
            match goal {
                Goal::Begin | Goal::Finish => return self.finish(&mut line, ledger),
                Goal::Live => self.live(&mut line, ledger, &mut chance)?,
            }
            self.session.trace.note(Did::Lost("drops the connection"));
        }
    }

    /// Publishes for a while.
    fn live(&mut self, line: &mut Line, ledger: &Ledger, chance: &mut Chance) -> Result<(), Stop> {
        let window = 1 + chance.below(MOST_OPEN);
        while !chance.one_in(100) {
            for _ in 0..=chance.below(8) {
                if ((self.publishing.len() + self.releasing.len()) as u64) < window {
                    let topic = chance.below(self.topics.len() as u64);
                    let topic = self.topics[usize::try_from(topic).unwrap()];
                    self.send(line, topic, ledger);
                }
            }
            let pause = Duration::from_millis(1 + chance.below(3));
            while let Some(packet) = self.session.hear(line, pause, ledger)? {
                self.take(line, &packet, ledger)?;
            }
            self.wait_no_longer()?;
        }
        Ok(())
    }

    /// Waits for the acknowledgements of everything.
    fn finish(&mut self, line: &mut Line, ledger: &Ledger) -> Result<(), Stop> {
        while !self.is_idle() {
            let wait = Duration::from_millis(20);
            match self.session.hear(line, wait, ledger)? {
                Some(packet) => self.take(line, &packet, ledger)?,
                None => self.wait_no_longer()?,
            }
        }
        line.send(&wire::DISCONNECT);
        self.session.trace.note(Did::Lost("disconnects"));
        Ok(())
    }

    fn is_idle(&self) -> bool {
        self.publishing.is_empty() && self.releasing.is_empty()
    }

    fn wait_no_longer(&mut self) -> Result<(), Stop> {
        let oldest = self.publishing.front().or(self.releasing.front());
        let Some(oldest) = oldest else {
            self.session.is_content();
            return Ok(());
        };
        let what = format!("the acknowledgement of id {}", oldest.id);
        self.session.wait_no_longer(&what, Some(oldest.message))
    }

    fn send(&mut self, line: &mut Line, topic: usize, ledger: &Ledger) {
        let message = (topic, ledger.topics[topic].next());
        let exchange = Exchange {
            id: self.free_id(),
            message,
        };
        self.publishing.push_back(exchange);
        self.write(line, exchange, ledger, false);
    }

    fn send_again(&mut self, line: &mut Line, ledger: &Ledger) {
        for Exchange { id, message } in self.releasing.clone() {
            line.send(&wire::ack(PUBREL, id));
            self.session.trace.note(answered(message, id));
        }
        for exchange in self.publishing.clone() {
            let (topic, number) = exchange.message;
            ledger.topics[topic].again(number);
            self.write(line, exchange, ledger, true);
        }
    }

    fn write(&mut self, line: &mut Line, exchange: Exchange, ledger: &Ledger, again: bool) {
        let Exchange { id, message } = exchange;
        let topic = &ledger.topics[message.0];
        let publish = wire::Publish {
            topic: topic.name.clone(),
            payload: topic.payload(message.1),
            qos: self.qos,
            dup: again,
            retain: topic.retained,
            id,
            properties: Vec::new(),
        };
        self.session.trace.note(Did::Sent { message, id, again });
        line.send(&publish.bytes(self.session.version()));
    }

    /// An acknowledgement.
    fn take(&mut self, line: &mut Line, packet: &Packet, ledger: &Ledger) -> Result<(), Stop> {
        let id = match packet.body[..] {
            [high, low, ..] => u16::from_be_bytes([high, low]),
            _ => return self.session.fail(format!("gets {packet:?}"), None),
        };
        let reason = packet.body.get(2).copied().unwrap_or(0);
        let (name, among) = match (packet.first, self.qos) {
            (PUBACK, 1) => ("PUBACK", &mut self.publishing),
            (PUBREC, 2) => ("PUBREC", &mut self.publishing),
            (PUBCOMP, 2) => ("PUBCOMP", &mut self.releasing),
            _ => return self.session.fail(format!("gets {packet:?}"), None),
        };
        let place = among.iter().position(|one| one.id == id);
        let Some(exchange) = place.and_then(|place| among.remove(place)) else {
            return self.session.fail(
                format!("gets {name} for id {id}, which waits for none"),
                None,
            );
        };
        let message = exchange.message;
        self.session.is_known = true;
        self.session.trace.note(Did::Heard {
            message,
            id,
            packet: name,
        });
        // That the id is not known any more is how an exchange ends whose
        // PUBCOMP was lost (MQTT 5.0, 4.3.3).
        if reason != 0 && (packet.first, reason) != (PUBCOMP, 0x92) {
            let says = format!("gets {name} with reason 0x{reason:02x}");
            return self.session.fail(says, Some(message));
        }
        if packet.first == PUBREC {
            line.send(&wire::ack(PUBREL, id));
            self.session.trace.note(answered(message, id));
            self.releasing.push_back(exchange);
        }
        self.acknowledged(message.0, ledger);
        Ok(())
    }

    /// Tells the ledger up to where the topic is acknowledged.
    fn acknowledged(&self, topic: usize, ledger: &Ledger) {
        let open = self.publishing.iter().map(|one| one.message);
        let oldest = open
            .filter(|(of, _)| *of == topic)
            .map(|(_, number)| number)
            .min();
        let topic = &ledger.topics[topic];
        topic.acknowledge(oldest.map_or_else(|| topic.sent(), |oldest| oldest - 1));
    }

    fn free_id(&mut self) -> u16 {
        let open = self.publishing.iter().chain(&self.releasing);
        let taken: Vec<u16> = open.map(|one| one.id).collect();
        let first = if self.lowest_id { 0 } else { self.last_id };
        let mut id = first;
        loop {
            id = id.checked_add(1).unwrap_or(1);
            if !taken.contains(&id) {
                self.last_id = id;
                return id;
            }
        }
    }
}

fn answered(message: Message, id: u16) -> Did {
    Did::Answered {
        message,
        id,
        packet: "PUBREL",
    }
}
