//! Keeps what the rules must not forget, and holds back what they do until it is kept.
//!
//! One write at a time: what changes meanwhile gathers and goes with the next one, each
//! rule once, so that a sensor that flaps cannot queue up. Switching works without the
//! database: when the disk does not answer in time, what was held goes out all the same,
//! and the memory is written when the disk is back.

use std::collections::{HashMap, VecDeque};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::store::{Change, Store};
use crate::clock::{Now, UtcMillis};

/// Actions wait no longer than this for the disk.
const PATIENCE: Duration = Duration::from_secs(2);
/// A change that nothing waits for may gather others for this long.
const GATHER: Duration = Duration::from_secs(1);
/// After a failed write the next try waits this long, then twice as long, up to …
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// So many actions are held; beyond, the oldest go out before their rule's memory is safe.
const MOST_HELD: usize = 10_000;

type Saving = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;
/// How a batch is written; what was begun is never dropped while the house runs.
type Save = Box<dyn Fn(Arc<[Change]>, UtcMillis) -> Saving + Send + Sync>;

/// Memories on their way to the disk, and the actions `T` that wait for them.
pub struct Keeper<T> {
    /// Nowhere to write to: nothing is kept, nothing waits.
    save: Option<Save>,
    /// At most one for each rule.
    unsaved: HashMap<Arc<str>, Unsaved>,
    /// As of when `unsaved` is.
    as_of: UtcMillis,
    /// The write under way; there is at most one.
    writing: Option<Writing>,
    /// How many writes were begun. What is unsaved goes with the next one.
    begun: u64,
    held: VecDeque<Held<T>>,
    /// All that is in `held`.
    actions_held: usize,
    /// While the disk does not work, nothing is held.
    trouble: bool,
    /// No write is begun before; only after one that failed.
    not_before: Option<Instant>,
    pause: Duration,
    /// Nothing gathers any more.
    stopping: bool,
}

struct Unsaved {
    memory: Option<String>,
    /// Actions wait for it.
    sure: bool,
    since: Instant,
}

struct Writing {
    number: u64,
    batch: Arc<[Change]>,
    /// The rules of the batch whose actions wait.
    sure: Vec<Arc<str>>,
    since: Instant,
    as_of: UtcMillis,
    outcome: Saving,
}

struct Held<T> {
    rule: Arc<str>,
    actions: VecDeque<T>,
    /// The write that must succeed before.
    until: u64,
    since: Instant,
}

/// What there is to wait for.
enum Next {
    Written(Result<(), String>),
    Due,
    Impatient,
}

impl<T> std::fmt::Debug for Keeper<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keeper")
            .field("unsaved", &self.unsaved.len())
            .field("held", &self.actions_held)
            .field("trouble", &self.trouble)
            .finish_non_exhaustive()
    }
}

impl<T> Keeper<T> {
    /// Keeps memories in the store; without one, nothing is kept and nothing waits.
    pub fn new(store: Option<Store>) -> Keeper<T> {
        Keeper::saving(store.map(|store| -> Save {
            Box::new(move |batch, as_of| {
                let store = store.clone();
                Box::pin(async move {
                    let saved = store.save(&batch, as_of).await;
                    saved.map_err(|error| error.to_string())
                })
            })
        }))
    }

    fn saving(save: Option<Save>) -> Keeper<T> {
        Keeper {
            save,
            unsaved: HashMap::new(),
            as_of: UtcMillis::default(),
            writing: None,
            begun: 0,
            held: VecDeque::new(),
            actions_held: 0,
            trouble: false,
            not_before: None,
            pause: FIRST_PAUSE,
            stopping: false,
        }
    }

    /// Takes what a rule remembers from now on; `None` is nothing. It takes the place of
    /// what is not written yet. Actions wait for it if it is `sure`; else it may gather
    /// others for a second.
    pub fn keep(&mut self, rule: Arc<str>, memory: Option<String>, sure: bool, now: Now) {
        if self.save.is_none() {
            return;
        }
        self.as_of = now.utc;
        let since = Instant::now();
        match self.unsaved.get_mut(&rule) {
            Some(older) => {
                older.memory = memory;
                older.sure |= sure;
            }
            None => {
                let unsaved = Unsaved {
                    memory,
                    sure,
                    since,
                };
                self.unsaved.insert(rule, unsaved);
            }
        }
    }

    /// Holds a rule's actions until its memory is safe. Gives back what may go out now:
    /// the actions themselves if nothing keeps them, or others, the oldest, that have
    /// to make room.
    pub fn hold(&mut self, rule: &Arc<str>, actions: Vec<T>) -> Option<Vec<T>> {
        if actions.is_empty() {
            return None;
        }
        let Some(until) = self.obstacle(rule) else {
            return Some(actions);
        };
        self.actions_held += actions.len();
        self.held.push_back(Held {
            rule: Arc::clone(rule),
            actions: actions.into(),
            until,
            since: Instant::now(),
        });
        let out = self.make_room();
        (!out.is_empty()).then_some(out)
    }

    /// The write for which a rule's actions must wait.
    fn obstacle(&self, rule: &Arc<str>) -> Option<u64> {
        if self.trouble {
            return None;
        }
        if self.unsaved.get(rule).is_some_and(|unsaved| unsaved.sure) {
            return Some(self.begun + 1);
        }
        let writing = self.writing.as_ref();
        if let Some(writing) = writing.filter(|writing| writing.sure.contains(rule)) {
            return Some(writing.number);
        }
        // A rule's actions keep their order.
        let before = self.held.iter().rfind(|held| held.rule == *rule);
        before.map(|held| held.until)
    }

