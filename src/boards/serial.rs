//! The task of one board: moves bytes and messages between its port, its
//! [`Body`] and the broker. A board that floods or is stuck holds up only its
//! own task.

use std::future::pending;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use rustix::io::Errno;
use tokio::sync::{mpsc, watch};
use tokio::task::yield_now;
use tokio::time::{Instant, sleep_until, timeout};

use super::body::{Body, Name};
use super::frames::framed;
use super::port::{self, Port};
use super::registry::{Found, Introduced};
use super::voice::Effect;
use crate::broker::{Cable, Client, Handle, Qos, Stopped};
use crate::clock::{Clock, Moment};
use crate::supervisor::Stop;

/// Bytes read at once.
const CHUNK: usize = 4096;
/// A line that the kernel does not take in this time is lost.
const WRITE_WITHIN: Duration = Duration::from_secs(1);
const FIRST_RETRY: Duration = Duration::from_secs(1);
const LONGEST_RETRY: Duration = Duration::from_secs(10);
/// Between two frames, for a board that is just looking elsewhere.
const GAP: Duration = Duration::from_millis(1);

/// What a board's task is started with.
#[derive(Debug)]
pub(super) struct Start {
    pub name: Name,
    pub clock: Clock,
    pub handle: Handle,
    pub news: mpsc::Sender<News>,
    /// Where the board is; `None` while it is not plugged in.
    pub found: watch::Receiver<Option<Found>>,
    pub stop: Stop,
}

/// What a task tells of the device that it has just let go.
#[derive(Debug)]
pub(super) enum News {
    /// The board on it has said who it is.
    Introduced(PathBuf, Introduced),
    /// It is not who it was any more.
    Forgotten(PathBuf),
}

struct Task {
    name: Name,
    board: Body,
    clock: Clock,
    handle: Handle,
    client: Client,
    news: mpsc::Sender<News>,
    found: watch::Receiver<Option<Found>>,
    port: Option<Port>,
    /// The way into the broker for a board that is a client there.
    cable: Option<Cable>,
    /// When the last frame has left, at the line's speed.
    line_free: Instant,
    retry_at: Moment,
    retry_after: Duration,
}

/// Serves the board until the stop signal. Ends early only with the broker.
pub(super) async fn run(start: Start) -> Result<(), Stopped> {
    let stop = start.stop.clone();
    let mut task = Task::begin(start).await?;
    let mut buffer = vec![0; CHUNK];
    while !stop.is_cancelled() {
        task.open_if_due().await;
        task.carry_out().await?;
        let wake_at = task.wake_at();
        tokio::select! {
            () = stop.cancelled() => {}
            changed = task.found.changed() => match changed {
                Ok(()) => task.moved(),
                Err(_) => break,
            },
            message = task.client.next() => {
                let (message, now) = (message?, task.clock.now());
                task.board.message(&message, now);
            }
            packet = next_packet(task.cable.as_mut(), task.line_free) => {
                task.board.send(&packet, task.clock.now());
            }
            outcome = read(task.port.as_ref(), task.board.may_read(), &mut buffer) => {
                task.received(outcome, &buffer);
                // A board that prints without pause is always ready to be read,
                // and would keep this thread from everybody else.
                yield_now().await;
            }
            () = wake(wake_at, task.clock) => task.board.tick(task.clock.now()),
        }
    }
    task.board.closed();
    task.carry_out().await
}

impl Task {
    async fn begin(start: Start) -> Result<Task, Stopped> {
        let now = start.clock.now();
        let mut board = Body::unknown(&start.name, now);
        let part = format!("board-{}", start.name.name);
        let mut client = start.handle.connect(&part).await?;
        for filter in board.filters() {
            client.subscribe(&filter, Qos::AtLeastOnce).await?;
        }
        board.closed();
        Ok(Task {
            name: start.name,
            board,
            clock: start.clock,
            handle: start.handle,
            client,
            news: start.news,
            found: start.found,
            port: None,
            cable: None,
            line_free: Instant::now(),
            retry_at: now.moment,
            retry_after: FIRST_RETRY,
        })
    }

    /// The board is on another port now, or on none.
    fn moved(&mut self) {
        let now = self.clock.now();
        if self.port.take().is_some() {
            self.board.unplugged(now);
        }
        self.cable = None;
        self.retry_at = now.moment;
        self.retry_after = FIRST_RETRY;
    }

    /// Lets go of the port, and tells why: somebody else may be to serve it.
    async fn hand_back(&mut self, news: impl FnOnce(PathBuf, u32) -> News) {
        (self.port, self.cable) = (None, None);
        let baud = self.board.baud();
        self.board.retract();
        // If nobody else is, it is tried again.
        self.retry_at = self.clock.now().moment + LONGEST_RETRY;
        let device = self
            .found
            .borrow()
            .as_ref()
            .map(|found| found.device.clone());
        if let Some(device) = device {
            // Without a bridge the house stops.
            let _ = self.news.send(news(device, baud)).await;
        }
    }

