//! Connects the engine to the broker: messages in, actions and traces out.

mod beginning;
mod teller;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use self::teller::Teller;
use super::compile;
use super::engine::{Action, Engine, Event, Notice, Outcome, Rule};
use super::handover::NewRules;
use super::keeper::Keeper;
use super::notifier::{self, Form, Notifier, Told};
use super::rule::{Channel, RuleSettings};
use super::store::Store;
use super::trace::Verdict;
use super::window::Numbers;
use crate::broker::{Client, Handle, Message, Publication, Stopped};
use crate::clock::{Clock, ClockQuality, Now, UtcMillis};
use crate::database::Database;
use crate::supervisor::{Stop, Supervisor};

const CLIENT_ID: &str = "rules";
const READY_WITHIN: Duration = Duration::from_secs(10);
/// On a stop, memories are written and notifications sent for at most so long.
const FINISH_WITHIN: Duration = Duration::from_secs(1);

/// Numbers of a topic since a time, in the order of time.
pub type Past =
    Arc<dyn Fn(Arc<str>, UtcMillis) -> BoxFuture<'static, Vec<(UtcMillis, Numbers)>> + Send + Sync>;

/// What the rules need of the house.
#[derive(Clone)]
pub struct Means {
    pub clock: Clock,
    pub handle: Handle,
    /// Where they remember; without it they forget with the gateway's end.
    pub state: Option<Database>,
    /// What was said before the start.
    pub past: Option<Past>,
    pub new_rules: NewRules,
}

impl fmt::Debug for Means {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Means").finish_non_exhaustive()
    }
}

/// Starts the rules; returns when each has published its first trace.
///
/// A rule that does not pass its checks is left out and named in the log; the
/// config has refused it before, so this is a second line of defence.
///
/// # Errors
///
/// If the rules cannot reach the broker.
pub async fn start(
    rules: Vec<RuleSettings>,
    means: Means,
    supervisor: &Supervisor,
) -> anyhow::Result<()> {
    let rules: Arc<[RuleSettings]> = rules.into();
    let (ready, mut is_ready) = watch::channel(false);
    supervisor.bridge(CLIENT_ID, move |stop| {
        run(Arc::clone(&rules), means.clone(), ready.clone(), stop)
    });
    let waited = timeout(READY_WITHIN, is_ready.wait_for(|ready| *ready)).await;
    anyhow::ensure!(
        matches!(waited, Ok(Ok(_))),
        "the rules could not reach the broker within {READY_WITHIN:?}"
    );
    Ok(())
}

/// Expressions take a while to read, and a stack of their own.
async fn compiled(rules: Arc<[RuleSettings]>) -> anyhow::Result<Vec<Arc<Rule>>> {
    let compiling = move || {
        let mut sound = Vec::new();
        for (index, settings) in rules.iter().enumerate() {
            match compile::compile(index, settings) {
                Ok(rule) => sound.push(Arc::new(rule)),
                Err(problems) => {
                    for problem in problems {
                        tracing::error!(rule = settings.name, "left out: {}", problem.message);
                    }
                }
            }
        }
        sound
    };
    Ok(tokio::task::spawn_blocking(compiling).await?)
}

async fn run(
    rules: Arc<[RuleSettings]>,
    means: Means,
    ready: watch::Sender<bool>,
    stop: Stop,
) -> anyhow::Result<()> {
    // After a failure, those that were handed over meanwhile.
    let rules = means.new_rules.newest().unwrap_or(rules);
    let rules = compiled(rules).await?;
    let store = means.state.clone().map(Store::new);
    let client = means.handle.connect(CLIENT_ID).await?;
    let mut runner = Runner {
        teller: Teller::new(client.publisher()),
        client,
        engine: Engine::new(rules),
        keeper: Keeper::new(store.clone()),
        notifier: Notifier::new(),
        quality: means.clock.quality(),
        clock: means.clock,
        handle: means.handle,
        new_rules: means.new_rules,
    };
    runner.recall(means.past.as_ref()).await;
    runner.begin(store).await?;
    ready.send_replace(true);
    tokio::select! {
        () = stop.cancelled() => {}
        // Ends only with the broker.
        stopped = runner.serve() => return stopped.map_err(anyhow::Error::from),
    }
    let rest = runner.keeper.finish(FINISH_WITHIN).await;
    runner.say(rest).await?;
    runner.notifier.finish(FINISH_WITHIN).await;
    Ok(())
}

struct Runner {
    client: Client,
    handle: Handle,
    engine: Engine,
    keeper: Keeper<Action>,
    notifier: Notifier,
    teller: Teller,
    new_rules: NewRules,
    clock: Clock,
    quality: ClockQuality,
}

/// What the runner wakes up for.
enum Happened {
    Message(Message),
    Due,
    Kept(Vec<Action>),
    Told(Told),
    Rules(Arc<[RuleSettings]>),
    Quality(ClockQuality),
}

impl Runner {
    async fn serve(&mut self) -> Result<(), Stopped> {
        loop {
            let wake = [self.engine.next_wake(), self.teller.next_wake()];
            let wake = wake.into_iter().flatten().min();
            let wake = wake.map(|moment| self.clock.instant(moment));
            let happened = tokio::select! {
                message = self.client.next() => Happened::Message(message?),
                () = sleep_until(wake) => Happened::Due,
                actions = self.keeper.work() => Happened::Kept(actions),
                told = self.notifier.told() => Happened::Told(told),
                rules = self.new_rules.next() => Happened::Rules(rules),
                quality = self.clock.quality_other_than(self.quality) => Happened::Quality(quality),
            };
            self.meet(happened).await?;
            let now = self.clock.now();
            self.teller.tell_due(&self.engine, now).await?;
        }
    }

