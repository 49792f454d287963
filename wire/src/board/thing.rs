//! What hangs on a pin: eight octets of the map.

/// The length of a thing in the map.
pub(super) const SIZE: usize = 8;

const PULL_UP: u16 = 0b01;
const ACTIVE_LOW: u16 = 0b10;

/// What a thing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// Volts as counts of the converter, 0 to 1023.
    Analog = 1,
    /// A contact or the like: on or off, debounced.
    Digital = 2,
    /// Pulses since the start, wrapping at 2^32.
    Counter = 3,
    /// On or off.
    Relay = 4,
    /// A duty of 0 to 255.
    Pwm = 5,
    /// An angle of 0 to 180 degrees.
    Servo = 6,
    /// A thermometer on a 1-Wire line of its own: hundredths of a degree Celsius.
    Ds18b20 = 7,
}

impl Kind {
    /// All of them, in the order of their codes.
    pub const ALL: [Self; 7] = [
        Self::Analog,
        Self::Digital,
        Self::Counter,
        Self::Relay,
        Self::Pwm,
        Self::Servo,
        Self::Ds18b20,
    ];

    /// `None`: no such kind.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            1 => Self::Analog,
            2 => Self::Digital,
            3 => Self::Counter,
            4 => Self::Relay,
            5 => Self::Pwm,
            6 => Self::Servo,
            7 => Self::Ds18b20,
            _ => return None,
        })
    }

    /// Whether it obeys commands; the others only say what they see.
    #[must_use]
    pub const fn is_output(self) -> bool {
        matches!(self, Self::Relay | Self::Pwm | Self::Servo)
    }

    /// The highest level of an output; levels begin at 0. 0 for a sensor.
    #[must_use]
    pub const fn highest(self) -> u8 {
        match self {
            Self::Relay => 1,
            Self::Pwm => 255,
            Self::Servo => 180,
            _ => 0,
        }
    }
}

/// One thing of the map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thing {
    /// What it is.
    pub kind: Kind,
    /// The pin, as the Arduino numbers them: 0 to 13, A0 is 14, A5 is 19.
    pub pin: u8,
    /// At least how often it is reported, in tenths of a second; 0: only when it changed.
    pub period: u16,
    /// By kind: deadband in counts, debounce in milliseconds, or the safe level.
    pub a: u16,
    /// By kind: bit 0 pull-up, bit 1 active low.
    pub b: u16,
}

impl Thing {
    /// An analog input is reported at once when it moved by more than this, in counts.
    #[must_use]
    pub const fn deadband(&self) -> u16 {
        self.a
    }

    /// How long the level of a digital input or a counter must hold, in milliseconds.
    #[must_use]
    pub const fn debounce(&self) -> u16 {
        self.a
    }

    /// The level of an output at the start and when nobody commands it.
    #[must_use]
    pub const fn safe(&self) -> u8 {
        self.a.to_be_bytes()[1]
    }

    /// The chip's pull-up is switched on.
    #[must_use]
    pub const fn pull_up(&self) -> bool {
        self.b & PULL_UP != 0
    }

    /// A low pin means on; a counter counts falling edges.
    #[must_use]
    pub const fn active_low(&self) -> bool {
        self.b & ACTIVE_LOW != 0
    }

    /// `None`: no such kind.
    pub(super) fn read(octets: [u8; SIZE]) -> Option<Self> {
        let [kind, pin, p1, p0, a1, a0, b1, b0] = octets;
        Some(Self {
            kind: Kind::from_code(kind)?,
            pin,
            period: u16::from_be_bytes([p1, p0]),
            a: u16::from_be_bytes([a1, a0]),
            b: u16::from_be_bytes([b1, b0]),
        })
    }

    pub(super) const fn octets(&self) -> [u8; SIZE] {
        let [p1, p0] = self.period.to_be_bytes();
        let [a1, a0] = self.a.to_be_bytes();
        let [b1, b0] = self.b.to_be_bytes();
        [self.kind as u8, self.pin, p1, p0, a1, a0, b1, b0]
    }
}
