//! Lines through the kernel's GPIO character device, the way that works on
//! every Raspberry Pi and that other programs can see and respect.
//!
//! Each pin is a request of its own: one that another program uses keeps none
//! of the others from being had.

use std::collections::BTreeMap;
use std::future::pending;
use std::path::PathBuf;

use futures_util::future::select_all;
use gpiocdev::chip::{Chip, chips};
use gpiocdev::line::{self, EdgeDetection, EdgeKind};
use gpiocdev::request::{Config, Request};
use gpiocdev::tokio::AsyncRequest;

use super::level::Level;
use super::lines::{Claimed, Edge, LineError, Lines};
use super::{Bias, Direction, PinSettings};

/// The chip of the 40-pin header, by its label: numbers move between models
/// and kernels (the Pi 5 had its header at gpiochip4 first, at gpiochip0 later).
const LABELS: [&str; 3] = ["pinctrl-bcm2835", "pinctrl-bcm2711", "pinctrl-rp1"];
/// What `gpioinfo` shows as the user of our lines.
const CONSUMER: &str = "hearth";
const PERMISSION_DENIED: i32 = 13;

/// The Pi's header, and the lines of it that are ours.
#[derive(Debug)]
pub struct Kernel {
    header: Found,
    outputs: BTreeMap<u8, Request>,
    inputs: Vec<Input>,
}

#[derive(Debug)]
struct Input {
    offset: u8,
    request: AsyncRequest,
}

/// A chip that could be opened.
#[derive(Debug, PartialEq, Eq)]
struct Found {
    path: PathBuf,
    label: String,
    lines: u32,
}

impl Kernel {
    /// Finds the header's chip.
    ///
    /// # Errors
    /// There is none, or it may not be opened.
    pub fn open() -> Result<Kernel, LineError> {
        Ok(Kernel {
            header: find_header()?,
            outputs: BTreeMap::new(),
            inputs: Vec::new(),
        })
    }

    /// Requests a line. The kernel itself debounces an input, in the chip or
    /// in software; a driver that cannot leaves it to us.
    fn request(&self, pin: &PinSettings) -> Result<(Request, Claimed), LineError> {
        let debounced = line_config(&self.header, pin, true);
        let raw = line_config(&self.header, pin, false);
        if debounced != raw {
            match request(debounced) {
                Ok(request) => return Ok((request, Claimed::Debounced)),
                Err(error) => {
                    tracing::debug!(gpio = pin.gpio, "not debounced by the kernel: {error}");
                }
            }
        }
        let failed = |error| {
            LineError::failed(
                format!("request GPIO {} of {}", pin.gpio, self.header.label),
                error,
            )
        };
        Ok((request(raw).map_err(failed)?, Claimed::Raw))
    }

    fn line(&self, offset: u8) -> Result<&Request, LineError> {
        let input = || self.inputs.iter().find(|input| input.offset == offset);
        let output = self.outputs.get(&offset);
        output
            .or_else(|| Some(input()?.request.as_ref()))
            .ok_or_else(|| LineError::failed(format!("use GPIO {offset}"), "it was not requested"))
    }
}

fn request(config: Config) -> Result<Request, gpiocdev::Error> {
    Request::from_config(config)
        .with_consumer(CONSUMER)
        .request()
}

/// Opens every chip and takes the header's.
fn find_header() -> Result<Found, LineError> {
    let paths = chips().map_err(|error| LineError::failed("list the GPIO chips in /dev", error))?;
    let mut found = Vec::new();
    let mut denied = None;
    for path in paths {
        match open(&path).and_then(|chip| describe(&chip)) {
            Ok(chip) => found.push(chip),
            Err(error @ LineError::Denied { .. }) => denied = Some(error),
            Err(error) => tracing::warn!(chip = %path.display(), "{error}"),
        }
    }
    choose(found, denied)
}

