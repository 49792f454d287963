//! Keeps one bridge connected and carries packets between the relay, the
//! house's session and the other side.
//!
//! Each connection opens the house's session anew: what the other side has not
//! acknowledged comes again, in order.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::time::{sleep_until, timeout};

use super::back_off::BackOff;
use super::line::{self, Inflow, Line};
use super::pulse::{Beat, Pulse};
use super::relay::Relay;
use super::settings::Settings;
use super::trouble::Trouble;
use super::{Bridge, hello, session_name};
use crate::broker::client::{Handle, Stopped};
use crate::broker::codec::{self, ConnAck, Connect, Disconnect, Packet, RetainHandling, Version};
use crate::broker::lasting::{Event, LastingClient};
use crate::clock::{Clock, Moment};
use crate::home::Presence;
use crate::supervisor::Stop;

/// Bytes on their way to the other side, beyond which the house's session waits.
const MOST_UNWRITTEN: usize = 256 * 1024;
/// Events of the house that are taken before the other side has its turn.
const AT_ONCE: usize = 64;
/// For the last words; whoever does not read them goes without.
const FAREWELL_WITHIN: Duration = Duration::from_secs(1);
/// Complaints come no more often than this to the log.
const QUIET: Duration = Duration::from_secs(60);

/// Runs a bridge until the house stops.
///
/// # Errors
/// If the broker stops before the bridges.
pub async fn run(
    bridge: Arc<Bridge>,
    handle: Handle,
    clock: Clock,
    stop: Stop,
) -> anyhow::Result<()> {
    let mut runner = Runner::new(bridge, handle, clock);
    let mut back_off = BackOff::default();
    loop {
        let attempt = runner.reach();
        let line = tokio::select! {
            line = attempt => line,
            () = stop.cancelled() => return Ok(()),
        };
        let began = clock.now().moment;
        let trouble = match line {
            Ok(line) => match runner.cross(line, &stop).await? {
                Some(trouble) => trouble,
                None => return Ok(()),
            },
            Err(trouble) => trouble,
        };
        back_off.lasted(clock.now().moment.since(began));
        runner.bridge.failed(&trouble, clock);
        let pause = back_off.pause(super::draw());
        if timeout(pause, stop.cancelled()).await.is_ok() {
            return Ok(());
        }
    }
}

struct Runner {
    bridge: Arc<Bridge>,
    handle: Handle,
    clock: Clock,
    relay: Relay,
    /// Encoded for the other side, and not written yet.
    unwritten: BytesMut,
    /// All that was written has left the TLS layer, too.
    flushed: bool,
    complained: Option<Moment>,
}

/// What ends a connection.
enum End {
    /// The broker of this house, and with it everything.
    House(Stopped),
    There(Trouble),
}

impl From<Stopped> for End {
    fn from(stopped: Stopped) -> End {
        End::House(stopped)
    }
}

impl From<Trouble> for End {
    fn from(trouble: Trouble) -> End {
        End::There(trouble)
    }
}

impl Runner {
    fn new(bridge: Arc<Bridge>, handle: Handle, clock: Clock) -> Runner {
        let largest = handle.largest_packet();
        Runner {
            relay: Relay::new(&bridge.settings, bridge.mark.clone(), largest),
            bridge,
            handle,
            clock,
            unwritten: BytesMut::new(),
            flushed: true,
            complained: None,
        }
    }

    fn settings(&self) -> &Settings {
        &self.bridge.settings
    }

    async fn reach(&self) -> Result<Line, Trouble> {
        let largest = self.handle.largest_packet();
        if self.bridge.is_new() {
            let stranger = hello::forget_us(self.settings(), largest);
            let mut line = self.open(stranger).await?;
            farewell(&mut line, self.settings().version, BytesMut::new()).await;
        }
        self.open(hello::connect(self.settings(), largest)).await
    }

    async fn open(&self, connect: Connect) -> Result<Line, Trouble> {
        let largest = super::largest_read(self.handle.largest_packet());
        line::open(self.settings(), connect, largest).await
    }

    /// Carries until the connection ends or the house stops, which is no trouble.
    async fn cross(&mut self, line: Line, stop: &Stop) -> Result<Option<Trouble>, Stopped> {
        let outcome = Box::pin(self.carry(line, stop)).await;
        self.bridge.count(self.relay.tally());
        match outcome {
            Ok(()) => Ok(None),
            Err(End::There(trouble)) => Ok(Some(trouble)),
            Err(End::House(stopped)) => Err(stopped),
        }
    }

    async fn carry(&mut self, mut line: Line, stop: &Stop) -> Result<(), End> {
        let mut house = self.begin(&line.connack).await?;
        let turns = house.turns();
        let mut pulse = self.pulse(&line.connack);
        let mut waits_for_turn = false;
        loop {
            waits_for_turn |= self.forward(&house, &mut pulse).await?;
            let has_room = self.unwritten.len() < MOST_UNWRITTEN;
            let is_behind = waits_for_turn || !self.relay.takes_more();
            tokio::select! {
                () = stop.cancelled() => {
                    self.say_goodbye(&mut line).await;
                    return Ok(());
                }
                read = line.inflow.read(), if has_room && !is_behind => {
                    self.hear(read, &mut line.inflow, &mut pulse)?;
                }
                event = house.next(), if has_room => self.listen(event?, &mut house),
                wrote = write_some(&mut line.writer, &mut self.unwritten),
                    if !self.flushed || !self.unwritten.is_empty() =>
                {
                    self.flushed = wrote.map_err(Trouble::Lost)?;
                }
                () = turns.next(), if waits_for_turn => waits_for_turn = false,
                () = sleep_until(self.clock.instant(pulse.next())) => {
                    self.keep_alive(&mut pulse, is_behind)?;
                }
            }
        }
    }

