//! The first words with a client: its CONNECT, and whether it is let in.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::time::timeout;

use super::codec::{Connect, DecodeError, Packet};
use super::connection::Inbound;
use super::door::{Door, Peer};
use super::farewell;
use super::gate::Refusal;
use super::users::Pass;

/// A client that has not sent its CONNECT by then is not served (4.13.1 note).
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// The same, for one that is to be told that there is no room.
const REFUSED_WITHIN: Duration = Duration::from_secs(2);
/// Largest CONNECT: a client that is not let in yet costs no more.
pub const BEFORE_CONNECT: usize = 64 * 1024;

/// A client of which the broker knows who it is.
pub struct Guest {
    /// With the proved user name, if it has one, and without the password.
    pub connect: Box<Connect>,
    pub pass: Option<Pass>,
}

/// Reads the CONNECT. A client that is not let in is told so; then there is no
/// guest, and the connection is at its end.
pub async fn receive(
    reader: &mut (impl AsyncRead + Unpin),
    writer: &mut (impl AsyncWrite + Unpin),
    peer: &Peer,
    door: &Door,
    inbound: &mut Inbound<'_>,
) -> Option<Guest> {
    let full = inbound.visit.refusal();
    let mut connect = first_packet(reader, writer, peer, full, inbound).await?;
    let admitted = match full {
        Some(full) => Err(full),
        None => tokio::select! {
            // Who may be nobody is let in at once, even if it says no more.
            biased;
            admitted = door.login.admit(peer, &mut connect) => admitted,
            () = inbound.gone(reader) => return None,
        },
    };
    match admitted {
        Ok(pass) => return Some(Guest { connect, pass }),
        Err(refusal) => {
            tracing::debug!(%peer, limit = refusal.key(), "refused");
            let (version, largest) = (connect.version, connect.maximum_packet_size);
            farewell::turn_away(writer, version, largest, refusal.into()).await;
            if full.is_none() {
                inbound.visit.traffic().refused(refusal);
                farewell::hang_up(reader, writer).await;
            }
        }
    }
    None
}

/// The CONNECT, if it comes in time; what comes in its place is answered.
async fn first_packet(
    reader: &mut (impl AsyncRead + Unpin),
    writer: &mut (impl AsyncWrite + Unpin),
    peer: &Peer,
    full: Option<Refusal>,
    inbound: &mut Inbound<'_>,
) -> Option<Box<Connect>> {
    let within = full.map_or(CONNECT_WITHIN, |_| REFUSED_WITHIN);
    match timeout(within, inbound.connect(reader)).await {
        Ok(Ok(connect)) => return connect,
        Ok(Err(error)) => {
            farewell::log_no_mqtt(peer, &inbound.buffer, &error);
            farewell::refuse(writer, inbound.decoder.version(), error.reason).await;
            farewell::hang_up(reader, writer).await;
        }
        Err(_) => tracing::debug!(%peer, ?within, "sent no CONNECT in time"),
    }
    None
}

impl Inbound<'_> {
    /// Reads the first packet, which must be CONNECT [MQTT-3.1.0-1].
    async fn connect(
        &mut self,
        reader: &mut (impl AsyncRead + Unpin),
    ) -> Result<Option<Box<Connect>>, DecodeError> {
        loop {
            if let Some(packet) = self.decoder.decode(&mut self.buffer)? {
                let Packet::Connect(connect) = packet else {
                    return Ok(None);
                };
                return Ok(Some(connect));
            }
            match reader.read_buf(&mut self.buffer).await {
                Ok(0) | Err(_) => return Ok(None),
                Ok(read) => self.visit.traffic().received(read),
            }
        }
    }

    /// Returns when the client hangs up before it is answered. What it sends
    /// already waits for the answer, as far as there is room.
    async fn gone(&mut self, reader: &mut (impl AsyncRead + Unpin)) {
        while self.buffer.len() < BEFORE_CONNECT {
            match reader.read_buf(&mut self.buffer).await {
                Ok(0) | Err(_) => return,
                Ok(read) => self.visit.traffic().received(read),
            }
        }
        std::future::pending::<()>().await;
    }
}
