//! Takes blocks from the log to PostgreSQL, where that keeps the history.
//!
//! The log stays what it is: the loss window, and now a queue on the disk as well. A block
//! goes to the server in one transaction together with a mark that it is there; whoever does
//! not know how a transaction ended asks for the mark. Locally blocks are removed some time
//! later and many at once, so that a card is written no more often than without a server.
//! While the server is away the house records on, up to the queue's bound.

mod bound;
mod forget;
mod pass;
mod retain;
mod shelve;
mod thinning;

use std::collections::HashMap;
use std::time::Duration;

use futures_util::future::BoxFuture;
use sqlx::{Connection, PgConnection};
use tokio::sync::watch;

use super::policy::Policy;
use super::sealer::{self, Present};
use super::store::postgres::{Away, Server, reason};
use super::store::{Store, log};
use super::{Forwarding, Shared, State};
use crate::clock::{Boot, Clock, ClockQuality, Moment, boot};
use crate::supervisor::Stop;
use bound::Waiting;
pub use forget::forget;
use pass::Passed;
pub use shelve::{Coming, shelve};
use thinning::Thinning;

/// How often it is looked for new blocks.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// After a failure the next try waits this long, then twice as long, up to …
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// A transaction that takes longer has failed.
const PASS_WITHIN: Duration = Duration::from_secs(60);
/// A server that was not asked for so long is asked whether it is there.
const PING_AFTER: Duration = Duration::from_secs(10);
/// Blocks that are on the server are removed here when there are so many, or after so long.
const MOST_TAKEN: i64 = 1024;
const REMOVE_AFTER: Duration = Duration::from_mins(5);
/// How often it is looked what is kept no longer.
const RETAIN_EVERY: Duration = Duration::from_hours(6);
const RETAIN_FIRST: Duration = Duration::from_mins(10);

/// What it works with.
#[derive(Clone, Debug)]
pub struct Ways {
    pub state: watch::Receiver<State>,
    pub server: Server,
    pub policy: Policy,
    /// Bytes of blocks that may wait.
    pub most_bytes: u64,
    pub figures: Shared,
}

/// Sends what is committed until `stop`.
pub async fn run(ways: Ways, clock: Clock, stop: Stop) -> anyhow::Result<()> {
    tokio::select! {
        () = stop.cancelled() => return Ok(()),
        () = forward(ways, clock) => {}
    }
    stop.cancelled().await;
    Ok(())
}

async fn forward(mut ways: Ways, clock: Clock) {
    while let Some(store) = opened(&mut ways.state).await {
        let mut forwarder = Forwarder::new(ways.clone(), store, clock);
        let error = forwarder.work().await;
        tracing::warn!(
            "what waits for {} cannot be read: {error}",
            ways.server.name()
        );
        tokio::time::sleep(LONGEST_PAUSE).await;
    }
}

/// The file, once it is open; none if it never will be.
async fn opened(state: &mut watch::Receiver<State>) -> Option<Store> {
    let open = state.wait_for(|state| matches!(state, State::Open(_)));
    match &*open.await.ok()? {
        State::Open(store) => Some(store.clone()),
        State::Off(_) => None,
    }
}

/// Why a pass failed.
#[derive(Debug)]
enum Trouble {
    /// The file does not answer.
    File(sqlx::Error),
    /// The server does not, or takes nothing.
    Away(String),
}

fn away(error: sqlx::Error) -> Trouble {
    Trouble::Away(reason(&error))
}

struct Forwarder {
    ways: Ways,
    store: Store,
    clock: Clock,
    boot: Boot,
    connection: Option<PgConnection>,
    /// The last block that is on the server, as far as is known, …
    taken: i64,
    /// … that was removed here, …
    removed: i64,
    remove_at: Moment,
    /// … and that was looked at.
    seen: i64,
    waiting: Waiting,
    thinnings: HashMap<String, Thinning>,
    retry_at: Moment,
    pause: Duration,
    asked_at: Moment,
    retain_at: Moment,
    /// What is caught up with, and the samples that were sent since.
    recovering: Option<(Away, u64)>,
    is_warned: bool,
    sent: u64,
    lost: u64,
}

impl Forwarder {
    fn new(ways: Ways, store: Store, clock: Clock) -> Forwarder {
        let now = clock.now().moment;
        Forwarder {
            ways,
            store,
            clock,
            boot: boot(),
            connection: None,
            taken: 0,
            removed: 0,
            remove_at: now,
            seen: 0,
            waiting: Waiting::default(),
            thinnings: HashMap::new(),
            retry_at: now,
            pause: FIRST_PAUSE,
            asked_at: now,
            retain_at: now + RETAIN_FIRST,
            recovering: None,
            is_warned: false,
            sent: 0,
            lost: 0,
        }
    }

    /// Works until the file fails.
    async fn work(&mut self) -> sqlx::Error {
        loop {
            match self.step().await {
                Ok(pause) => tokio::time::sleep(pause).await,
                Err(error) => return error,
            }
        }
    }

    /// One step; says how long to wait for the next one.
    async fn step(&mut self) -> sqlx::Result<Duration> {
        boxed(self.look()).await?;
        boxed(self.keep_bound()).await?;
        self.tell();
        if self.retry_at > self.now() {
            return Ok(LOOK_EVERY);
        }
        let pause = match boxed(self.send()).await {
            Ok(passed) => boxed(self.settle(passed)).await?,
            Err(Trouble::File(error)) => return Err(error),
            Err(Trouble::Away(reason)) => {
                self.failed(&reason);
                LOOK_EVERY
            }
        };
        self.tell();
        Ok(pause)
    }

