//! Connects the engine to the broker: messages in, actions and traces out.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::compile;
use super::engine::{Action, Engine, Event, Outcome, Rule};
use super::pace::Pace;
use super::rule::RuleSettings;
use super::trace::{Trace, Verdict};
use crate::broker::{Client, Handle, Message, Publication, Qos, Stopped};
use crate::clock::{Clock, Now};
use crate::home::topic;
use crate::supervisor::{Stop, Supervisor};

const CLIENT_ID: &str = "rules";
const READY_WITHIN: Duration = Duration::from_secs(5);

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
    clock: Clock,
    handle: Handle,
    supervisor: &Supervisor,
) -> anyhow::Result<()> {
    if rules.is_empty() {
        return Ok(());
    }
    let rules = tokio::task::spawn_blocking(move || compile(&rules)).await?;
    let (ready, mut is_ready) = watch::channel(false);
    supervisor.bridge(CLIENT_ID, move |stop| {
        run(rules.clone(), clock, handle.clone(), ready.clone(), stop)
    });
    let waited = tokio::time::timeout(READY_WITHIN, is_ready.wait_for(|ready| *ready)).await;
    anyhow::ensure!(
        matches!(waited, Ok(Ok(_))),
        "the rules could not reach the broker within {READY_WITHIN:?}"
    );
    Ok(())
}

fn compile(rules: &[RuleSettings]) -> Vec<Arc<Rule>> {
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
}

async fn run(
    rules: Vec<Arc<Rule>>,
    clock: Clock,
    handle: Handle,
    ready: watch::Sender<bool>,
    stop: Stop,
) -> anyhow::Result<()> {
    let mut runner = Runner {
        client: handle.connect(CLIENT_ID).await?,
        engine: Engine::new(rules),
        pace: Pace::default(),
        clock,
    };
    runner.find(&handle).await?;
    ready.send_replace(true);
    tokio::select! {
        () = stop.cancelled() => Ok(()),
        // Ends only with the broker.
        stopped = runner.serve() => stopped.map_err(anyhow::Error::from),
    }
}

struct Runner {
    client: Client,
    engine: Engine,
    pace: Pace,
    clock: Clock,
}

impl Runner {
    /// Subscribes first and then takes the state in which the house is, so
    /// that nothing said in between is missed.
    async fn find(&mut self, handle: &Handle) -> Result<(), Stopped> {
        let topics = self.engine.filters();
        for topic in &topics {
            self.client.subscribe(topic, Qos::AtLeastOnce).await?;
        }
        let mut found = Vec::new();
        for topic in &topics {
            found.extend(handle.retained(topic).await?);
        }
        let found = found.iter().map(event);
        let outcome = self.engine.start(found, self.clock.now());
        self.publish(outcome).await
    }

    async fn serve(&mut self) -> Result<(), Stopped> {
        loop {
            let wake = [self.engine.next_wake(), self.pace.next_wake()];
            let wake = wake.into_iter().flatten().min();
            tokio::select! {
                message = self.client.next() => self.take(&message?).await?,
                () = sleep_until(wake.map(|moment| self.clock.instant(moment))) => {
                    let outcome = self.timed(|engine, now| engine.wake(now));
                    self.publish(outcome).await?;
                }
            }
            for trace in self.pace.due(self.clock.now().moment) {
                self.tell(trace).await?;
            }
        }
    }

    async fn take(&mut self, message: &Message) -> Result<(), Stopped> {
        // What was retained has been taken in by `find`, and may have changed since.
        if message.retain {
            return Ok(());
        }
        let outcome = self.timed(|engine, now| engine.handle(event(message), now));
        self.publish(outcome).await
    }

    fn timed(&mut self, work: impl FnOnce(&mut Engine, Now) -> Outcome) -> Outcome {
        let began = Instant::now();
        let mut outcome = work(&mut self.engine, self.clock.now());
        let took = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        for trace in &mut outcome.traces {
            trace.took_us = took;
        }
        outcome
    }

    /// Actions first: the house waits for them, the page can wait a little.
    async fn publish(&mut self, outcome: Outcome) -> Result<(), Stopped> {
        for action in outcome.actions {
            self.client.publish(publication(action)).await?;
        }
        let now = self.clock.now().moment;
        for trace in outcome.traces {
            if let Some(trace) = self.pace.offer(trace, now) {
                self.tell(trace).await?;
            }
        }
        Ok(())
    }

    async fn tell(&self, trace: Trace) -> Result<(), Stopped> {
        match trace.outcome {
            Verdict::Error => tracing::warn!(rule = trace.rule, "{}", trace.because),
            Verdict::Fired => tracing::info!(rule = trace.rule, "fired: {}", trace.because),
            _ => tracing::debug!(rule = trace.rule, "{}", trace.because),
        }
        let topic = topic::rule_last(&trace.rule);
        match serde_json::to_vec(&trace) {
            Ok(json) => {
                let publication = Publication::new(topic, json);
                let publication = publication.retained().qos(Qos::AtLeastOnce);
                self.client.publish(publication).await
            }
            Err(error) => {
                tracing::error!(rule = trace.rule, "a trace was not published: {error}");
                Ok(())
            }
        }
    }
}

fn event(message: &Message) -> Event<'_> {
    Event {
        topic: &message.topic,
        payload: &message.payload,
        received: message.received,
    }
}

fn publication(action: Action) -> Publication {
    Publication {
        payload: action.payload.as_bytes().to_vec().into(),
        topic: action.topic,
        qos: action.qos,
        retain: action.retain,
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
