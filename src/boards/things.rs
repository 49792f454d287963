//! What a board has: its things, their topics, and what is known of each.

use std::collections::BTreeMap;

use super::throttle::Throttle;
use super::{BoardSettings, ThingSettings};
use crate::clock::Now;
use crate::home::{Kind, Quantity, Thing, ThingAbout, Value, topic};

/// A board has no more things; a sketch that prints changing names must not
/// fill the house with topics.
pub(super) const MOST_THINGS: usize = 64;

/// A command that is on its way.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    pub to: Value,
    pub at: Now,
    pub sent: bool,
}

#[derive(Debug)]
pub(super) struct BoardThing {
    pub thing: Thing,
    /// What the board itself calls it.
    pub said: String,
    settings: ThingSettings,
    /// The unit that the board printed.
    unit: Option<String>,
    /// What the name or the unit tells, until a value contradicts.
    guess: Option<Quantity>,
    /// Every value so far was `on` or `off`.
    only_switched: bool,
    pub throttle: Throttle,
    pub pending: Option<Pending>,
}

/// The things of one board, by the name it prints, made a word.
#[derive(Debug)]
pub(super) struct Things {
    room: String,
    settings: BTreeMap<String, ThingSettings>,
    known: BTreeMap<String, BoardThing>,
}

impl Things {
    /// The things that the config describes are there from the beginning: an
    /// actuator may be commanded before it has ever reported.
    pub fn new(room: &str, settings: Option<&BoardSettings>) -> Things {
        let mut things = Things {
            room: room.to_owned(),
            settings: settings
                .map(|board| board.things.clone())
                .unwrap_or_default(),
            known: BTreeMap::new(),
        };
        let configured: Vec<String> = things.settings.keys().cloned().collect();
        for name in configured {
            things.add(&name, &name);
        }
        things
    }

    /// The thing that the board calls `said`; a new one if there is room.
    pub fn said(&mut self, said: &str) -> Option<&mut BoardThing> {
        let word = topic::word(said);
        if !self.known.contains_key(&word) {
            if self.known.len() >= MOST_THINGS || word.is_empty() {
                return None;
            }
            self.add(&word, said);
        }
        self.known.get_mut(&word)
    }

    fn add(&mut self, word: &str, said: &str) {
        let settings = self.settings.get(word).cloned().unwrap_or_default();
        let room = settings.room.as_ref().unwrap_or(&self.room);
        let name = settings.name.as_deref().unwrap_or(word);
        let thing = BoardThing {
            thing: Thing::new(room, name),
            said: said.to_owned(),
            settings,
            unit: None,
            guess: Quantity::from_name(word),
            only_switched: true,
            throttle: Throttle::default(),
            pending: None,
        };
        self.known.insert(word.to_owned(), thing);
    }

    pub fn by_topic(&mut self, thing: &Thing) -> Option<&mut BoardThing> {
        self.known.values_mut().find(|known| known.thing == *thing)
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut BoardThing> {
        self.known.values_mut()
    }

    pub fn iter(&self) -> impl Iterator<Item = &BoardThing> {
        self.known.values()
    }

    /// The rooms whose commands may be for this board.
    pub fn rooms(&self) -> Vec<String> {
        let own = self.known.values().map(|known| known.thing.room.clone());
        let mut rooms: Vec<String> = own.chain([self.room.clone()]).collect();
        rooms.sort();
        rooms.dedup();
        rooms
    }

    /// As the `about` topic tells them. A configured thing that has not spoken
    /// is told only if it takes commands.
    pub fn about(&self) -> Vec<ThingAbout> {
        let spoken = |known: &&BoardThing| {
            known.throttle.latest().is_some() || known.kind().takes_commands()
        };
        self.known
            .values()
            .filter(spoken)
            .map(BoardThing::about)
            .collect()
    }
}

impl BoardThing {
    /// Learns from a value; returns the payload to publish.
    pub fn learn(&mut self, value: &Value, unit: Option<String>) -> String {
        if unit.is_some() {
            self.unit = unit;
        }
        self.only_switched &= matches!(value, Value::Switch(_));
        self.guess = self.guess.take().filter(|guess| fits(guess, value));
        match (value, self.kind()) {
            (Value::Number(bit), Kind::Switch | Kind::BinarySensor) if is_bit(*bit) => {
                Value::Switch(*bit == 1.0).to_string()
            }
            _ => value.to_string(),
        }
    }

