//! What the numbers of a board mean for one of its things: counts become volts, duty
//! becomes percent, and back.

use hearth_wire::board::{self as wire, Kind as WireKind};

use super::{Level, PinKind, PinThing};
use crate::home::{DeviceClass, Kind, Quantity, Thing, ThingAbout, Value};

/// The converter's highest count.
const COUNTS: f64 = 1023.0;
/// The Uno's supply, in volts.
const SUPPLY: f64 = 5.0;
const DUTY: f64 = 255.0;

/// A thing of the map, in its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Slot {
    pub thing: Thing,
    kind: PinKind,
    /// What 0 and [`COUNTS`] mean, where the thing is analog.
    scale: [f64; 2],
    unit: Option<String>,
    class: Option<DeviceClass>,
}

impl Slot {
    pub(super) fn new(thing: &PinThing, board_room: &str) -> Slot {
        let room = thing.room.as_deref().unwrap_or(board_room);
        let guess = Quantity::from_name(&thing.name);
        let (class, unit) = match thing.kind {
            PinKind::Analog if thing.scale.is_none() => (Some(DeviceClass::Voltage), Some("V")),
            PinKind::Analog => guess.map_or((None, None), |guess| (guess.device_class, guess.unit)),
            PinKind::Digital => (guess.and_then(binary_class), None),
            PinKind::Ds18b20 => (Some(DeviceClass::Temperature), Some("°C")),
            PinKind::Pwm => (None, Some("%")),
            PinKind::Servo => (None, Some("°")),
            PinKind::Counter | PinKind::Relay => (None, None),
        };
        Slot {
            thing: Thing::new(room, &*thing.name),
            kind: thing.kind,
            scale: thing.scale.unwrap_or([0.0, SUPPLY]),
            unit: thing.unit.clone().or_else(|| unit.map(str::to_owned)),
            class: thing.device_class.or(class),
        }
    }

    /// Whether it takes commands.
    pub fn is_output(&self) -> bool {
        self.kind.is_output()
    }

    /// What the house says of a state that the board said; `None` if a thing of this kind
    /// cannot say so, or if its sensor does not answer.
    pub fn value(&self, said: &str) -> Option<String> {
        match (self.kind, said) {
            (PinKind::Digital | PinKind::Relay, "on" | "off") => Some(said.to_owned()),
            (PinKind::Digital | PinKind::Relay, _) => None,
            (kind, said) => {
                let number: f64 = said.parse().ok()?;
                Some(match kind {
                    PinKind::Analog => self.of_counts(number),
                    PinKind::Pwm => rounded(number / DUTY * 100.0, 0),
                    PinKind::Ds18b20 => rounded(number / 100.0, 2),
                    _ => rounded(number, 0),
                })
            }
        }
    }

    fn of_counts(&self, counts: f64) -> String {
        let [low, high] = self.scale;
        let step = ((high - low) / COUNTS).abs();
        // As many digits as the converter can tell.
        let digits = whole(-step.log10(), 0, 6).unwrap_or_default();
        let digits = usize::try_from(digits).unwrap_or_default();
        rounded(low + counts / COUNTS * (high - low), digits)
    }

    /// A wanted state as the board understands it, or why it cannot be.
    ///
    /// # Errors
    /// A sentence for people.
    pub fn command(&self, wanted: &str) -> Result<String, String> {
        let name = &self.thing.name;
        if !self.is_output() {
            return Err(format!("{name} only reports; it takes no commands"));
        }
        let level = self.level(&Value::parse(wanted))?;
        Ok(match (self.kind, level) {
            (PinKind::Relay, 0) => "off".to_owned(),
            (PinKind::Relay, _) => "on".to_owned(),
            (_, level) => level.to_string(),
        })
    }

    /// A level as the board counts it, or why it cannot be.
    pub(super) fn level(&self, wanted: &Value) -> Result<u8, String> {
        let name = &self.thing.name;
        let most = match self.kind {
            PinKind::Relay => {
                let on = wanted.as_switch();
                let on = on.ok_or_else(|| format!("{name} takes on or off, not {wanted:.40}"))?;
                return Ok(on.into());
            }
            PinKind::Pwm => 100.0,
            _ => f64::from(WireKind::Servo.highest()),
        };
        let unit = self.unit.as_deref().unwrap_or_default();
        let number = wanted
            .as_number()
            .filter(|number| (0.0..=most).contains(number));
        let top = wire_kind(self.kind).highest();
        let level = number.and_then(|number| whole(number / most * f64::from(top), 0, top.into()));
        match level.map(u8::try_from) {
            Some(Ok(level)) => Ok(level),
            _ => Err(format!("{name} takes a number from 0 to {most} {unit}")),
        }
    }