    /// Connects if need be, and sends some blocks.
    async fn send(&mut self) -> Result<Passed, Trouble> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.ways.server.connect().await.map_err(Trouble::Away)?,
        };
        let mut passed = Passed::default();
        if self.seen > self.taken {
            let pass = tokio::time::timeout(PASS_WITHIN, self.pass(&mut connection));
            let late = || Trouble::Away(format!("no answer within {} s", PASS_WITHIN.as_secs()));
            passed = pass.await.map_err(|_| late())??;
            self.asked_at = self.now();
        } else if self.now().since(self.asked_at) >= PING_AFTER {
            let ping = tokio::time::timeout(FIRST_PAUSE * 5, connection.ping());
            let late = |_| Trouble::Away("it does not answer any more".to_owned());
            ping.await.map_err(late)?.map_err(away)?;
            self.asked_at = self.now();
        }
        self.connection = Some(connection);
        Ok(passed)
    }

    /// The server took what it got.
    async fn settle(&mut self, passed: Passed) -> sqlx::Result<Duration> {
        self.pause = FIRST_PAUSE;
        if let Some(away) = self.ways.server.set_here() {
            self.recovering.get_or_insert((away, 0));
        }
        for (block, reason) in passed.damaged {
            tracing::error!(
                "block {} of the history {reason}; it is set aside",
                block.id
            );
            let mut whole = self.store.write().await?;
            log::set_aside(&mut whole, &block, &reason).await?;
            whole.commit().await?;
        }
        self.taken = self.taken.max(passed.last);
        self.sent += passed.samples;
        self.waiting = match self.taken >= self.seen {
            true => Waiting::default(),
            false => self.waiting.without(&passed.took),
        };
        if let Some((_, caught_up)) = &mut self.recovering {
            *caught_up += passed.samples;
        }
        if passed.more {
            self.remove_taken(MOST_TAKEN).await?;
            return Ok(Duration::ZERO);
        }
        self.recovered();
        self.remove_taken(MOST_TAKEN).await?;
        self.retain().await;
        // Who waits for a clock waits for minutes.
        Ok(if passed.waits {
            LOOK_EVERY * 10
        } else {
            LOOK_EVERY
        })
    }

    /// Everything that had waited is there.
    fn recovered(&mut self) {
        let Some((away, caught_up)) = self.recovering.take() else {
            return;
        };
        let seconds = self.clock.now().utc.since(away.since).as_secs();
        tracing::info!(
            caught_up,
            lost = self.lost,
            "history is sent to {} again, after {seconds} s; what had waited is there",
            self.ways.server.name()
        );
        self.is_warned = false;
    }

    fn failed(&mut self, reason: &str) {
        self.connection = None;
        // What was sent last may be there or not: begin anew, which keeps a sample more.
        self.thinnings.clear();
        let server = &self.ways.server;
        if server.away().is_none() && self.recovering.is_none() {
            tracing::error!(
                "history cannot be sent to {}: {reason}. The house works on, and readings wait \
                 on the disk, up to {} MB",
                server.name(),
                self.ways.most_bytes / 1_000_000
            );
        }
        let since = match self.recovering.take() {
            // It was not over yet.
            Some((away, _)) => away.since,
            None => self.clock.now().utc,
        };
        server.set_away(since, reason);
        self.retry_at = self.now() + self.pause;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
    }

    /// Removes blocks that are on the server, if that is worth a write.
    async fn remove_taken(&mut self, many: i64) -> sqlx::Result<()> {
        let now = self.now();
        if self.taken <= self.removed {
            self.remove_at = now + REMOVE_AFTER;
            return Ok(());
        }
        if self.taken - self.removed < many && now < self.remove_at {
            return Ok(());
        }
        let mut whole = self.store.write().await?;
        let (last, present) = (self.taken, self.present());
        let given_up = sealer::take_out(&self.store, &mut whole, last, &present).await?;
        whole.commit().await?;
        sealer::tell_given_up(given_up);
        self.removed = self.taken;
        self.remove_at = now + REMOVE_AFTER;
        Ok(())
    }

    async fn retain(&mut self) {
        // Who does not know the time does not know what is old.
        let is_due = self.retain_at <= self.now();
        if !is_due || self.clock.quality() == ClockQuality::Unknown {
            return;
        }
        self.retain_at = self.now() + RETAIN_EVERY;
        let Some(mut connection) = self.connection.take() else {
            return;
        };
        let now = self.clock.now().utc;
        match retain::retain(&mut connection, &self.ways.policy, now).await {
            Ok(()) => self.connection = Some(connection),
            Err(error) => {
                let server = self.ways.server.name();
                tracing::warn!(
                    "{server} could not be cut to what is kept: {}",
                    reason(&error)
                );
            }
        }
    }

    fn tell(&self) {
        let server = &self.ways.server;
        let forwarding = Forwarding {
            to: server.name(),
            blocks: self.waiting.blocks,
            samples: self.waiting.samples,
            bytes: self.waiting.bytes,
            most_bytes: self.ways.most_bytes,
            sent: self.sent,
            lost: self.lost,
            away: server.away(),
        };
        self.ways
            .figures
            .tell(|figures| figures.forwarding = Some(forwarding));
    }

    fn present(&self) -> Present {
        Present {
            boot: self.boot,
            now: self.clock.since_boot(),
            clock: self.clock.quality(),
        }
    }

    fn now(&self) -> Moment {
        self.clock.now().moment
    }
}

/// The compiler cannot see of the whole at once that it may move between threads.
fn boxed<'a, T>(work: impl Future<Output = T> + Send + 'a) -> BoxFuture<'a, T> {
    Box::pin(work)
}

#[cfg(test)]
mod tests;
