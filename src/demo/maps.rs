//! Gives the boards with Hearth's firmware their pin maps, as any MQTT client could:
//! one that is retained already, perhaps changed by somebody, stays.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, anyhow, bail, ensure};
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{Packet, PubAckReason, SubscribeReasonCode};
use rumqttc::v5::{AsyncClient, Event, EventLoop, MqttOptions};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::folder;
use super::wiring::Wiring;
use crate::boards::{BoardSettings, FoundBy};
use crate::home::topic;

/// The gateway is on this computer.
const WITHIN: Duration = Duration::from_secs(10);
/// Requests that wait for the connection; whoever has more of them waits.
const WAITING: usize = 10;

/// A map by the topic where the gateway looks for it.
pub type Maps = BTreeMap<String, &'static str>;

/// The demo's maps, under the names that its boards have in the config.
pub fn for_boards(boards: &[BoardSettings]) -> Maps {
    let named = |wiring: Wiring| {
        let board = boards.iter().find(|board| is_at(wiring, &board.found_by))?;
        Some((topic::board_config(&board.name), wiring.map()))
    };
    Wiring::ALL.into_iter().filter_map(named).collect()
}

fn is_at(wiring: Wiring, found_by: &FoundBy) -> bool {
    match found_by {
        FoundBy::Port(port) => port.ends_with(folder::port(wiring.name())),
        FoundBy::Id(id) => hearth_wire::board::of_client_id(id) == Some(wiring.id()),
        FoundBy::Usb(_) => false,
    }
}

/// Gives the maps once it is known where the broker is. A house that does not
/// let us in lives on: somebody else can give them.
pub async fn give(maps: Maps, broker: oneshot::Receiver<SocketAddr>) {
    let Ok(broker) = broker.await else {
        return;
    };
    if maps.is_empty() {
        return;
    }
    let given = match timeout(WITHIN, give_missing(&maps, broker)).await {
        Ok(given) => given,
        Err(_elapsed) => Err(anyhow!("the broker does not answer")),
    };
    if let Err(problem) = given {
        let topics: Vec<&str> = maps.keys().map(String::as_str).collect();
        tracing::warn!(
            "the demo cannot give its boards their pin maps: {problem:#}; set their pins up on \
             their pages, or publish the maps in examples/demo, retained, to {}",
            topics.join(" and ")
        );
    }
}

async fn give_missing(maps: &Maps, broker: SocketAddr) -> anyhow::Result<()> {
    let mut session = Session::open(broker);
    for (topic, map) in maps {
        if !session.is_retained(topic).await? {
            session.retain(topic, map).await?;
        }
    }
    session.close().await
}

struct Session {
    client: AsyncClient,
    events: EventLoop,
}

impl Session {
    fn open(broker: SocketAddr) -> Session {
        let host = match broker {
            SocketAddr::V4(broker) => broker.ip().to_string(),
            SocketAddr::V6(broker) => format!("[{}]", broker.ip()),
        };
        let id = format!("hearth-demo-{}", std::process::id());
        let mut options = MqttOptions::new(id, host, broker.port());
        options.set_clean_start(true);
        let (client, events) = AsyncClient::new(options, WAITING);
        Session { client, events }
    }

    /// Whether there is something on the topic.
    async fn is_retained(&mut self, topic: &str) -> anyhow::Result<bool> {
        // What is retained comes after the one request, and before the answer to the other.
        self.client.subscribe(topic, QoS::AtMostOnce).await?;
        self.client.unsubscribe(topic).await?;
        let mut is_retained = false;
        loop {
            match self.next().await? {
                Packet::Publish(message) => is_retained |= !message.payload.is_empty(),
                Packet::SubAck(ack) => {
                    let may = |code| matches!(code, SubscribeReasonCode::Success(_));
                    let may_read = ack.return_codes.into_iter().all(may);
                    ensure!(may_read, "reading {topic} is not allowed");
                }
                Packet::UnsubAck(_) => return Ok(is_retained),
                _ => {}
            }
        }
    }

    async fn retain(&mut self, topic: &str, payload: &str) -> anyhow::Result<()> {
        let payload = payload.to_owned();
        self.client
            .publish(topic, QoS::AtLeastOnce, true, payload)
            .await?;
        loop {
            if let Packet::PubAck(ack) = self.next().await? {
                let is_taken = matches!(
                    ack.reason,
                    PubAckReason::Success | PubAckReason::NoMatchingSubscribers
                );
                ensure!(
                    is_taken,
                    "writing {topic} is not allowed ({:?})",
                    ack.reason
                );
                return Ok(());
            }
        }
    }

    async fn close(mut self) -> anyhow::Result<()> {
        self.client.disconnect().await?;
        // The broker answers with the end of the connection.
        while self.next().await.is_ok() {}
        Ok(())
    }

    /// The broker's next packet.
    async fn next(&mut self) -> anyhow::Result<Packet> {
        loop {
            match self.events.poll().await.context("no connection")? {
                Event::Incoming(Packet::Disconnect(goodbye)) => {
                    bail!(
                        "the broker ended the connection ({:?})",
                        goodbye.reason_code
                    )
                }
                Event::Incoming(packet) => return Ok(packet),
                Event::Outgoing(_) => {}
            }
        }
    }
}
