//! A broker of the test's own, and clients that speak bytes to it.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use hearth::broker::access::Access;
use hearth::broker::users::{password, store::Store};
use hearth::broker::{self, Settings};
use hearth::clock::Clock;
use hearth::database::{Database, state};
use hearth::supervisor::Supervisor;
use tempfile::TempDir;
use tokio::sync::oneshot;

use super::read::{ConnAck, Fields};
use super::wire::{self, Connect, Packet, Publish, V5, Version};

/// What has not come by then does not come: only a failing test waits so long.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running broker. It stops when it is dropped.
pub struct Broker {
    pub address: SocketAddr,
    _stop: oneshot::Sender<()>,
}

/// A user of [`Broker::guarded`], with a password that is no text of MQTT.
pub const USER: &str = "küche";
pub const PASSWORD: &str = "pass\0wörd";

impl Broker {
    /// Lets everybody in, to do everything.
    pub fn start() -> Broker {
        Broker::run(|_| None)
    }

    /// Knows [`USER`], and lets nobody else in but anonymous clients.
    pub fn guarded(access: Access) -> Broker {
        Broker::run(move |settings| {
            settings.access = access;
            Some(tempfile::tempdir().unwrap())
        })
    }

    /// With settings that `set` has changed, and users if it makes a folder.
    fn run(set: impl FnOnce(&mut Settings) -> Option<TempDir> + Send + 'static) -> Broker {
        let (ready, address) = mpsc::sync_channel(1);
        let (stop, stopped) = oneshot::channel::<()>();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                #[allow(
                    clippy::needless_update,
                    reason = "other settings are as they are, whatever they are"
                )]
                let mut settings = Settings {
                    listen: (Ipv4Addr::LOCALHOST, 0).into(),
                    ..Settings::default()
                };
                let folder = set(&mut settings);
                let state = match &folder {
                    Some(folder) => Some(state_with_user(folder.path()).await),
                    None => None,
                };
                let supervisor = Supervisor::new();
                let broker = broker::start(settings, state, Clock::start(), &supervisor).await;
                ready.send(broker.unwrap().address).unwrap();
                let _ = stopped.await;
            });
        });
        Broker {
            address: address.recv().unwrap(),
            _stop: stop,
        }
    }

    /// A client that is let in; its CONNACK is read.
    pub fn client(&self, version: Version, id: &str) -> Client {
        self.connect(&wire::connect(version, id))
    }

    /// A client that is let in with this CONNECT; its CONNACK is read.
    pub fn connect(&self, connect: &Connect) -> Client {
        self.connect_and_see(connect).0
    }

    /// A client that is let in, and its CONNACK.
    pub fn connect_and_see(&self, connect: &Connect) -> (Client, ConnAck) {
        let mut client = self.dial(connect.version);
        client.send(&connect.bytes());
        let connack = ConnAck::of(&client.packet(), connect.version);
        assert_eq!(connack.code, 0, "{connect:?} is refused");
        (client, connack)
    }

    /// A connection on which nothing is sent yet.
    pub fn dial(&self, version: Version) -> Client {
        Client::dial(self.address, version)
    }
}

async fn state_with_user(folder: &Path) -> Database {
    let state = state::open(folder).await.unwrap();
    let hash = password::hash(PASSWORD).unwrap();
    assert!(Store::new(state.clone()).add(USER, &hash).await.unwrap());
    state
}

/// One connection.
pub struct Client {
    stream: TcpStream,
    pub version: Version,
    last_id: u16,
}

impl Client {
    pub fn dial(address: SocketAddr, version: Version) -> Client {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Client {
            stream,
            version,
            last_id: 0,
        }
    }

    pub fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    /// A second way to write to the connection.
    pub fn tap(&self) -> TcpStream {
        self.stream.try_clone().unwrap()
    }

    /// Sends a message, and nothing more.
    pub fn publish(&mut self, message: &Publish) {
        self.send(&message.bytes(self.version));
    }

    /// Publishes at QoS 1 and waits until the broker has taken it.
    pub fn tell(&mut self, message: Publish) {
        let id = self.id();
        self.publish(&message.qos(1, id));
        let packet = self.packet();
        assert_eq!(packet.first, wire::PUBACK, "a PUBACK, not {packet:?}");
        assert_eq!(
            packet.body[..2],
            id.to_be_bytes(),
            "PUBACK of another message"
        );
    }

    /// Subscribes; the broker must grant `qos`.
    pub fn subscribe(&mut self, filter: &str, qos: u8) {
        self.subscribe_with(&[], filter, qos);
    }

    /// Subscribes with properties and an options byte.
    pub fn subscribe_with(&mut self, with: &[wire::Property], filter: &str, options: u8) {
        let id = self.id();
        let (version, filters) = (self.version, [(filter, options)]);
        self.send(&wire::subscribe(version, id, with, &filters));
        self.expect(&wire::suback(version, id, &[options & 3]));
    }

    fn id(&mut self) -> u16 {
        self.last_id += 1;
        self.last_id
    }

    /// The next packet.
    pub fn packet(&mut self) -> Packet {
        self.next().expect("the broker closed the connection")
    }

    /// The next packet, which is a PUBLISH.
    pub fn message(&mut self) -> Publish {
        Publish::of(&self.packet(), self.version)
    }

    /// The payload of the next packet, which is a PUBLISH.
    pub fn payload(&mut self) -> String {
        String::from_utf8(self.message().payload).unwrap()
    }

    /// The next packet is exactly this.
    pub fn expect(&mut self, bytes: &[u8]) {
        let Packet { first, body } = self.packet();
        assert_eq!(wire::packet(first, &body), bytes);
    }

    /// Nothing waits to be read: the next packet answers a ping.
    pub fn expect_nothing(&mut self) {
        self.send(&wire::PINGREQ);
        self.expect(&wire::PINGRESP);
    }

    /// The broker closes the connection and says nothing before.
    pub fn expect_closed(&mut self) {
        let next = self.next();
        assert_eq!(next, None, "more comes before the connection is closed");
    }

    /// The broker closes the connection; with 5.0 it says why.
    pub fn expect_dismissed(&mut self, reason: u8) {
        if self.version == V5 {
            let packet = self.packet();
            assert_eq!(packet.first, 0xe0, "a DISCONNECT, not {packet:?}");
            let mut fields = Fields(&packet.body);
            let said = fields.byte();
            assert_eq!(
                said, reason,
                "DISCONNECT with 0x{said:02x}, not 0x{reason:02x}"
            );
            let session_expiry = |(id, _): &wire::Property| *id == 17;
            assert!(!fields.properties().iter().any(session_expiry));
        }
        self.expect_closed();
    }

    /// Goes with DISCONNECT, and waits until the broker has closed.
    pub fn leave(mut self) {
        self.send(&wire::DISCONNECT);
        self.expect_closed();
    }

    /// `None` when the connection is closed.
    pub fn next(&mut self) -> Option<Packet> {
        let first = self.byte()?;
        let mut length = 0;
        for shift in [0, 7, 14, 21] {
            let byte = self.byte().expect("the connection ends inside a packet");
            length |= usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                break;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).unwrap();
        Some(Packet { first, body })
    }

    fn byte(&mut self) -> Option<u8> {
        let mut byte = [0];
        match self.stream.read(&mut byte) {
            Ok(0) => None,
            Ok(_) => Some(byte[0]),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => None,
            Err(error) => panic!("nothing came: {error}"),
        }
    }
}