    /// The other side has sent something, or ends.
    fn hear(
        &mut self,
        read: io::Result<usize>,
        inflow: &mut Inflow,
        pulse: &mut Pulse,
    ) -> Result<(), Trouble> {
        if read.map_err(Trouble::Lost)? == 0 {
            return Err(Trouble::Closed);
        }
        let now = self.clock.now().moment;
        pulse.heard(now);
        while let Some(packet) = inflow.decode()? {
            self.relay.remote_says(packet, now)?;
        }
        Ok(())
    }

    /// The house has sent something; more of it may be here.
    fn listen(&mut self, event: Event, house: &mut LastingClient) {
        let now = self.clock.now().moment;
        self.relay.house_says(event, now);
        for _ in 0..AT_ONCE {
            let Some(event) = house.try_next() else { break };
            self.relay.house_says(event, now);
        }
    }

    fn keep_alive(&mut self, pulse: &mut Pulse, is_behind: bool) -> Result<(), Trouble> {
        let now = self.clock.now().moment;
        if is_behind {
            // We do not read, so its silence says nothing.
            pulse.heard(now);
        }
        match pulse.beat(now) {
            Beat::Rest => {}
            Beat::Ping => self.encode(&Packet::PingReq),
            Beat::Dead => return Err(Trouble::Silent),
        }
        Ok(())
    }

    /// Opens the house's session anew and tells the relay of the other side.
    async fn begin(&mut self, connack: &ConnAck) -> Result<LastingClient, End> {
        let name = session_name(&self.settings().name);
        let held = self.handle.held(&name).await?;
        let held = held.into_iter().find(|held| held.name == name);
        let received = held.map(|held| held.received).unwrap_or_default();
        let house = self
            .handle
            .lasting(&name, hello::wishes(self.settings()))
            .await?;
        let is_known = connack.session_present;
        // The other side forgot what it had of ours. It gets it again before
        // anything of its own is taken: ours counts where both have a state.
        if !is_known && !self.bridge.is_new() {
            let again = hello::subscribe(self.settings(), RetainHandling::Send);
            house.send(again.into_iter().collect()).await?;
        }
        (self.unwritten, self.flushed) = (BytesMut::new(), true);
        self.relay.connected(connack, &received);
        self.bridge.connected(is_known, self.clock);
        Ok(house)
    }

    /// The other side may ask for a shorter keep alive than ours [MQTT-3.2.2-21].
    fn pulse(&self, connack: &ConnAck) -> Pulse {
        let theirs = connack.server_keep_alive.filter(|seconds| *seconds > 0);
        let theirs = theirs.map(|seconds| Duration::from_secs(seconds.into()));
        let every = theirs.unwrap_or(self.settings().keep_alive);
        Pulse::new(every, self.clock.now().moment)
    }

    /// Hands on what the relay has for either side. True if the house must
    /// grant a turn before more is read.
    async fn forward(&mut self, house: &LastingClient, pulse: &mut Pulse) -> Result<bool, Stopped> {
        let packets: Vec<Packet> = self.relay.for_remote().collect();
        if !packets.is_empty() {
            pulse.sent(self.clock.now().moment);
        }
        packets.iter().for_each(|packet| self.encode(packet));
        self.bridge.count(self.relay.tally());
        self.complain();
        let packets = self.relay.for_house();
        if packets.is_empty() {
            return Ok(false);
        }
        house.send(packets).await?;
        Ok(true)
    }

    fn encode(&mut self, packet: &Packet) {
        codec::encode(packet, self.bridge.settings.version, &mut self.unwritten);
    }

    /// Tells of messages that cannot cross, now and then.
    fn complain(&mut self) {
        let Some(complaint) = self.relay.complaint() else {
            return;
        };
        let now = self.clock.now().moment;
        if self.complained.is_none_or(|last| now.since(last) >= QUIET) {
            self.complained = Some(now);
            tracing::warn!(bridge = self.settings().name, "{complaint}");
        }
        self.bridge.complained(complaint);
    }

    async fn say_goodbye(&mut self, line: &mut Line) {
        self.relay.be(Presence::Offline);
        let last: Vec<Packet> = self.relay.for_remote().collect();
        last.iter().for_each(|packet| self.encode(packet));
        let unwritten = std::mem::take(&mut self.unwritten);
        farewell(line, self.settings().version, unwritten).await;
    }
}

/// Writes what is left, and DISCONNECT.
async fn farewell(line: &mut Line, version: Version, mut unwritten: BytesMut) {
    let last = Packet::Disconnect(Disconnect::default());
    codec::encode(&last, version, &mut unwritten);
    let goodbye = async {
        line.writer.write_all(&unwritten).await?;
        line.writer.shutdown().await
    };
    let _ = timeout(FAREWELL_WITHIN, goodbye).await;
}

/// Writes what the connection takes; true once all of it has left. Cancel-safe.
async fn write_some(
    writer: &mut (impl AsyncWrite + Unpin),
    bytes: &mut BytesMut,
) -> io::Result<bool> {
    if bytes.is_empty() {
        writer.flush().await?;
        return Ok(true);
    }
    match writer.write_buf(bytes).await? {
        0 => Err(io::ErrorKind::WriteZero.into()),
        _ => Ok(false),
    }
}
