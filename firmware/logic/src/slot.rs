//! A thing and its state: what it is now, and what was said of it.

use hearth_wire::board::{Kind, Thing, Value};

use crate::board::Time;
use crate::hardware::Hardware;

/// What is to be said of a slot, whether it changed or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Due {
    Nothing,
    State,
    BadValue,
    NoOutput,
}

/// Whether a sensor answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Sight {
    NotYet,
    Nothing,
    Something,
}

#[derive(Clone, Debug)]
pub(crate) struct Slot {
    pub(crate) thing: Option<Thing>,
    /// Counts, pulses, level, or hundredths of a degree; a switch is 0 or 1.
    pub(crate) value: i32,
    pub(crate) sight: Sight,
    pub(crate) said: i32,
    pub(crate) said_sight: Sight,
    /// In tenths of a second.
    pub(crate) said_at: u16,
    /// The level that an output shall have.
    pub(crate) level: u8,
    /// The level that it shall have while the gateway is silent.
    pub(crate) wanted: u8,
    /// The level that a contact seems to have, and since which millisecond.
    seen: bool,
    seen_at: u16,
    /// The level that it has.
    stable: bool,
    pub(crate) due: Due,
    /// The command that is to be answered.
    pub(crate) command: Option<u16>,
}

impl Slot {
    pub(crate) const EMPTY: Self = Self {
        thing: None,
        value: 0,
        sight: Sight::NotYet,
        said: 0,
        said_sight: Sight::NotYet,
        said_at: 0,
        level: 0,
        wanted: 0,
        seen: false,
        seen_at: 0,
        stable: false,
        due: Due::Nothing,
        command: None,
    };

    /// Takes the pin into use; an output begins with its safe level.
    pub(crate) fn set_up(
        &mut self,
        thing: Option<Thing>,
        time: Time,
        hardware: &mut impl Hardware,
    ) {
        *self = Self {
            thing,
            said_at: time.tenths,
            ..Self::EMPTY
        };
        let Some(thing) = &self.thing else {
            return;
        };
        self.due = Due::State;
        if thing.kind.is_output() {
            let safe = thing.safe();
            self.drive(safe, hardware);
            return;
        }
        hardware.input(thing.pin, thing.pull_up());
        let level = hardware.read(thing.pin) != thing.active_low();
        (self.seen, self.stable) = (level, level);
        self.look_closely(hardware);
    }

    /// Gives an output a level, and reads it back.
    #[inline(never)]
    pub(crate) fn drive(&mut self, level: u8, hardware: &mut impl Hardware) {
        let Some(thing) = &self.thing else {
            return;
        };
        match thing.kind {
            Kind::Relay => hardware.output(thing.pin, (level != 0) != thing.active_low()),
            Kind::Pwm => hardware.pwm(thing.pin, level),
            Kind::Servo => hardware.servo(thing.pin, level),
            _ => return,
        }
        self.level = level;
        self.look_closely(hardware);
    }

    /// Looks at a contact, which has to be done all the time.
    #[inline(never)]
    pub(crate) fn look(&mut self, time: Time, hardware: &mut impl Hardware) {
        let Some(Thing {
            kind: kind @ (Kind::Digital | Kind::Counter),
            pin,
            a,
            b,
            ..
        }) = self.thing
        else {
            return;
        };
        let level = hardware.read(pin) != (b & 0b10 != 0);
        if !self.debounce(level, a, time.milliseconds) {
            return;
        }
        if kind == Kind::Digital {
            self.value = i32::from(level);
        } else if level {
            self.value = self.value.wrapping_add(1);
        }
    }

    /// Looks at what takes time, or can wait.
    #[inline(never)]
    pub(crate) fn look_closely(&mut self, hardware: &mut impl Hardware) {
        let Some(thing) = &self.thing else {
            return;
        };
        let value = match thing.kind {
            Kind::Analog => hardware.analog(thing.pin),
            // What the pin really is: a short circuit shows.
            Kind::Relay => u16::from(hardware.read(thing.pin) != thing.active_low()),
            Kind::Pwm | Kind::Servo => u16::from(self.level),
            Kind::Digital => u16::from(self.stable),
            Kind::Counter => {
                self.sight = Sight::Something;
                return;
            }
            Kind::Ds18b20 => return,
        };
        self.value = i32::from(value);
        self.sight = Sight::Something;
    }

    /// As it is said.
    pub(crate) fn value(&self, kind: Kind) -> Value {
        match kind {
            _ if self.sight != Sight::Something => Value::Unknown,
            Kind::Digital | Kind::Relay => Value::Switch(self.value != 0),
            Kind::Ds18b20 => {
                let [low, high, ..] = self.value.to_le_bytes();
                Value::Signed(i16::from_le_bytes([low, high]))
            }
            _ => Value::Count(self.value.cast_unsigned()),
        }
    }

    /// True once when the level that a contact has held for `debounce` changes.
    fn debounce(&mut self, level: bool, debounce: u16, now: u16) -> bool {
        if level != self.seen {
            self.seen = level;
            self.seen_at = now;
        }
        let changed = level != self.stable && now.wrapping_sub(self.seen_at) >= debounce;
        if changed {
            self.stable = level;
        }
        changed
    }
}
