//! A pin map as a form: what a person typed becomes a map, and a map what stands in the
//! fields. What the form does not show stays with the thing of the same name.
//!
//! Pure; whether a board can have the map is not decided here.

use std::str::FromStr;

use crate::home::PinMap;
use crate::home::pin_map::{
    Level, MAX_RULES, MAX_THINGS, MapProblem, Pin, PinKind, PinThing, SILENCE,
};

/// What a person can connect something to; D0 and D1 are the line to this computer.
const PINS: [&str; 18] = [
    "D2", "D3", "D4", "D5", "D6", "D7", "D8", "D9", "D10", "D11", "D12", "D13", "A0", "A1", "A2",
    "A3", "A4", "A5",
];
const WITH_PWM: [&str; 6] = ["D3", "D5", "D6", "D9", "D10", "D11"];

/// The fields as they are filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PinForm {
    pub silence: String,
    /// One for each slot of a board.
    pub rows: Vec<Row>,
    pub rules: Vec<String>,
}

/// The fields of one thing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    pub name: String,
    /// As JSON names it; empty: nothing.
    pub kind: String,
    pub pin: String,
    pub pull_up: bool,
    pub active_low: bool,
    pub safe: String,
    pub every: String,
    pub low: String,
    pub high: String,
    pub unit: String,
}

/// Why a form cannot be, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormProblem {
    pub place: Place,
    pub reason: String,
}

/// A part of the form; rows and rules count from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Whole,
    Silence,
    Row(usize),
    Rule(usize),
}

impl FormProblem {
    fn new(place: Place, reason: impl Into<String>) -> FormProblem {
        FormProblem {
            place,
            reason: reason.into(),
        }
    }

    /// Whether it is about this row, as a template counts them.
    pub fn is_row(&self, row: &usize) -> bool {
        self.place == Place::Row(*row)
    }

    pub fn is_rule(&self, rule: &usize) -> bool {
        self.place == Place::Rule(*rule)
    }

    pub fn is_silence(&self) -> bool {
        self.place == Place::Silence
    }

    /// Where on the page it is.
    pub fn href(&self) -> String {
        match self.place {
            Place::Whole => "#map".to_owned(),
            Place::Silence => "#silence".to_owned(),
            Place::Row(row) => format!("#thing-{}", row + 1),
            Place::Rule(rule) => format!("#rule-{}", rule + 1),
        }
    }
}

impl From<&PinMap> for PinForm {
    fn from(map: &PinMap) -> PinForm {
        let mut form = PinForm::blank();
        form.silence = map.silence.to_string();
        for (row, thing) in form.rows.iter_mut().zip(&map.things) {
            *row = Row::from(thing);
        }
        for (rule, text) in form.rules.iter_mut().zip(&map.rules) {
            rule.clone_from(text);
        }
        form
    }
}

impl From<&PinThing> for Row {
    fn from(thing: &PinThing) -> Row {
        let end = |end: fn([f64; 2]) -> f64| thing.scale.map(|scale| end(scale).to_string());
        Row {
            name: thing.name.clone(),
            kind: thing.kind.as_str().to_owned(),
            pin: thing.pin.to_string(),
            pull_up: thing.pull_up,
            active_low: thing.active_low,
            safe: thing.safe.as_ref().map(level_text).unwrap_or_default(),
            every: thing
                .every
                .map(|every| every.to_string())
                .unwrap_or_default(),
            low: end(|[low, _]| low).unwrap_or_default(),
            high: end(|[_, high]| high).unwrap_or_default(),
            unit: thing.unit.clone().unwrap_or_default(),
        }
    }
}

fn level_text(level: &Level) -> String {
    match level {
        Level::Switch(true) => "on".to_owned(),
        Level::Switch(false) => "off".to_owned(),
        Level::Number(number) => number.to_string(),
        Level::Text(text) => text.clone(),
    }
}

impl PinForm {
    fn blank() -> PinForm {
        PinForm {
            silence: SILENCE.to_string(),
            rows: vec![Row::default(); MAX_THINGS],
            rules: vec![String::new(); MAX_RULES],
        }
    }

