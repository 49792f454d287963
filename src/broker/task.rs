//! The task that owns the router: inputs of all connections in, effects out.

use std::sync::Arc;
use std::time::Duration;

use rustc_hash::FxHashMap;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until, timeout};

use super::access::Access;
use super::client::Publication;
use super::codec::{ConnAck, Connect, Packet, Reason, Will};
use super::entrance::Entrance;
use super::figures::{Figures, Report};
use super::keeper::{Keeper, Outcome};
use super::lane::Lane;
use super::message::Message;
use super::router::{Effect, Epoch, Held, Link, Origin, Router};
use super::wakes::Wakes;
use crate::clock::{Clock, Moment, Now};
use crate::supervisor::Stop;

/// Inputs taken at once, before their effects are written.
const BATCH: usize = 256;
/// How long the turns of publishers are held back before looking again.
const BREATH: Duration = Duration::from_millis(20);
/// How long a stop waits for the disk, twice.
const LAST_WRITE: Duration = Duration::from_secs(1);

/// The answer to CONNECT: the link, or the refusal to send.
pub type Admission = Result<Link, Box<ConnAck>>;

/// What connections and clients ask of the router.
#[derive(Debug)]
pub enum Input {
    Connect {
        connect: Box<Connect>,
        origin: Origin,
        lane: Arc<Lane>,
        answer: oneshot::Sender<Admission>,
    },
    /// Packets in the order of their arrival; answered with a turn.
    Packets {
        link: Link,
        packets: Vec<Packet>,
    },
    /// A message from a part of Hearth.
    Publish {
        link: Link,
        publication: Publication,
    },
    /// Everything before the fence is written.
    Drained {
        link: Link,
    },
    /// The client broke a rule of the protocol.
    Failed {
        link: Link,
        reason: Reason,
    },
    /// The connection is gone.
    Lost {
        link: Link,
    },
    /// Another will, or none; answered with the one before if it may not be.
    Rewill {
        link: Link,
        will: Option<Will>,
        answer: oneshot::Sender<Result<(), Option<Will>>>,
    },
    Retained {
        filter: String,
        answer: oneshot::Sender<Vec<Arc<Message>>>,
    },
    Figures {
        answer: oneshot::Sender<Figures>,
    },
    /// The sessions of parts whose names begin so.
    Held {
        prefix: String,
        answer: oneshot::Sender<Vec<Held>>,
    },
    /// Other permissions hold from now on.
    Permit(Box<Access>),
    /// A user is no more.
    Forget {
        user: Arc<str>,
    },
}

/// Sends without waiting, from where nobody can wait, such as a `Drop`; if
/// there is no room, a task of its own waits.
pub fn send_or_later(inputs: &mpsc::Sender<Input>, input: Input) {
    let Err(mpsc::error::TrySendError::Full(input)) = inputs.try_send(input) else {
        return;
    };
    let inputs = inputs.clone();
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        runtime.spawn(async move { inputs.send(input).await });
    }
}

/// A connection that has handed in a batch.
#[derive(Debug)]
struct Turn {
    link: Link,
    lane: Arc<Lane>,
    has_published: bool,
}

/// The router and the lanes to its connections.
#[derive(Debug)]
pub struct Task {
    router: Router,
    clock: Clock,
    lanes: FxHashMap<Epoch, Arc<Lane>>,
    wakes: Wakes,
    /// Connections whose turn waits until the others, or the disk, have caught up.
    held_back: Vec<Turn>,
    report: Report,
    entrance: Arc<Entrance>,
    /// Nothing outlives the process without it.
    keeper: Option<Keeper>,
}

impl Task {
    /// A task for a router that has served nobody yet.
    pub fn new(
        router: Router,
        clock: Clock,
        report: Report,
        entrance: Arc<Entrance>,
        keeper: Option<Keeper>,
    ) -> Task {
        Task {
            router,
            clock,
            lanes: FxHashMap::default(),
            wakes: Wakes::default(),
            held_back: Vec::new(),
            report,
            entrance,
            keeper,
        }
    }

