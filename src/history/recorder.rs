//! Takes every reading and every command from the broker and hands them to the
//! store in batches.
//!
//! Messages are taken whatever the disk does: a commit runs beside the taking,
//! and while it fails the backlog keeps the newest readings.

use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::time::Duration;

use futures_util::stream::{self, Stream, StreamExt};
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::backlog::{BATCH, Backlog, Batch, Description, MOST_WAITING};
use super::store::Store;
use super::{Settings, State};
use crate::broker::{Client, Handle, Message, Qos, Stopped};
use crate::clock::{Clock, Moment};
use crate::home::topic::{ALL_ABOUTS, ALL_COMMANDS, ALL_STATES};
use crate::home::{About, Reading, Thing, Value};
use crate::supervisor::Stop;

/// A text longer than this many bytes is cut: history keeps states, not documents.
const LONGEST_TEXT: usize = 256;
/// After a failed commit the next try waits this long, then twice as long, up to …
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
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

/// Every state of the house as it is reported, every command, and what boards say
/// they measure. Ends with the broker.
pub async fn subscribe(
    handle: Handle,
) -> Result<Pin<Box<dyn Stream<Item = Message> + Send>>, Stopped> {
    let client = connect(&handle).await?;
    let messages = stream::unfold((handle, client), async |(handle, mut client)| {
        loop {
            match client.next().await {
                Ok(message) => return Some((message, (handle, client))),
                // Only this session ended, unless the broker did.
                Err(Stopped) => client = connect(&handle).await.ok()?,
            }
        }
    });
    Ok(Box::pin(messages))
}

async fn connect(handle: &Handle) -> Result<Client, Stopped> {
    let mut client = handle.connect("history").await?;
    client.subscribe(ALL_ABOUTS, Qos::AtLeastOnce).await?;
    client.subscribe(ALL_STATES, Qos::AtLeastOnce).await?;
    client.subscribe(ALL_COMMANDS, Qos::AtLeastOnce).await?;
    Ok(client)
}