    /// What can be done with it: as the config says, else as the name tells,
    /// else as its values look.
    pub fn kind(&self) -> Kind {
        let guessed = self.guess.as_ref().map(|guess| guess.kind);
        let by_value = match self.only_switched && self.throttle.latest().is_some() {
            true => Kind::BinarySensor,
            false => Kind::Sensor,
        };
        self.settings.kind.or(guessed).unwrap_or(by_value)
    }

    pub fn about(&self) -> ThingAbout {
        let printed = self.unit.as_deref().and_then(Quantity::from_unit);
        let by_name = self.guess.as_ref();
        // A battery in % is no humidity: the name knows better, if it agrees.
        let agrees =
            by_name.filter(|name| self.unit.is_none() || name.unit == self.unit.as_deref());
        let class = agrees
            .or(printed.as_ref())
            .and_then(|quantity| quantity.device_class);
        let unit = (self.settings.unit.clone())
            .or_else(|| self.unit.clone())
            .or_else(|| by_name?.unit.map(str::to_owned));
        let (min, max) = self.range(unit.as_deref());
        ThingAbout {
            name: self.said.clone(),
            topic: self.thing.topic(),
            kind: self.kind(),
            device_class: self.settings.device_class.or(class),
            unit,
            min,
            max,
        }
    }

    /// The range of a number that can be set.
    fn range(&self, unit: Option<&str>) -> (Option<f64>, Option<f64>) {
        let (least, most) = match unit {
            _ if self.kind() != Kind::Number => (None, None),
            Some("%") => (Some(0.0), Some(100.0)),
            Some("°") => (Some(0.0), Some(180.0)),
            _ => (None, None),
        };
        (self.settings.min.or(least), self.settings.max.or(most))
    }

    /// Reads a command's payload as a state of this thing, or says why not.
    pub fn wanted(&self, payload: &str) -> Result<Value, String> {
        let name = &self.thing.name;
        let value = Value::parse(payload);
        match (self.kind(), &value) {
            (Kind::Switch, Value::Switch(_)) => Ok(value),
            (Kind::Switch, _) => Err(format!("{name} takes on or off, not \"{}\"", cut(payload))),
            (Kind::Number, Value::Number(number)) => self.within(*number).map(|()| value),
            (Kind::Number, _) => Err(format!("{name} takes a number, not \"{}\"", cut(payload))),
            (Kind::Sensor | Kind::BinarySensor, _) => Err(format!(
                "{name} only reports; if the board can set it, say kind = \"switch\" or \
                 \"number\" for this thing in the config"
            )),
        }
    }

    fn within(&self, number: f64) -> Result<(), String> {
        let about = self.about();
        let (name, unit) = (&self.thing.name, about.unit.as_deref().unwrap_or(""));
        match (about.min, about.max) {
            (Some(min), _) if number < min => Err(format!("{name} takes {min}{unit} at least")),
            (_, Some(max)) if number > max => Err(format!("{name} takes {max}{unit} at most")),
            _ => Ok(()),
        }
    }

