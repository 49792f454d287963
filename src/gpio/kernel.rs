//! Lines through the kernel's GPIO character device, the way that works on
//! every Raspberry Pi and that other programs can see and respect.

use std::path::PathBuf;

use gpiocdev::chip::{Chip, chips};
use gpiocdev::line::{self, EdgeDetection, EdgeKind};
use gpiocdev::request::{Config, Request};
use gpiocdev::tokio::AsyncRequest;

use super::lines::{Edge, LineError, Lines};
use super::{Bias, Direction, PinSettings};

/// The chip of the 40-pin header, by its label: numbers move between models
/// and kernels (the Pi 5 had its header at gpiochip4 first, at gpiochip0 later).
const LABELS: [&str; 3] = ["pinctrl-bcm2835", "pinctrl-bcm2711", "pinctrl-rp1"];
/// What `gpioinfo` shows as the user of our lines.
const CONSUMER: &str = "hearth";
const PERMISSION_DENIED: i32 = 13;

/// Requested lines of the Pi's header.
#[derive(Debug)]
pub struct Kernel {
    label: String,
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
    /// Requests all pins at once; outputs start at their safe state.
    ///
    /// # Errors
    /// Whatever keeps one of the pins from being requested; then none is.
    pub fn request(pins: &[PinSettings]) -> Result<Kernel, LineError> {
        let found = find_header()?;
        let chip = open(&found.path)?;
        for pin in pins {
            check_free(&chip, &found, pin.gpio)?;
        }
        let request = Request::from_config(line_config(&found, pins))
            .with_consumer(CONSUMER)
            .request()
            .map_err(|error| {
                LineError::failed(format!("request pins of {}", found.label), error)
            })?;
        Ok(Kernel {
            label: found.label,
            request: AsyncRequest::new(request),
        })
    }
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

fn line_config(chip: &Found, pins: &[PinSettings]) -> Config {
    let mut config = Config::default();
    config.on_chip(&chip.path);
    for pin in pins {
        config.with_line(pin.gpio.into());
        match pin.direction {
            Direction::Output { safe } => config.as_output(safe.into()),
            Direction::Input { bias, .. } => config
                .as_input()
                .with_bias(kernel_bias(bias))
                .with_edge_detection(EdgeDetection::BothEdges),
        };
        if pin.active_low {
            config.as_active_low();
        } else {
            config.as_active_high();
        }
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
        &self.label
    }

    fn read(&self, offset: u8) -> Result<bool, LineError> {
        let value = self.request.as_ref().value(offset.into());
        value
            .map(bool::from)
            .map_err(|error| LineError::failed(format!("read GPIO {offset}"), error))
    }

    fn write(&mut self, offset: u8, active: bool) -> Result<(), LineError> {
        let request = self.request.as_ref();
        request
            .set_value(offset.into(), active.into())
            .map_err(|error| LineError::failed(format!("switch GPIO {offset}"), error))
    }

    async fn next_edge(&mut self) -> Result<Edge, LineError> {
        loop {
            let event = self.request.read_edge_event().await;
            let event =
                event.map_err(|error| LineError::failed("wait for a change of a pin", error))?;
            // Rising means that the line became active, whichever level that is.
            if let Ok(offset) = u8::try_from(event.offset) {
                let active = event.kind == EdgeKind::Rising;
                return Ok(Edge { offset, active });
            }
        }
    }
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

    #[test]
    fn each_line_is_asked_for_as_its_pin_says() {
        let pin = |gpio, active_low, direction| PinSettings {
            name: "pin".into(),
            room: "lab".into(),
            gpio,
            direction,
            active_low,
            device_class: None,
        };
        let input = Direction::Input {
            bias: Bias::PullUp,
            debounce: Duration::ZERO,
        };
        let pins = [
            pin(4, true, input),
            pin(17, false, Direction::Output { safe: true }),
        ];
        let config = line_config(&chip("/dev/gpiochip0", "pinctrl-rp1"), &pins);
        let button = config.line_config(4).unwrap();
        assert_eq!(button.direction, Some(line::Direction::Input));
        assert_eq!(button.bias, Some(line::Bias::PullUp));
        assert_eq!(button.edge_detection, Some(EdgeDetection::BothEdges));
        assert!(button.active_low);
        let lamp = config.line_config(17).unwrap();
        assert_eq!(lamp.direction, Some(line::Direction::Output));
        assert_eq!(lamp.value, Some(Value::Active));
        assert!(!lamp.active_low && lamp.bias.is_none() && lamp.edge_detection.is_none());
    }
}
