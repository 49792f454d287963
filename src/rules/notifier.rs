//! Tells people, over HTTP: ntfy servers and webhooks.
//!
//! Each address has a lane of its own, so that one which does not answer keeps no other
//! waiting and its notifications stay in order. Nothing here is waited for by rules: a
//! house without internet works on, and is told what became of its words.

mod verdict;

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::http::{HeaderMap, HeaderName, HeaderValue, header};
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::task::{Id, JoinSet};
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::sync::CancellationToken;

use self::verdict::judge;
use crate::clock::UtcMillis;
use crate::post::{Address, Failure, Post, Trust, post};

/// Notifications that wait or are under way; with more, the newest is refused.
const MOST_WAITING: usize = 64;
/// Tries at once, each of which is an open connection.
const AT_ONCE: usize = 16;
/// Before the second try; before each further one twice as long, up to …
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// A word to people, all expressions in it worked out.
#[derive(Clone)]
pub struct Notice {
    pub rule: Arc<str>,
    pub form: Form,
    /// The whole address, secrets and all.
    pub url: String,
    pub title: Option<String>,
    pub message: String,
    /// When the rule said so.
    pub at: UtcMillis,
    /// How long one try may take.
    pub timeout: Duration,
    /// How many more tries there are after the first.
    pub retries: u32,
}

/// Without the address.
impl fmt::Debug for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notice")
            .field("rule", &self.rule)
            .field("form", &self.form)
            .finish_non_exhaustive()
    }
}

/// How it is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The message is the body, the title a header.
    Ntfy,
    /// `{"title", "message", "rule", "at"}`, the time in UTC milliseconds.
    Webhook,
}

/// What became of a notification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    pub rule: Arc<str>,
    /// How many tries it took, or a sentence that says why it was in vain.
    pub outcome: Result<u32, String>,
}

/// Sends notifications. Dropping it drops those that wait.
pub struct Notifier {
    way: Arc<Way>,
    /// By address; where there is a lane, one of its notifications is under way.
    lanes: HashMap<Arc<str>, VecDeque<Notice>>,
    /// Ends with what became of a notification.
    tasks: JoinSet<Told>,
    /// Whose tasks these are: lane and rule.
    busy: HashMap<Id, (Arc<str>, Arc<str>)>,
    waiting: usize,
}

/// What all tries share.
struct Way {
    trust: Trust,
    turns: Semaphore,
    first_pause: Duration,
    /// Ends the pauses: no further tries.
    stopping: CancellationToken,
}

impl fmt::Debug for Notifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notifier")
            .field("waiting", &self.waiting)
            .finish_non_exhaustive()
    }
}

impl Default for Notifier {
    fn default() -> Notifier {
        Notifier::new()
    }
}

impl Notifier {
    /// Trusts the CAs that this computer trusts.
    pub fn new() -> Notifier {
        Notifier::trusting(Trust::default(), FIRST_PAUSE)
    }

    fn trusting(trust: Trust, first_pause: Duration) -> Notifier {
        Notifier {
            way: Arc::new(Way {
                trust,
                turns: Semaphore::new(AT_ONCE),
                first_pause,
                stopping: CancellationToken::new(),
            }),
            lanes: HashMap::new(),
            tasks: JoinSet::new(),
            busy: HashMap::new(),
            waiting: 0,
        }
    }

    /// Takes a notification; [`Notifier::told`] says what becomes of it.
    ///
    /// # Errors
    /// If too many wait already or the address is none; then this is all that is told.
    pub fn send(&mut self, notice: Notice) -> Result<(), Told> {
        let refuse = |why: String| Told {
            rule: Arc::clone(&notice.rule),
            outcome: Err(why),
        };
        if self.waiting >= MOST_WAITING {
            let why = format!("it was not sent, for {MOST_WAITING} others wait already");
            return Err(refuse(why));
        }
        Address::parse(&notice.url).map_err(refuse)?;
        self.waiting += 1;
        match self.lanes.get_mut(notice.url.as_str()) {
            Some(lane) => lane.push_back(notice),
            None => {
                let lane: Arc<str> = notice.url.as_str().into();
                self.lanes.insert(Arc::clone(&lane), VecDeque::new());
                self.begin(lane, notice);
            }
        }
        Ok(())
    }

