//! Tells the house what rules decide, and what they are about.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::Serialize;

use crate::broker::{Handle, Publication, Publisher, Qos, Stopped};
use crate::clock::{Moment, Now};
use crate::home::RulesStatus;
use crate::home::topic::{self, RULES_STATUS, rule_about, rule_last, rule_trace};
use crate::rules::about::About;
use crate::rules::engine::Engine;
use crate::rules::pace::Pace;
use crate::rules::trace::{Trace, Verdict};

/// What a rule is about is told this long after a trace: much may follow at once.
const ABOUT_AFTER: Duration = Duration::from_millis(100);

pub(super) struct Teller {
    publisher: Publisher,
    pace: Pace,
    /// What was told of each rule.
    told: BTreeMap<String, About>,
    /// Rules of which something was told since.
    touched: BTreeSet<String>,
    about_at: Option<Moment>,
}

impl Teller {
    pub(super) fn new(publisher: Publisher) -> Teller {
        Teller {
            publisher,
            pace: Pace::default(),
            told: BTreeMap::new(),
            touched: BTreeSet::new(),
            about_at: None,
        }
    }

    /// When [`Teller::tell_due`] has something to do.
    pub(super) fn next_wake(&self) -> Option<Moment> {
        self.pace.next_wake().into_iter().chain(self.about_at).min()
    }

    /// Tells a decision, unless the rule has told many within this second.
    pub(super) async fn tell(&mut self, trace: Trace, now: Now) -> Result<(), Stopped> {
        if !self.touched.contains(&trace.rule) {
            self.touched.insert(trace.rule.clone());
            self.about_at.get_or_insert(now.moment + ABOUT_AFTER);
        }
        match self.pace.offer(trace, now.moment) {
            Some(trace) => self.publish(trace).await,
            None => Ok(()),
        }
    }

    /// Tells what was kept back, and what rules are about now.
    pub(super) async fn tell_due(&mut self, engine: &Engine, now: Now) -> Result<(), Stopped> {
        for trace in self.pace.due(now.moment) {
            self.publish(trace).await?;
        }
        if self.about_at.is_none_or(|at| at > now.moment) {
            return Ok(());
        }
        self.about_at = None;
        for rule in std::mem::take(&mut self.touched) {
            let Some(about) = engine.about(&rule, now) else {
                continue;
            };
            if self.told.get(&rule) != Some(&about) {
                let note = |publication: Publication| publication.note();
                self.retain(rule_about(&rule), &about, note).await?;
                self.told.insert(rule, about);
            }
        }
        Ok(())
    }

    /// Empties what is retained of rules that are no more.
    pub(super) async fn clear_others(
        &mut self,
        handle: &Handle,
        engine: &Engine,
    ) -> Result<(), Stopped> {
        let words: BTreeSet<String> = engine.rules().map(|rule| topic::word(&rule.name)).collect();
        self.told
            .retain(|name, _| words.contains(&topic::word(name)));
        for kind in ["last", "about"] {
            for message in handle.retained(&format!("hearth/rule/+/{kind}")).await? {
                let rule = message.topic.split('/').nth(2).unwrap_or_default();
                if !words.contains(rule) {
                    let nothing = Publication::new(message.topic, Vec::new()).retained();
                    self.publisher.publish(nothing).await?;
                }
            }
        }
        Ok(())
    }

    /// Tells how the reading of the rules went.
    pub(super) async fn tell_status(&self, status: &RulesStatus) -> Result<(), Stopped> {
        let retained = |publication: Publication| publication.retained();
        self.retain(RULES_STATUS.to_owned(), status, retained).await
    }

    async fn publish(&self, trace: Trace) -> Result<(), Stopped> {
        match trace.outcome {
            Verdict::Error => tracing::warn!(rule = trace.rule, "{}", trace.because),
            Verdict::Fired => tracing::info!(rule = trace.rule, "fired: {}", trace.because),
            Verdict::Done => tracing::info!(rule = trace.rule, "done: {}", trace.because),
            _ => tracing::debug!(rule = trace.rule, "{}", trace.because),
        }
        let Ok(json) = serde_json::to_vec(&trace) else {
            tracing::error!(rule = trace.rule, "a trace cannot be written as JSON");
            return Ok(());
        };
        let live = Publication::new(rule_trace(&trace.rule), json.clone());
        self.publisher.publish(live).await?;
        let last = Publication::new(rule_last(&trace.rule), json);
        self.publisher
            .publish(last.note().qos(Qos::AtLeastOnce))
            .await
    }

    async fn retain(
        &self,
        topic: String,
        what: &impl Serialize,
        how: impl FnOnce(Publication) -> Publication,
    ) -> Result<(), Stopped> {
        match serde_json::to_vec(what) {
            Ok(json) => {
                let publication = Publication::new(topic, json);
                let publication = how(publication).qos(Qos::AtLeastOnce);
                self.publisher.publish(publication).await
            }
            Err(error) => {
                tracing::error!("{topic} was not told: {error}");
                Ok(())
            }
        }
    }
}
