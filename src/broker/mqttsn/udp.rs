//! MQTT-SN over UDP: one socket, one task for each client.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hearth_wire::packet as sn;
use rustc_hash::FxHashMap;
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{MissedTickBehavior, interval};

use super::Settings;
use super::client::{Client, Line, drain, publish_once};
use super::session::Session;
use crate::broker::door::{Door, Peer, Way};
use crate::broker::listener::Taken;
use crate::clock::Clock;
use crate::supervisor::Stop;

/// Packets of one client that wait for its task; further ones are lost, as on
/// any network, and repeated by the client.
const MOST_WAITING: usize = 32;
/// Pause after a socket's failure.
const AFTER_FAILURE: Duration = Duration::from_millis(100);
/// What one datagram can hold.
const LARGEST: usize = 65_535;

/// A socket that nobody is served on yet.
#[derive(Debug)]
pub struct Gateway {
    socket: Arc<UdpSocket>,
    settings: Settings,
    address: SocketAddr,
}

/// A client, as packets tell it: an address, and behind a forwarder a node.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Origin {
    address: SocketAddr,
    node: Option<Box<[u8]>>,
}

/// The way back to a client.
struct Datagrams {
    socket: Arc<UdpSocket>,
    origin: Origin,
}

struct Serving {
    gateway: Gateway,
    door: Door,
    clock: Clock,
    clients: FxHashMap<Origin, mpsc::Sender<Vec<u8>>>,
    origins: FxHashMap<Id, Origin>,
    tasks: JoinSet<()>,
}

impl Gateway {
    /// Takes the address, and joins the group.
    pub async fn bind(settings: Settings) -> Result<Gateway, Taken> {
        let taken = |source| Taken::new(Way::MqttSn, settings.listen, source);
        let socket = UdpSocket::bind(settings.listen).await.map_err(taken)?;
        if let Some(group) = settings.group {
            join(&socket, group.ip(), settings.listen.ip()).map_err(taken)?;
        }
        let address = socket.local_addr().map_err(taken)?;
        Ok(Gateway {
            socket: Arc::new(socket),
            settings,
            address,
        })
    }

    /// Serves until `stop`; then tells everyone.
    pub async fn run(self, door: Door, clock: Clock, stop: Stop) -> anyhow::Result<()> {
        tracing::info!("MQTT-SN over UDP at {}", self.address);
        let mut serving = Serving {
            gateway: self,
            door,
            clock,
            clients: FxHashMap::default(),
            origins: FxHashMap::default(),
            tasks: JoinSet::new(),
        };
        let mut advertise = interval(serving.gateway.settings.advertise);
        advertise.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut buffer = vec![0; LARGEST];
        loop {
            let socket = Arc::clone(&serving.gateway.socket);
            tokio::select! {
                () = stop.cancelled() => break,
                received = socket.recv_from(&mut buffer) => match received {
                    Ok((length, from)) => {
                        let datagram = buffer.get(..length).unwrap_or_default();
                        serving.received(datagram, from).await;
                    }
                    Err(error) => {
                        tracing::warn!("cannot receive for MQTT-SN: {error}");
                        tokio::time::sleep(AFTER_FAILURE).await;
                    }
                },
                Some(ended) = serving.tasks.join_next_with_id() => serving.ended(ended),
                _ = advertise.tick() => serving.gateway.advertise().await,
            }
        }
        serving.clients.clear();
        drain(&mut serving.tasks).await;
        Ok(())
    }

    /// 6.1: the gateway is here.
    async fn advertise(&self) {
        let Some(group) = self.settings.group else {
            return;
        };
        let seconds = self.settings.advertise.as_secs();
        let packet = sn::Packet::Advertise {
            gw_id: self.settings.gateway_id,
            duration: u16::try_from(seconds).unwrap_or(u16::MAX),
        };
        self.send(&packet, group).await;
    }

    async fn send(&self, packet: &sn::Packet<'_>, to: SocketAddr) {
        let mut buffer = [0; 64];
        if let Ok(length) = packet.encode(&mut buffer) {
            send(&self.socket, buffer.get(..length).unwrap_or_default(), to).await;
        }
    }
}

impl Serving {
    async fn received(&mut self, datagram: &[u8], from: SocketAddr) {
        let packet = match sn::Packet::decode(datagram) {
            Ok(packet) => packet,
            Err(error) => return tracing::debug!(%from, "not MQTT-SN: {error}"),
        };
        let (packet, bytes, node) = match packet {
            sn::Packet::Forwarded(forwarded) => match forwarded.packet() {
                Ok(packet) => (packet, forwarded.message, Some(forwarded.node.into())),
                Err(error) => return tracing::debug!(%from, "not MQTT-SN: {error}"),
            },
            packet => (packet, datagram, None),
        };
        let origin = Origin {
            address: from,
            node,
        };
        match packet {
            sn::Packet::SearchGw { .. } => self.present(from).await,
            sn::Packet::Advertise { .. } | sn::Packet::GwInfo { .. } => {}
            packet => self.hand_on(&packet, bytes, origin).await,
        }
    }

