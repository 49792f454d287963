//! What a board says: after a CONNECT its subscriptions, its map, its vitals and all its
//! states; then what changed, and what is due. One packet at a time, so that the line and
//! the gateway keep up.

use hearth_wire::board::{BoardTopic, CURRENT, Kind, MAX_MAP, MIN, SLOTS, Value, Vitals};
use hearth_wire::packet::{Topic, TopicId};

use crate::board::{Board, frames};
use crate::hardware::Hardware;
use crate::slot::{Due, Sight, Slot};
use crate::station::{FIRMWARE, Line};

/// In tenths of a second.
const VITALS_EVERY: u16 = 300;

/// What was said of a slot at QoS 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    /// Of the slot, from 0 on.
    index: u8,
    due: Due,
    command: Option<u16>,
}

impl Board {
    /// A session begins: everything is said anew.
    #[inline(never)]
    pub(crate) fn greet(&mut self) {
        self.greeting = 0;
        self.vitals_in = 0;
        self.under_way = None;
        self.accept();
        for slot in &mut self.slots {
            if slot.due == Due::Nothing {
                slot.due = Due::State;
            }
        }
    }

    /// What was said surely has arrived; unless there is something new to say of it.
    #[inline(never)]
    pub(crate) fn request_is_done(&mut self) {
        if let Some(said) = self.under_way.take()
            && let Some(slot) = self.slots.get_mut(usize::from(said.index))
            && slot.due == said.due
            && slot.command == said.command
        {
            slot.due = Due::Nothing;
            slot.command = None;
        }
    }

    pub(crate) fn speak(&mut self, line: Line, hardware: &mut impl Hardware) {
        let is_free = !self.client.is_busy();
        if is_free && self.greeting <= SLOTS {
            self.subscribe(hardware);
        } else if is_free && let Some((status, slot)) = self.answer {
            self.say_answer(status, slot, hardware);
        } else if self.vitals_in == 0 {
            self.say_vitals(line, hardware);
        } else {
            self.report(is_free, hardware);
        }
    }

    /// To the wanted map first, then to the commands of each output.
    #[inline(never)]
    fn subscribe(&mut self, hardware: &mut impl Hardware) {
        let number = self.greeting;
        self.greeting = number.wrapping_add(1);
        let slot = self.slots.get(usize::from(number).wrapping_sub(1));
        let topic = match slot.map(|slot| &slot.thing) {
            None => BoardTopic::WantedMap,
            Some(Some(thing)) if thing.kind.is_output() => BoardTopic::Set(number),
            Some(_) => return,
        };
        // There is a session, and no other request.
        let topic = Topic::Predefined(topic.id());
        let _ = self.client.subscribe(topic, &mut frames(hardware));
    }

    fn say_answer(&mut self, status: u8, slot: u8, hardware: &mut impl Hardware) {
        self.answer = None;
        let mut payload = [0; 2 + MAX_MAP];
        let [to_status, to_slot, map @ ..] = &mut payload;
        (*to_status, *to_slot, *map) = (status, slot, self.map);
        let length = usize::from(self.map_length).wrapping_add(2);
        self.say(
            BoardTopic::Map,
            payload.get(..length).unwrap_or_default(),
            true,
            hardware,
        );
    }

    fn say_vitals(&mut self, line: Line, hardware: &mut impl Hardware) {
        self.vitals_in = VITALS_EVERY;
        let vitals = Vitals {
            min: MIN,
            current: CURRENT,
            firmware: FIRMWARE,
            cause: self.cause,
            uptime: self.time.uptime,
            frames: line.frames,
            bad_frames: line.bad_frames,
            overruns: hardware.overruns(),
        };
        self.say(BoardTopic::Vitals, &vitals.encode(), false, hardware);
    }

    /// Says the thing whose turn it is, if there is something to say.
    fn report(&mut self, is_free: bool, hardware: &mut impl Hardware) {
        let index = self.turn;
        let Some(slot) = self.slots.get_mut(usize::from(index)) else {
            return;
        };
        let is_sure = slot.is_sure();
        let value = slot.to_say(self.time.tenths);
        let Some(value) = value.filter(|_| is_free || !is_sure) else {
            return;
        };
        if is_sure {
            self.under_way = Some(Said {
                index,
                due: slot.due,
                command: slot.command,
            });
        } else {
            slot.due = Due::Nothing;
        }
        slot.said = slot.value;
        slot.said_sight = slot.sight;
        slot.said_at = self.time.tenths;
        let payload = value.write(slot.command);
        let topic = BoardTopic::State(index.wrapping_add(1));
        self.say(topic, payload.as_bytes(), is_sure, hardware);
    }

    /// There is a session, no other request, and room for everything that is said.
    #[inline(never)]
    fn say(
        &mut self,
        topic: BoardTopic,
        payload: &[u8],
        is_sure: bool,
        hardware: &mut impl Hardware,
    ) {
        let topic = TopicId::Predefined(topic.id());
        let out = &mut frames(hardware);
        if is_sure {
            let _ = self.client.publish_surely(topic, payload, false, out);
        } else {
            let _ = self.client.publish(topic, payload, false, out);
        }
    }
}

impl Slot {
    /// Outputs are reported at QoS 1, and so is what answers a command.
    fn is_sure(&self) -> bool {
        self.thing
            .as_ref()
            .is_none_or(|thing| thing.kind.is_output())
            || matches!(self.due, Due::BadValue | Due::NoOutput)
    }

    /// `None`: there is nothing to say of it now.
    fn to_say(&self, tenths: u16) -> Option<Value> {
        match self.due {
            Due::BadValue => return Some(Value::BadValue),
            Due::NoOutput => return Some(Value::NoOutput),
            Due::State | Due::Nothing => {}
        }
        let thing = self.thing.as_ref()?;
        let is_due = self.due == Due::State || self.changed(tenths);
        (is_due && self.sight != Sight::NotYet).then(|| self.value(thing.kind))
    }

    fn changed(&self, tenths: u16) -> bool {
        let Some(thing) = &self.thing else {
            return false;
        };
        let elapsed = tenths.wrapping_sub(self.said_at);
        if thing.period != 0 && elapsed >= thing.period || self.sight != self.said_sight {
            return true;
        }
        match thing.kind {
            Kind::Analog => self.value.abs_diff(self.said) > u32::from(thing.deadband()),
            // They change all the time: their period decides, if they have one.
            Kind::Counter | Kind::Ds18b20 if thing.period != 0 || elapsed == 0 => false,
            _ => self.value != self.said,
        }
    }
}
