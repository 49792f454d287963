//! From what people wrote to what the board gets, if it can be.

use std::fmt;

use hearth_wire::board::{IN_RULE, MAX_MAP, Map, Refusal, Status, encode_map};

use super::{MAX_RULES, MAX_THINGS, PinMap, PinThing, Slot, rule};
use crate::home::topic;

/// A map that a board can have.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// As it goes to the board.
    pub octets: Vec<u8>,
    /// The first one is slot 1 of the board.
    pub slots: Vec<Slot>,
}

/// Why a map cannot be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapProblem {
    /// The thing or the rule at fault.
    pub at: Option<String>,
    /// A sentence for people.
    pub reason: String,
}

impl fmt::Display for MapProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.at {
            Some(at) => write!(f, "{at}: {}", self.reason),
            None => f.write_str(&self.reason),
        }
    }
}

impl Plan {
    /// Whether a slot is the same thing on the same pin in another plan.
    pub fn same(&self, other: &Plan, slot: u8) -> bool {
        let thing = |plan: &Plan| Map::read(&plan.octets)?.thing(slot);
        thing(self) == thing(other)
    }
}

impl PinMap {
    /// Checks the map, as far as can be known without the board, and makes what the board
    /// gets. Things without a room are in the board's.
    ///
    /// # Errors
    /// The first thing or rule that cannot be, and why.
    pub fn plan(&self, board_room: &str) -> Result<Plan, MapProblem> {
        if self.things.len() > MAX_THINGS || self.rules.len() > MAX_RULES {
            return Err(MapProblem {
                at: None,
                reason: format!("a board holds {MAX_THINGS} things and {MAX_RULES} rules"),
            });
        }
        let slots: Vec<Slot> = self
            .things
            .iter()
            .map(|thing| Slot::new(thing, board_room))
            .collect();
        let mut things = Vec::new();
        for (at, (thing, slot)) in self.things.iter().zip(&slots).enumerate() {
            let problem = |reason| MapProblem {
                at: Some(thing.name.clone()),
                reason,
            };
            check_names(thing).map_err(problem)?;
            if slots.iter().take(at).any(|other| other.thing == slot.thing) {
                return Err(problem("another thing has this name".to_owned()));
            }
            things.push(slot.wire(thing).map_err(problem)?);
        }
        let mut rules = Vec::new();
        for text in &self.rules {
            let read = rule::read(text, &slots);
            rules.push(read.map_err(|reason| MapProblem {
                at: Some(text.clone()),
                reason,
            })?);
        }
        let mut octets = vec![0; MAX_MAP];
        let length = encode_map(self.silence, &things, &rules, &mut octets).unwrap_or(0);
        octets.truncate(length);
        match Map::check(&octets) {
            Ok(_) => Ok(Plan { octets, slots }),
            Err(refusal) => Err(self.explain(refusal)),
        }
    }

    /// What a refusal means for this map, whoever refused it.
    pub fn explain(&self, refusal: Refusal) -> MapProblem {
        let number = usize::from(refusal.slot & !IN_RULE);
        let place = number.checked_sub(1);
        let is_rule = refusal.slot & IN_RULE != 0;
        let thing = place
            .filter(|_| !is_rule)
            .and_then(|place| self.things.get(place));
        let rule = place
            .filter(|_| is_rule)
            .and_then(|place| self.rules.get(place));
        MapProblem {
            at: thing
                .map(|thing| thing.name.clone())
                .or_else(|| rule.cloned()),
            reason: self.reason(refusal.status, thing),
        }
    }

    fn reason(&self, status: Status, thing: Option<&PinThing>) -> String {
        let pin = thing.map_or_else(|| "its pin".to_owned(), |thing| thing.pin.to_string());
        match status {
            Status::InForce => "nothing is wrong".to_owned(),
            Status::Malformed => "the board does not understand the map".to_owned(),
            Status::UnknownVersion => "the board's firmware is too old for this map: run `hearth flash`".to_owned(),
            Status::UnknownKind => "the board's firmware does not know this kind of thing: run `hearth flash`".to_owned(),
            Status::NoSuchPin => format!("an Uno has no {pin}"),
            Status::UsedTwice => {
                let other = self.things.iter().find(|other| Some(other.pin) == thing.map(|thing| thing.pin));
                let other = other.map_or("another thing", |other| &other.name);
                format!("{pin} is used by {other} already")
            }
            Status::CannotDoIt => self.cannot(&pin, thing),
            Status::OutOfRange if thing.is_none() => "the silence is 0, or at least 3 s".to_owned(),
            Status::OutOfRange => "a level or an option that this kind of thing cannot have".to_owned(),
            Status::NoSuchSlot => "a rule is about an output and a sensor of the map".to_owned(),
            Status::NotKept => "the board works with the map, but its EEPROM could not keep it: it is lost with the power".to_owned(),
        }
    }

    fn cannot(&self, pin: &str, thing: Option<&PinThing>) -> String {
        use super::PinKind as K;
        let number = thing.map(|thing| thing.pin.number());
        match thing.map(|thing| thing.kind) {
            _ if number.is_some_and(|pin| pin < 2) => {
                format!("{pin} belongs to the serial line to this computer")
            }
            Some(K::Analog) => format!("{pin} has no analog converter: use A0 to A5"),
            Some(K::Pwm) if matches!(number, Some(9 | 10)) => {
                format!("{pin} has no PWM beside a servo: use 3, 5, 6 or 11")
            }
            Some(K::Pwm) => format!("{pin} has no PWM: use 3, 5, 6, 9, 10 or 11"),
            _ => format!("{pin} cannot do that"),
        }
    }
}

fn check_names(thing: &PinThing) -> Result<(), String> {
    for word in [Some(&thing.name), thing.room.as_ref()]
        .into_iter()
        .flatten()
    {
        if !topic::is_word(word) {
            let better = topic::word(word);
            let hint = match better.is_empty() {
                true => String::new(),
                false => format!(", such as {better}"),
            };
            return Err(format!(
                "{word:?} is no name: use lower-case letters, digits and -{hint}"
            ));
        }
    }
    Ok(())
}
