//! The Pi's own pins as things of the house.
//!
//! [`lines`] says what a driver does; [`kernel`], `rppal` and [`simulated`] do
//! it, and [`pwm`] what none of the first two can. [`debounce`], [`level`] and
//! [`pins`] decide and are pure; the bridge carries their decisions to the
//! lines and to the broker, and [`guarded`] sees to it that no output is left
//! in another state than its safe one.

mod bridge;
pub mod debounce;
pub mod guarded;
pub mod kernel;
pub mod level;
pub mod lines;
mod pin;
pub mod pins;
pub mod pwm;
#[cfg(feature = "rppal")]
pub mod rppal;
pub mod simulated;

use std::sync::Arc;
use std::time::Duration;

use crate::broker::Handle;
use crate::clock::Clock;
use crate::home::DeviceClass;
use crate::supervisor::Supervisor;
use level::{Duty, Level};
use lines::{LineError, Lines};
use pwm::WithPwm;

const BRIDGE: &str = "pins";

/// Starts the bridge of the configured pins. It opens its driver again, with
/// back-off, whenever that fails. Without pins nothing is opened.
///
/// # Errors
/// The driver is not part of this build.
pub async fn start(
    settings: Settings,
    clock: Clock,
    handle: Handle,
    supervisor: &Supervisor,
) -> anyhow::Result<()> {
    let pins = settings.pins;
    match settings.driver {
        _ if pins.is_empty() => {}
        Driver::Kernel => {
            let open = || kernel::Kernel::open().map(WithPwm::new);
            start_with(pins, open, clock, handle, supervisor);
        }
        #[cfg(feature = "rppal")]
        Driver::Rppal => {
            let open = || rppal::Rppal::open().map(WithPwm::new);
            start_with(pins, open, clock, handle, supervisor);
        }
        #[cfg(not(feature = "rppal"))]
        Driver::Rppal => anyhow::bail!(
            "[gpio] driver = \"rppal\": this hearth was built without it; use driver = \"kernel\", \
             or build with `cargo build --features rppal`"
        ),
        Driver::Simulated => {
            let board = simulated::Board::default();
            let open = move || Ok(board.lines());
            start_with(pins, open, clock, handle, supervisor);
        }
    }
    Ok(())
}

/// Starts the bridge with a driver of the caller's, such as a
/// [`simulated::Board`] whose knobs a test turns.
pub fn start_with<L, O>(
    pins: Vec<PinSettings>,
    open: O,
    clock: Clock,
    handle: Handle,
    supervisor: &Supervisor,
) where
    L: Lines,
    O: Fn() -> Result<L, LineError> + Send + Sync + 'static,
{
    let (pins, open): (Arc<[PinSettings]>, _) = (pins.into(), Arc::new(open));
    supervisor.bridge(BRIDGE, move |stop| {
        let (pins, open, handle) = (Arc::clone(&pins), Arc::clone(&open), handle.clone());
        async move { bridge::run(&pins, &*open, clock, &handle, stop).await }
    });
}

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
    /// Takes a duty in percent; `safe` as for an output.
    Pwm {
        /// Periods a second, in Hz; not 0.
        frequency: u32,
        safe: Duty,
    },
}

impl Direction {
    /// The state of an output that nobody commands; none for an input.
    pub fn safe(self) -> Option<Level> {
        match self {
            Direction::Input { .. } => None,
            Direction::Output { safe } => Some(Level::Switch(safe)),
            Direction::Pwm { safe, .. } => Some(Level::Duty(safe)),
        }
    }
}

/// The resistor inside the Pi.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Bias {
    #[default]
    None,
    PullUp,
    PullDown,
}
