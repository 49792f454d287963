//! Commands: from `…/set` to a packet with an id, and through what the board says to it
//! until the pin is what was wanted.

use std::time::Duration;

use hearth_wire::board::{BoardTopic, write_command};

use super::Station;
use crate::boards::voice::Effect;
use crate::broker::{Publication, Qos};
use crate::clock::{Moment, Now};
use crate::home::{CommandReport, Stage, Step, Thing, topic};

/// A thing that is not what was wanted by then did not obey.
const OBEY_WITHIN: Duration = Duration::from_secs(5);
/// The longest command, with its id.
const ROOM: usize = 32;

/// A command on its way.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    pub id: u16,
    /// Of the packet that carries it.
    pub msg_id: Option<u16>,
    /// As it was published.
    to: String,
    /// As the board says it, once it is so.
    pub wanted: String,
    at: Now,
    steps: Vec<Step>,
}

impl Pending {
    fn ms(&self, now: Now) -> u64 {
        u64::try_from(now.moment.since(self.at.moment).as_millis()).unwrap_or(u64::MAX)
    }
}

impl Station {
    /// Takes a message from `home/<room>/<thing>/set`.
    pub(super) fn command(&mut self, thing: &Thing, payload: &[u8], retained: bool, now: Now) {
        let mut slots = self.maps.slots();
        let Some((slot, of_slot)) = slots.find(|(_, slot)| slot.thing == *thing) else {
            return;
        };
        let payload = String::from_utf8_lossy(payload);
        // A kept command is from another day; acting on it at every start would surprise.
        if retained {
            drop(slots);
            return self
                .voice
                .log(&format!("a retained command for {thing} was ignored"), now);
        }
        let wanted = of_slot
            .command(&payload)
            .and_then(|wanted| match self.heard {
                Some(_) => Ok(wanted),
                None => Err("the board is not here".to_owned()),
            });
        drop(slots);
        match wanted {
            Ok(wanted) => self.set(slot, &payload, wanted, now),
            Err(reason) => {
                let refused = Pending {
                    id: 0,
                    msg_id: None,
                    to: payload.into_owned(),
                    wanted: String::new(),
                    at: now,
                    steps: Vec::new(),
                };
                self.report(thing, &refused, Stage::Refused, Some(reason), now);
            }
        }
    }

    fn set(&mut self, slot: u8, payload: &str, wanted: String, now: Now) {
        self.last_command = self.last_command.checked_add(1).unwrap_or(1);
        let id = self.last_command;
        let mut buffer = [0; ROOM];
        let length = write_command(&wanted, id, &mut buffer).unwrap_or(0);
        let command = buffer.get(..length).unwrap_or_default().to_vec();
        let topic = topic::wire(&self.client, &topic::wire_part(BoardTopic::Set(slot)));
        let command = Publication::new(topic, command).qos(Qos::AtLeastOnce);
        self.voice.push(Effect::Publish(command));
        let received = Step {
            stage: Stage::Received,
            ms: 0,
        };
        let pending = Pending {
            id,
            msg_id: None,
            to: payload.to_owned(),
            wanted,
            at: now,
            steps: vec![received],
        };
        self.pending.insert(slot, pending);
    }

    /// A command has come one stage further.
    pub(super) fn pass_stage(&mut self, slot: u8, stage: Stage, now: Now) {
        let thing = self.maps.slot(slot).map(|slot| slot.thing.clone());
        let (Some(thing), Some(command)) = (thing, self.pending.get_mut(&slot)) else {
            return;
        };
        // A packet that is sent again passes no stage again.
        if command.steps.iter().any(|step| step.stage == stage) {
            return;
        }
        let ms = command.ms(now);
        command.steps.push(Step { stage, ms });
        let command = command.clone();
        self.report(&thing, &command, stage, None, now);
    }

    /// The board has said what it makes of a command.
    pub(super) fn end_command(&mut self, slot: u8, stage: Stage, reason: Option<String>, now: Now) {
        let thing = self.maps.slot(slot).map(|slot| slot.thing.clone());
        let (Some(thing), Some(mut command)) = (thing, self.pending.remove(&slot)) else {
            return;
        };
        let ms = command.ms(now);
        command.steps.push(Step { stage, ms });
        let is_obeyed = stage == Stage::Reported;
        let passed = match is_obeyed {
            true => command.steps.as_slice(),
            false => command
                .steps
                .get(..command.steps.len() - 1)
                .unwrap_or_default(),
        };
        self.obedience.count(passed, is_obeyed);
        self.report(&thing, &command, stage, reason, now);
        let topic = topic::board_obedience(self.voice.name());
        self.voice
            .note_json(topic, &self.obedience, Qos::AtMostOnce);
    }

    /// Ends the commands whose time is over.
    pub(super) fn judge_commands(&mut self, now: Now) {
        let is_over =
            |(_, command): &(&u8, &Pending)| command.at.moment + OBEY_WITHIN <= now.moment;
        let over: Vec<u8> = self
            .pending
            .iter()
            .filter(is_over)
            .map(|(slot, _)| *slot)
            .collect();
        for slot in over {
            self.end_command(slot, Stage::Ignored, None, now);
        }
    }

    pub(super) fn commands_wake_at(&self) -> Option<Moment> {
        let pending = self.pending.values();
        pending.map(|command| command.at.moment + OBEY_WITHIN).min()
    }

    fn report(
        &mut self,
        thing: &Thing,
        command: &Pending,
        stage: Stage,
        reason: Option<String>,
        now: Now,
    ) {
        let report = CommandReport {
            topic: thing.topic(),
            to: command.to.chars().take(ROOM).collect(),
            at: command.at.utc,
            stage,
            ms: command.ms(now),
            id: Some(command.id).filter(|id| *id != 0),
            steps: command.steps.clone(),
            reason,
        };
        match (&report.reason, stage) {
            (Some(reason), _) => self.voice.warn(format!("{thing} not set: {reason}")),
            (None, Stage::Ignored) => {
                self.voice
                    .warn(format!("{thing} was set to {} and did not obey", report.to));
            }
            _ => {}
        }
        let topic = topic::board_command(self.voice.name(), &thing.name);
        // What is on its way is soon overtaken, and spares the disk.
        let qos = match stage {
            Stage::Reported | Stage::Ignored | Stage::Refused => Qos::AtLeastOnce,
            _ => Qos::AtMostOnce,
        };
        self.voice.note_json(topic, &report, qos);
    }
}