/// The header's chip among those found; a chip that may not be opened could
/// be the one.
fn choose(found: Vec<Found>, denied: Option<LineError>) -> Result<Found, LineError> {
    let labels: Vec<String> = found
        .iter()
        .map(|chip| format!("{} ({})", chip.label, chip.path.display()))
        .collect();
    let header = |chip: &Found| LABELS.contains(&chip.label.as_str());
    if let Some(chip) = found.into_iter().find(header) {
        return Ok(chip);
    }
    Err(denied.unwrap_or_else(|| LineError::NoChip {
        looked_for: LABELS.join(", "),
        found: if labels.is_empty() {
            "no GPIO chip at all".into()
        } else {
            labels.join(", ")
        },
    }))
}

fn open(path: &std::path::Path) -> Result<Chip, LineError> {
    Chip::from_path(path).map_err(|error| match error {
        gpiocdev::Error::Os(errno) if errno.0 == PERMISSION_DENIED => LineError::Denied {
            path: path.display().to_string(),
        },
        error => LineError::failed(format!("open {}", path.display()), error),
    })
}

fn describe(chip: &Chip) -> Result<Found, LineError> {
    let info = chip
        .info()
        .map_err(|error| LineError::failed(format!("ask {} for its label", chip.name()), error))?;
    Ok(Found {
        path: chip.path().to_owned(),
        label: info.label,
        lines: info.num_lines,
    })
}

/// The kernel would refuse a line in use without saying who uses it.
fn check_free(chip: &Chip, found: &Found, offset: u8) -> Result<(), LineError> {
    if u32::from(offset) >= found.lines {
        return Err(LineError::NoLine {
            offset,
            chip: found.label.clone(),
            last: found.lines.saturating_sub(1),
        });
    }
    let info = chip
        .line_info(offset.into())
        .map_err(|error| LineError::failed(format!("ask who uses GPIO {offset}"), error))?;
    if info.used {
        let consumer = info.consumer;
        return Err(LineError::Busy { offset, consumer });
    }
    Ok(())
}

fn line_config(chip: &Found, pin: &PinSettings, debounced: bool) -> Config {
    let mut config = Config::default();
    config.on_chip(&chip.path).with_line(pin.gpio.into());
    match pin.direction {
        // PWM is not of this chip; `pwm` takes such pins before they come here.
        Direction::Pwm { .. } => &mut config,
        Direction::Output { safe } => config.as_output(safe.into()),
        Direction::Input { bias, debounce } => {
            config
                .as_input()
                .with_bias(kernel_bias(bias))
                .with_edge_detection(EdgeDetection::BothEdges);
            if debounced {
                config.with_debounce_period(debounce);
            }
            &mut config
        }
    };
    if pin.active_low {
        config.as_active_low();
    } else {
        config.as_active_high();
    }
    config
}

fn kernel_bias(bias: Bias) -> line::Bias {
    match bias {
        Bias::None => line::Bias::Disabled,
        Bias::PullUp => line::Bias::PullUp,
        Bias::PullDown => line::Bias::PullDown,
    }
}

impl Lines for Kernel {
    fn chip(&self) -> &str {
        &self.header.label
    }

    fn claim(&mut self, pin: &PinSettings) -> Result<Claimed, LineError> {
        check_free(&open(&self.header.path)?, &self.header, pin.gpio)?;
        let (request, claimed) = self.request(pin)?;
        if matches!(pin.direction, Direction::Input { .. }) {
            self.inputs.push(Input {
                offset: pin.gpio,
                request: AsyncRequest::new(request),
            });
        } else {
            self.outputs.insert(pin.gpio, request);
        }
        Ok(claimed)
    }

    fn read(&self, offset: u8) -> Result<Level, LineError> {
        let value = self.line(offset)?.value(offset.into());
        value
            .map(|value| Level::Switch(value.into()))
            .map_err(|error| LineError::failed(format!("read GPIO {offset}"), error))
    }

    fn write(&mut self, offset: u8, level: Level) -> Result<(), LineError> {
        let doing = || format!("switch GPIO {offset}");
        let Level::Switch(active) = level else {
            return Err(LineError::failed(doing(), "it is on or off"));
        };
        self.line(offset)?
            .set_value(offset.into(), active.into())
            .map_err(|error| LineError::failed(doing(), error))
    }

