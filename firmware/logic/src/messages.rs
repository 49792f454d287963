//! What comes from the gateway: commands and the wanted map.

use hearth_wire::board::{BoardTopic, Command, Map};
use hearth_wire::client::Event;
use hearth_wire::packet::TopicId;

use crate::board::Board;
use crate::hardware::Hardware;
use crate::slot::{Due, Slot};

impl Board {
    #[inline(never)]
    pub(crate) fn take(&mut self, event: Event<'_>, hardware: &mut impl Hardware) {
        match event {
            Event::Connected => self.greet(),
            Event::Done { msg_id, .. } if msg_id != 0 => self.request_is_done(),
            Event::Message(message) => {
                let TopicId::Predefined(id) = message.topic else {
                    return;
                };
                match BoardTopic::of(id) {
                    Some(BoardTopic::Set(slot)) => self.obey(slot, message.data, hardware),
                    Some(BoardTopic::WantedMap) => self.take_map(message.data, hardware),
                    _ => {}
                }
            }
            _ => {}
        }
    }

    #[inline(never)]
    fn obey(&mut self, number: u8, payload: &[u8], hardware: &mut impl Hardware) {
        let index = number.wrapping_sub(1);
        let Some(slot) = self.slots.get_mut(usize::from(index)) else {
            return;
        };
        let command = Command::parse(payload);
        slot.command = command.id;
        slot.due = match &slot.thing {
            Some(thing) if thing.kind.is_output() => match command.level(thing.kind) {
                Some(level) => {
                    slot.drive(level, hardware);
                    Due::State
                }
                None => Due::BadValue,
            },
            _ => Due::NoOutput,
        };
        // It is answered at the next poll.
        self.turn = index;
    }

    #[inline(never)]
    fn take_map(&mut self, octets: &[u8], hardware: &mut impl Hardware) {
        match Map::check(octets) {
            Err(refusal) => self.answer = Some((refusal.status as u8, refusal.slot)),
            Ok(_) if octets == self.map_octets() => self.accept(),
            Ok(map) => self.change_map(map, octets, hardware),
        }
    }

    /// Says that the map is in force: when the EEPROM has it, if it is being written.
    pub(crate) fn accept(&mut self) {
        if !self.store.is_writing() {
            self.answer = Some((0, 0));
        }
    }

    /// Brings what the board has to the slots that it has in the new map.
    #[inline(never)]
    fn move_slots(&mut self, map: Map<'_>) {
        for (to, thing) in map.things().enumerate() {
            let is_it = |slot: &Slot| slot.thing == Some(thing);
            if let Some(from) = self.slots.iter().position(is_it)
                && from != to
            {
                self.slots.swap(from, to);
                if let Some(slot) = self.slots.get_mut(to) {
                    slot.due = Due::State;
                    slot.command = None;
                }
            }
        }
    }

    /// Things that stay as they are keep their state: a lamp does not go out because a
    /// sensor is added. Pins that are free now are let go before new ones are taken.
    fn change_map(&mut self, map: Map<'_>, octets: &[u8], hardware: &mut impl Hardware) {
        self.move_slots(map);
        let mut things = map.things();
        for slot in &mut self.slots {
            let thing = things.next();
            if let Some(old) = &slot.thing
                && thing != slot.thing
            {
                hardware.input(old.pin, false);
            }
        }
        for (place, octet) in self.map.iter_mut().zip(octets) {
            *place = *octet;
        }
        self.map_length = octets.len().to_le_bytes()[0];
        self.set_up(hardware);
        self.thermometer.stop();
        self.store.begin();
        // The outputs may be others.
        self.greeting = self.greeting.min(1);
    }
}