    async fn meet(&mut self, happened: Happened) -> Result<(), Stopped> {
        match happened {
            // What was retained has been taken in before, and may have changed since.
            Happened::Message(message) if message.retain => Ok(()),
            Happened::Message(message) => {
                let outcome = self.timed(|engine, now| engine.handle(event(&message), now));
                self.follow(outcome).await
            }
            Happened::Due => {
                let outcome = self.timed(|engine, now| engine.wake(now));
                self.follow(outcome).await
            }
            Happened::Kept(actions) => self.say(actions).await,
            Happened::Told(told) => self.note(told).await,
            Happened::Rules(rules) => self.replace(rules).await,
            Happened::Quality(quality) => {
                self.quality = quality;
                let knows = quality != ClockQuality::Unknown;
                let outcome = self.timed(|engine, now| engine.know_time(knows, now));
                self.follow(outcome).await
            }
        }
    }

    fn timed(&mut self, work: impl FnOnce(&mut Engine, Now) -> Outcome) -> Outcome {
        let began = Instant::now();
        let mut outcome = work(&mut self.engine, self.clock.now());
        if !outcome.traces.is_empty() {
            let took = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
            for trace in &mut outcome.traces {
                trace.took_us = took;
            }
        }
        outcome
    }

    /// Actions first: the house waits for them, the page can wait a little.
    async fn follow(&mut self, outcome: Outcome) -> Result<(), Stopped> {
        let now = self.clock.now();
        for record in outcome.records {
            let memory = record.memory.map(|memory| serde_json::to_string(&memory));
            match memory.transpose() {
                Ok(memory) => self.keeper.keep(record.rule, memory, record.sure, now),
                Err(error) => {
                    tracing::error!(rule = &*record.rule, "cannot be remembered: {error}");
                }
            }
        }
        for action in outcome.actions {
            let rule = Arc::clone(&action.rule);
            if let Some(actions) = self.keeper.hold(&rule, vec![action]) {
                self.say(actions).await?;
            }
        }
        for notice in outcome.notices {
            if let Err(refused) = self.notifier.send(posted(notice, now.utc)) {
                self.note(refused).await?;
            }
        }
        for trace in outcome.traces {
            self.teller.tell(trace, now).await?;
        }
        Ok(())
    }

    async fn say(&mut self, actions: Vec<Action>) -> Result<(), Stopped> {
        for action in actions {
            self.client.publish(publication(&action)).await?;
            self.engine.said(&action, self.clock.now());
        }
        Ok(())
    }

    /// Tells what became of a notification.
    async fn note(&mut self, told: Told) -> Result<(), Stopped> {
        let (verdict, because) = match told.outcome {
            Ok(1) => (Verdict::Done, "the notification was delivered".to_owned()),
            Ok(tries) => (
                Verdict::Done,
                format!("the notification was delivered at try {tries}"),
            ),
            Err(sentence) => (
                Verdict::Error,
                format!("the notification was not delivered: {sentence}"),
            ),
        };
        let now = self.clock.now();
        match self.engine.note(&told.rule, verdict, because, now) {
            Some(trace) => self.teller.tell(trace, now).await,
            None => Ok(()),
        }
    }

    /// Takes over other rules, all at once.
    async fn replace(&mut self, rules: Arc<[RuleSettings]>) -> Result<(), Stopped> {
        let rules = match compiled(rules).await {
            Ok(rules) => rules,
            Err(error) => {
                tracing::error!("the new rules were stopped by a defect: {error}");
                return Ok(());
            }
        };
        let known: BTreeSet<String> = self.engine.filters().into_iter().collect();
        let wanted = Engine::new(rules.iter().cloned()).filters();
        let found = self.listen(&wanted, &known).await?;
        let changes = self.engine.changes(&rules);
        let now = self.clock.now();
        let outcome = self.engine.replace(rules, found.iter().map(event), now);
        for filter in known.iter().filter(|filter| !wanted.contains(filter)) {
            self.client.unsubscribe(filter).await?;
        }
        for rule in &changes.removed {
            self.keeper.keep(rule.as_str().into(), None, false, now);
        }
        self.teller.clear_others(&self.handle, &self.engine).await?;
        self.follow(outcome).await?;
        let status = changes.status(now.utc);
        tracing::info!("rules: {}", status.because);
        self.teller.tell_status(&status).await
    }
}

fn event(message: &Message) -> Event<'_> {
    Event {
        topic: &message.topic,
        payload: &message.payload,
        received: message.received,
    }
}

fn publication(action: &Action) -> Publication {
    Publication {
        payload: action.payload.as_bytes().to_vec().into(),
        topic: Arc::clone(&action.topic),
        qos: action.qos,
        retain: action.retain,
        is_note: false,
    }
}

fn posted(notice: Notice, at: UtcMillis) -> notifier::Notice {
    let (form, url) = match notice.to {
        Channel::Ntfy(url) => (Form::Ntfy, url),
        Channel::Webhook(url) | Channel::Topic(url) => (Form::Webhook, url),
    };
    notifier::Notice {
        rule: notice.rule,
        form,
        url,
        title: notice.title.map(|title| title.to_string()),
        message: notice.message.to_string(),
        at,
        timeout: notice.timeout,
        retries: notice.retries,
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
