//! One pin: what its line says, as a thing of the house, and what a command to
//! it means. Pure; all pins together are [`super::pins`].

use std::time::Duration;

use super::debounce::Debounce;
use super::level::{Duty, Level};
use super::lines::{Claimed, LineError};
use super::pins::{State, Switching};
use super::{Direction, PinSettings};
use crate::clock::UtcMillis;
use crate::home::{CommandReport, Kind, Stage, Thing, ThingAbout, Value};

#[derive(Debug)]
pub(super) struct Pin {
    pub settings: PinSettings,
    pub thing: Thing,
    pub line: Line,
    /// Inputs only, once their first state was read.
    pub input: Option<Debounce>,
}

/// Whether a pin's line is ours.
#[derive(Debug)]
pub(super) enum Line {
    Unasked,
    Missing(LineError),
    Ours(Claimed),
}

impl Pin {
    /// A pin of which nothing is known yet.
    pub fn new(settings: &PinSettings) -> Pin {
        Pin {
            settings: settings.clone(),
            thing: Thing::new(&settings.room, &settings.name),
            line: Line::Unasked,
            input: None,
        }
    }

    pub fn is_ours(&self) -> bool {
        matches!(self.line, Line::Ours(_))
    }

    /// How long we wait for an input to be still: not at all where the driver
    /// has waited.
    pub fn debounce(&self) -> Option<Duration> {
        match (self.settings.direction, &self.line) {
            (Direction::Input { .. }, Line::Ours(Claimed::Debounced)) => Some(Duration::ZERO),
            (Direction::Input { debounce, .. }, _) => Some(debounce),
            _ => None,
        }
    }

    pub fn about(&self) -> ThingAbout {
        let percent = matches!(self.settings.direction, Direction::Pwm { .. });
        ThingAbout {
            name: self.settings.name.clone(),
            topic: self.thing.topic(),
            kind: match self.settings.direction {
                Direction::Input { .. } => Kind::BinarySensor,
                Direction::Output { .. } => Kind::Switch,
                Direction::Pwm { .. } => Kind::Number,
            },
            device_class: self.settings.device_class,
            unit: percent.then(|| "%".into()),
            min: percent.then(|| Duty::OFF.percent()),
            max: percent.then(|| Duty::FULL.percent()),
        }
    }

    pub fn state(&self, level: Level) -> State {
        State {
            topic: self.thing.topic(),
            payload: level.to_string(),
        }
    }

    /// The state that a command wants, or why it cannot be done.
    pub fn wanted(&self, to: &str, retained: bool) -> Result<Level, String> {
        let name = &self.settings.name;
        if matches!(self.settings.direction, Direction::Input { .. }) {
            return Err(format!(
                "pin {name} is an input: it reports and cannot be switched"
            ));
        }
        if retained {
            return Err(format!(
                "the command was retained from an earlier time, so pin {name} keeps its safe state: \
                 publish commands without the retain flag"
            ));
        }
        if let Line::Missing(error) = &self.line {
            return Err(format!("pin {name} cannot be used: {error}"));
        }
        self.level(to)
            .ok_or_else(|| format!("pin {name} takes {}, not {:?}", self.takes(), shortened(to)))
    }

    fn level(&self, to: &str) -> Option<Level> {
        match (self.settings.direction, Value::parse(to)) {
            (Direction::Pwm { .. }, Value::Number(percent)) => {
                Duty::from_percent(percent).map(Level::Duty)
            }
            (Direction::Pwm { .. }, Value::Switch(true)) => Some(Level::Duty(Duty::FULL)),
            (Direction::Pwm { .. }, Value::Switch(false)) => Some(Level::Duty(Duty::OFF)),
            (_, value) => value.as_switch().map(Level::Switch),
        }
    }

    fn takes(&self) -> &'static str {
        match self.settings.direction {
            Direction::Pwm { .. } => "a number from 0 to 100, in percent",
            _ => "on or off",
        }
    }

    pub fn report(&self, to: String, at: UtcMillis, reason: Option<String>) -> CommandReport {
        let refused = reason.is_some();
        CommandReport {
            topic: self.thing.topic(),
            to: shortened(&to),
            at,
            stage: if refused { Stage::Refused } else { Stage::Sent },
            ms: 0,
            id: None,
            steps: Vec::new(),
            reason,
        }
    }

    pub fn switching(&self, level: Level, report: CommandReport) -> Switching {
        Switching {
            pin: self.settings.name.clone(),
            offset: self.settings.gpio,
            level,
            topic: self.thing.topic(),
            report,
        }
    }
}

/// A payload may be of any size; a report of it need not be.
fn shortened(text: &str) -> String {
    const LONGEST: usize = 64;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
