//! Takes every reading and every command from the broker and hands them to the log in
//! batches; when there is time, has the log sealed and the file cared for.
//!
//! Messages are taken whatever the disk does: a job runs beside the taking, one at a time,
//! and while commits fail the newest samples wait in memory.

mod intake;
mod job;
mod messages;
mod outcome;

use std::collections::VecDeque;
use std::path::Path;
use std::time::Duration;

use futures_util::stream::{Stream, StreamExt};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout_at};

use super::policy::Class;
use super::sealer::{InLog, Pass, Present};
use super::store::Store;
use super::waiting::{Read, Waiting};
use super::{Budget, Settings, Shared, State, meter};
use crate::broker::Message;
use crate::clock::{Boot, Clock, ClockQuality, Moment, boot};
use crate::supervisor::Stop;
use intake::{Intake, descriptions};
pub use job::Forget;
use job::Job;
pub use messages::subscribe;

/// After a failed commit the next try waits this long, then twice as long, up to …
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// What can wait is tried again after this long.
const CHORE_PAUSE: Duration = Duration::from_secs(60);
/// Between two steps of long work the file is free for so long: other programs may want it.
const BREATH: Duration = Duration::from_millis(20);
/// How often it is looked what is kept no longer.
const RETAIN_EVERY: Duration = Duration::from_hours(6);
/// … and for the first time after the start.
const RETAIN_FIRST: Duration = Duration::from_mins(10);
/// On stop, the broker is empty when it brought nothing for this long …
const QUIET: Duration = Duration::from_millis(50);
/// … and messages that never end are taken no longer than this.
const LAST_MESSAGES: Duration = Duration::from_millis(300);

/// Opens the file, or says why it cannot be opened.
pub async fn open(file: &Path) -> State {
    match Store::open(file).await {
        Ok(store) => State::Open(store),
        Err(error) => State::Off(error.to_string()),
    }
}

/// What others see of the recorder, and ask of it.
pub struct Ways {
    pub state: watch::Sender<State>,
    pub orders: mpsc::Receiver<Forget>,
    pub figures: Shared,
}

/// Records until `stop` or the end of the messages, then commits what is left.
pub async fn run(
    settings: Settings,
    clock: Clock,
    mut messages: impl Stream<Item = Message> + Unpin,
    ways: Ways,
    stop: Stop,
) -> anyhow::Result<()> {
    let mut recorder = Recorder::new(settings, clock, ways);
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            message = messages.next() => match message {
                Some(message) => recorder.take(&message),
                None => break,
            },
            () = recorder.work() => {}
        }
    }
    recorder.finish(messages).await;
    Ok(())
}

struct Recorder {
    settings: Settings,
    clock: Clock,
    boot: Boot,
    intake: Intake,
    waiting: Waiting,
    ways: Ways,
    to_forget: VecDeque<Forget>,
    budget: Budget,
    /// Samples committed since the start.
    samples: u64,
    /// The job under way; there is at most one.
    job: Option<Job>,
    /// What the log holds; none before it was looked at.
    in_log: Option<InLog>,
    /// The sealer's pass, between two steps.
    pass: Option<Pass>,
    is_carried: bool,
    /// What can wait is not begun before.
    chores_from: Moment,
    retain_at: Moment,
    /// Before the next try; longer than the first one while writes fail.
    pause: Duration,
    /// Samples lost before the outage that is going on now, and why it is.
    outage: Option<(u64, String)>,
}

impl Recorder {
    fn new(settings: Settings, clock: Clock, ways: Ways) -> Recorder {
        let now = clock.now().moment;
        let mut recorder = Recorder {
            boot: boot(),
            intake: Intake::new(settings.policy.clone()),
            waiting: Waiting::new([Duration::ZERO; 3]),
            budget: Budget::new(settings.write_budget),
            settings,
            clock,
            ways,
            to_forget: VecDeque::new(),
            samples: 0,
            job: None,
            in_log: None,
            pass: None,
            is_carried: false,
            chores_from: now,
            retain_at: now + RETAIN_FIRST,
            pause: FIRST_PAUSE,
            outage: None,
        };
        recorder.tell();
        if let State::Off(reason) = recorder.state() {
            recorder.outage_begins(&reason);
        }
        recorder
    }

    fn take(&mut self, message: &Message) {
        let now = self.clock.since_boot();
        let arrived = self.now();
        let read = Read::new(arrived, now, self.clock.quality());
        if let Some(item) = self.intake.take(message, read, now.utc) {
            let lost = self.waiting.lost();
            self.waiting.push(item);
            if self.waiting.lost() > lost {
                self.outage_begins("readings come faster than the disk takes them");
            }
        } else if !message.topic.starts_with("home/") {
            for (topic, description) in descriptions(message) {
                self.waiting.describe(topic, description, arrived);
            }
        }
    }

