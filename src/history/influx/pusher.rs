//! Sends parcels and judges what is answered, one after the other.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::TryStreamExt;
use hyper::http::{HeaderMap, HeaderValue, header};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep_until};

use super::backlog::Backlog;
use super::login::{self, Shown};
use super::parcel::{MOST_DIVISIONS, Parcel, Series, packed};
use super::turns::Turns;
use super::verdict::{SLOWLY, Verdict, judge};
use super::{Pushing, Settings};
use crate::broker::bridge::Tls;
use crate::broker::topic::matches;
use crate::clock::{Clock, boot};
use crate::history::store::queue::{self, Cursor};
use crate::history::store::{Store, series};
use crate::history::{Shared, block, formats, sealer};
use crate::post::{Failure, Post, Trust, post};

/// After a failure it is tried again after this long, then twice as long, up to …
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// How far it came is written down after so long or so many samples, as that costs a commit.
/// After a crash as much is pushed again, which changes nothing.
const SAVE_AFTER: Duration = Duration::from_mins(10);
const SAVE_AFTER_LINES: u64 = 100_000;
/// What waits for the clock may be ready although nothing new was committed.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// Where nothing was ever taken it is tried on fewer lines whether some are good.
const FEW_DIVISIONS: usize = 20;
/// Lines that are refused are told of this often at most.
const TELL_EVERY: Duration = Duration::from_secs(60);

/// Why nothing can be pushed now.
struct Trouble {
    why: String,
    /// The next try is not before this long.
    at_least: Duration,
}

impl From<sqlx::Error> for Trouble {
    fn from(error: sqlx::Error) -> Trouble {
        let why = format!("the history does not answer: {error}");
        Trouble::passing(why)
    }
}

impl Trouble {
    fn passing(why: String) -> Trouble {
        Trouble {
            why,
            at_least: Duration::ZERO,
        }
    }
}

/// Whoever pushes.
pub struct Pusher {
    store: Store,
    settings: Settings,
    /// As every line has them.
    tags: String,
    clock: Clock,
    figures: Shared,
    told: Pushing,
    trust: Trust,
    /// Read anew after it was of no use.
    login: Option<Shown>,
    cursor: Cursor,
    backlog: Backlog,
    counted_at: Instant,
    /// The cursor as it is in the file, and since when, and how many lines were pushed since.
    saved: Cursor,
    saved_at: Instant,
    unsaved: u64,
    /// Before the next try.
    pause: Duration,
    /// When refused lines were told of, and how many came since.
    refused_at: Option<Instant>,
    untold: u64,
}

impl Pusher {
    /// Goes on where it ended, or begins with what is in the log.
    pub async fn join(
        store: Store,
        settings: Settings,
        clock: Clock,
        figures: Shared,
    ) -> sqlx::Result<Pusher> {
        let most = i64::try_from(settings.queue).unwrap_or(i64::MAX);
        let there = queue::push(&mut *store.read().await?).await?;
        let push = match there.filter(|push| push.most == most) {
            Some(push) => push,
            None => {
                let mut whole = store.write().await?;
                queue::join(&mut whole, most).await?;
                let push = queue::push(&mut whole).await?;
                whole.commit().await?;
                push.ok_or(sqlx::Error::RowNotFound)?
            }
        };
        store.set_pushed(push.cursor.clone());
        let mut tags = String::new();
        for (key, value) in &settings.tags {
            formats::line::tag(key, value, &mut tags);
        }
        let told = Pushing {
            to: settings.to.to_string(),
            ..Pushing::default()
        };
        tracing::info!(to = told.to, topics = ?settings.topics, "history is pushed");
        let now = Instant::now();
        let mut pusher = Pusher {
            trust: Trust::new(Tls {
                ca: settings.ca.clone(),
                ..Tls::default()
            }),
            store,
            settings,
            tags,
            clock,
            figures,
            told,
            login: None,
            saved: push.cursor.clone(),
            cursor: push.cursor,
            backlog: Backlog::default(),
            counted_at: now,
            saved_at: now,
            unsaved: 0,
            pause: FIRST_PAUSE,
            refused_at: None,
            untold: 0,
        };
        pusher.count().await?;
        pusher.tell();
        Ok(pusher)
    }

