//! The ways in: which listeners there are, and what each does with a client.

use std::net::SocketAddr;

use tokio::net::TcpStream;

use super::door::{Door, Peer, Place, Way};
use super::listener::{Listener, Taken};
use super::{Settings, mqttsn, tls, websocket};
use crate::clock::Clock;
use crate::supervisor::{Stage, Supervisor};

/// Listeners that have their addresses and do not accept yet.
#[derive(Debug)]
pub struct Ways {
    tcp: Listener,
    tls: Option<Listener>,
    websocket: Option<Listener>,
    mqttsn: Option<mqttsn::Gateway>,
}

impl Ways {
    /// Takes every address that the settings name.
    pub async fn bind(settings: &Settings) -> Result<Ways, Taken> {
        let over_tls = settings.tls.as_ref().map(|tls| tls.listen);
        Ok(Ways {
            tcp: Listener::bind(Way::Tcp, settings.listen).await?,
            tls: bind(Way::Tls, over_tls).await?,
            websocket: bind(Way::WebSocket, settings.websocket.listen).await?,
            mqttsn: match &settings.mqttsn {
                Some(settings) => Some(mqttsn::Gateway::bind(settings.clone()).await?),
                None => None,
            },
        })
    }

    /// Of the way that is always there.
    pub fn address(&self) -> SocketAddr {
        self.tcp.address
    }

    /// Starts accepting. Fails if a certificate cannot be used.
    pub fn open(
        self,
        tls: Option<tls::Settings>,
        door: &Door,
        clock: Clock,
        supervisor: &Supervisor,
    ) -> anyhow::Result<()> {
        let entrance = match &tls {
            Some(settings) => Some(tls::Entrance::open(settings, clock, supervisor)?),
            None => None,
        };
        open_tcp(self.tcp, door.clone(), supervisor);
        if let Some((entrance, listener)) = entrance.zip(self.tls) {
            open_tls(listener, entrance, door.clone(), supervisor);
        }
        if let Some(listener) = self.websocket {
            open_websocket(listener, door.clone(), supervisor);
        }
        if let Some(gateway) = self.mqttsn {
            let stop = supervisor.stop_signal(Stage::Core);
            let part = gateway.run(door.clone(), clock, stop);
            supervisor.part(Stage::Core, "MQTT-SN gateway", part);
        }
        wait_for_the_last(door.clone(), supervisor);
        Ok(())
    }
}

async fn bind(way: Way, address: Option<SocketAddr>) -> Result<Option<Listener>, Taken> {
    match address {
        Some(address) => Listener::bind(way, address).await.map(Some),
        None => Ok(None),
    }
}

fn open_tcp(listener: Listener, door: Door, supervisor: &Supervisor) {
    let stop = supervisor.stop_signal(Stage::Core);
    let inner = door.clone();
    let welcome = move |stream: TcpStream, peer: Peer, place: Place| {
        let (reader, writer) = stream.into_split();
        inner.clone().serve(reader, writer, peer, place)
    };
    let part = listener.run(door, stop, welcome);
    supervisor.part(Stage::Core, "MQTT listener", part);
}

fn open_tls(listener: Listener, entrance: tls::Entrance, door: Door, supervisor: &Supervisor) {
    let stop = supervisor.stop_signal(Stage::Core);
    let inner = door.clone();
    let welcome = move |stream, peer, place| {
        let entrance = entrance.clone();
        entrance.welcome(stream, peer, place, inner.clone())
    };
    tracing::info!("MQTT over TLS at {}", listener.address);
    let part = listener.run(door, stop, welcome);
    supervisor.part(Stage::Core, "TLS listener", part);
}

fn open_websocket(listener: Listener, door: Door, supervisor: &Supervisor) {
    let stop = supervisor.stop_signal(Stage::Core);
    let inner = door.clone();
    let welcome = move |stream, peer, place| websocket::welcome(stream, peer, place, inner.clone());
    tracing::info!("MQTT over WebSocket at ws://{}/mqtt", listener.address);
    let part = listener.run(door, stop, welcome);
    supervisor.part(Stage::Core, "WebSocket listener", part);
}

/// WebSockets live in tasks of the HTTP server's, which no listener waits for.
fn wait_for_the_last(door: Door, supervisor: &Supervisor) {
    let stop = supervisor.stop_signal(Stage::Core);
    supervisor.part(Stage::Core, "MQTT connections", async move {
        stop.cancelled().await;
        door.empty().await;
        Ok(())
    });
}
