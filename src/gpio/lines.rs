//! Lines of a GPIO chip, whoever moves them.
//!
//! The words are the kernel's: a *line* is known by its *offset* on the chip
//! (the BCM number on a Pi) and is *active* or *inactive*; an active-low line
//! is active while its level is low. Implementations do the translation, so
//! that nobody else thinks in levels of the wire.

use std::future::Future;

use thiserror::Error;

use super::PinSettings;
use super::level::Level;

/// Lines of one chip. Dropping them gives back those that were claimed.
pub trait Lines: Send + Sync + 'static {
    /// The chip's label, such as `pinctrl-bcm2711`.
    fn chip(&self) -> &str;

    /// Requests the line of a pin; an output starts at its safe state.
    ///
    /// # Errors
    /// What keeps this line from being had. It may be tried again, and the
    /// other lines are as they were.
    fn claim(&mut self, pin: &PinSettings) -> Result<Claimed, LineError>;

    /// What a claimed line says now.
    fn read(&self, offset: u8) -> Result<Level, LineError>;

    /// Sets a claimed output.
    fn write(&mut self, offset: u8, level: Level) -> Result<(), LineError>;

    /// Waits for the next change of a claimed input; for ever if there is none.
    /// Cancel-safe.
    fn next_edge(&mut self) -> impl Future<Output = Result<Edge, LineError>> + Send;
}

/// How a line was had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claimed {
    /// Every change of its level is an edge.
    Raw,
    /// The driver debounces it, as its pin says: each edge is a settled state.
    Debounced,
}

/// An input became active or inactive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    pub offset: u8,
    pub active: bool,
}

/// Why lines cannot be had or used.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum LineError {
    #[error(
        "found no GPIO chip of a Raspberry Pi: looked for the labels {looked_for}, found {found}; \
         to try this config on another computer, set `driver = \"simulated\"` under [gpio]"
    )]
    NoChip { looked_for: String, found: String },

    #[error(
        "not allowed to open {path}: add the user to the group that owns it (`sudo usermod -aG gpio $USER`, \
         then log in again); where it belongs to root alone, add the udev rule \
         `SUBSYSTEM==\"gpio\", KERNEL==\"gpiochip*\", GROUP=\"gpio\", MODE=\"0660\"`"
    )]
    Denied { path: String },

    #[error(
        "GPIO {offset} is in use by {consumer:?}: stop that program, remove the overlay in config.txt \
         that claims the pin, or give this pin another number"
    )]
    Busy { offset: u8, consumer: String },

    #[error(
        "the kernel has no PWM for GPIO {offset}: add the line `dtoverlay={overlay}` to \
         /boot/firmware/config.txt and start the Pi again"
    )]
    NoPwm { offset: u8, overlay: String },

    #[error(
        "not allowed to use {path}: add the user to the group gpio (`sudo usermod -aG gpio $USER`, then \
         log in again); where it belongs to root alone, install systemd/hearth.rules as a udev rule"
    )]
    PwmDenied { path: String },

    #[error(
        "GPIO {offset} cannot do PWM here: {chip} has it on {can}; use one of those, or \
         direction = \"output\""
    )]
    NotPwm {
        offset: u8,
        chip: String,
        can: String,
    },

    #[error(
        "PWM channel {channel} of {chip}, the one of GPIO {offset}, is in use by {consumer}: remove \
         the overlay in config.txt that claims it (sound on the headphone jack uses it too), or use \
         another pin"
    )]
    PwmBusy {
        offset: u8,
        chip: String,
        channel: u32,
        consumer: String,
    },

    #[error("GPIO {offset} does not exist: chip {chip} has the lines 0 to {last}")]
    NoLine { offset: u8, chip: String, last: u32 },

    #[error("cannot {doing}: {cause}")]
    Failed { doing: String, cause: String },
}

impl LineError {
    /// An error of the driver underneath, with what was being done.
    pub fn failed(doing: impl Into<String>, cause: impl ToString) -> LineError {
        LineError::Failed {
            doing: doing.into(),
            cause: cause.to_string(),
        }
    }
}
