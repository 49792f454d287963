//! MQTT-SN on a line that another part holds: packets in, packets out.
//!
//! A board knows no topic names, so each client id has its own predefined ones
//! (MQTT-SN 1.2, section 6.7), under `hearth/wire/<client id>/`.

use std::sync::Arc;
use std::time::Duration;

use hearth_wire::board::{BoardTopic, SLOTS};
use hearth_wire::packet as sn;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::client::{Client, Line, publish_once};
use super::session::{Patience, Session};
use super::topics::Predefined;
use crate::broker::door::{Door, Peer};
use crate::clock::Clock;
use crate::home::topic;

/// Packets that wait, either way: those of the client are lost beyond, those for it wait
/// in the broker.
const MOST_WAITING: usize = 64;
/// A line is faster than a network, and there is nobody else on it.
const PATIENCE: Patience = Patience {
    retry: Duration::from_secs(1),
    retries: 5,
};

/// The gateway's end of a line. Dropping it is pulling the plug.
#[derive(Debug)]
pub struct Cable {
    packets: mpsc::Sender<Vec<u8>>,
    answers: mpsc::Receiver<Vec<u8>>,
    /// Ends with the cable, as the client's connection does.
    _task: JoinSet<()>,
}

impl Cable {
    /// Serves whoever is at the other end.
    pub fn attach(door: Door, clock: Clock) -> Cable {
        let (packets, received) = mpsc::channel(MOST_WAITING);
        let (sender, answers) = mpsc::channel(MOST_WAITING);
        let end = End {
            door,
            clock,
            answers: Answers(sender),
        };
        let mut task = JoinSet::new();
        task.spawn(end.serve(received));
        Cable {
            packets,
            answers,
            _task: task,
        }
    }

    /// Hands over a packet that came. One too many is lost, as on any line, and
    /// repeated by the client.
    pub fn received(&self, packet: Vec<u8>) {
        if self.packets.try_send(packet).is_err() {
            tracing::debug!("a packet of a board is lost: too many wait");
        }
    }

    /// The next packet to be sent; waits for one. Cancel-safe.
    pub async fn next(&mut self) -> Option<Vec<u8>> {
        self.answers.recv().await
    }
}

struct End {
    door: Door,
    clock: Clock,
    answers: Answers,
}

#[derive(Clone)]
struct Answers(mpsc::Sender<Vec<u8>>);

impl Line for Answers {
    async fn send(&self, packet: &[u8]) {
        // Without a line there is nobody to tell.
        let _ = self.0.send(packet.to_vec()).await;
    }
}

impl End {
    async fn serve(self, mut packets: mpsc::Receiver<Vec<u8>>) {
        while let Some(packet) = packets.recv().await {
            match sn::Packet::decode(&packet) {
                Ok(sn::Packet::Connect(connect)) => {
                    let predefined = predefined(connect.client_id.as_str());
                    self.run(predefined, &packet, &mut packets).await;
                }
                Ok(other) => self.without_session(&other).await,
                Err(error) => tracing::debug!("not MQTT-SN on a serial line: {error}"),
            }
        }
    }

    /// Until the client is gone.
    async fn run(
        &self,
        predefined: Arc<Predefined>,
        connect: &[u8],
        packets: &mut mpsc::Receiver<Vec<u8>>,
    ) {
        let peer = Peer::on_a_cable();
        let Some(place) = self.door.place(&peer) else {
            return;
        };
        let mut client = Client {
            session: Session::new(predefined, PATIENCE, self.clock.now()),
            line: self.answers.clone(),
            door: self.door.clone(),
            peer,
            place,
            clock: self.clock,
        };
        client.received(connect);
        client.run(packets).await;
    }

    async fn without_session(&self, packet: &sn::Packet<'_>) {
        match packet {
            sn::Packet::SearchGw { .. } => {
                let info = sn::Packet::GwInfo {
                    gw_id: 1,
                    address: &[],
                };
                self.say(&info).await;
            }
            sn::Packet::Advertise { .. } | sn::Packet::GwInfo { .. } => {}
            sn::Packet::Publish(publish) if publish.qos == sn::Qos::WithoutConnection => {
                let (peer, nothing) = (Peer::on_a_cable(), Arc::default());
                if let Err(reason) = publish_once(&self.door, &peer, &nothing, publish).await {
                    tracing::debug!("a message without a connection is refused: {reason:?}");
                }
            }
            // Who believes to be connected is told otherwise.
            _ => self.say(&sn::Packet::Disconnect(None)).await,
        }
    }

    async fn say(&self, packet: &sn::Packet<'_>) {
        let mut buffer = [0; 64];
        if let Ok(length) = packet.encode(&mut buffer) {
            let packet = buffer.get(..length).unwrap_or_default();
            self.answers.send(packet).await;
        }
    }
}

/// The topics of the client's own; none for an id that could not be part of one.
fn predefined(client_id: &str) -> Arc<Predefined> {
    if !topic::is_word(client_id) {
        return Arc::default();
    }
    let slots = (1..=SLOTS).flat_map(|slot| [BoardTopic::State(slot), BoardTopic::Set(slot)]);
    let others = [BoardTopic::WantedMap, BoardTopic::Map, BoardTopic::Vitals];
    let named = slots.chain(others).map(|one| {
        let name = topic::wire(client_id, &topic::wire_part(one));
        (one.id(), name.into())
    });
    Arc::new(named.collect())
}
