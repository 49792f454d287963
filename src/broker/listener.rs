//! Accepts clients on one address, for any way in.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::door::{Door, GOODBYE, Peer, Place, Way};
use crate::supervisor::Stop;

/// Pause after an accept that failed, such as for want of file descriptors.
const AFTER_FAILURE: Duration = Duration::from_millis(100);

/// An address of the config that cannot be had.
#[derive(Debug, Error)]
#[error("cannot listen for {way} on {address}")]
pub struct Taken {
    way: Way,
    pub address: SocketAddr,
    pub source: io::Error,
}

impl Taken {
    pub(super) fn new(way: Way, address: SocketAddr, source: io::Error) -> Taken {
        Taken {
            way,
            address,
            source,
        }
    }

    /// The table of the config that names the address.
    pub fn section(&self) -> &'static str {
        match self.way {
            Way::Tcp => "[broker]",
            Way::Tls => "[broker.tls]",
            Way::WebSocket => "[broker.websocket]",
            Way::Page => "[web]",
            Way::MqttSn => "[broker.mqttsn]",
            Way::Serial => "[serial]",
        }
    }
}

/// An address that is taken, and what is spoken there.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    way: Way,
    pub address: SocketAddr,
}

impl Listener {
    /// Takes the address, so that a failure is known before anything else starts.
    pub async fn bind(way: Way, address: SocketAddr) -> Result<Listener, Taken> {
        let bound = TcpListener::bind(address).await;
        let named = bound.and_then(|socket| Ok((socket.local_addr()?, socket)));
        match named {
            Ok((address, socket)) => Ok(Listener {
                socket,
                way,
                address,
            }),
            Err(source) => Err(Taken {
                way,
                address,
                source,
            }),
        }
    }

    /// Accepts until `stop`, then waits for the connections to say goodbye.
    /// `welcome` serves one of them, in a task of its own.
    pub async fn run<F>(
        self,
        door: Door,
        stop: Stop,
        welcome: impl Fn(TcpStream, Peer, Place) -> F,
    ) -> anyhow::Result<()>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        tracing::debug!(address = %self.address, "listening for {}", self.way);
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                accepted = self.socket.accept() => match accepted {
                    Ok((stream, address)) => {
                        let peer = Peer::new(address, self.way, self.address);
                        if let Some(place) = door.place(&peer) {
                            // Without it, small packets wait for the
                            // acknowledgement of earlier ones.
                            let _ = stream.set_nodelay(true);
                            connections.spawn(welcome(stream, peer, place));
                        }
                    }
                    Err(error) => {
                        tracing::warn!("cannot accept a client of {}: {error}", self.way);
                        tokio::time::sleep(AFTER_FAILURE).await;
                    }
                },
                Some(ended) = connections.join_next() => report(ended),
            }
        }
        // Who has not even sent CONNECT has nobody to say goodbye to.
        let _ = timeout(GOODBYE, drain(&mut connections)).await;
        Ok(())
    }
}

async fn drain(connections: &mut JoinSet<()>) {
    while let Some(ended) = connections.join_next().await {
        report(ended);
    }
}

fn report(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!("a connection was stopped by a defect: {error}");
    }
}
