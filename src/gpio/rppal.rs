//! Lines through rppal's register access, for those who want it. The kernel
//! does not learn of outputs that are driven this way, so it cannot refuse
//! them to another program: the kernel's device is the default.

use std::collections::BTreeMap;

use rppal::gpio::{self, Event, Gpio, InputPin, OutputPin, Pin, Trigger};
use tokio::sync::mpsc;

use super::level::Level;
use super::lines::{Claimed, Edge, LineError, Lines};
use super::{Bias, Direction, PinSettings};

/// As many edges as the kernel keeps for one line.
const EDGES: usize = 16;

/// Pins taken from rppal.
#[derive(Debug)]
pub struct Rppal {
    // Dropped before the pins: their threads are joined then, and one that
    // waits for room in this queue must not wait for ever.
    edges: mpsc::Receiver<Edge>,
    pins: BTreeMap<u8, Taken>,
    gpio: Gpio,
    /// For each input; keeps the channel open when there is none.
    edges_in: mpsc::Sender<Edge>,
}

#[derive(Debug)]
struct Taken {
    active_low: bool,
    pin: InOut,
}

#[derive(Debug)]
enum InOut {
    Input(InputPin),
    Output(OutputPin),
}

impl Rppal {
    /// Finds the Pi.
    ///
    /// # Errors
    /// rppal does not know this computer, or this user may not.
    pub fn open() -> Result<Rppal, LineError> {
        let gpio = Gpio::new().map_err(|error| cannot("open the pins through rppal", error))?;
        // Full: rppal's own thread waits, and the kernel keeps the newest edges.
        let (edges_in, edges) = mpsc::channel(EDGES);
        Ok(Rppal {
            edges,
            pins: BTreeMap::new(),
            gpio,
            edges_in,
        })
    }

    fn taken(&mut self, offset: u8) -> Result<&mut Taken, LineError> {
        let taken = self.pins.get_mut(&offset);
        taken.ok_or_else(|| not_taken(offset))
    }
}

fn configure(pin: Pin, settings: &PinSettings, edges: &mpsc::Sender<Edge>) -> gpio::Result<Taken> {
    let active_low = settings.active_low;
    let pin = match settings.direction {
        // `pwm` takes pins with PWM before they come here.
        Direction::Pwm { .. } => InOut::Output(output(pin, active_low)),
        Direction::Output { safe } => InOut::Output(output(pin, safe != active_low)),
        Direction::Input { bias, .. } => {
            let mut input = match bias {
                Bias::None => pin.into_input(),
                Bias::PullUp => pin.into_input_pullup(),
                Bias::PullDown => pin.into_input_pulldown(),
            };
            let report = edge_reporter(settings, edges.clone());
            input.set_async_interrupt(Trigger::Both, None, report)?;
            InOut::Input(input)
        }
    };
    Ok(Taken { active_low, pin })
}

/// An output that keeps its level when it is given back: a floating pin could
/// switch a relay on.
fn output(pin: Pin, high: bool) -> OutputPin {
    let mut output = if high {
        pin.into_output_high()
    } else {
        pin.into_output_low()
    };
    output.set_reset_on_drop(false);
    output
}

fn edge_reporter(
    settings: &PinSettings,
    edges: mpsc::Sender<Edge>,
) -> impl FnMut(Event) + Send + 'static {
    let (offset, active_low) = (settings.gpio, settings.active_low);
    move |event| {
        let active = (event.trigger == Trigger::RisingEdge) != active_low;
        // Fails only when the lines are given back.
        let _ = edges.blocking_send(Edge { offset, active });
    }
}

fn cannot(doing: &str, error: rppal::gpio::Error) -> LineError {
    match error {
        rppal::gpio::Error::PermissionDenied(path) => LineError::Denied { path },
        rppal::gpio::Error::UnknownModel => LineError::failed(
            doing,
            "rppal does not know this computer; set `driver = \"kernel\"` under [gpio]",
        ),
        error => LineError::failed(doing, error),
    }
}

fn not_taken(offset: u8) -> LineError {
    LineError::failed(format!("use GPIO {offset}"), "it was not requested")
}

impl Lines for Rppal {
    fn chip(&self) -> &str {
        "rppal"
    }

    fn claim(&mut self, pin: &PinSettings) -> Result<Claimed, LineError> {
        let failed = |error| cannot(&format!("take GPIO {}", pin.gpio), error);
        let line = self.gpio.get(pin.gpio).map_err(failed)?;
        let taken = configure(line, pin, &self.edges_in).map_err(failed)?;
        self.pins.insert(pin.gpio, taken);
        Ok(Claimed::Raw)
    }

    fn read(&self, offset: u8) -> Result<Level, LineError> {
        let taken = self.pins.get(&offset).ok_or_else(|| not_taken(offset))?;
        let high = match &taken.pin {
            InOut::Input(pin) => pin.is_high(),
            // The level on the wire, not the one that was asked for.
            InOut::Output(pin) => pin.is_set_high(),
        };
        Ok(Level::Switch(high != taken.active_low))
    }

    fn write(&mut self, offset: u8, level: Level) -> Result<(), LineError> {
        let cannot = |cause| LineError::failed(format!("switch GPIO {offset}"), cause);
        let Level::Switch(active) = level else {
            return Err(cannot("it is on or off"));
        };
        let taken = self.taken(offset)?;
        let high = active != taken.active_low;
        match &mut taken.pin {
            InOut::Output(pin) => pin.write(high.into()),
            InOut::Input(_) => return Err(cannot("it is an input")),
        }
        Ok(())
    }

    async fn next_edge(&mut self) -> Result<Edge, LineError> {
        let edge = self.edges.recv().await;
        edge.ok_or_else(|| LineError::failed("wait for a change of a pin", "rppal has stopped"))
    }
}