    /// From the fields of a request. Fields that no form of ours has are passed over.
    pub fn typed(fields: Vec<(String, String)>) -> PinForm {
        let mut form = PinForm::blank();
        for (field, typed) in fields {
            form.fill(&field, typed.trim());
        }
        form
    }

    fn fill(&mut self, field: &str, typed: &str) {
        if field == "silence" {
            typed.clone_into(&mut self.silence);
        }
        let Some((field, number)) = field.rsplit_once('-') else {
            return;
        };
        let Some(place) = number
            .parse::<usize>()
            .ok()
            .and_then(|number| number.checked_sub(1))
        else {
            return;
        };
        if field == "rule" {
            if let Some(rule) = self.rules.get_mut(place) {
                typed.clone_into(rule);
            }
        } else if let Some(row) = self.rows.get_mut(place) {
            row.fill(field, typed);
        }
    }

    /// The map that is meant. `before` is the one that the form was made from.
    ///
    /// # Errors
    /// The first field that says nothing that can be.
    pub fn read(&self, before: &PinMap) -> Result<PinMap, FormProblem> {
        let mut things = Vec::new();
        for (place, row) in self.rows.iter().enumerate() {
            let earlier = self.rows.iter().take(place);
            let nth = earlier.filter(|other| other.name == row.name).count();
            let mut known = before.things.iter().filter(|thing| thing.name == row.name);
            let thing = row.read(place, known.nth(nth));
            things.extend(thing.map_err(|reason| FormProblem::new(Place::Row(place), reason))?);
        }
        let rules = self.rules.iter().filter(|rule| !rule.is_empty());
        Ok(PinMap {
            silence: self.read_silence()?,
            things,
            rules: rules.cloned().collect(),
        })
    }

    fn read_silence(&self) -> Result<u16, FormProblem> {
        if self.silence.is_empty() {
            return Ok(SILENCE);
        }
        let seconds = self.silence.parse().ok();
        seconds
            .filter(|seconds| !matches!(seconds, 1 | 2))
            .ok_or_else(|| {
                let reason = "the silence is 0, or a whole number of seconds from 3 to 65535";
                FormProblem::new(Place::Silence, reason)
            })
    }

    /// Where in the form it is that a map cannot be.
    pub fn locate(&self, problem: &MapProblem) -> FormProblem {
        let at = problem.at.as_deref();
        // Of two things with one name or pin, the later one is at fault.
        let row = self.rows.iter().rposition(|row| Some(&*row.name) == at);
        let rule = self.rules.iter().rposition(|rule| Some(&**rule) == at);
        let place = match (row, rule) {
            (Some(row), _) => Place::Row(row),
            (None, Some(rule)) => Place::Rule(rule),
            (None, None) => Place::Whole,
        };
        FormProblem::new(place, problem.to_string())
    }

    /// Rows from this one on are folded, unless something stands in them.
    pub fn first_free(&self) -> usize {
        let last_used = self.rows.iter().rposition(|row| !row.is_blank());
        last_used.map_or(0, |last| last + 1)
    }
}

impl Row {
    fn fill(&mut self, field: &str, typed: &str) {
        let text = match field {
            "name" => &mut self.name,
            "kind" => &mut self.kind,
            "pin" => &mut self.pin,
            "safe" => &mut self.safe,
            "every" => &mut self.every,
            "low" => &mut self.low,
            "high" => &mut self.high,
            "unit" => &mut self.unit,
            "pull_up" => return self.pull_up = true,
            "active_low" => return self.active_low = true,
            _ => return,
        };
        typed.clone_into(text);
    }

    /// Whether nothing was ever typed here.
    pub fn is_blank(&self) -> bool {
        *self == Row::default()
    }

    /// What it is, in a line.
    pub fn summary(&self) -> String {
        match (self.name.as_str(), self.kind.as_str(), self.pin.as_str()) {
            _ if self.is_blank() => "free".to_owned(),
            (name, "", _) => name.to_owned(),
            (name, kind, "") => format!("{name}, {kind}"),
            (name, kind, pin) => format!("{name}, {kind} on {pin}"),
        }
    }