    fn begin(&mut self, lane: Arc<str>, notice: Notice) {
        let rule = Arc::clone(&notice.rule);
        let task = self.tasks.spawn(deliver(Arc::clone(&self.way), notice));
        self.busy.insert(task.id(), (lane, rule));
    }

    /// What became of the next notification that is done. Cancel-safe; waits for ever
    /// while there is none.
    pub async fn told(&mut self) -> Told {
        loop {
            let (id, told) = match self.tasks.join_next_with_id().await {
                None => std::future::pending().await,
                Some(Ok((id, told))) => (id, Ok(told)),
                Some(Err(error)) => (error.id(), Err(format!("stopped by a defect: {error}"))),
            };
            if let Some((lane, rule)) = self.busy.remove(&id) {
                self.waiting -= 1;
                self.go_on(lane);
                return told.unwrap_or_else(|why| Told {
                    rule,
                    outcome: Err(why),
                });
            }
        }
    }

    fn go_on(&mut self, lane: Arc<str>) {
        match self.lanes.get_mut(&lane).and_then(VecDeque::pop_front) {
            Some(notice) => self.begin(lane, notice),
            None => drop(self.lanes.remove(&lane)),
        }
    }

    /// Sends what waits, once and for at most so long. The log tells what was lost.
    pub async fn finish(&mut self, within: Duration) {
        self.way.stopping.cancel();
        let end = Instant::now() + within;
        let mut lost = 0;
        while self.waiting > 0 {
            match timeout_at(end, self.told()).await {
                Ok(told) => lost += usize::from(told.outcome.is_err()),
                Err(_) => break,
            }
        }
        lost += self.waiting;
        if lost > 0 {
            tracing::warn!(lost, "stopped before all notifications were sent");
        }
    }
}

async fn deliver(way: Arc<Way>, notice: Notice) -> Told {
    let outcome = try_all(&way, &notice).await;
    Told {
        rule: notice.rule,
        outcome,
    }
}

async fn try_all(way: &Way, notice: &Notice) -> Result<u32, String> {
    let to = Address::parse(&notice.url)?;
    let words = words(notice);
    let mut pause = way.first_pause;
    let mut tries = 0;
    loop {
        tries += 1;
        let outcome = {
            let _turn = way.turns.acquire().await;
            let answer = Box::pin(post(&to, &words, notice.timeout, &way.trust)).await;
            answer.and_then(|answer| judge(&answer))
        };
        let (why, at_least) = match outcome {
            Ok(()) => return Ok(tries),
            Err(Failure::Final(why)) => return Err(why),
            Err(Failure::Again(why, at_least)) => (why, at_least),
        };
        let wait = pause.max(at_least).min(LONGEST_PAUSE);
        pause = (pause * 2).min(LONGEST_PAUSE);
        if tries > notice.retries || !way.rest(wait).await {
            let times = if tries == 1 { "try" } else { "tries" };
            return Err(format!("{why} ({tries} {times})"));
        }
    }
}

impl Way {
    /// False if there is no time for it.
    async fn rest(&self, pause: Duration) -> bool {
        tokio::select! {
            () = sleep(pause) => true,
            () = self.stopping.cancelled() => false,
        }
    }
}

fn words(notice: &Notice) -> Post {
    let mut headers = HeaderMap::new();
    let (kind, body) = match notice.form {
        Form::Ntfy => {
            if let Some(title) = notice.title.as_deref().and_then(in_a_header) {
                headers.insert(HeaderName::from_static("title"), title);
            }
            (
                "text/plain; charset=utf-8",
                Bytes::from(notice.message.clone()),
            )
        }
        Form::Webhook => {
            let json = json!({
                "title": notice.title,
                "message": notice.message,
                "rule": &*notice.rule,
                "at": notice.at,
            });
            ("application/json", Bytes::from(json.to_string()))
        }
    };
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    Post { headers, body }
}

/// On one line, in UTF-8 as ntfy reads it.
fn in_a_header(title: &str) -> Option<HeaderValue> {
    let line: String = title
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let line = line.trim();
    (!line.is_empty()).then(|| HeaderValue::from_bytes(line.as_bytes()).ok())?
}

#[cfg(test)]
mod tests;
