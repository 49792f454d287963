//! A level that a rule sees to.
//!
//! Not an edge: whatever brought the thing away from its level, and whenever,
//! the rule says the level again until the thing reports it.

use std::sync::Arc;
use std::time::Duration;

use super::Action;
use super::asked::Asked;
use super::chain::Chain;
use super::run::Report;
use super::running::Running;
use super::scene::Scene;
use super::timers::Due;
use super::topics::Topics;
use crate::broker::Qos;
use crate::clock::Moment;
use crate::home::Value;
use crate::rules::program::Keep;
use crate::rules::trace::{Published, Verdict, spoken};
use crate::rules::trigger::shown;

/// A thing that does not answer is told again after this, then after twice as long, …
const FIRST_AGAIN: Duration = Duration::from_secs(5);
/// … up to this.
const LAST_AGAIN: Duration = Duration::from_secs(300);

#[derive(Debug)]
pub(super) struct Keeping {
    /// The thing's topic.
    state: usize,
    /// What the rule sees to at present.
    wanted: Option<String>,
    /// When the level was said last, and what the thing reported then.
    said: Option<(Moment, Option<Value>)>,
    again: Duration,
    next: Option<Moment>,
    /// The last complaint of the condition; it is told once.
    told: Option<String>,
    looked: bool,
}

impl Keeping {
    pub(super) fn new(keep: &Keep, rule: usize, topics: &mut Topics) -> Keeping {
        let state = topics.know(&keep.thing.topic());
        topics.ask(state, rule);
        Keeping {
            state,
            wanted: None,
            said: None,
            again: FIRST_AGAIN,
            next: None,
            told: None,
            looked: false,
        }
    }
}

impl Running {
    /// Says the level if the thing is not at it.
    pub(super) fn keep(&mut self, why: &str, chain: Chain, scene: &mut Scene<'_>) {
        let rule = Arc::clone(&self.rule);
        let (Some(keep), true) = (&rule.keep, self.enabled) else {
            return;
        };
        if self.is_tripped(scene.now.moment) {
            return;
        }
        if let Some(pace) = keep.condition.and_then(|condition| rule.pace(condition)) {
            scene.plan_look(self.index, pace);
        }
        let mut report = Report::default();
        let Some(wanted) = self.wanted(keep, &mut report, scene) else {
            return;
        };
        let Some(keeping) = &mut self.keeping else {
            return;
        };
        let is_new = !keeping.looked || keeping.wanted != wanted;
        keeping.looked = true;
        keeping.wanted.clone_from(&wanted);
        let Some(level) = wanted else {
            settle(keeping, self.index, scene);
            return self.rest(is_new, keep, report, scene);
        };
        let state = scene.topics.value(keeping.state).cloned();
        if state.as_ref() == Some(&Value::parse(&level)) {
            settle(keeping, self.index, scene);
            return self.kept(is_new, keep, &level, report, scene);
        }
        let why = match (&keeping.said, keeping.next) {
            (Some((said, then)), next) if !is_new && *then == state => {
                if next.is_some_and(|next| next > scene.now.moment) {
                    return;
                }
                let waited = scene.now.moment.since(*said).as_secs();
                format!("no answer for {}", spoken(Duration::from_secs(waited)))
            }
            _ => {
                keeping.again = FIRST_AGAIN;
                why.to_owned()
            }
        };
        let because = format!(
            "{why}: {} is {}, and it is to be {level}",
            keep.thing.topic(),
            state
                .as_ref()
                .map_or("unknown".to_owned(), |state| shown(Some(state)))
        );
        let start = super::memory::Start {
            chain,
            ..self.nameless(because)
        };
        if start.chain.count(&rule.name) > rule.allow_cycle as usize {
            return self.trip(&start, scene);
        }
        self.say(keep, &level, state, start, report, scene);
    }