/// Records until `stop` or the end of the messages, then commits what is left.
pub async fn run(
    settings: Settings,
    clock: Clock,
    mut messages: impl Stream<Item = Message> + Unpin,
    state: watch::Sender<State>,
    stop: Stop,
) -> anyhow::Result<()> {
    let mut recorder = Recorder::new(settings, clock, state);
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

type Writing = Pin<Box<dyn Future<Output = Written> + Send>>;

/// How a write ended.
struct Written {
    batch: Batch,
    outcome: Result<Store, Failure>,
}

enum Failure {
    /// The file cannot be opened.
    Open(String),
    /// The file is open and takes nothing.
    Commit(String),
}

struct Recorder {
    file: PathBuf,
    clock: Clock,
    backlog: Backlog,
    state: watch::Sender<State>,
    /// The write under way; there is at most one.
    writing: Option<Writing>,
    /// Before the next try; longer than the first one while writes fail.
    pause: Duration,
    /// Readings lost before the outage that is going on now.
    outage: Option<u64>,
}

impl Recorder {
    fn new(settings: Settings, clock: Clock, state: watch::Sender<State>) -> Recorder {
        let mut recorder = Recorder {
            backlog: Backlog::new(settings.commit_every),
            file: settings.file,
            clock,
            state,
            writing: None,
            pause: FIRST_PAUSE,
            outage: None,
        };
        let state = recorder.state.borrow().clone();
        if let State::Off(reason) = state {
            recorder.outage_begins(&reason);
        }
        recorder
    }

    fn take(&mut self, message: &Message) {
        let now = self.clock.now().moment;
        if let Some(reading) = reading(message) {
            let lost = self.backlog.lost();
            self.backlog.push(reading, now);
            if self.backlog.lost() > lost {
                self.outage_begins("readings come faster than the disk takes them");
            }
        } else if !message.topic.starts_with("home/") {
            for (topic, description) in descriptions(message) {
                self.backlog.describe(topic, description, now);
            }
        }
    }

    /// Waits for the write under way, or until one is due and starts it.
    /// Cancel-safe: a write that was begun stays in `self`.
    async fn work(&mut self) {
        match (&mut self.writing, self.backlog.due()) {
            (Some(writing), _) => {
                let written = writing.await;
                self.writing = None;
                self.settle(written);
            }
            (None, Some(due)) => {
                tokio::time::sleep_until(self.clock.instant(due)).await;
                self.begin();
            }
            (None, None) => std::future::pending().await,
        }
    }

    fn begin(&mut self) {
        let batch = self.backlog.take(self.now());
        let store = match &*self.state.borrow() {
            State::Open(store) => Some(store.clone()),
            State::Off(_) => None,
        };
        self.writing = Some(Box::pin(write(store, self.file.clone(), batch)));
    }

    fn settle(&mut self, Written { batch, outcome }: Written) {
        match outcome {
            Ok(store) => {
                self.pause = FIRST_PAUSE;
                if matches!(&*self.state.borrow(), State::Off(_)) {
                    self.state.send_replace(State::Open(store));
                }
                self.outage_ends();
            }
            Err(failure) => {
                self.backlog.put_back(batch, self.now(), self.pause);
                self.pause = (self.pause * 2).min(LONGEST_PAUSE);
                let (Failure::Open(reason) | Failure::Commit(reason)) = &failure;
                self.outage_begins(reason);
                if let Failure::Open(reason) = failure {
                    self.state.send_replace(State::Off(reason));
                }
            }
        }
    }

    fn outage_begins(&mut self, reason: &str) {
        if self.outage.is_none() {
            self.outage = Some(self.backlog.lost());
            tracing::error!(
                file = %self.file.display(),
                "history is not recorded: {reason}. The house works on; the newest \
                 {MOST_WAITING} readings wait in memory"
            );
        }
    }

    /// An outage is over when what waited is written, so that a disk on the
    /// verge does not fill the log.
    fn outage_ends(&mut self) {
        if self.backlog.len() >= BATCH {
            return;
        }
        if let Some(lost_before) = self.outage.take() {
            let lost = self.backlog.lost() - lost_before;
            tracing::info!(file = %self.file.display(), lost, "history is recorded again");
        }
    }

    /// Takes what the broker still holds and commits what waits.
    async fn finish(&mut self, mut messages: impl Stream<Item = Message> + Unpin) {
        let end = Instant::now() + LAST_MESSAGES;
        while let Ok(Some(message)) =
            timeout_at(end.min(Instant::now() + QUIET), messages.next()).await
        {
            self.take(&message);
        }
        while self.writing.is_some() || !self.backlog.is_empty() {
            if self.writing.is_none() {
                self.begin();
            }
            self.work().await;
            if self.pause > FIRST_PAUSE {
                break;
            }
        }
        let lost = self.backlog.len();
        if lost > 0 {
            tracing::error!(
                lost,
                "the last readings could not be written to the history"
            );
        }
        let state = self.state.borrow().clone();
        if let State::Open(store) = state {
            store.close().await;
        }
    }

    fn now(&self) -> Moment {
        self.clock.now().moment
    }
}

async fn write(store: Option<Store>, file: PathBuf, batch: Batch) -> Written {
    let opened = match store {
        Some(store) => Ok(store),
        None => Store::open(&file).await,
    };
    let outcome = match opened {
        Err(error) => Err(Failure::Open(error.to_string())),
        Ok(store) => match store.commit(&batch).await {
            Ok(()) => Ok(store),
            Err(error) => Err(Failure::Commit(error.to_string())),
        },
    };
    Written { batch, outcome }
}

/// A message is a reading when it is live, on a thing's topic or that of its
/// commands, and text. What was retained before the subscription was recorded when
/// it was said; an empty payload takes a retained message away and says nothing.
fn reading(message: &Message) -> Option<Reading> {
    let payload = message.text().filter(|text| !text.trim().is_empty())?;
    if message.retain || !is_recorded(&message.topic) {
        return None;
    }
    let value = match Value::parse(payload) {
        Value::Text(text) => Value::Text(cut(text)),
        value => value,
    };
    Some(Reading {
        topic: message.topic.to_string(),
        value,
        at: message.received,
    })
}

fn is_recorded(topic: &str) -> bool {
    Thing::from_topic(topic).is_some() || Thing::from_set_topic(topic).is_some()
}

fn cut(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(LONGEST_TEXT));
    text
}

/// What a board's `about` says of its things; nothing if it cannot be read.
fn descriptions(message: &Message) -> Vec<(String, Description)> {
    let Ok(about) = serde_json::from_slice::<About>(&message.payload) else {
        return Vec::new();
    };
    let things = about.things.into_iter();
    let things = things.filter(|thing| Thing::from_topic(&thing.topic).is_some());
    things
        .map(|thing| {
            let description = Description {
                unit: thing.unit,
                device_class: thing.device_class,
            };
            (thing.topic, description)
        })
        .collect()
}

#[cfg(test)]
mod tests;
