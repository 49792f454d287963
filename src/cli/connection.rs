//! A connection to any MQTT broker for `hearth pub` and `hearth sub`: the options
//! they share, and one face for both protocol versions.

use std::time::Duration;

use anyhow::Context;
use clap::{ArgAction, Args, ValueEnum};
use rumqttc::{Outgoing, v5};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::explain::{explain_v5, explain_v311, words};

/// The most messages that are sent and not yet acknowledged.
pub(super) const IN_FLIGHT: usize = 16;
/// The largest packet there is in MQTT, in bytes.
const MAX_PACKET: u32 = 268_435_455;
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// Holds the password for whoever does not want it on the command line.
const PASSWORD_VARIABLE: &str = "HEARTH_PASSWORD";

/// The options that say where to connect and as whom.
#[derive(Args, Clone, Debug)]
pub struct ConnectionArgs {
    /// The broker's host name or address
    #[arg(short = 'h', long, value_name = "HOST", default_value = "127.0.0.1")]
    pub host: String,
    /// The broker's TCP port
    #[arg(short = 'p', long, value_name = "PORT", default_value_t = 1883)]
    pub port: u16,
    /// The client id [default: one made of the process id]
    #[arg(short = 'i', long, value_name = "ID")]
    pub id: Option<String>,
    /// The user name
    #[arg(short = 'u', long, value_name = "NAME")]
    pub username: Option<String>,
    /// The password; other users of this computer can see it here, but not in
    /// the environment variable HEARTH_PASSWORD
    #[arg(short = 'P', long, value_name = "PASSWORD", requires = "username")]
    pub password: Option<String>,
    /// Read the password from standard input
    #[arg(long, requires = "username", conflicts_with = "password")]
    pub password_stdin: bool,
    /// The version of MQTT to speak
    #[arg(short = 'V', long, value_name = "VERSION", default_value = "5")]
    pub mqtt_version: MqttVersion,
    /// Print help
    #[arg(long, action = ArgAction::Help)]
    pub help: Option<bool>,
}

/// A version of MQTT as the user names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum MqttVersion {
    #[value(name = "3.1.1", alias = "mqttv311", alias = "4")]
    V311,
    #[value(name = "5", alias = "mqttv5")]
    V5,
}

/// What the broker did, or what was done for us.
#[derive(Debug)]
pub(super) enum Event {
    Connected,
    /// A message is on its way.
    Sent,
    /// A message at QoS 1 or 2 has arrived.
    Delivered,
    /// The broker does not take a message, and why.
    Refused(String),
    /// For each filter, why it was refused, if it was.
    Subscribed(Vec<Option<String>>),
    Message(Message),
    /// Our DISCONNECT is on its way.
    Left,
}

/// A message from the broker.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) topic: String,
    pub(super) payload: Vec<u8>,
    pub(super) qos: u8,
    pub(super) retain: bool,
}

/// A live connection.
#[derive(Debug)]
pub(super) struct Connection {
    client: Client,
    events: mpsc::Receiver<anyhow::Result<Event>>,
    /// Polls the socket; ends when the connection is dropped.
    _driver: JoinSet<()>,
}

#[derive(Debug)]
enum Client {
    V311(rumqttc::AsyncClient),
    V5(v5::AsyncClient),
}

impl ConnectionArgs {
    /// Connects, and waits until the broker lets us in.
    ///
    /// # Errors
    /// When nobody answers, or the broker refuses.
    pub(super) async fn open(&self, purpose: &str, keep: bool) -> anyhow::Result<Connection> {
        let id = match &self.id {
            Some(id) => id.clone(),
            None => format!("hearth-{purpose}-{}", std::process::id()),
        };
        // When it is full, the driver waits, and the broker with it.
        let (sender, events) = mpsc::channel(IN_FLIGHT);
        let mut driver = JoinSet::new();
        let login = self.login()?;
        let client = match self.mqtt_version {
            MqttVersion::V311 => {
                let (client, events) = self.client_v311(id, keep, login);
                driver.spawn(drive_v311(events, sender, self.place()));
                Client::V311(client)
            }
            MqttVersion::V5 => {
                let (client, events) = self.client_v5(id, keep, login);
                driver.spawn(drive_v5(events, sender, self.place()));
                Client::V5(client)
            }
        };
        let mut connection = Connection {
            client,
            events,
            _driver: driver,
        };
        connection
            .until(|event| matches!(event, Event::Connected))
            .await?;
        Ok(connection)
    }

