//! What a message does to the rules that listen.

use std::sync::Arc;

use super::chain::Chain;
use super::timers::Due;
use super::topics::Taken;
use super::{Dirt, Engine, Event, Outcome};
use crate::clock::{Moment, Now};
use crate::home::{Presence, Value};
use crate::rules::trace::Verdict;
use crate::rules::trigger::{Step, Trigger, shown};

impl Engine {
    /// Shows a topic's value, which has come or was found, to the triggers that watch it.
    pub(super) fn look_at(
        &mut self,
        taken: Taken,
        show: fn(&mut Trigger, Option<&Value>, Moment) -> Step,
        now: Now,
        outcome: &mut Outcome,
    ) {
        let Taken { topic, readable } = taken;
        let mut chain = None;
        for at in 0.. {
            let Some(&(rule, trigger)) = self.topics.watchers(topic).get(at) else {
                break;
            };
            let running = &mut self.rules[rule];
            let watching = &mut running.triggers[trigger].trigger;
            // Whatever came, it was not silence.
            if let Err(unreadable) = readable
                && !watching.is_quiet()
            {
                let because = format!("{} {unreadable}", watching.topic());
                let verdict = Verdict::Error;
                outcome.traces.push(running.trace(verdict, because, now));
                continue;
            }
            let held_until = watching.deadline();
            let value = self.topics.value(topic);
            let knew = watching.compares_with().is_some();
            let step = show(watching, value, now.moment);
            let begins = !knew && watching.compares_with().is_some();
            let holds_until = watching.deadline();
            if held_until != holds_until {
                if let Some(until) = held_until {
                    self.timers.remove(until, rule, Due::Hold(trigger));
                }
                if let Some(until) = holds_until {
                    self.timers.add(until, rule, Due::Hold(trigger));
                }
            }
            // A change is one also if the gateway falls before it.
            if begins && running.remembers() {
                running.soil(Dirt::Sure);
                self.dirty.insert(rule);
            }
            if step == Step::Nothing {
                continue;
            }
            let chain = chain.get_or_insert_with(|| self.behind(topic, now)).clone();
            self.with(rule, now, outcome, |running, scene| {
                running.follow(step, trigger, chain, scene);
            });
        }
        for at in 0.. {
            let Some(&rule) = self.topics.asking(topic).get(at) else {
                break;
            };
            let chain = chain.get_or_insert_with(|| self.behind(topic, now)).clone();
            let name = Arc::clone(self.topics.name(topic));
            self.with(rule, now, outcome, |running, scene| {
                running.look(scene);
                let chain = running.without_own_answer(topic, chain);
                let value = shown(scene.topics.value_of(&name));
                running.keep(&format!("{name} said {value}"), chain, scene);
            });
        }
    }

    fn behind(&self, topic: usize, now: Now) -> Chain {
        let name = self.topics.name(topic);
        self.echoes
            .behind(name, self.topics.value(topic), now.moment)
    }

    /// Boards that come back, and rules that are turned on or off.
    pub(super) fn hear_of_house(&mut self, event: Event<'_>, now: Now, outcome: &mut Outcome) {
        let Ok(payload) = std::str::from_utf8(event.payload) else {
            return;
        };
        let board = event.topic.strip_prefix("hearth/board/");
        if let Some(board) = board.and_then(|rest| rest.strip_suffix("/status"))
            && payload == Presence::Online.as_str()
        {
            for at in 0..self.keeps.len() {
                self.with(self.keeps[at], now, outcome, |running, scene| {
                    running.keep_after_return(board, scene);
                });
            }
        }
        let rule = event.topic.strip_prefix("hearth/rule/");
        let rule = rule.and_then(|rest| rest.strip_suffix("/set"));
        let on = match payload {
            "enabled" => true,
            "disabled" => false,
            _ => return,
        };
        if let Some(&rule) = rule.and_then(|word| self.by_word.get(word)) {
            self.switch(rule, on, "a command", now, outcome);
        }
    }
}
