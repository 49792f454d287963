//! One face for rumqttc's two kinds of clients.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "what fails here fails the test"
)]

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use rumqttc::{Outgoing, v5};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::fresh;

/// How long to wait for what must come.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Clone, Copy, Debug)]
pub enum Version {
    V311,
    V5,
}

#[derive(Clone, Copy, Debug)]
pub struct Broker {
    pub address: SocketAddr,
    pub version: Version,
}

/// A message as it came.
#[derive(Debug, PartialEq)]
pub struct Came {
    pub topic: String,
    pub payload: String,
    pub qos: u8,
    pub retain: bool,
}

impl Came {
    pub fn new(topic: &str, payload: &str, qos: u8, retain: bool) -> Came {
        Came {
            topic: topic.into(),
            payload: payload.into(),
            qos,
            retain,
        }
    }
}

/// What a client's event loop tells.
#[derive(Debug)]
enum Event {
    Connected { session_present: bool },
    Sent,
    Delivered,
    Subscribed,
    Unsubscribed,
    Left,
    Broken(String),
    Message(Came),
}

/// A connected client. Dropping it closes the socket without a word.
pub struct Peer {
    client: Client,
    events: mpsc::Receiver<Event>,
    pub messages: VecDeque<Came>,
    pub session_present: bool,
    name: String,
    _driver: JoinSet<()>,
}

enum Client {
    V311(rumqttc::AsyncClient),
    V5(v5::AsyncClient),
}

impl Broker {
    pub async fn connect(self) -> Peer {
        self.connect_as(&fresh("client"), false, None).await
    }

    /// Connects; `keep` asks for a session that outlives the connection.
    pub async fn connect_as(self, id: &str, keep: bool, will: Option<&str>) -> Peer {
        // When it is full, the event loop waits, as the tests below never leave it.
        let (sender, events) = mpsc::channel(64);
        let mut driver = JoinSet::new();
        let client = match self.version {
            Version::V311 => {
                let (client, events) = self.client_v311(id, keep, will);
                driver.spawn(drive_v311(events, sender));
                Client::V311(client)
            }
            Version::V5 => {
                let (client, events) = self.client_v5(id, keep, will);
                driver.spawn(drive_v5(events, sender));
                Client::V5(client)
            }
        };
        let mut peer = Peer {
            client,
            events,
            messages: VecDeque::new(),
            session_present: false,
            name: format!("{self:?} {id}"),
            _driver: driver,
        };
        peer.session_present = peer.connected().await;
        peer
    }

    fn client_v311(
        self,
        id: &str,
        keep: bool,
        will: Option<&str>,
    ) -> (rumqttc::AsyncClient, rumqttc::EventLoop) {
        let host = self.address.ip().to_string();
        let mut options = rumqttc::MqttOptions::new(id, host, self.address.port());
        options.set_clean_session(!keep);
        if let Some(topic) = will {
            let qos = rumqttc::QoS::AtLeastOnce;
            options.set_last_will(rumqttc::LastWill::new(topic, "gone", qos, false));
        }
        rumqttc::AsyncClient::new(options, 16)
    }

    fn client_v5(
        self,
        id: &str,
        keep: bool,
        will: Option<&str>,
    ) -> (v5::AsyncClient, v5::EventLoop) {
        let host = self.address.ip().to_string();
        let mut options = v5::MqttOptions::new(id, host, self.address.port());
        options.set_clean_start(!keep);
        options.set_session_expiry_interval(keep.then_some(300));
        if let Some(topic) = will {
            let qos = v5::mqttbytes::QoS::AtLeastOnce;
            let will = v5::mqttbytes::v5::LastWill::new(topic, "gone", qos, false, None);
            options.set_last_will(will);
        }
        v5::AsyncClient::new(options, 16)
    }
}

impl Peer {
    async fn event(&mut self, what: &str) -> Event {
        match timeout(PATIENCE, self.events.recv()).await {
            Ok(Some(Event::Broken(error))) => panic!("{}: no {what}: {error}", self.name),
            Ok(Some(event)) => event,
            Ok(None) => panic!("{}: no {what}: the connection has ended", self.name),
            Err(_) => panic!("{}: {what} did not come", self.name),
        }
    }

    /// Waits for one event; messages that come before it are kept.
    async fn until(&mut self, what: &str, wanted: impl Fn(&Event) -> bool) {
        loop {
            match self.event(what).await {
                event if wanted(&event) => return,
                Event::Message(came) => self.messages.push_back(came),
                _ => {}
            }
        }
    }

    async fn connected(&mut self) -> bool {
        match self.event("CONNACK").await {
            Event::Connected { session_present } => session_present,
            other => panic!("{}: {other:?} came instead of CONNACK", self.name),
        }
    }

    pub async fn message(&mut self) -> Came {
        loop {
            if let Some(came) = self.messages.pop_front() {
                return came;
            }
            if let Event::Message(came) = self.event("a message").await {
                self.messages.push_back(came);
            }
        }
    }