    /// User name and password, wherever the password is.
    fn login(&self) -> anyhow::Result<Option<(&str, String)>> {
        let Some(username) = &self.username else {
            return Ok(None);
        };
        let password = match (&self.password, self.password_stdin) {
            (Some(password), _) => password.clone(),
            (None, true) => super::password::from_stdin()?,
            (None, false) => std::env::var(PASSWORD_VARIABLE).unwrap_or_default(),
        };
        Ok(Some((username, password)))
    }

    fn client_v311(
        &self,
        id: String,
        keep: bool,
        login: Option<(&str, String)>,
    ) -> (rumqttc::AsyncClient, rumqttc::EventLoop) {
        let mut options = rumqttc::MqttOptions::new(id, self.bracketed_host(), self.port);
        options.set_keep_alive(KEEP_ALIVE);
        options.set_clean_session(!keep);
        options.set_max_packet_size(MAX_PACKET as usize, MAX_PACKET as usize);
        if let Some((username, password)) = login {
            options.set_credentials(username, password);
        }
        rumqttc::AsyncClient::new(options, 2 * IN_FLIGHT)
    }

    fn client_v5(
        &self,
        id: String,
        keep: bool,
        login: Option<(&str, String)>,
    ) -> (v5::AsyncClient, v5::EventLoop) {
        let mut options = v5::MqttOptions::new(id, self.bracketed_host(), self.port);
        options.set_keep_alive(KEEP_ALIVE);
        options.set_clean_start(!keep);
        options.set_session_expiry_interval(keep.then_some(u32::MAX));
        options.set_max_packet_size(Some(MAX_PACKET));
        if let Some((username, password)) = login {
            options.set_credentials(username, password);
        }
        v5::AsyncClient::new(options, 2 * IN_FLIGHT)
    }

    fn bracketed_host(&self) -> String {
        if self.host.contains(':') && !self.host.starts_with('[') {
            format!("[{}]", self.host)
        } else {
            self.host.clone()
        }
    }

    /// `host:port`, for messages.
    fn place(&self) -> String {
        format!("{}:{}", self.bracketed_host(), self.port)
    }
}

impl Connection {
    /// The next thing that happens. Cancel-safe.
    pub(super) async fn next(&mut self) -> anyhow::Result<Event> {
        let event = self.events.recv().await;
        event.context("the connection to the broker has ended")?
    }

    async fn until(&mut self, wanted: impl Fn(&Event) -> bool) -> anyhow::Result<()> {
        while !wanted(&self.next().await?) {}
        Ok(())
    }

    pub(super) async fn publish(
        &self,
        topic: &str,
        payload: Vec<u8>,
        qos: u8,
        retain: bool,
    ) -> anyhow::Result<()> {
        match &self.client {
            Client::V311(client) => {
                client
                    .publish(topic, qos_v311(qos), retain, payload)
                    .await?;
            }
            Client::V5(client) => client.publish(topic, qos_v5(qos), retain, payload).await?,
        }
        Ok(())
    }

    /// Subscribes to all `filters`; the answer comes as [`Event::Subscribed`].
    pub(super) async fn subscribe(&self, filters: &[String], qos: u8) -> anyhow::Result<()> {
        let filters = filters.iter();
        match &self.client {
            Client::V311(client) => {
                let filter =
                    |path: &String| rumqttc::SubscribeFilter::new(path.clone(), qos_v311(qos));
                client.subscribe_many(filters.map(filter)).await?;
            }
            Client::V5(client) => {
                let filter =
                    |path: &String| v5::mqttbytes::v5::Filter::new(path.clone(), qos_v5(qos));
                client.subscribe_many(filters.map(filter)).await?;
            }
        }
        Ok(())
    }

    /// Says goodbye.
    pub(super) async fn close(mut self) -> anyhow::Result<()> {
        match &self.client {
            Client::V311(client) => client.disconnect().await?,
            Client::V5(client) => client.disconnect().await?,
        }
        self.until(|event| matches!(event, Event::Left)).await
    }
}