    /// Pushes for ever. What was taken when this is dropped is known; what was under way is
    /// pushed again.
    pub async fn work(&mut self) {
        loop {
            match Box::pin(self.step()).await {
                Ok(true) => {}
                Ok(false) => self.idle().await,
                Err(trouble) => self.rest(trouble).await,
            }
        }
    }

    /// Pushes the next parcel; false if there is none.
    async fn step(&mut self) -> Result<bool, Trouble> {
        let Some(parcel) = self.load().await? else {
            return Ok(false);
        };
        self.deliver(&parcel).await?;
        self.cursor = Cursor {
            block: parcel.block,
            turns: parcel.turns.to_text(),
        };
        self.store.set_pushed(self.cursor.clone());
        if self.unsaved >= SAVE_AFTER_LINES || self.saved_at.elapsed() >= SAVE_AFTER {
            self.save().await?;
        }
        if self.counted_at.elapsed() >= LOOK_EVERY {
            self.count().await?;
        }
        self.tell();
        Ok(true)
    }

    /// The next blocks as lines.
    async fn load(&self) -> sqlx::Result<Option<Parcel>> {
        let mut whole = self.store.read().await?;
        let pushed = self.pushed(series::all(&mut whole).await?);
        let mut parcel = Parcel::after(Turns::from_text(&self.cursor.turns));
        let boot = boot();
        let mut blocks = std::pin::pin!(queue::after(&mut whole, self.cursor.block));
        while let Some((one, in_log)) = blocks.try_next().await? {
            match block::decode(&one.bytes) {
                // Its times are put right when it leaves the log, and nothing may pass it.
                Ok((header, _)) if in_log && sealer::may_be_put_right(&header, boot) => break,
                Ok(block) => parcel.add(one.id, block, &pushed, &self.tags),
                Err(error) => {
                    tracing::error!("block {} of the history {error}; it is not pushed", one.id);
                    parcel.skip(one.id);
                }
            }
            if parcel.is_full() {
                break;
            }
        }
        Ok((parcel.block > 0).then_some(parcel))
    }

    fn pushed(&self, rows: Vec<series::Row>) -> HashMap<u32, Series> {
        let filters = &self.settings.topics;
        let is_pushed = |row: &series::Row| filters.iter().any(|one| matches(one, &row.topic));
        let series = |row: series::Row| Series {
            topic: row.topic.into(),
            unit: row.description.unit.map(Into::into),
        };
        let rows = rows.into_iter().filter(is_pushed);
        rows.map(|row| (row.id, series(row))).collect()
    }

    /// Sends a parcel's lines until each of them was taken or refused.
    async fn deliver(&mut self, parcel: &Parcel) -> Result<(), Trouble> {
        let (mut taken, mut refused, mut refusal) = (0, parcel.uncarried, None);
        // Who refuses everything from the start is the wrong one, or has no such database.
        let mut is_wrong = self.told.last.is_none();
        let mut parts = parcel.parts(match is_wrong {
            true => FEW_DIVISIONS,
            false => MOST_DIVISIONS,
        });
        while let Some(part) = parts.next() {
            let lines = part.len() as u64;
            match self.send(parcel.text(&part), part.len()).await? {
                Verdict::Taken => {
                    is_wrong = false;
                    taken += lines;
                }
                Verdict::Partly(dropped, why) => {
                    is_wrong = false;
                    taken += lines.saturating_sub(dropped);
                    refused += dropped;
                    refusal = Some(why);
                }
                Verdict::Refused(_) if parts.divide(&part) => {}
                Verdict::Refused(why) => {
                    refused += lines;
                    refusal = Some(why);
                }
                Verdict::Later(why, at_least) => return Err(Trouble { why, at_least }),
                Verdict::Wrong(why, at_least) => {
                    self.login = None;
                    return Err(Trouble { why, at_least });
                }
            }
        }
        if let (true, Some(why)) = (is_wrong, &refusal) {
            return Err(Trouble {
                why: format!("{why}; as it has taken nothing yet: is `url` the right one?"),
                at_least: SLOWLY,
            });
        }
        if taken + refused > 0 {
            self.delivered(taken);
        }
        self.refused(refused, refusal);
        Ok(())
    }