    async fn next_edge(&mut self) -> Result<Edge, LineError> {
        if self.inputs.is_empty() {
            return pending().await;
        }
        let edges = self.inputs.iter().map(|input| Box::pin(edge(input)));
        let (edge, turn, _) = select_all(edges).await;
        // The first is asked first: one that never rests would be heard alone.
        self.inputs.rotate_left(turn + 1);
        edge
    }
}

async fn edge(input: &Input) -> Result<Edge, LineError> {
    let offset = input.offset;
    let event = input.request.read_edge_event().await;
    let event = event
        .map_err(|error| LineError::failed(format!("wait for a change of GPIO {offset}"), error))?;
    // Rising means that the line became active, whichever level that is.
    let active = event.kind == EdgeKind::Rising;
    Ok(Edge { offset, active })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use gpiocdev::line::Value;

    use super::*;

    fn chip(path: &str, label: &str) -> Found {
        Found {
            path: path.into(),
            label: label.into(),
            lines: 54,
        }
    }

    #[test]
    fn the_header_is_found_by_its_label_whatever_its_number() {
        let found = vec![
            chip("/dev/gpiochip0", "gpio-brcmstb@107d508500"),
            chip("/dev/gpiochip4", "pinctrl-rp1"),
        ];
        let header = choose(found, None).unwrap();
        assert_eq!(header.path, PathBuf::from("/dev/gpiochip4"));
    }

    #[test]
    fn another_computer_is_told_what_was_looked_for_and_what_there_is() {
        let found = vec![chip("/dev/gpiochip0", "INT34C5:00")];
        let message = choose(found, None).unwrap_err().to_string();
        for part in ["pinctrl-rp1", "INT34C5:00 (/dev/gpiochip0)", "simulated"] {
            assert!(message.contains(part), "{message}");
        }
        let message = choose(Vec::new(), None).unwrap_err().to_string();
        assert!(message.contains("no GPIO chip at all"), "{message}");
    }

    #[test]
    fn a_chip_that_may_not_be_opened_is_named_with_the_way_out() {
        let denied = LineError::Denied {
            path: "/dev/gpiochip0".into(),
        };
        let message = choose(Vec::new(), Some(denied)).unwrap_err().to_string();
        for part in ["/dev/gpiochip0", "usermod -aG gpio", "udev"] {
            assert!(message.contains(part), "{message}");
        }
    }

    fn pin(gpio: u8, active_low: bool, direction: Direction) -> PinSettings {
        PinSettings {
            name: "pin".into(),
            room: "lab".into(),
            gpio,
            direction,
            active_low,
            device_class: None,
        }
    }

    #[test]
    fn each_line_is_asked_for_as_its_pin_says() {
        let header = chip("/dev/gpiochip0", "pinctrl-rp1");
        let input = Direction::Input {
            bias: Bias::PullUp,
            debounce: Duration::from_millis(30),
        };
        let config = line_config(&header, &pin(4, true, input), true);
        let button = config.line_config(4).unwrap();
        assert_eq!(button.direction, Some(line::Direction::Input));
        assert_eq!(button.bias, Some(line::Bias::PullUp));
        assert_eq!(button.edge_detection, Some(EdgeDetection::BothEdges));
        assert_eq!(button.debounce_period, Some(Duration::from_millis(30)));
        assert!(button.active_low);
        let output = Direction::Output { safe: true };
        let config = line_config(&header, &pin(17, false, output), true);
        let lamp = config.line_config(17).unwrap();
        assert_eq!(lamp.direction, Some(line::Direction::Output));
        assert_eq!(lamp.value, Some(Value::Active));
        assert!(!lamp.active_low && lamp.bias.is_none() && lamp.edge_detection.is_none());
    }

    #[test]
    fn only_an_input_with_a_period_is_debounced_by_the_kernel() {
        let header = chip("/dev/gpiochip0", "pinctrl-rp1");
        let same =
            |pin: &PinSettings| line_config(&header, pin, true) == line_config(&header, pin, false);
        let input = |debounce| Direction::Input {
            bias: Bias::None,
            debounce,
        };
        assert!(same(&pin(17, false, Direction::Output { safe: false })));
        assert!(same(&pin(4, false, input(Duration::ZERO))));
        assert!(!same(&pin(4, false, input(Duration::from_millis(1)))));
    }
}
