//! Accepts MQTT clients over TCP.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::connection::{self, Door};
use crate::supervisor::Stop;

/// More connections than this are closed at once; the newest loses.
const MAX_CONNECTIONS: usize = 10_000;
/// Pause after an accept that failed, such as for want of file descriptors.
const AFTER_FAILURE: Duration = Duration::from_millis(100);

/// Takes the address, so that a failure is known before anything else starts.
pub async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen for MQTT on {address}"))
}

/// Accepts until `stop`, then waits for the connections to say goodbye.
pub async fn run(listener: TcpListener, door: Door, stop: Stop) -> anyhow::Result<()> {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => admit(&mut connections, stream, peer, &door),
                Err(error) => {
                    tracing::warn!("cannot accept an MQTT client: {error}");
                    tokio::time::sleep(AFTER_FAILURE).await;
                }
            },
            Some(ended) = connections.join_next() => report(ended),
        }
    }
    while let Some(ended) = connections.join_next().await {
        report(ended);
    }
    Ok(())
}

fn admit(connections: &mut JoinSet<()>, stream: TcpStream, peer: SocketAddr, door: &Door) {
    if connections.len() >= MAX_CONNECTIONS {
        return tracing::warn!(%peer, "closed: already {MAX_CONNECTIONS} connections");
    }
    let door = door.clone();
    connections.spawn(async move {
        // Without it, small packets wait for the acknowledgement of earlier ones.
        let _ = stream.set_nodelay(true);
        let (reader, writer) = stream.into_split();
        connection::serve(reader, writer, peer, door).await;
    });
}

fn report(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!("an MQTT connection was stopped by a defect: {error}");
    }
}