async fn drive_v311(
    mut events: rumqttc::EventLoop,
    sender: mpsc::Sender<anyhow::Result<Event>>,
    place: String,
) {
    loop {
        let event = match events.poll().await {
            Ok(event) => event_v311(event).map(Ok),
            Err(error) => Some(Err(explain_v311(error, &place))),
        };
        if !pass_on(event, &sender).await {
            return;
        }
    }
}

async fn drive_v5(
    mut events: v5::EventLoop,
    sender: mpsc::Sender<anyhow::Result<Event>>,
    place: String,
) {
    loop {
        let event = match events.poll().await {
            Ok(event) => event_v5(event).map(Ok),
            Err(error) => Some(Err(explain_v5(error, &place))),
        };
        if !pass_on(event, &sender).await {
            return;
        }
    }
}

/// Whether to go on: not after an error, and not when nobody listens.
async fn pass_on(
    event: Option<anyhow::Result<Event>>,
    sender: &mpsc::Sender<anyhow::Result<Event>>,
) -> bool {
    match event {
        None => true,
        Some(event) => {
            let good = event.is_ok();
            sender.send(event).await.is_ok() && good
        }
    }
}

fn event_v311(event: rumqttc::Event) -> Option<Event> {
    use rumqttc::{Packet, SubscribeReasonCode};
    Some(match event {
        rumqttc::Event::Outgoing(outgoing) => return sent(&outgoing),
        rumqttc::Event::Incoming(packet) => match packet {
            Packet::ConnAck(_) => Event::Connected,
            Packet::PubAck(_) | Packet::PubComp(_) => Event::Delivered,
            Packet::SubAck(ack) => {
                let refusal = |code| {
                    (code == SubscribeReasonCode::Failure).then(|| "no reason given".to_owned())
                };
                Event::Subscribed(ack.return_codes.into_iter().map(refusal).collect())
            }
            Packet::Publish(publish) => Event::Message(Message {
                topic: publish.topic,
                payload: publish.payload.into(),
                qos: publish.qos as u8,
                retain: publish.retain,
            }),
            _ => return None,
        },
    })
}

fn event_v5(event: v5::Event) -> Option<Event> {
    use v5::mqttbytes::v5::{Packet, PubAckReason, PubRecReason, SubscribeReasonCode};
    Some(match event {
        v5::Event::Outgoing(outgoing) => return sent(&outgoing),
        v5::Event::Incoming(packet) => match packet {
            Packet::ConnAck(_) => Event::Connected,
            Packet::PubAck(ack) => match ack.reason {
                PubAckReason::Success | PubAckReason::NoMatchingSubscribers => Event::Delivered,
                reason => Event::Refused(words(&reason)),
            },
            Packet::PubRec(ack) => match ack.reason {
                PubRecReason::Success | PubRecReason::NoMatchingSubscribers => return None,
                reason => Event::Refused(words(&reason)),
            },
            Packet::PubComp(_) => Event::Delivered,
            Packet::SubAck(ack) => {
                let refusal = |code: &SubscribeReasonCode| match code {
                    SubscribeReasonCode::Success(_) => None,
                    reason => Some(words(reason)),
                };
                Event::Subscribed(ack.return_codes.iter().map(refusal).collect())
            }
            Packet::Publish(publish) => Event::Message(Message {
                topic: String::from_utf8_lossy(&publish.topic).into_owned(),
                payload: publish.payload.into(),
                qos: publish.qos as u8,
                retain: publish.retain,
            }),
            _ => return None,
        },
    })
}

fn sent(outgoing: &Outgoing) -> Option<Event> {
    match outgoing {
        Outgoing::Publish(_) => Some(Event::Sent),
        Outgoing::Disconnect => Some(Event::Left),
        _ => None,
    }
}

fn qos_v311(qos: u8) -> rumqttc::QoS {
    rumqttc::mqttbytes::qos(qos).unwrap_or(rumqttc::QoS::AtMostOnce)
}

fn qos_v5(qos: u8) -> v5::mqttbytes::QoS {
    v5::mqttbytes::qos(qos).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_host_is_bracketed() {
        let args = ConnectionArgs {
            host: "::1".into(),
            port: 1883,
            id: None,
            username: None,
            password: None,
            password_stdin: false,
            mqtt_version: MqttVersion::V5,
            help: None,
        };
        assert_eq!(args.place(), "[::1]:1883");
        assert_eq!(args.login().unwrap(), None);
    }
}