    /// The choices for its kind: as JSON names it, and what that is.
    pub fn kinds(&self) -> [(&'static str, &'static str); PinKind::ALL.len()] {
        PinKind::ALL.map(|kind| (kind.as_str(), words(kind)))
    }

    /// The choices for its pin; what is none of them stays a choice.
    pub fn pins(&self) -> impl Iterator<Item = (&str, String)> {
        let own = Some(self.pin.as_str()).filter(|pin| !pin.is_empty() && !PINS.contains(pin));
        PINS.into_iter().chain(own).map(|pin| match pin {
            pin if WITH_PWM.contains(&pin) => (pin, format!("{pin} (PWM)")),
            pin => (pin, pin.to_owned()),
        })
    }

    /// The thing that is meant, if any; `before` is what it was.
    fn read(&self, place: usize, before: Option<&PinThing>) -> Result<Option<PinThing>, String> {
        let number = place + 1;
        match (self.name.as_str(), self.kind.as_str()) {
            ("", "") => return Ok(None),
            // To choose nothing for a thing is to take it away.
            (_, "") if before.is_some() => return Ok(None),
            (name, "") => return Err(format!("{name}: choose what it is")),
            ("", _) => {
                return Err(format!(
                    "thing {number} has no name: give it one, or choose nothing to leave it out"
                ));
            }
            _ => {}
        }
        let say = |reason: &str| format!("{}: {reason}", self.name);
        let kind = PinKind::ALL
            .into_iter()
            .find(|kind| kind.as_str() == self.kind);
        Ok(Some(PinThing {
            name: self.name.clone(),
            kind: kind.ok_or_else(|| say("there is no such kind of thing"))?,
            pin: Pin::parse(&self.pin).ok_or_else(|| say("choose its pin"))?,
            room: before.and_then(|thing| thing.room.clone()),
            every: read(&self.every).ok_or_else(|| say("\"every\" is a number of seconds"))?,
            deadband: before.and_then(|thing| thing.deadband),
            debounce: before.and_then(|thing| thing.debounce),
            pull_up: self.pull_up,
            active_low: self.active_low,
            safe: self.safe(before),
            scale: self.scale().map_err(say)?,
            unit: Some(self.unit.clone()).filter(|unit| !unit.is_empty()),
            device_class: before.and_then(|thing| thing.device_class),
        }))
    }

    /// As it was written before, where it means the same.
    fn safe(&self, before: Option<&PinThing>) -> Option<Level> {
        let before = before.and_then(|thing| thing.safe.as_ref());
        match (self.safe.as_str(), read(&self.safe)) {
            ("", _) => None,
            (typed, _) if before.is_some_and(|level| level_text(level) == typed) => before.cloned(),
            (_, Some(Some(number))) => Some(Level::Number(number)),
            (typed, _) => Some(Level::Text(typed.to_owned())),
        }
    }

    fn scale(&self) -> Result<Option<[f64; 2]>, &'static str> {
        match (read(&self.low), read(&self.high)) {
            (Some(None), Some(None)) => Ok(None),
            (Some(Some(low)), Some(Some(high))) => Ok(Some([low, high])),
            (None, _) | (_, None) => Err("the ends of the scale are numbers"),
            _ => Err("say what both 0 V and 5 V mean, or neither"),
        }
    }
}

/// What stands in a field for a number: `None` where that is no finite one.
fn read(typed: &str) -> Option<Option<f64>> {
    if typed.is_empty() {
        return Some(None);
    }
    let number = f64::from_str(typed).ok();
    number.filter(|number| number.is_finite()).map(Some)
}

fn words(kind: PinKind) -> &'static str {
    match kind {
        PinKind::Analog => "analog: a voltage, 0 to 5 V",
        PinKind::Digital => "digital: a contact, on or off",
        PinKind::Counter => "counter: pulses",
        PinKind::Relay => "relay: on or off",
        PinKind::Pwm => "pwm: 0 to 100 %",
        PinKind::Servo => "servo: 0 to 180°",
        PinKind::Ds18b20 => "ds18b20: a thermometer",
    }
}

#[cfg(test)]
mod tests;