    pub async fn expect(&mut self, payload: &str) {
        let came = self.message().await;
        assert_eq!(came.payload, payload, "{}", self.name);
    }

    pub async fn publish(&mut self, topic: &str, payload: &str, qos: u8, retain: bool) {
        let payload = payload.to_owned();
        match &self.client {
            Client::V311(client) => {
                let qos = rumqttc::mqttbytes::qos(qos).unwrap();
                client.publish(topic, qos, retain, payload).await.unwrap();
            }
            Client::V5(client) => {
                let qos = v5::mqttbytes::qos(qos).unwrap();
                client.publish(topic, qos, retain, payload).await.unwrap();
            }
        }
        match qos {
            0 => {
                self.until("the sending", |event| matches!(event, Event::Sent))
                    .await;
            }
            _ => {
                self.until("PUBACK or PUBCOMP", |event| {
                    matches!(event, Event::Delivered)
                })
                .await;
            }
        }
    }

    pub async fn subscribe(&mut self, filter: &str, qos: u8) {
        match &self.client {
            Client::V311(client) => {
                let qos = rumqttc::mqttbytes::qos(qos).unwrap();
                client.subscribe(filter, qos).await.unwrap();
            }
            Client::V5(client) => {
                let qos = v5::mqttbytes::qos(qos).unwrap();
                client.subscribe(filter, qos).await.unwrap();
            }
        }
        self.until("SUBACK", |event| matches!(event, Event::Subscribed))
            .await;
    }

    pub async fn unsubscribe(&mut self, filter: &str) {
        match &self.client {
            Client::V311(client) => client.unsubscribe(filter).await.unwrap(),
            Client::V5(client) => client.unsubscribe(filter).await.unwrap(),
        }
        self.until("UNSUBACK", |event| matches!(event, Event::Unsubscribed))
            .await;
    }

    /// Says goodbye.
    pub async fn close(mut self) {
        match &self.client {
            Client::V311(client) => client.disconnect().await.unwrap(),
            Client::V5(client) => client.disconnect().await.unwrap(),
        }
        self.until("the goodbye", |event| matches!(event, Event::Left))
            .await;
    }
}

async fn drive_v311(mut events: rumqttc::EventLoop, sender: mpsc::Sender<Event>) {
    use rumqttc::Packet;
    loop {
        let event = match events.poll().await {
            Err(error) => Some(Event::Broken(error.to_string())),
            Ok(rumqttc::Event::Outgoing(outgoing)) => sent(&outgoing),
            Ok(rumqttc::Event::Incoming(packet)) => match packet {
                Packet::ConnAck(ack) => Some(Event::Connected {
                    session_present: ack.session_present,
                }),
                Packet::PubAck(_) | Packet::PubComp(_) => Some(Event::Delivered),
                Packet::SubAck(_) => Some(Event::Subscribed),
                Packet::UnsubAck(_) => Some(Event::Unsubscribed),
                Packet::Publish(it) => Some(message(
                    it.topic.as_bytes(),
                    &it.payload,
                    it.qos as u8,
                    it.retain,
                )),
                _ => None,
            },
        };
        if !pass_on(event, &sender).await {
            return;
        }
    }
}

async fn drive_v5(mut events: v5::EventLoop, sender: mpsc::Sender<Event>) {
    use v5::mqttbytes::v5::Packet;
    loop {
        let event = match events.poll().await {
            Err(error) => Some(Event::Broken(error.to_string())),
            Ok(v5::Event::Outgoing(outgoing)) => sent(&outgoing),
            Ok(v5::Event::Incoming(packet)) => match packet {
                Packet::ConnAck(ack) => Some(Event::Connected {
                    session_present: ack.session_present,
                }),
                Packet::PubAck(_) | Packet::PubComp(_) => Some(Event::Delivered),
                Packet::SubAck(_) => Some(Event::Subscribed),
                Packet::UnsubAck(_) => Some(Event::Unsubscribed),
                Packet::Publish(it) => {
                    Some(message(&it.topic, &it.payload, it.qos as u8, it.retain))
                }
                _ => None,
            },
        };
        if !pass_on(event, &sender).await {
            return;
        }
    }
}

/// Whether to go on: not after the end, and not when nobody listens.
async fn pass_on(event: Option<Event>, sender: &mpsc::Sender<Event>) -> bool {
    let Some(event) = event else { return true };
    let over = matches!(event, Event::Broken(_));
    sender.send(event).await.is_ok() && !over
}

fn sent(outgoing: &Outgoing) -> Option<Event> {
    match outgoing {
        Outgoing::Publish(_) => Some(Event::Sent),
        Outgoing::Disconnect => Some(Event::Left),
        _ => None,
    }
}

fn message(topic: &[u8], payload: &[u8], qos: u8, retain: bool) -> Event {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Event::Message(Came::new(&text(topic), &text(payload), qos, retain))
}
