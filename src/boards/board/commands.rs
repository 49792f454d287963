//! Commands: from `…/set` to a line, and from a report back to the wanted state.

use std::time::Duration;

use super::{Board, Effect};
use crate::boards::outbox::{IN_FLIGHT, Outgoing};
use crate::boards::things::Pending;
use crate::broker::Qos;
use crate::clock::Now;
use crate::home::{CommandReport, Stage, Thing, Value, topic};

/// A thing that has not reported the wanted state by then ignored the command.
pub(super) const REPORT_WITHIN: Duration = Duration::from_secs(5);

impl Board {
    /// Takes a message from `home/<room>/<thing>/set`.
    pub fn command(&mut self, topic: &str, payload: &[u8], retained: bool, now: Now) {
        let Some(thing) = Thing::from_set_topic(topic) else {
            return;
        };
        let payload = String::from_utf8_lossy(payload);
        // A kept command is from another day; acting on it at every start
        // would surprise.
        if retained {
            self.voice
                .log(&format!("a retained command for {thing} was ignored"), now);
        } else if let Err(reason) = self.try_command(&thing, &payload, now) {
            self.report(&thing, &payload, Stage::Refused, Some(reason), now, now);
        }
        self.send(now);
    }

    /// Ends the commands whose time is over. A board that prints a state only
    /// when it changes has reported it before; one that never did stays `sent`.
    pub(super) fn judge_commands(&mut self, now: Now) {
        let over = |command: &mut Pending| now.moment.since(command.at.moment) >= REPORT_WITHIN;
        let mut ended = Vec::new();
        for thing in self.things.iter_mut() {
            if let Some(command) = thing.pending.take_if(over) {
                ended.push((thing.thing.clone(), thing.reports(&command.to), command));
            }
        }
        for (thing, reports, command) in ended {
            let stage = match reports {
                Some(true) => Stage::Reported,
                Some(false) => Stage::Ignored,
                None => continue,
            };
            self.report(
                &thing,
                &command.to.to_string(),
                stage,
                None,
                command.at,
                now,
            );
        }
    }

    /// Whether a reading is the report that a command waits for.
    pub(super) fn judge(&mut self, said: &str, now: Now) {
        let Some(thing) = self.things.said(said) else {
            return;
        };
        let reported = |command: &mut Pending| command.sent;
        if let Some(command) = thing.pending.take_if(reported) {
            if thing.reports(&command.to) == Some(true) {
                let thing = thing.thing.clone();
                let to = command.to.to_string();
                self.report(&thing, &to, Stage::Reported, None, command.at, now);
            } else {
                thing.pending = Some(command);
            }
        }
    }

    pub(super) fn try_command(
        &mut self,
        thing: &Thing,
        payload: &str,
        now: Now,
    ) -> Result<(), String> {
        let (said, to) = match self.things.by_topic(thing) {
            Some(known) => (known.said.clone(), known.wanted(payload)?),
            // Not reported so far; the board may know it all the same.
            None if self.alone && thing.room == self.room && topic::is_word(&thing.name) => {
                (thing.name.clone(), Value::parse(payload))
            }
            None => return Ok(()),
        };
        if self.port.is_none() {
            return Err("the board is not plugged in".into());
        }
        let line = format!("{said} {to}\n");
        if line.len() > IN_FLIGHT || line.trim_end().contains(char::is_control) {
            return Err(format!(
                "a board takes lines of up to {IN_FLIGHT} bytes of text"
            ));
        }
        let name = thing.topic();
        if !self.outbox.push(Outgoing { thing: name, line }) {
            return Err("too many commands wait for this board".into());
        }
        if let Some(known) = self.things.by_topic(thing) {
            known.pending = Some(Pending {
                to,
                at: now,
                sent: false,
            });
        }
        Ok(())
    }

    /// Hands over the lines that the board can take now.
    pub(super) fn send(&mut self, now: Now) {
        while let Some(outgoing) = self.outbox.next(self.tuner.baud(), now.moment) {
            self.voice.push(Effect::Write(outgoing.line));
            let Some(thing) = Thing::from_topic(&outgoing.thing) else {
                continue;
            };
            let known = self.things.by_topic(&thing);
            if let Some(command) = known.and_then(|known| known.pending.as_mut()) {
                command.sent = true;
                let (to, at) = (command.to.to_string(), command.at);
                self.report(&thing, &to, Stage::Sent, None, at, now);
            }
        }
    }

    pub(super) fn report(
        &mut self,
        thing: &Thing,
        to: &str,
        stage: Stage,
        reason: Option<String>,
        at: Now,
        now: Now,
    ) {
        let report = CommandReport {
            topic: thing.topic(),
            to: to.chars().take(IN_FLIGHT).collect(),
            at: at.utc,
            stage,
            ms: u64::try_from(now.moment.since(at.moment).as_millis()).unwrap_or(u64::MAX),
            id: None,
            steps: Vec::new(),
            reason,
        };
        if let Some(reason) = &report.reason {
            self.voice.warn(format!("{thing} not set: {reason}"));
        } else if stage == Stage::Ignored {
            self.voice
                .warn(format!("{thing} was set to {} and did not obey", report.to));
        }
        let topic = topic::board_command(self.voice.name(), &thing.name);
        self.voice.note_json(topic, &report, Qos::AtLeastOnce);
    }
}