    /// 6.1: the answer to a search.
    async fn present(&self, to: SocketAddr) {
        let packet = sn::Packet::GwInfo {
            gw_id: self.gateway.settings.gateway_id,
            address: &[],
        };
        self.gateway.send(&packet, to).await;
    }

    async fn hand_on(&mut self, packet: &sn::Packet<'_>, bytes: &[u8], origin: Origin) {
        if let Some(client) = self.clients.get(&origin) {
            if client.try_send(bytes.to_vec()).is_err() {
                tracing::debug!(from = %origin.address, "a packet is lost: too many wait");
            }
            return;
        }
        match packet {
            sn::Packet::Connect(_) => self.welcome(bytes, origin),
            sn::Packet::Publish(publish) if publish.qos == sn::Qos::WithoutConnection => {
                self.publish(publish, origin).await;
            }
            // Who believes to be connected is told otherwise.
            _ => self.line(origin).say(&sn::Packet::Disconnect(None)).await,
        }
    }

    fn welcome(&mut self, connect: &[u8], origin: Origin) {
        let peer = self.peer(&origin);
        let Some(place) = self.door.place(&peer) else {
            return;
        };
        let (sender, mut packets) = mpsc::channel(MOST_WAITING);
        let settings = &self.gateway.settings;
        let predefined = Arc::clone(&settings.predefined);
        let mut client = Client {
            session: Session::new(predefined, settings.patience, self.clock.now()),
            line: self.line(origin.clone()),
            door: self.door.clone(),
            peer,
            place,
            clock: self.clock,
        };
        client.received(connect);
        let task = self
            .tasks
            .spawn(async move { client.run(&mut packets).await });
        self.origins.insert(task.id(), origin.clone());
        self.clients.insert(origin, sender);
    }

    /// 6.8: a message of somebody who is not connected.
    async fn publish(&mut self, publish: &sn::Publish<'_>, origin: Origin) {
        let peer = self.peer(&origin);
        let predefined = &self.gateway.settings.predefined;
        if let Err(reason) = publish_once(&self.door, &peer, predefined, publish).await {
            tracing::debug!(%peer, "a message without a connection is refused: {reason:?}");
        }
    }

    fn peer(&self, origin: &Origin) -> Peer {
        Peer::new(origin.address, Way::MqttSn, self.gateway.address)
    }

    fn line(&self, origin: Origin) -> Datagrams {
        Datagrams {
            socket: Arc::clone(&self.gateway.socket),
            origin,
        }
    }

    fn ended(&mut self, ended: Result<(Id, ()), JoinError>) {
        let id = match ended {
            Ok((id, ())) => id,
            Err(error) => {
                tracing::error!("an MQTT-SN client was stopped by a defect: {error}");
                error.id()
            }
        };
        if let Some(origin) = self.origins.remove(&id) {
            self.clients.remove(&origin);
        }
    }
}

impl Datagrams {
    async fn say(&self, packet: &sn::Packet<'_>) {
        let mut buffer = [0; 64];
        if let Ok(length) = packet.encode(&mut buffer) {
            self.send(buffer.get(..length).unwrap_or_default()).await;
        }
    }
}

impl Line for Datagrams {
    async fn send(&self, packet: &[u8]) {
        let Some(node) = &self.origin.node else {
            return send(&self.socket, packet, self.origin.address).await;
        };
        let forwarded = sn::Packet::Forwarded(sn::Forwarded {
            radius: 0,
            node,
            message: packet,
        });
        let mut buffer = vec![0; packet.len() + node.len() + 8];
        if let Ok(length) = forwarded.encode(&mut buffer) {
            buffer.truncate(length);
            send(&self.socket, &buffer, self.origin.address).await;
        }
    }
}

async fn send(socket: &UdpSocket, packet: &[u8], to: SocketAddr) {
    if let Err(error) = socket.send_to(packet, to).await {
        tracing::debug!(%to, "cannot send an MQTT-SN packet: {error}");
    }
}

fn join(socket: &UdpSocket, group: IpAddr, through: IpAddr) -> io::Result<()> {
    match (group, through) {
        (IpAddr::V4(group), IpAddr::V4(through)) => socket.join_multicast_v4(group, through),
        (IpAddr::V4(group), IpAddr::V6(_)) => {
            socket.join_multicast_v4(group, Ipv4Addr::UNSPECIFIED)
        }
        (IpAddr::V6(group), _) => socket.join_multicast_v6(&group, 0),
    }
}
