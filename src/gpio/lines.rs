//! Lines of a GPIO chip, whoever moves them.
//!
//! The words are the kernel's: a *line* is known by its *offset* on the chip
//! (the BCM number on a Pi) and is *active* or *inactive*; an active-low line
//! is active while its level is low. Implementations do the translation, so
//! that nobody else thinks in levels.

use std::future::Future;

use thiserror::Error;

/// Requested lines of one chip. Dropping them gives them back.
pub trait Lines: Send + Sync + 'static {
    /// The chip's label, such as `pinctrl-bcm2711`.
    fn chip(&self) -> &str;

    /// Whether a requested line is active now.
    fn read(&self, offset: u8) -> Result<bool, LineError>;

    /// Makes a requested output active or inactive.
    fn write(&mut self, offset: u8, active: bool) -> Result<(), LineError>;

    /// Waits for the next change of an input; for ever if there is none.
    /// Cancel-safe.
    fn next_edge(&mut self) -> impl Future<Output = Result<Edge, LineError>> + Send;
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
