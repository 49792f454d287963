//! The task that owns the router: inputs of all connections in, effects out.

use std::sync::Arc;
use std::time::Duration;

use rustc_hash::FxHashMap;
use tokio::sync::{mpsc, oneshot};

use super::client::Publication;
use super::codec::{ConnAck, Connect, Packet, Reason};
use super::entrance::Entrance;
use super::figures::{Figures, Report};
use super::lane::Lane;
use super::message::Message;
use super::router::{Effect, Epoch, Link, Origin, Router};
use crate::clock::{Clock, Moment, Now};
use crate::supervisor::Stop;

/// Inputs taken at once, before their effects are written.
const BATCH: usize = 256;
/// How long the turns of publishers are held back before looking again.
const BREATH: Duration = Duration::from_millis(20);

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
    Retained {
        filter: String,
        answer: oneshot::Sender<Vec<Arc<Message>>>,
    },
    Figures {
        answer: oneshot::Sender<Figures>,
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

/// The router and the lanes to its connections.
#[derive(Debug)]
pub struct Task {
    router: Router,
    clock: Clock,
    lanes: FxHashMap<Epoch, Arc<Lane>>,
    /// Lanes with something new, to be woken at the end of a batch.
    touched: Vec<Arc<Lane>>,
    /// Connections whose turn waits until the others have caught up.
    held_back: Vec<Arc<Lane>>,
    report: Report,
    entrance: Arc<Entrance>,
}

impl Task {
    /// A task for a router that has served nobody yet.
    pub fn new(router: Router, clock: Clock, report: Report, entrance: Arc<Entrance>) -> Task {
        Task {
            router,
            clock,
            lanes: FxHashMap::default(),
            touched: Vec::new(),
            held_back: Vec::new(),
            report,
            entrance,
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
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                taken = inputs.recv_many(&mut batch, BATCH) => if taken == 0 { break },
                () = self.until_next_wake() => {}
            }
            self.work(&mut batch);
        }
        while let Ok(input) = inputs.try_recv() {
            batch.push(input);
        }
        self.work(&mut batch);
        self.router.shut_down();
        self.dispatch();
        self.wake_lanes();
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
        self.dispatch();
        self.wake_lanes();
        if !self.router.is_congested(now) {
            self.held_back.drain(..).for_each(|lane| lane.grant_turn());
        }
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
            Input::Retained { filter, answer } => {
                let _ = answer.send(self.router.retained(&filter, now));
            }
            Input::Figures { answer } => {
                let _ = answer.send(self.figures(now));
            }
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
        for packet in packets {
            self.router.receive(link, packet, now);
            self.dispatch();
        }
        if let Some(lane) = self.lanes.get(&link.epoch) {
            self.held_back.push(Arc::clone(lane));
        }
    }

    fn dispatch(&mut self) {
        for effect in self.router.effects().drain(..) {
            match effect {
                Effect::Send { link, out } => {
                    let Some(lane) = self.lanes.get(&link.epoch) else {
                        continue;
                    };
                    if lane.push(out) {
                        self.touched.push(Arc::clone(lane));
                    }
                }
                Effect::Close { link, reason } => {
                    let Some(lane) = self.lanes.remove(&link.epoch) else {
                        continue;
                    };
                    lane.close(reason);
                    self.touched.push(lane);
                }
            }
        }
    }

    fn wake_lanes(&mut self) {
        self.touched.drain(..).for_each(|lane| lane.wake());
    }

    async fn until_next_wake(&self) {
        let moments = [self.router.next_wake(), self.report.next_wake()];
        let next = moments.into_iter().flatten().min();
        let next = next.map(|moment| self.clock.instant(moment));
        let breath = (!self.held_back.is_empty()).then(|| tokio::time::Instant::now() + BREATH);
        match (next, breath) {
            (None, None) => std::future::pending().await,
            (Some(one), Some(other)) => tokio::time::sleep_until(one.min(other)).await,
            (Some(one), None) | (None, Some(one)) => tokio::time::sleep_until(one).await,
        }
    }
}