    /// Serves until `stop`, then says goodbye to everyone.
    pub async fn run(
        mut self,
        mut inputs: mpsc::Receiver<Input>,
        stop: Stop,
    ) -> anyhow::Result<()> {
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            let wake = self.next_wake();
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                outcome = outcome(&mut self.keeper) => self.kept(outcome),
                taken = inputs.recv_many(&mut batch, BATCH) => if taken == 0 { break },
                () = until(wake) => {}
            }
            self.work(&mut batch);
            if self.wakes.are_calm() {
                // Receivers run first, on this thread: to wake another for the
                // answers takes longer than to serve them.
                self.wakes.wake_receivers();
                tokio::task::yield_now().await;
            }
            self.wakes.wake();
            self.grant_turns();
        }
        while let Ok(input) = inputs.try_recv() {
            batch.push(input);
        }
        self.work(&mut batch);
        // What is safe is acknowledged before the goodbye.
        self.keep_everything().await;
        self.router.shut_down(self.clock.now());
        self.dispatch();
        self.wakes.wake();
        self.keep_everything().await;
        Ok(())
    }

    fn work(&mut self, batch: &mut Vec<Input>) {
        let now = self.clock.now();
        for input in batch.drain(..) {
            self.handle(input, now);
            self.dispatch();
        }
        self.router.wake(now);
        self.publish_figures(now);
        self.keep(now);
        for forbidden in self.router.forbidden().drain(..) {
            tracing::info!("{forbidden}");
        }
        self.dispatch();
    }

    /// Publishers wait while others are behind; who is behind does not, as its
    /// acknowledgements are what the others wait for.
    fn grant_turns(&mut self) {
        let router = &self.router;
        let is_congested = router.is_congested(self.clock.now());
        self.held_back.retain(|turn| {
            let adds_to_it = is_congested && turn.has_published && !router.is_behind(turn.link);
            let must_wait = adds_to_it || router.must_pause(turn.link);
            if !must_wait {
                turn.lane.grant_turn();
            }
            must_wait
        });
    }

    /// Hands what is due to the keeper.
    fn keep(&mut self, now: Now) {
        if let Some(keeper) = &self.keeper
            && let Some(batch) = self.router.take_batch(now)
        {
            keeper.write(batch);
        }
    }

    fn kept(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Written { generation, rows } => self.router.written(generation, rows),
            Outcome::Failed => self.router.write_failed(),
        }
    }

    /// Waits until everything is on the disk, but not for a disk that fails.
    async fn keep_everything(&mut self) {
        let Some(keeper) = &mut self.keeper else {
            return;
        };
        while self.router.has_unwritten() {
            if let Some(batch) = self.router.take_last_batch() {
                keeper.write(batch);
            }
            match timeout(LAST_WRITE, keeper.outcome()).await {
                Ok(Some(Outcome::Written { generation, rows })) => {
                    self.router.written(generation, rows);
                }
                Ok(Some(Outcome::Failed) | None) | Err(_) => break,
            }
        }
        self.dispatch();
        self.wakes.wake();
    }

    fn handle(&mut self, input: Input, now: Now) {
        match input {
            Input::Packets { link, packets } => self.packets(link, packets, now),
            Input::Publish { link, publication } => {
                self.router.publish_inside(link, publication, now);
            }
            Input::Drained { link } => self.router.drained(link, now),
            Input::Connect {
                connect,
                origin,
                lane,
                answer,
            } => {
                let admission = self.router.connect(*connect, origin, now);
                if let Ok(link) = &admission {
                    self.lanes.insert(link.epoch, lane);
                }
                // Gone before it was answered: its task also says Lost.
                let _ = answer.send(admission);
            }
            Input::Failed { link, reason } => self.router.fail(link, reason, now),
            Input::Lost { link } => {
                self.router.lost(link, now);
                self.lanes.remove(&link.epoch);
            }
            Input::Rewill { link, will, answer } => {
                let _ = answer.send(self.router.rewill(link, will));
            }
            Input::Retained { filter, answer } => {
                let _ = answer.send(self.router.retained(&filter, now));
            }
            Input::Figures { answer } => {
                let _ = answer.send(self.figures(now));
            }
            Input::Held { prefix, answer } => {
                let _ = answer.send(self.router.held(&prefix));
            }
            Input::Permit(access) => self.router.permit(*access),
            Input::Forget { user } => self.router.forget(&user, now),
        }
    }

    fn figures(&self, now: Now) -> Figures {
        Figures {
            uptime: now.moment.since(Moment::default()),
            counters: self.router.counters(),
            holdings: self.router.holdings(),
            crossed: self.entrance.traffic.read(),
        }
    }

    fn publish_figures(&mut self, now: Now) {
        if self.report.is_due(now) {
            let figures = self.figures(now);
            for (topic, text) in self.report.changes(&figures, now) {
                self.router.announce(&topic, text, now);
            }
        }
    }

    fn packets(&mut self, link: Link, packets: Vec<Packet>, now: Now) {
        let has_published = packets.iter().any(|one| matches!(one, Packet::Publish(_)));
        for packet in packets {
            self.router.receive(link, packet, now);
            self.dispatch();
            if self.wakes.are_due() {
                self.wakes.wake();
            }
        }
        if let Some(lane) = self.lanes.get(&link.epoch) {
            let lane = Arc::clone(lane);
            self.held_back.push(Turn {
                link,
                lane,
                has_published,
            });
        }
    }

    fn dispatch(&mut self) {
        for effect in self.router.effects().drain(..) {
            match effect {
                Effect::Send { link, out } => {
                    let Some(lane) = self.lanes.get(&link.epoch) else {
                        continue;
                    };
                    self.wakes.push(lane, out);
                }
                Effect::Close { link, reason } => {
                    let Some(lane) = self.lanes.remove(&link.epoch) else {
                        continue;
                    };
                    lane.close(reason);
                    self.wakes.closed(lane);
                }
            }
        }
    }

    fn next_wake(&self) -> Option<Instant> {
        let moments = [
            self.router.next_wake(),
            self.report.next_wake(),
            self.router.next_batch(),
        ];
        let next = moments.into_iter().flatten().min();
        let next = next.map(|moment| self.clock.instant(moment));
        let breath = (!self.held_back.is_empty()).then(|| Instant::now() + BREATH);
        next.into_iter().chain(breath).min()
    }
}

async fn until(wake: Option<Instant>) {
    match wake {
        Some(wake) => sleep_until(wake).await,
        None => std::future::pending().await,
    }
}

/// The next outcome; never, where nothing is kept.
async fn outcome(keeper: &mut Option<Keeper>) -> Outcome {
    if let Some(keeper) = keeper
        && let Some(outcome) = keeper.outcome().await
    {
        return outcome;
    }
    std::future::pending().await
}
