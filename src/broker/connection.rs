//! One client's connection: bytes to packets, packets to bytes.
//!
//! It reads a batch, hands it to the router, and reads on when its turn comes
//! again, so that a client is read no faster than the router serves it. Both
//! halves run in one task; when either ends, the connection ends.

use std::sync::Arc;
use std::time::Duration;
use std::vec::Drain;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout, timeout_at};

use super::aliases::Aliases;
use super::codec::{self, Connect, DecodeError, Decoder, Packet, Version};
use super::door::{Door, Peer};
use super::entrance::Visit;
use super::farewell::{self, Closed};
use super::lane::Lane;
use super::reception::{self, Guest};
use super::router::{Link, Origin, Out};
use super::task::Input;
use super::users::Pass;

/// Read buffer of an idle connection, and of a busy one.
const SMALL_READ: usize = 512;
const LARGE_READ: usize = 32 * 1024;
/// Written at once.
const WRITE_CHUNK: usize = 64 * 1024;

/// Serves one client until it goes, breaks a rule or is taken over.
pub async fn serve(
    mut reader: impl AsyncRead + Unpin,
    mut writer: impl AsyncWrite + Unpin,
    peer: Peer,
    door: Door,
    visit: &Visit,
) {
    let mut inbound = Inbound::new(door.limits.packet_size, visit);
    // On the heap, as most connections have it behind them.
    let received = Box::pin(reception::receive(
        &mut reader,
        &mut writer,
        &peer,
        &door,
        &mut inbound,
    ));
    let Some(Guest { connect, mut pass }) = received.await else {
        return;
    };
    let (version, largest) = (connect.version, connect.maximum_packet_size);
    let lane = Arc::new(Lane::default());
    let (keep_alive, user) = (door.keep_alive(&connect), connect.username.clone());
    let (client_id, aliases) = (
        connect.client_id.clone(),
        Aliases::new(connect.topic_alias_maximum),
    );
    let Some(admission) = door.ask(connect, &lane).await else {
        return;
    };
    let link = match admission {
        Ok(link) => link,
        Err(refusal) => {
            farewell::log_refusal(&peer, &client_id, user.as_deref(), &refusal);
            farewell::turn_away(&mut writer, version, largest, refusal).await;
            return farewell::hang_up(&mut reader, &mut writer).await;
        }
    };
    tracing::debug!(%peer, client_id, user, ?version, "connected");
    let presence = Presence {
        link,
        inputs: door.inputs.clone(),
    };
    inbound.accept(keep_alive);
    let mut outbound = Outgoing {
        lane: &lane,
        version,
        aliases,
        presence: &presence,
        visit,
    };
    let closed = tokio::select! {
        why = inbound.run(&mut reader, &lane, &presence) => why,
        why = outbound.run(&mut writer) => why,
        () = revoked(&mut pass) => Closed::Revoked,
        // A client that reads nothing takes not even the last packets.
        reason = lane.given_up(farewell::LINGER) => Closed::Told(reason),
    };
    if let Closed::Broke(error) = &closed {
        visit.traffic().broke(error.reason);
    }
    if let Some(reason) = closed.fault() {
        let _ = presence.inputs.send(Input::Failed { link, reason }).await;
        let _ = timeout(farewell::LINGER, outbound.run(&mut writer)).await;
    }
    closed.log(&peer, &client_id);
    if matches!(closed, Closed::Gone) {
        // A WebSocket's client may have sent what is no MQTT, and is told so.
        let _ = timeout(farewell::LINGER, writer.shutdown()).await;
    } else {
        farewell::hang_up(&mut reader, &mut writer).await;
    }
}

impl Door {
    /// The keep alive that holds, in seconds: the client's own, unless it is
    /// told another [MQTT-3.2.2-21].
    fn keep_alive(&self, connect: &Connect) -> u16 {
        self.limits
            .keep_alive_for(connect)
            .unwrap_or(connect.keep_alive)
    }

    /// Asks the router to let this client in; `None` if the broker stops.
    pub(super) async fn ask(
        &self,
        connect: Box<Connect>,
        lane: &Arc<Lane>,
    ) -> Option<super::task::Admission> {
        let (answer, admission) = oneshot::channel();
        let lane = Arc::clone(lane);
        let input = Input::Connect {
            connect,
            origin: Origin::Outside,
            lane,
            answer,
        };
        self.inputs.send(input).await.ok()?;
        admission.await.ok()
    }
}

/// Returns when the password that let the client in lets nobody in any more.
pub async fn revoked(pass: &mut Option<Pass>) {
    match pass {
        Some(pass) => pass.revoked().await,
        None => std::future::pending().await,
    }
}

/// Tells the router that the connection is gone, however its task ends.
pub struct Presence {
    pub link: Link,
    pub inputs: mpsc::Sender<Input>,
}

impl Drop for Presence {
    fn drop(&mut self) {
        super::task::send_or_later(&self.inputs, Input::Lost { link: self.link });
    }
}

/// The reading half.
pub struct Inbound<'a> {
    pub visit: &'a Visit,
    pub decoder: Decoder,
    pub buffer: BytesMut,
    packet_size: u32,
    keep_alive: Option<Duration>,
    /// When the last whole packet came: bytes alone are no sign of life.
    heard: Instant,
    /// The last read brought much.
    busy: bool,
}

