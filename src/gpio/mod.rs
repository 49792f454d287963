//! The Pi's own pins as things of the house.

use std::time::Duration;

use crate::home::DeviceClass;

/// `[gpio]` and `[pin.NAME]` in the config.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    pub driver: Driver,
    pub pins: Vec<PinSettings>,
}

/// Who moves the pins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Driver {
    /// The kernel's GPIO character device.
    #[default]
    Kernel,
    /// Register access; needs the Cargo feature `rppal`.
    Rppal,
    /// Pins that exist in memory only, for trying a config on another computer.
    Simulated,
}

/// One `[pin.NAME]`.
#[derive(Clone, Debug, PartialEq)]
pub struct PinSettings {
    /// A word; the thing's name on the wire.
    pub name: String,
    pub room: String,
    /// BCM number.
    pub gpio: u8,
    pub direction: Direction,
    /// The pin is on when its level is low.
    pub active_low: bool,
    pub device_class: Option<DeviceClass>,
}

/// What a pin does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Reports `on` or `off` once the level has been still for `debounce`.
    Input { bias: Bias, debounce: Duration },
    /// Takes `on` or `off`; `safe` holds at start, at stop and when nobody
    /// commands it.
    Output { safe: bool },
}

/// The resistor inside the Pi.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Bias {
    #[default]
    None,
    PullUp,
    PullDown,
}