    /// A value of a sensor in the board's numbers, if it can have it.
    pub(super) fn threshold(&self, value: f64) -> Option<i16> {
        let number = match self.kind {
            PinKind::Analog => {
                let [low, high] = self.scale;
                (value - low) / (high - low) * COUNTS
            }
            PinKind::Ds18b20 => value * 100.0,
            _ => value,
        };
        let number = whole(number, i16::MIN.into(), i16::MAX.into())?;
        i16::try_from(number).ok()
    }

    /// Whether more counts mean a smaller value.
    pub(super) fn falls(&self) -> bool {
        self.kind == PinKind::Analog && self.scale[1] < self.scale[0]
    }

    /// How it goes to the board.
    pub(super) fn wire(&self, thing: &PinThing) -> Result<wire::Thing, String> {
        let kind = wire_kind(thing.kind);
        let safe = match &thing.safe {
            Some(_) if !kind.is_output() => {
                return Err(format!("{} is no output and has no safe level", thing.name));
            }
            Some(level) => u16::from(self.level(&level.value())?),
            None => 0,
        };
        let a = match kind {
            WireKind::Analog => self.deadband(thing)?,
            WireKind::Digital => thing.debounce.unwrap_or(30),
            WireKind::Counter => thing.debounce.unwrap_or(2),
            _ => safe,
        };
        Ok(wire::Thing {
            kind,
            pin: thing.pin.number(),
            period: period(thing)?,
            a,
            b: u16::from(thing.pull_up) | u16::from(thing.active_low) << 1,
        })
    }

    fn deadband(&self, thing: &PinThing) -> Result<u16, String> {
        let [low, high] = self.scale;
        if low == high || !(high - low).is_finite() {
            return Err(format!(
                "the two ends of {}'s scale must differ",
                thing.name
            ));
        }
        let Some(deadband) = thing.deadband else {
            return Ok(4);
        };
        let counts = whole(deadband / (high - low).abs() * COUNTS, 0, 1023);
        counts
            .and_then(|counts| u16::try_from(counts).ok())
            .ok_or_else(|| format!("{}'s deadband is larger than its scale", thing.name))
    }

    /// As the board's description tells it.
    pub fn about(&self) -> ThingAbout {
        let (min, max) = match self.kind {
            PinKind::Pwm => (Some(0.0), Some(100.0)),
            PinKind::Servo => (Some(0.0), Some(180.0)),
            _ => (None, None),
        };
        ThingAbout {
            name: self.thing.name.clone(),
            topic: self.thing.topic(),
            kind: match self.kind {
                PinKind::Analog | PinKind::Counter | PinKind::Ds18b20 => Kind::Sensor,
                PinKind::Digital => Kind::BinarySensor,
                PinKind::Relay => Kind::Switch,
                PinKind::Pwm | PinKind::Servo => Kind::Number,
            },
            device_class: self.class,
            unit: self.unit.clone(),
            min,
            max,
        }
    }
}

impl Level {
    fn value(&self) -> Value {
        match self {
            Level::Switch(on) => Value::Switch(*on),
            Level::Number(number) => Value::Number(*number),
            Level::Text(text) => Value::parse(text),
        }
    }
}

/// Of a name such as `door`; one that tells a number tells nothing of a contact.
fn binary_class(guess: Quantity) -> Option<DeviceClass> {
    guess
        .device_class
        .filter(|_| guess.kind == Kind::BinarySensor)
}

/// Tenths of a second.
fn period(thing: &PinThing) -> Result<u16, String> {
    let default = match thing.kind {
        PinKind::Analog | PinKind::Counter | PinKind::Ds18b20 => 10.0,
        _ => 0.0,
    };
    let tenths = whole(thing.every.unwrap_or(default) * 10.0, 0, u16::MAX.into());
    tenths
        .and_then(|tenths| u16::try_from(tenths).ok())
        .ok_or_else(|| format!("{} reports every 0.1 to 6553.5 s, or 0", thing.name))
}

fn wire_kind(kind: PinKind) -> WireKind {
    match kind {
        PinKind::Analog => WireKind::Analog,
        PinKind::Digital => WireKind::Digital,
        PinKind::Counter => WireKind::Counter,
        PinKind::Relay => WireKind::Relay,
        PinKind::Pwm => WireKind::Pwm,
        PinKind::Servo => WireKind::Servo,
        PinKind::Ds18b20 => WireKind::Ds18b20,
    }
}

/// The nearest whole number, if it lies between the two.
#[expect(
    clippy::cast_possible_truncation,
    reason = "what an i32 cannot hold is refused before"
)]
fn whole(number: f64, least: i32, most: i32) -> Option<i32> {
    let number = number.round();
    let fits = f64::from(least)..=f64::from(most);
    fits.contains(&number).then_some(number as i32)
}

/// Without zeros at the end, and without the sign of a zero.
fn rounded(number: f64, digits: usize) -> String {
    let text = format!("{number:.digits$}");
    let shorter = match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.'),
        false => &text,
    };
    match shorter {
        "-0" => "0".to_owned(),
        shorter => shorter.to_owned(),
    }
}
