//! The maps as any MQTT client would give them: retained on the boards' config
//! topics, if nothing is there.

use std::net::SocketAddr;

use anyhow::{Context, bail, ensure};
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{Packet, PubAckReason, SubscribeReasonCode};
use rumqttc::v5::{AsyncClient, Event, EventLoop, MqttOptions};

use super::Maps;
use crate::home::topic;

/// Requests that wait for the connection; whoever has more of them waits.
const WAITING: usize = 10;

pub(super) async fn give_missing(maps: &Maps, broker: SocketAddr) -> anyhow::Result<()> {
    let mut session = Session::open(broker);
    for (board, map) in maps {
        let topic = topic::board_config(board);
        if !session.is_retained(&topic).await? {
            session.retain(&topic, map).await?;
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