    fn say(
        &mut self,
        keep: &Keep,
        level: &str,
        state: Option<Value>,
        start: super::memory::Start,
        mut report: Report,
        scene: &mut Scene<'_>,
    ) {
        let permitted = self.permitted(&start.why, &start, scene);
        let Some(keeping) = &mut self.keeping else {
            return;
        };
        if let Some(next) = keeping.next.take() {
            scene.timers.remove(next, self.index, Due::Keep);
        }
        let next = scene.now.moment + keeping.again;
        keeping.said = Some((scene.now.moment, state));
        keeping.again = (keeping.again * 2).min(LAST_AGAIN);
        keeping.next = Some(next);
        scene.timers.add(next, self.index, Due::Keep);
        if !permitted {
            return;
        }
        let action = Action {
            rule: Arc::clone(&self.rule.name),
            topic: keep.thing.set_topic().into(),
            payload: level.into(),
            qos: Qos::AtLeastOnce,
            retain: false,
        };
        report.actions.push(Published {
            topic: action.topic.to_string(),
            payload: level.to_owned(),
        });
        scene.publish(action, &start.chain);
        self.last_fired = Some(scene.now.utc);
        let because = start.why.clone();
        self.tell(Verdict::Fired, because, &start, report, scene);
    }

    /// The level to see to: none if there is none now, nothing at all if the condition
    /// cannot be judged.
    fn wanted(
        &mut self,
        keep: &Keep,
        report: &mut Report,
        scene: &mut Scene<'_>,
    ) -> Option<Option<String>> {
        let Some(condition) = keep.condition else {
            return Some(Some(keep.at.clone()));
        };
        match self.judge(condition, &[], None, report, scene) {
            Ok(truth) => {
                if let Some(keeping) = &mut self.keeping {
                    keeping.told = None;
                }
                Some(match truth != keep.inverted {
                    true => Some(keep.at.clone()),
                    false => keep.otherwise.clone(),
                })
            }
            Err(error) => {
                let keeping = self.keeping.as_mut()?;
                if keeping.told.as_ref() != Some(&error) {
                    keeping.told = Some(error.clone());
                    let because = format!("the condition could not be judged: {error}");
                    let start = self.nameless(because.clone());
                    let report = std::mem::take(report);
                    self.tell(Verdict::Error, because, &start, report, scene);
                }
                None
            }
        }
    }

    fn rest(&mut self, is_new: bool, keep: &Keep, report: Report, scene: &mut Scene<'_>) {
        if is_new {
            let because = format!("{} may be as it likes now", keep.thing.topic());
            let start = self.nameless(because.clone());
            self.tell(Verdict::ConditionFalse, because, &start, report, scene);
        }
    }

    fn kept(
        &mut self,
        is_new: bool,
        keep: &Keep,
        level: &str,
        report: Report,
        scene: &mut Scene<'_>,
    ) {
        if is_new {
            let because = format!("{} is {level}, as it is to be", keep.thing.topic());
            let start = self.nameless(because.clone());
            self.tell(Verdict::Waiting, because, &start, report, scene);
        }
    }

    /// A thing may answer late, when another level is wanted already. That is no loop, as
    /// long as nothing but this rule's own word led to it, and its condition does not ask
    /// the thing.
    pub(super) fn without_own_answer(&self, topic: usize, chain: Chain) -> Chain {
        let is_thing = self.keeping.as_ref().is_some_and(|k| k.state == topic);
        let condition = self.rule.keep.as_ref().and_then(|keep| keep.condition);
        let asks = |asked: &Asked| matches!(asked, Asked::Topic(asked) | Asked::Window(asked, _) if *asked == topic);
        let asked = condition.is_some_and(|condition| self.asked[condition].iter().any(asks));
        let is_own = chain.names().all(|name| *name == self.rule.name);
        match is_thing && !asked && is_own {
            true => Chain::default(),
            false => chain,
        }
    }

    /// The next try is due.
    pub(super) fn keep_again(&mut self, scene: &mut Scene<'_>) {
        self.keep("it is time", Chain::default(), scene);
    }

    /// It is off: when it is on again, it begins anew.
    pub(super) fn keep_no_more(&mut self, scene: &mut Scene<'_>) {
        if let Some(keeping) = &mut self.keeping {
            settle(keeping, self.index, scene);
        }
    }

    /// A board is back: what was said before was said to nobody.
    pub(super) fn keep_after_return(&mut self, board: &str, scene: &mut Scene<'_>) {
        if let Some(keeping) = &mut self.keeping {
            keeping.said = None;
            self.keep(
                &format!("the board {board} is back"),
                Chain::default(),
                scene,
            );
        }
    }
}

/// Nothing has to be said again.
fn settle(keeping: &mut Keeping, rule: usize, scene: &mut Scene<'_>) {
    keeping.said = None;
    keeping.again = FIRST_AGAIN;
    if let Some(next) = keeping.next.take() {
        scene.timers.remove(next, rule, Due::Keep);
    }
}