impl<'a> Inbound<'a> {
    fn new(packet_size: u32, visit: &'a Visit) -> Inbound<'a> {
        Inbound {
            visit,
            decoder: Decoder::new(reception::BEFORE_CONNECT),
            buffer: BytesMut::with_capacity(SMALL_READ),
            packet_size,
            keep_alive: None,
            heard: Instant::now(),
            busy: false,
        }
    }

    /// From CONNECT on: a client may be silent for one and a half times its
    /// keep alive [MQTT-3.1.2-22], or for ever if that is zero.
    fn accept(&mut self, keep_alive: u16) {
        self.decoder.set_limit(self.packet_size as usize);
        self.heard = Instant::now();
        self.keep_alive = (keep_alive > 0).then(|| Duration::from_millis(1500) * keep_alive.into());
    }

    async fn run(
        &mut self,
        reader: &mut (impl AsyncRead + Unpin),
        lane: &Lane,
        presence: &Presence,
    ) -> Closed {
        let mut packets = Vec::new();
        let mut is_served = true;
        loop {
            let fault = self.decode_all(&mut packets);
            if !packets.is_empty() {
                // The turn is waited for when there is something to hand in: who
                // waits for it sooner is woken for nothing, before whoever is to
                // be sent something.
                if !is_served {
                    lane.turn().await;
                }
                lane.room().await;
                // A place first: an input held while waiting would make every
                // connection larger.
                let Ok(place) = presence.inputs.reserve().await else {
                    return Closed::Gone;
                };
                place.send(Input::Packets {
                    link: presence.link,
                    packets: std::mem::take(&mut packets),
                });
                is_served = false;
                self.heard = Instant::now();
            }
            if let Some(fault) = fault {
                return Closed::Broke(fault);
            }
            match self.read(reader).await {
                Ok(0) | Err(Silent::Gone) => return Closed::Gone,
                Err(Silent::TooLong(longest)) => return Closed::Silent(longest),
                Ok(read) => self.visit.traffic().received(read),
            }
        }
    }

    /// Takes the whole packets out of the buffer; what follows a fault is lost.
    fn decode_all(&mut self, packets: &mut Vec<Packet>) -> Option<DecodeError> {
        loop {
            match self.decoder.decode(&mut self.buffer) {
                Ok(Some(packet)) => packets.push(packet),
                Ok(None) => return None,
                Err(error) => return Some(error),
            }
        }
    }

    /// Reads once, at most [`LARGE_READ`] bytes: what one client can hand in
    /// before others have their turn. An idle client holds a small buffer.
    async fn read(&mut self, reader: &mut (impl AsyncRead + Unpin)) -> Result<usize, Silent> {
        self.make_room();
        let mut reader = reader.take(LARGE_READ as u64);
        let read = reader.read_buf(&mut self.buffer);
        let read = match self.keep_alive {
            Some(longest) => timeout_at(self.heard + longest, read)
                .await
                .map_err(|_| Silent::TooLong(longest))?,
            None => read.await,
        };
        let read = read.map_err(|_| Silent::Gone)?;
        self.visit.traffic().received(read);
        self.busy = read >= SMALL_READ;
        Ok(read)
    }

    fn make_room(&mut self) {
        let room = if self.busy { LARGE_READ } else { SMALL_READ };
        if self.buffer.is_empty() && !self.busy && self.buffer.capacity() > 2 * SMALL_READ {
            self.buffer = BytesMut::new();
        }
        if self.buffer.capacity() - self.buffer.len() < SMALL_READ {
            self.buffer.reserve(room);
        }
    }
}

enum Silent {
    Gone,
    TooLong(Duration),
}

/// The writing half.
struct Outgoing<'a> {
    lane: &'a Lane,
    version: Version,
    aliases: Aliases,
    presence: &'a Presence,
    visit: &'a Visit,
}

impl Outgoing<'_> {
    async fn run(&mut self, writer: &mut (impl AsyncWrite + Unpin)) -> Closed {
        let mut outs = Vec::new();
        let mut buffer = BytesMut::new();
        loop {
            let closed = self.lane.take(&mut outs).await;
            if self.write(&mut outs, &mut buffer, writer).await.is_err() {
                return Closed::Gone;
            }
            if let Some(reason) = closed {
                return Closed::Told(reason);
            }
            // An idle connection holds no large buffers.
            if outs.capacity() > 64 {
                outs = Vec::new();
            }
            if buffer.capacity() > 2 * SMALL_READ {
                buffer = BytesMut::new();
            }
        }
    }

    async fn write(
        &mut self,
        outs: &mut Vec<Out>,
        buffer: &mut BytesMut,
        writer: &mut (impl AsyncWrite + Unpin),
    ) -> std::io::Result<()> {
        let mut outs = outs.drain(..);
        loop {
            let fence = self.encode(&mut outs, buffer);
            self.flush(buffer, writer).await?;
            if fence && let Ok(place) = self.presence.inputs.reserve().await {
                let link = self.presence.link;
                place.send(Input::Drained { link });
            }
            if outs.len() == 0 {
                return Ok(());
            }
        }
    }

    /// Up to a fence, or as much as is written at once. True at a fence.
    fn encode(&mut self, outs: &mut Drain<'_, Out>, buffer: &mut BytesMut) -> bool {
        while buffer.len() < WRITE_CHUNK {
            match outs.next() {
                Some(Out::Publish(sending)) => {
                    self.aliases.encode(&sending, self.version, buffer);
                }
                Some(Out::Packet(packet)) => codec::encode(&packet, self.version, buffer),
                Some(Out::Fence) => return true,
                None => break,
            }
        }
        false
    }

    async fn flush(
        &self,
        buffer: &mut BytesMut,
        writer: &mut (impl AsyncWrite + Unpin),
    ) -> std::io::Result<()> {
        if !buffer.is_empty() {
            writer.write_all(buffer).await?;
            self.visit.traffic().sent(buffer.len());
            buffer.clear();
        }
        writer.flush().await
    }
}
