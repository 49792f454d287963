//! The task of one board: moves bytes and messages between its port, its
//! [`Board`] and the broker. A board that floods or is stuck holds up only its
//! own task.

use std::future::pending;
use std::io;
use std::time::Duration;

use rustix::io::Errno;
use tokio::sync::watch;
use tokio::task::yield_now;
use tokio::time::timeout;

use super::BoardSettings;
use super::board::{Board, Effect};
use super::port::{self, Port};
use super::registry::Found;
use crate::broker::{Client, Handle, Message, Qos, Stopped};
use crate::clock::{Clock, Moment};
use crate::supervisor::Stop;

/// Bytes read at once.
const CHUNK: usize = 4096;
/// A line that the kernel does not take in this time is lost.
const WRITE_WITHIN: Duration = Duration::from_secs(1);
const FIRST_RETRY: Duration = Duration::from_secs(1);
const LONGEST_RETRY: Duration = Duration::from_secs(10);

/// What a board's task is started with.
#[derive(Debug)]
pub(super) struct Start {
    pub name: String,
    pub settings: Option<BoardSettings>,
    /// No other board has its room.
    pub alone: bool,
    pub clock: Clock,
    pub handle: Handle,
    /// Where the board is; `None` while it is not plugged in.
    pub found: watch::Receiver<Option<Found>>,
    pub stop: Stop,
}

struct Task {
    name: String,
    board: Board,
    clock: Clock,
    client: Client,
    found: watch::Receiver<Option<Found>>,
    port: Option<Port>,
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
            message = task.client.next() => task.command(&message?),
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
        let mut board = Board::new(&start.name, start.settings.as_ref(), start.alone, now);
        let mut client = start
            .handle
            .connect(&format!("board-{}", start.name))
            .await?;
        for filter in board.filters() {
            client.subscribe(&filter, Qos::AtLeastOnce).await?;
        }
        board.closed();
        Ok(Task {
            name: start.name,
            board,
            clock: start.clock,
            client,
            found: start.found,
            port: None,
            retry_at: now.moment,
            retry_after: FIRST_RETRY,
        })
    }

    /// The board is on another port now, or on none.
    fn moved(&mut self) {
        if self.port.take().is_some() {
            self.board.unplugged(self.clock.now());
        }
        self.retry_at = self.clock.now().moment;
        self.retry_after = FIRST_RETRY;
    }

    async fn open_if_due(&mut self) {
        let now = self.clock.now();
        let found = self.found.borrow_and_update().clone();
        let Some(found) = found.filter(|_| self.port.is_none() && self.retry_at <= now.moment)
        else {
            return;
        };
        match Port::open(&found, self.board.baud()).await {
            Ok(port) => {
                self.port = Some(port);
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
        self.port = None;
        let now = self.clock.now();
        self.retry_at = now.moment + self.retry_after;
        self.board.unplugged(now);
    }

    fn command(&mut self, message: &Message) {
        let (payload, now) = (&message.payload, self.clock.now());
        self.board
            .command(&message.topic, payload, message.retain, now);
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
        let board = &self.name;
        match effect {
            Effect::Publish(publication) => self.client.publish(publication).await?,
            Effect::Write(line) => self.write(&line).await,
            Effect::SetBaud(baud) => self.set_baud(baud).await,
            Effect::Info(line) => tracing::info!("board {board}: {line}"),
            Effect::Warn(line) => tracing::warn!("board {board}: {line}"),
        }
        Ok(())
    }

    async fn write(&mut self, line: &str) {
        let Some(port) = &self.port else {
            return;
        };
        match timeout(WRITE_WITHIN, port.write_all(line.as_bytes())).await {
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
