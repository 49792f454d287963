//! Outputs while the gateway is silent: they take their safe level, or what a rule of the
//! map says.

use hearth_wire::board::{Map, Rule, Thing};

use crate::board::Board;
use crate::hardware::Hardware;
use crate::slot::{Sight, Slot};

impl Board {
    /// Outputs become safe when the gateway was silent for too long, and obey rules until
    /// it is back.
    pub(crate) fn watch_gateway(&mut self, hardware: &mut impl Hardware) {
        let octets = self
            .map
            .get(..usize::from(self.map_length))
            .unwrap_or_default();
        let Some(map) = Map::read(octets) else {
            return;
        };
        if map.silence() == 0 || self.quiet < map.silence() {
            self.holding = 0;
            return;
        }
        for slot in &mut self.slots {
            slot.wanted = slot.thing.as_ref().map_or(0, Thing::safe);
        }
        let mut bit = 1_u8;
        for rule in map.rules() {
            let held = self.holding & bit != 0;
            self.holding &= !bit;
            if holds(&rule, held, &self.slots) {
                self.holding |= bit;
                // The last that holds decides.
                if let Some(slot) = self.slots.get_mut(usize::from(rule.output).wrapping_sub(1)) {
                    slot.wanted = rule.level;
                }
            }
            bit <<= 1;
        }
        for slot in &mut self.slots {
            if slot.wanted != slot.level {
                slot.drive(slot.wanted, hardware);
            }
        }
    }
}

fn holds(rule: &Rule, held: bool, slots: &[Slot]) -> bool {
    let input = slots.get(usize::from(rule.input).wrapping_sub(1));
    input.is_some_and(|slot| slot.sight == Sight::Something && rule.holds(slot.value, held))
}