    /// Waits for the job under way, or until there is one and begins it.
    /// Cancel-safe: a job that was begun stays in `self`.
    async fn work(&mut self) {
        if let Some(job) = &mut self.job {
            let done = job.await;
            self.job = None;
            self.settle(done);
            self.tell();
            return;
        }
        while let Ok(forget) = self.ways.orders.try_recv() {
            self.to_forget.push_back(forget);
        }
        self.job = self.next_job();
        if self.job.is_none() {
            self.wait().await;
        }
    }

    /// Until there may be something to do.
    async fn wait(&mut self) {
        let wakes = [
            self.waiting.due(),
            Some(self.retain_at),
            Some(self.chores_from),
        ];
        let now = self.now();
        let ahead = wakes.into_iter().flatten().filter(|at| *at > now);
        let sleep = async {
            match ahead.min() {
                Some(at) => tokio::time::sleep_until(self.clock.instant(at)).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = sleep => {}
            _ = self.clock.quality_other_than(self.clock.quality()) => {}
            Some(forget) = self.ways.orders.recv() => self.to_forget.push_back(forget),
        }
    }

    fn next_job(&mut self) -> Option<Job> {
        let (now, present) = (self.now(), self.present());
        let store = match self.state() {
            State::Open(store) => Some(store),
            State::Off(_) => None,
        };
        // Before anything else, as a power cut does not wait.
        if self.waiting.due().is_some_and(|due| due <= now) {
            return Some(self.commit(store, present));
        }
        let store = store?;
        if self.in_log.is_none() {
            return Some(job::begin_look(store, present));
        }
        if let Some(forget) = self.to_forget.pop_front() {
            self.waiting.forget(&forget.topic);
            return Some(job::begin_forget(store, forget, present));
        }
        if self.chores_from > now || self.outage.is_some() || self.settings.server.is_some() {
            return None;
        }
        self.chore(store, present, now)
    }

    fn chore(&mut self, store: Store, present: Present, now: Moment) -> Option<Job> {
        let policy = || self.settings.policy.clone();
        if let Some(pass) = self.pass.take() {
            return Some(job::begin_step(store, pass, policy(), present));
        }
        if self.in_log.is_some_and(|in_log| in_log.is_due(&present)) {
            return Some(job::begin_pass(store, present));
        }
        if !self.is_carried {
            return Some(job::begin_carry(store));
        }
        // Who does not know the time does not know what is old.
        if self.retain_at <= now && present.clock > ClockQuality::Unknown {
            return Some(job::begin_retain(store, policy(), present));
        }
        None
    }

    fn commit(&mut self, store: Option<Store>, present: Present) -> Job {
        let batch = self.waiting.take();
        job::begin_commit(store, self.settings.file.clone(), batch, present)
    }

    /// Tells how it goes, and lets the budget say how long lazy series wait.
    fn tell(&mut self) {
        if let Some(written) = meter::written() {
            self.budget.note(written, self.samples, self.now());
        }
        let stretch = self.budget.stretch();
        let window = |class| self.settings.policy.window(class, stretch);
        self.waiting.set_windows(Class::ALL.map(window));
        self.ways.figures.tell(|figures| {
            figures.samples = self.samples;
            figures.write = self.budget.figures();
            figures.waiting = self.waiting.len();
            figures.lost = self.waiting.lost();
            figures.doubled = self.intake.doubled();
            figures.stretch = stretch;
            figures.paused = self.outage.as_ref().map(|(_, reason)| reason.clone());
        });
    }

    /// Takes what the broker still holds and commits what waits.
    async fn finish(&mut self, mut messages: impl Stream<Item = Message> + Unpin) {
        let end = Instant::now() + LAST_MESSAGES;
        while let Ok(Some(message)) =
            timeout_at(end.min(Instant::now() + QUIET), messages.next()).await
        {
            self.take(&message);
        }
        while self.job.is_some() || !self.waiting.is_empty() {
            let job = match self.job.take() {
                Some(job) => job,
                None => {
                    let store = match self.state() {
                        State::Open(store) => Some(store),
                        State::Off(_) => None,
                    };
                    self.commit(store, self.present())
                }
            };
            self.settle(job.await);
            if self.pause > FIRST_PAUSE {
                break;
            }
        }
        let lost = self.waiting.len();
        if lost > 0 {
            tracing::error!(
                lost,
                "the last readings could not be written to the history"
            );
        }
        if let State::Open(store) = self.state() {
            store.close().await;
        }
    }

    fn state(&self) -> State {
        self.ways.state.borrow().clone()
    }

    fn now(&self) -> Moment {
        self.clock.now().moment
    }

    fn present(&self) -> Present {
        Present {
            boot: self.boot,
            now: self.clock.since_boot(),
            clock: self.clock.quality(),
        }
    }
}

#[cfg(test)]
mod tests;
