//! An MQTT client that remembers everything it was sent.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rumqttc::{Client, Connection, Event, MqttOptions, Packet, QoS};

use super::eventually;

/// A message as it came.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    pub topic: String,
    pub payload: String,
    pub retain: bool,
}

#[derive(Default)]
struct Seen {
    subscribed: bool,
    published: usize,
    messages: Vec<Message>,
}

/// A connected and subscribed client. Dropping it disconnects.
pub struct Mqtt {
    client: Client,
    seen: Arc<Mutex<Seen>>,
}

impl Mqtt {
    /// Connects to loopback and subscribes at QoS 1.
    pub fn connect(port: u16, filter: &str) -> Mqtt {
        let mut options = MqttOptions::new(unused_client_id(), "127.0.0.1", port);
        options.set_keep_alive(Duration::from_secs(30));
        options.set_max_packet_size(1 << 20, 1 << 20);
        // mosquitto 2.0.11 loses what is above at QoS 2.
        options.set_inflight(20);
        let (client, connection) = Client::new(options, 64);
        let seen = Arc::new(Mutex::new(Seen::default()));
        let remembered = Arc::clone(&seen);
        thread::spawn(move || remember(connection, &remembered));
        client.subscribe(filter, QoS::AtLeastOnce).unwrap();
        let subscribed = || seen.lock().unwrap().subscribed.then_some(());
        eventually("the broker to take the subscription", subscribed);
        Mqtt { client, seen }
    }

    /// Publishes at QoS 1 and waits until the broker has it.
    pub fn publish(&self, topic: &str, payload: &str) {
        self.publish_all(topic, QoS::AtLeastOnce, [payload.to_owned()]);
    }

    /// The same, retained.
    pub fn retain(&self, topic: &str, payload: &str) {
        self.publish_with(topic, QoS::AtLeastOnce, true, [payload.to_owned()]);
    }

    /// Publishes one after the other, at QoS 1 or 2, and waits until the broker
    /// has them all.
    pub fn publish_all(&self, topic: &str, qos: QoS, payloads: impl IntoIterator<Item = String>) {
        self.publish_with(topic, qos, false, payloads);
    }

    fn publish_with(
        &self,
        topic: &str,
        qos: QoS,
        retain: bool,
        payloads: impl IntoIterator<Item = String>,
    ) {
        let mut expected = self.seen.lock().unwrap().published;
        for payload in payloads {
            self.client.publish(topic, qos, retain, payload).unwrap();
            expected += 1;
        }
        let taken = || (self.seen.lock().unwrap().published >= expected).then_some(());
        eventually("the broker to take the messages", taken);
    }

    /// Everything that came so far.
    pub fn messages(&self) -> Vec<Message> {
        self.seen.lock().unwrap().messages.clone()
    }

    /// The payloads that came on one topic so far.
    pub fn payloads(&self, topic: &str) -> Vec<String> {
        let messages = self.messages().into_iter();
        messages
            .filter(|message| message.topic == topic)
            .map(|message| message.payload)
            .collect()
    }

    /// The topic's value as far as this client knows.
    pub fn latest(&self, topic: &str) -> Option<String> {
        self.payloads(topic).pop()
    }

    /// Waits until the topic's value is `payload`.
    pub fn wait_for(&self, topic: &str, payload: &str) {
        let is_it = || (self.latest(topic).as_deref() == Some(payload)).then_some(());
        eventually(&format!("{topic} = {payload}"), is_it);
    }
}

impl Drop for Mqtt {
    fn drop(&mut self) {
        let _ = self.client.try_disconnect();
    }
}

fn unused_client_id() -> String {
    static USED: AtomicUsize = AtomicUsize::new(0);
    format!("test-{}", USED.fetch_add(1, Ordering::Relaxed))
}

fn remember(mut connection: Connection, seen: &Mutex<Seen>) {
    for event in connection.iter().map_while(Result::ok) {
        let mut seen = seen.lock().unwrap();
        match event {
            Event::Incoming(Packet::SubAck(_)) => seen.subscribed = true,
            Event::Incoming(Packet::PubAck(_) | Packet::PubComp(_)) => seen.published += 1,
            Event::Incoming(Packet::Publish(publish)) => seen.messages.push(Message {
                topic: publish.topic,
                payload: String::from_utf8_lossy(&publish.payload).into_owned(),
                retain: publish.retain,
            }),
            _ => {}
        }
    }
}