    async fn send(&mut self, text: &str, lines: usize) -> Result<Verdict, Trouble> {
        let letter = self.letter(text).await.map_err(Trouble::passing)?;
        let (to, within) = (&self.settings.to, self.settings.timeout);
        let answer = Box::pin(post(to, &letter, within, &self.trust)).await;
        let answer = answer.map_err(|failure| match failure {
            Failure::Again(why, at_least) => Trouble { why, at_least },
            Failure::Final(why) => Trouble {
                why,
                at_least: LONGEST_PAUSE,
            },
        })?;
        let secret = self.login.as_ref().map_or("", |login| &login.secret);
        let secrets = [secret, to.target.query().unwrap_or_default()];
        Ok(judge(&answer, lines, &secrets))
    }

    async fn letter(&mut self, text: &str) -> Result<Post, String> {
        let mut headers = HeaderMap::new();
        let kind = HeaderValue::from_static("text/plain; charset=utf-8");
        headers.insert(header::CONTENT_TYPE, kind);
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        if let (Some(login), None) = (self.settings.login.clone(), &self.login) {
            let read = spawn_blocking(move || login::read(&login)).await;
            self.login = Some(read.map_err(|error| error.to_string())??);
        }
        if let Some(login) = &self.login {
            headers.insert(header::AUTHORIZATION, login.header.clone());
        }
        let body = packed(text).map_err(|error| error.to_string())?;
        Ok(Post { headers, body })
    }

    fn delivered(&mut self, lines: u64) {
        self.pause = FIRST_PAUSE;
        self.unsaved += lines;
        self.told.pushed += lines;
        self.told.last = Some(self.clock.now().utc);
        if let Some(why) = self.told.trouble.take() {
            tracing::info!(to = self.told.to, "history is pushed again; before: {why}");
        }
    }

    fn refused(&mut self, samples: u64, why: Option<String>) {
        if samples == 0 {
            return;
        }
        let why = why.unwrap_or_else(|| "the line protocol cannot tell their time".to_owned());
        self.told.refused += samples;
        self.untold += samples;
        if self.refused_at.is_none_or(|at| at.elapsed() >= TELL_EVERY) {
            let samples = std::mem::take(&mut self.untold);
            self.refused_at = Some(Instant::now());
            tracing::warn!(samples, "samples of the history were not taken: {why}");
        }
        self.told.refusal = Some(why);
    }

    /// Until something was committed, or it is time to save.
    async fn idle(&mut self) {
        if let Err(error) = self.count().await {
            return self.rest(error.into()).await;
        }
        // Nothing is in the way where nothing is to be pushed.
        self.told.trouble = None;
        self.tell();
        let is_unsaved = self.cursor != self.saved;
        let (save_at, look_at) = (self.saved_at + SAVE_AFTER, Instant::now() + LOOK_EVERY);
        let outcome = tokio::select! {
            () = self.store.appended().notified() => Ok(()),
            () = sleep_until(look_at), if self.told.waiting > 0 => Ok(()),
            () = sleep_until(save_at), if is_unsaved => self.save().await,
        };
        if let Err(error) = outcome {
            self.rest(error.into()).await;
        }
    }

    /// Waits for better times; what comes meanwhile is counted.
    async fn rest(&mut self, trouble: Trouble) {
        let pause = self.pause.max(trouble.at_least);
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        if self.told.trouble.as_ref() != Some(&trouble.why) {
            tracing::warn!(
                to = self.told.to,
                "history is not pushed: {}; it is kept and tried again",
                trouble.why
            );
        }
        self.told.trouble = Some(trouble.why);
        let end = Instant::now() + pause;
        loop {
            // What cannot be counted now is counted later.
            let _ = self.count().await;
            self.tell();
            tokio::select! {
                () = sleep_until(end) => return,
                () = self.store.appended().notified() => {}
            }
        }
    }

    /// Counts what waits.
    async fn count(&mut self) -> sqlx::Result<()> {
        let left = self.backlog.count(&self.store, self.cursor.block).await?;
        (self.told.waiting, self.told.given_up) = (left.waiting, left.given_up);
        self.counted_at = Instant::now();
        Ok(())
    }

    /// Writes down how far it came.
    pub async fn save(&mut self) -> sqlx::Result<()> {
        if self.cursor != self.saved {
            let mut whole = self.store.write().await?;
            queue::pushed(&mut whole, &self.cursor).await?;
            whole.commit().await?;
            self.saved = self.cursor.clone();
        }
        (self.saved_at, self.unsaved) = (Instant::now(), 0);
        Ok(())
    }

    fn tell(&self) {
        let told = self.told.clone();
        self.figures.tell(|figures| figures.pushing = Some(told));
    }
}
