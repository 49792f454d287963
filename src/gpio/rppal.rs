//! Lines through rppal's register access, for those who want it. The kernel
//! does not learn of outputs that are driven this way, so it cannot refuse
//! them to another program: the kernel's device is the default.

use std::collections::BTreeMap;

use rppal::gpio::{Event, Gpio, InputPin, Level, OutputPin, Pin, Trigger};
use tokio::sync::mpsc;

use super::lines::{Edge, LineError, Lines};
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
    /// Keeps the channel open when there is no input.
    _edges_in: mpsc::Sender<Edge>,
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
    /// Takes all pins; outputs start at their safe state.
    ///
    /// # Errors
    /// Whatever keeps one of the pins from being taken; then none is.
    pub fn request(pins: &[PinSettings]) -> Result<Rppal, LineError> {
        let gpio = Gpio::new().map_err(|error| cannot("open the pins through rppal", error))?;
        // Full: rppal's own thread waits, and the kernel keeps the newest edges.
        let (edges_in, edges) = mpsc::channel(EDGES);
        let mut taken = BTreeMap::new();
        for settings in pins {
            let doing = format!("take GPIO {}", settings.gpio);
            let pin = gpio
                .get(settings.gpio)
                .map_err(|error| cannot(&doing, error))?;
            let pin = configure(pin, settings, &edges_in).map_err(|error| cannot(&doing, error))?;
            taken.insert(settings.gpio, pin);
        }
        Ok(Rppal {
            edges,
            pins: taken,
            _edges_in: edges_in,
        })
    }

    fn taken(&mut self, offset: u8) -> Result<&mut Taken, LineError> {
        let taken = self.pins.get_mut(&offset);
        taken.ok_or_else(|| not_taken(offset))
    }
}

fn configure(
    pin: Pin,
    settings: &PinSettings,
    edges: &mpsc::Sender<Edge>,
) -> rppal::gpio::Result<Taken> {
    let active_low = settings.active_low;
    let pin = match settings.direction {
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

    fn read(&self, offset: u8) -> Result<bool, LineError> {
        let taken = self.pins.get(&offset).ok_or_else(|| not_taken(offset))?;
        let high = match &taken.pin {
            InOut::Input(pin) => pin.is_high(),
            // The level on the wire, not the one that was asked for.
            InOut::Output(pin) => pin.is_set_high(),
        };
        Ok(high != taken.active_low)
    }

    fn write(&mut self, offset: u8, active: bool) -> Result<(), LineError> {
        let taken = self.taken(offset)?;
        let level = Level::from(active != taken.active_low);
        match &mut taken.pin {
            InOut::Output(pin) => pin.write(level),
            InOut::Input(_) => {
                return Err(LineError::failed(
                    format!("switch GPIO {offset}"),
                    "it is an input",
                ));
            }
        }
        Ok(())
    }

    async fn next_edge(&mut self) -> Result<Edge, LineError> {
        let edge = self.edges.recv().await;
        edge.ok_or_else(|| LineError::failed("wait for a change of a pin", "rppal has stopped"))
    }
}