    /// Whether the latest report says `wanted`; `None` if there is none.
    pub fn reports(&self, wanted: &Value) -> Option<bool> {
        let latest = Value::parse(self.throttle.latest()?);
        Some(match (&latest, wanted) {
            (Value::Number(is), Value::Number(to)) => (is - to).abs() <= 1e-3 * to.abs().max(1.0),
            _ => latest == *wanted,
        })
    }
}

/// Whether a value is possible for what the name promised: a `light` that
/// prints 345 is no switch, a `soil` that prints 512 no percentage.
fn fits(guess: &Quantity, value: &Value) -> bool {
    match (guess.kind, value) {
        (Kind::Switch | Kind::BinarySensor, Value::Number(number)) => is_bit(*number),
        (Kind::Switch | Kind::BinarySensor, _) => true,
        (Kind::Sensor | Kind::Number, Value::Number(number)) => {
            guess.unit != Some("%") || (0.0..=100.0).contains(number)
        }
        (Kind::Sensor | Kind::Number, _) => false,
    }
}

fn is_bit(number: f64) -> bool {
    number == 0.0 || number == 1.0
}

/// The user's text, short enough for a sentence.
fn cut(payload: &str) -> String {
    payload.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Moment;
    use crate::home::DeviceClass;

    fn about(things: &mut Things, said: &str, values: &[&str], unit: Option<&str>) -> ThingAbout {
        let thing = things.said(said).unwrap();
        for value in values {
            let payload = thing.learn(&Value::parse(value), unit.map(str::to_owned));
            thing.throttle.offer(payload, Moment(0));
        }
        thing.about()
    }

    #[test]
    fn a_thing_is_what_its_name_its_unit_and_its_values_tell() {
        use DeviceClass as D;
        for (said, values, unit, expected) in [
            (
                "Temp",
                &["21"][..],
                None,
                (Kind::Sensor, Some(D::Temperature), Some("°C")),
            ),
            (
                "Temp",
                &["70"],
                Some("°F"),
                (Kind::Sensor, Some(D::Temperature), Some("°F")),
            ),
            (
                "battery",
                &["80"],
                Some("%"),
                (Kind::Sensor, Some(D::Battery), Some("%")),
            ),
            (
                "a",
                &["80"],
                Some("%"),
                (Kind::Sensor, Some(D::Humidity), Some("%")),
            ),
            ("fan", &["off"], None, (Kind::Switch, None, None)),
            ("fan", &["0", "1"], None, (Kind::Switch, None, None)),
            ("light", &["345"], None, (Kind::Sensor, None, None)),
            ("soil", &["512"], None, (Kind::Sensor, None, None)),
            ("dimmer", &["50"], None, (Kind::Number, None, Some("%"))),
            (
                "window",
                &["open"],
                None,
                (Kind::BinarySensor, Some(D::Window), None),
            ),
            (
                "flag",
                &["on", "off"],
                None,
                (Kind::BinarySensor, None, None),
            ),
            ("flag", &["on", "2"], None, (Kind::Sensor, None, None)),
        ] {
            let got = about(&mut Things::new("r", None), said, values, unit);
            let got = (got.kind, got.device_class, got.unit.as_deref());
            assert_eq!(got, expected, "{said} {values:?}");
        }
    }

    #[test]
    fn a_switch_that_prints_bits_reports_states() {
        let mut things = Things::new("r", None);
        let fan = things.said("fan").unwrap();
        assert_eq!(fan.learn(&Value::Number(1.0), None), "on");
        assert_eq!(fan.learn(&Value::Number(0.0), None), "off");
    }

    #[test]
    fn a_payload_that_is_no_state_is_refused_with_a_reason() {
        let mut things = Things::new("r", None);
        let refusal = |thing: &mut BoardThing, payload| thing.wanted(payload).unwrap_err();
        let fan = things.said("fan").unwrap();
        assert_eq!(refusal(fan, "fast"), "fan takes on or off, not \"fast\"");
        assert_eq!(fan.wanted("ON"), Ok(Value::Switch(true)));
        let dimmer = things.said("dimmer").unwrap();
        assert_eq!(refusal(dimmer, "101"), "dimmer takes 100% at most");
        assert_eq!(refusal(dimmer, "-1"), "dimmer takes 0% at least");
        assert_eq!(refusal(dimmer, "on"), "dimmer takes a number, not \"on\"");
        let temp = things.said("temp").unwrap();
        assert!(refusal(temp, "on").contains("only reports"));
    }

    #[test]
    fn the_number_of_things_is_bounded() {
        let mut things = Things::new("r", None);
        let taken = (0..1000).filter(|i| things.said(&format!("x{i}")).is_some());
        assert_eq!(taken.count(), MOST_THINGS);
        assert!(things.said("x1").is_some());
    }
}