    async fn open_if_due(&mut self) {
        let now = self.clock.now();
        let found = self.found.borrow_and_update().clone();
        let Some(found) = found.filter(|_| self.port.is_none() && self.retry_at <= now.moment)
        else {
            return;
        };
        let said = found.client.as_ref();
        if let Some(said) = said.filter(|said| !self.board.is(said)) {
            self.board = Body::introduced(&self.name, said);
        }
        match Port::open(&found, self.board.baud()).await {
            Ok(port) => {
                self.port = Some(port);
                let is_client = self.board.is_station();
                self.cable = is_client.then(|| self.handle.attach(self.clock));
                self.retry_after = FIRST_RETRY;
                self.board.opened(&found, self.clock.now());
            }
            Err(error) => self.not_opened(&found, &error),
        }
    }

    fn not_opened(&mut self, found: &Found, error: &io::Error) {
        let now = self.clock.now();
        // Its file is still there or still listed for a moment after an unplug.
        if !is_gone(error) {
            self.board
                .cannot_open(&port::open_problem(&found.device, error), now);
        }
        self.retry_at = now.moment + self.retry_after;
        self.retry_after = (self.retry_after * 2).min(LONGEST_RETRY);
    }

    fn received(&mut self, outcome: io::Result<usize>, buffer: &[u8]) {
        match outcome {
            Ok(length @ 1..) => {
                let bytes = buffer.get(..length).unwrap_or_default();
                self.board.received(bytes, self.clock.now());
            }
            Ok(0) | Err(_) => self.lost(),
        }
    }

    fn lost(&mut self) {
        (self.port, self.cable) = (None, None);
        let now = self.clock.now();
        self.retry_at = now.moment + self.retry_after;
        self.board.unplugged(now);
    }

    fn wake_at(&self) -> Option<Moment> {
        let waits = self.port.is_none() && self.found.borrow().is_some();
        let retry = waits.then_some(self.retry_at);
        self.board.wake_at().into_iter().chain(retry).min()
    }

    async fn carry_out(&mut self) -> Result<(), Stopped> {
        loop {
            let effects = self.board.take_effects();
            if effects.is_empty() {
                return Ok(());
            }
            for effect in effects {
                self.carry_out_one(effect).await?;
            }
        }
    }

    async fn carry_out_one(&mut self, effect: Effect) -> Result<(), Stopped> {
        let board = &self.name.name;
        match effect {
            Effect::Publish(publication) => self.client.publish(publication).await?,
            Effect::Write(line) => self.write(line.as_bytes()).await,
            Effect::Frame(packet) => self.write_frame(&framed(&packet)).await,
            Effect::Packet(packet) => {
                if let Some(cable) = &self.cable {
                    cable.received(packet);
                }
            }
            Effect::Introduce(id) => {
                let said = |device, baud| News::Introduced(device, Introduced { id, baud });
                self.hand_back(said).await;
            }
            Effect::Forget => {
                self.hand_back(|device, _| News::Forgotten(device)).await;
                self.board = Body::unknown(&self.name, self.clock.now());
                for filter in self.board.filters() {
                    self.client.subscribe(&filter, Qos::AtLeastOnce).await?;
                }
            }
            Effect::Subscribe(filter) => {
                self.client.subscribe(&filter, Qos::AtLeastOnce).await?;
            }
            Effect::Unsubscribe(filter) => self.client.unsubscribe(&filter).await?,
            Effect::SetBaud(baud) => self.set_baud(baud).await,
            Effect::Info(line) => tracing::info!("board {board}: {line}"),
            Effect::Warn(line) => tracing::warn!("board {board}: {line}"),
        }
        Ok(())
    }

    /// One frame after the other, as fast as they leave: what the kernel would keep for
    /// later could not be told from what the board did not take.
    async fn write_frame(&mut self, frame: &[u8]) {
        self.write(frame).await;
        let bits = u64::try_from(frame.len())
            .unwrap_or(u64::MAX)
            .saturating_mul(10);
        let micros = bits.saturating_mul(1_000_000) / u64::from(self.board.baud().max(1));
        self.line_free = Instant::now() + Duration::from_micros(micros) + GAP;
    }

    async fn write(&mut self, bytes: &[u8]) {
        let Some(port) = &self.port else {
            return;
        };
        match timeout(WRITE_WITHIN, port.write_all(bytes)).await {
            Ok(Ok(())) => self.board.wrote(true, self.clock.now()),
            Err(_elapsed) => self.board.wrote(false, self.clock.now()),
            Ok(Err(_)) => self.lost(),
        }
    }

    async fn set_baud(&mut self, baud: u32) {
        if let Some(port) = &self.port
            && port.set_baud(baud).await.is_err()
        {
            self.lost();
        }
    }
}

async fn next_packet(cable: Option<&mut Cable>, line_free: Instant) -> Vec<u8> {
    let Some(cable) = cable else {
        return pending().await;
    };
    sleep_until(line_free).await;
    match cable.next().await {
        Some(packet) => packet,
        None => pending().await,
    }
}

async fn read(port: Option<&Port>, may_read: bool, buffer: &mut [u8]) -> io::Result<usize> {
    match port.filter(|_| may_read) {
        Some(port) => port.read(buffer).await,
        None => pending().await,
    }
}

async fn wake(at: Option<Moment>, clock: Clock) {
    match at {
        Some(moment) => tokio::time::sleep_until(clock.instant(moment)).await,
        None => pending().await,
    }
}

fn is_gone(error: &io::Error) -> bool {
    let errno = Errno::from_io_error(error);
    let gone = [Errno::NOENT, Errno::NODEV, Errno::NXIO, Errno::IO];
    errno.is_some_and(|errno| gone.contains(&errno))
}