    fn make_room(&mut self) -> Vec<T> {
        let mut out = Vec::new();
        while self.actions_held > MOST_HELD
            && let Some(oldest) = self.held.front_mut()
        {
            match oldest.actions.pop_front() {
                Some(action) => {
                    self.actions_held -= 1;
                    out.push(action);
                }
                None => drop(self.held.pop_front()),
            }
        }
        out
    }

    /// Writes what is due, and returns actions that may go out, a rule's in their order.
    /// Cancel-safe: a write that was begun stays in `self`, and so do actions.
    pub async fn work(&mut self) -> Vec<T> {
        loop {
            let out = match self.next().await {
                Next::Due => {
                    self.begin();
                    continue;
                }
                Next::Written(outcome) => self.settle(outcome),
                Next::Impatient => {
                    self.trouble_begins("the disk does not answer");
                    self.release(u64::MAX)
                }
            };
            if !out.is_empty() {
                return out;
            }
        }
    }

    async fn next(&mut self) -> Next {
        let (due, patience) = (self.due(), self.patience());
        let written = async {
            match &mut self.writing {
                Some(writing) => (&mut writing.outcome).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            outcome = written => Next::Written(outcome),
            () = sleep_until(due) => Next::Due,
            () = sleep_until(patience) => Next::Impatient,
        }
    }

    /// When the next write is to begin.
    fn due(&self) -> Option<Instant> {
        if self.writing.is_some() {
            return None;
        }
        let due = |unsaved: &Unsaved| match unsaved.sure || self.stopping {
            true => unsaved.since,
            false => unsaved.since + GATHER,
        };
        let due = self.unsaved.values().map(due).min()?;
        Some(self.not_before.map_or(due, |pause| pause.max(due)))
    }

    /// When to wait no longer.
    fn patience(&self) -> Option<Instant> {
        if self.trouble {
            return None;
        }
        let writing = self.writing.as_ref().map(|writing| writing.since);
        let held = self.held.front().map(|held| held.since);
        let since = writing.into_iter().chain(held).min()?;
        Some(since + PATIENCE)
    }

    fn begin(&mut self) {
        let Some(save) = &self.save else { return };
        let mut sure = Vec::new();
        let mut batch = Vec::with_capacity(self.unsaved.len());
        for (rule, unsaved) in self.unsaved.drain() {
            if unsaved.sure {
                sure.push(Arc::clone(&rule));
            }
            batch.push((rule, unsaved.memory));
        }
        let batch: Arc<[Change]> = batch.into();
        self.begun += 1;
        self.writing = Some(Writing {
            number: self.begun,
            outcome: save(Arc::clone(&batch), self.as_of),
            batch,
            sure,
            since: Instant::now(),
            as_of: self.as_of,
        });
    }

    fn settle(&mut self, outcome: Result<(), String>) -> Vec<T> {
        let Some(writing) = self.writing.take() else {
            return Vec::new();
        };
        match outcome {
            Ok(()) => {
                self.pause = FIRST_PAUSE;
                self.not_before = None;
                self.trouble_ends();
                self.release(writing.number)
            }
            Err(error) => {
                self.not_before = Some(Instant::now() + self.pause);
                self.pause = (self.pause * 2).min(LONGEST_PAUSE);
                self.put_back(&writing);
                self.trouble_begins(&error);
                self.release(u64::MAX)
            }
        }
    }

    /// What has changed since is newer.
    fn put_back(&mut self, writing: &Writing) {
        self.as_of = self.as_of.max(writing.as_of);
        for (rule, memory) in &*writing.batch {
            let unsaved = || Unsaved {
                memory: memory.clone(),
                // What waited has gone out.
                sure: false,
                since: writing.since,
            };
            self.unsaved.entry(Arc::clone(rule)).or_insert_with(unsaved);
        }
    }

    /// What waits for this write or an earlier one.
    fn release(&mut self, written: u64) -> Vec<T> {
        let mut out = Vec::new();
        self.held.retain_mut(|held| {
            let waits = held.until > written;
            if !waits {
                out.extend(held.actions.drain(..));
            }
            waits
        });
        self.actions_held -= out.len();
        out
    }

    fn trouble_begins(&mut self, reason: &str) {
        if !self.trouble {
            self.trouble = true;
            tracing::warn!(
                "state.db does not take what the rules remember: {reason}. The rules work on; \
                 holds and waits of theirs would not survive a restart now"
            );
        }
    }

    fn trouble_ends(&mut self) {
        if std::mem::take(&mut self.trouble) {
            tracing::info!("state.db takes what the rules remember again");
        }
    }

    /// Writes what is left, for at most so long; returns all actions that were held.
    pub async fn finish(&mut self, within: Duration) -> Vec<T> {
        self.stopping = true;
        let end = Instant::now() + within;
        let mut out = Vec::new();
        while self.writing.is_some() || !self.unsaved.is_empty() {
            match timeout_at(end, self.next()).await {
                Ok(Next::Due) => self.begin(),
                Ok(Next::Written(outcome)) => out.extend(self.settle(outcome)),
                Ok(Next::Impatient) => {
                    self.trouble_begins("the disk does not answer");
                    out.extend(self.release(u64::MAX));
                }
                Err(_) => break,
            }
        }
        let writing = self.writing.iter().flat_map(|writing| &*writing.batch);
        let lost = writing.count() + self.unsaved.len();
        if lost > 0 {
            tracing::error!(
                rules = lost,
                "stopped before state.db had what rules remember"
            );
        }
        out.extend(self.release(u64::MAX));
        out
    }
}

async fn sleep_until(instant: Option<Instant>) {
    match instant {
        Some(instant) => tokio::time::sleep_until(instant).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
