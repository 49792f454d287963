//! What the board says of its things, in the words of the house.

use hearth_wire::board::{Report, Said};

use super::Station;
use crate::broker::Qos;
use crate::clock::Now;
use crate::home::Stage;

impl Station {
    /// Takes what the board said of a slot.
    pub(super) fn said(&mut self, slot: u8, payload: &[u8], now: Now) {
        let Some(report) = Report::parse(payload) else {
            return;
        };
        let command = self.pending.get(&slot);
        let answers = command
            .filter(|command| report.id == Some(command.id))
            .is_some();
        match report.said {
            Said::State(state) => {
                if answers {
                    self.pass_stage(slot, Stage::ReadBack, now);
                }
                self.states.insert(slot, state.to_owned());
                self.state(slot, state, now);
                self.judge_state(slot, state, answers, now);
            }
            Said::BadValue if answers => {
                let reason = "the board does not understand the value".to_owned();
                self.end_command(slot, Stage::Refused, Some(reason), now);
            }
            Said::NoOutput if answers => {
                let reason = "the board has no output there".to_owned();
                self.end_command(slot, Stage::Refused, Some(reason), now);
            }
            Said::BadValue | Said::NoOutput => {}
        }
    }

    /// Tells the states that the board has said before it was known what they mean: it
    /// says first what its new things are, and then that it has them.
    pub(super) fn tell_states(&mut self, now: Now) {
        for (slot, state) in self.states.clone() {
            self.state(slot, &state, now);
        }
    }

    fn state(&mut self, slot: u8, state: &str, now: Now) {
        let Some(of_slot) = self.maps.slot(slot) else {
            return;
        };
        let (topic, is_output) = (of_slot.thing.topic(), of_slot.is_output());
        match of_slot.value(state) {
            // Nobody asks an output for more states than it is given commands.
            Some(value) if is_output => self.voice.publish(topic, value, Qos::AtMostOnce),
            Some(value) => {
                let throttle = self.throttles.entry(slot).or_default();
                if let Some(value) = throttle.offer(value, now.moment) {
                    self.voice.publish(topic, value, Qos::AtMostOnce);
                }
            }
            None => {
                let line = format!("{topic} has no value: is its sensor connected?");
                self.voice.log(&line, now);
            }
        }
    }

    /// Publishes what had to wait, for an input that is not connected changes all the time.
    pub(super) fn catch_up(&mut self, now: Now) {
        for (slot, throttle) in &mut self.throttles {
            let (value, of_slot) = (throttle.take_due(now.moment), self.maps.slot(*slot));
            if let Some((value, of_slot)) = value.zip(of_slot) {
                self.voice
                    .publish(of_slot.thing.topic(), value, Qos::AtMostOnce);
            }
        }
    }

    /// Whether a command is over with this state.
    fn judge_state(&mut self, slot: u8, state: &str, answers: bool, now: Now) {
        let Some(command) = self.pending.get(&slot).filter(|_| answers) else {
            return;
        };
        if command.wanted == state {
            self.end_command(slot, Stage::Reported, None, now);
        } else {
            let reason = format!("its pin was read back as {state}: is it shorted, or overloaded?");
            self.end_command(slot, Stage::Ignored, Some(reason), now);
        }
    }
}
