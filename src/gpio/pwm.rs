//! PWM through the kernel's sysfs: the pins that a PWM chip drives, beside the
//! lines of another driver.
//!
//! * The chip is the one that the Pi's overlays bring up, known by its address;
//!   numbers move between models and kernels.
//! * Active-low is done by us: not every chip can turn its output round.
//! * A channel is never given back: the kernel would stop it, whatever level
//!   that is. It is left at the safe duty.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use super::level::{Duty, Level};
use super::lines::{Claimed, Edge, LineError, Lines};
use super::{Direction, PinSettings};

const CHIPS: &str = "/sys/class/pwm";
/// Tells who uses a channel; root alone may read it.
const USERS: &str = "/sys/kernel/debug/pwm";
const SECOND: u64 = 1_000_000_000;

/// A Pi's PWM chip by the end of its device's name, and which GPIO is on which
/// of its channels.
struct Model {
    device: &'static str,
    channels: &'static [(u8, u32)],
}

const MODELS: [Model; 2] = [
    // Up to the Pi 4, where the address begins differently on each.
    Model {
        device: "20c000.pwm",
        channels: &[(12, 0), (13, 1), (18, 0), (19, 1)],
    },
    // The Pi 5; what is at 9c000 there drives the fan.
    Model {
        device: "98000.pwm",
        channels: &[(12, 0), (13, 1), (14, 2), (15, 3), (18, 2), (19, 3)],
    },
];

/// Lines of a GPIO chip, with PWM on those that are to have it.
#[derive(Debug)]
pub struct WithPwm<L> {
    lines: L,
    pwm: Pwm,
}

impl<L: Lines> WithPwm<L> {
    /// Everything but PWM is done by `lines`.
    pub fn new(lines: L) -> WithPwm<L> {
        let pwm = Pwm::new(CHIPS.into());
        WithPwm { lines, pwm }
    }
}

impl<L: Lines> Lines for WithPwm<L> {
    fn chip(&self) -> &str {
        self.lines.chip()
    }

    fn claim(&mut self, pin: &PinSettings) -> Result<Claimed, LineError> {
        match pin.direction {
            Direction::Pwm { frequency, safe } => self.pwm.claim(pin, frequency, safe),
            _ => self.lines.claim(pin),
        }
    }

    fn read(&self, offset: u8) -> Result<Level, LineError> {
        match self.pwm.channels.get(&offset) {
            Some(channel) => channel.read().map(Level::Duty),
            None => self.lines.read(offset),
        }
    }

    fn write(&mut self, offset: u8, level: Level) -> Result<(), LineError> {
        match (self.pwm.channels.get(&offset), level) {
            (Some(channel), Level::Duty(duty)) => channel.write(duty),
            (Some(_), Level::Switch(_)) => Err(LineError::failed(
                format!("set GPIO {offset}"),
                "it takes a duty",
            )),
            (None, level) => self.lines.write(offset, level),
        }
    }

    fn next_edge(&mut self) -> impl Future<Output = Result<Edge, LineError>> + Send {
        self.lines.next_edge()
    }
}

/// Channels of the Pi's PWM chip.
#[derive(Debug)]
struct Pwm {
    /// `/sys/class/pwm`
    chips: PathBuf,
    channels: BTreeMap<u8, Channel>,
}

/// One exported channel.
#[derive(Debug)]
struct Channel {
    gpio: u8,
    folder: PathBuf,
    /// In nanoseconds.
    period: u64,
    inverted: bool,
}

/// A PWM chip as sysfs shows it.
struct Chip {
    folder: PathBuf,
    device: String,
    model: &'static Model,
}

impl Pwm {
    fn new(chips: PathBuf) -> Pwm {
        let channels = BTreeMap::new();
        Pwm { chips, channels }
    }

    fn claim(
        &mut self,
        pin: &PinSettings,
        frequency: u32,
        safe: Duty,
    ) -> Result<Claimed, LineError> {
        let channel = Channel {
            gpio: pin.gpio,
            folder: self.export(pin.gpio)?,
            period: SECOND / u64::from(frequency.max(1)),
            inverted: pin.active_low,
        };
        channel.begin(safe)?;
        self.channels.insert(pin.gpio, channel);
        Ok(Claimed::Raw)
    }

    /// The channel's folder, if no other pin of ours has it: on a Pi 4, GPIO 12
    /// and 18 are two ends of one channel.
    fn unshared(&self, gpio: u8, chip: &Chip, channel: u32) -> Result<PathBuf, LineError> {
        let folder = chip.folder.join(format!("pwm{channel}"));
        let mut others = self.channels.values();
        match others.find(|other| other.folder == folder && other.gpio != gpio) {
            None => Ok(folder),
            Some(other) => Err(LineError::PwmBusy {
                offset: gpio,
                chip: chip.device.clone(),
                channel,
                consumer: format!("the pin on GPIO {}", other.gpio),
            }),
        }
    }

    /// The folder of the pin's channel. One that is there is taken over: it is
    /// our own from before, as the kernel shows no other user's.
    fn export(&self, gpio: u8) -> Result<PathBuf, LineError> {
        let chip = self.find_chip().ok_or_else(|| no_pwm(gpio))?;
        let channel = chip.channel(gpio)?;
        let folder = self.unshared(gpio, &chip, channel)?;
        if !folder.exists() {
            let export = chip.folder.join("export");
            fs::write(&export, channel.to_string())
                .map_err(|error| chip.not_exported(gpio, channel, &export, &error))?;
        }
        Ok(folder)
    }

    fn find_chip(&self) -> Option<Chip> {
        let entries = fs::read_dir(&self.chips).ok()?.flatten();
        let mut chips: Vec<Chip> = entries.filter_map(|entry| chip(entry.path())).collect();
        chips.sort_by(|a, b| a.device.cmp(&b.device));
        chips.into_iter().next()
    }
}

/// The chip, if it is one that a Pi has for its header.
fn chip(folder: PathBuf) -> Option<Chip> {
    let device = fs::canonicalize(folder.join("device")).ok()?;
    let device = device.file_name()?.to_string_lossy().into_owned();
    let model = MODELS.iter().find(|model| device.ends_with(model.device))?;
    Some(Chip {
        folder,
        device,
        model,
    })
}

impl Chip {
    fn channel(&self, gpio: u8) -> Result<u32, LineError> {
        let channels = self.model.channels;
        let found = channels.iter().find(|(of, _)| *of == gpio);
        found.map(|(_, channel)| *channel).ok_or_else(|| {
            let can = channels.iter().map(|(of, _)| format!("GPIO {of}"));
            LineError::NotPwm {
                offset: gpio,
                chip: self.device.clone(),
                can: can.collect::<Vec<_>>().join(", "),
            }
        })
    }

    fn not_exported(&self, gpio: u8, channel: u32, path: &Path, error: &io::Error) -> LineError {
        match Errno::from_io_error(error) {
            Some(Errno::BUSY) => LineError::PwmBusy {
                offset: gpio,
                chip: self.device.clone(),
                channel,
                consumer: self.user(channel),
            },
            // The chip has fewer channels: the overlay brings up one of two.
            Some(Errno::NODEV) => no_pwm(gpio),
            _ => failed(gpio, path, error),
        }
    }

    /// Who uses a channel, as far as this user may know.
    fn user(&self, channel: u32) -> String {
        let users = fs::read_to_string(USERS).unwrap_or_default();
        let ours = users.split("\n\n").find(|chip| chip.contains(&self.device));
        let ours = ours.and_then(|chip| user_of(chip, channel));
        ours.map_or("a driver of the kernel".into(), |user| format!("{user:?}"))
    }
}

/// The name in a line such as ` pwm-0   (backlight           ): requested`.
fn user_of(chip: &str, channel: u32) -> Option<String> {
    let start = format!("pwm-{channel} ");
    let line = chip.lines().find(|line| line.trim().starts_with(&start))?;
    let (_, rest) = line.split_once('(')?;
    let name = rest.split_once("):")?.0.trim();
    (!name.is_empty() && name != "(null)").then(|| name.to_owned())
}

impl Channel {
    /// Sets the period and then the safe duty, before anything comes out.
    fn begin(&self, safe: Duty) -> Result<(), LineError> {
        if self.get("period")? != self.period {
            // A period shorter than the present duty would be refused.
            self.set("duty_cycle", 0)?;
            self.set("period", self.period)?;
        }
        self.write(safe)?;
        self.set("enable", 1)
    }

    fn read(&self) -> Result<Duty, LineError> {
        let high = Duty::of(self.get("duty_cycle")?, self.get("period")?);
        Ok(if self.inverted { high.inverted() } else { high })
    }

    fn write(&self, duty: Duty) -> Result<(), LineError> {
        let high = if self.inverted { duty.inverted() } else { duty };
        self.set("duty_cycle", high.share(self.period))
    }

    fn set(&self, file: &str, value: u64) -> Result<(), LineError> {
        let path = self.folder.join(file);
        fs::write(&path, value.to_string()).map_err(|error| failed(self.gpio, &path, &error))
    }

    fn get(&self, file: &str) -> Result<u64, LineError> {
        let path = self.folder.join(file);
        let text = fs::read_to_string(&path).map_err(|error| failed(self.gpio, &path, &error))?;
        let number = text.trim().parse();
        number.map_err(|error| LineError::failed(format!("read {}", path.display()), error))
    }
}

fn failed(gpio: u8, path: &Path, error: &io::Error) -> LineError {
    let path = path.display().to_string();
    if error.kind() == io::ErrorKind::PermissionDenied {
        return LineError::PwmDenied { path };
    }
    LineError::failed(format!("set up PWM on GPIO {gpio} in {path}"), error)
}

/// The overlay that gives this pin its PWM. The functions are the numbers of
/// the BCM chips; the Pi 5 is told in the same ones.
fn no_pwm(gpio: u8) -> LineError {
    let function = if matches!(gpio, 12 | 13) { 4 } else { 2 };
    LineError::NoPwm {
        offset: gpio,
        overlay: format!("pwm,pin={gpio},func={function}"),
    }
}

/// What needs no kernel: which chip and channel is taken, on a tree like the
/// one in sysfs. How the kernel takes what is written is tested in `tests/pi`.
#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// A chip whose channels are exported already.
    fn add_chip(class: &Path, number: u32, device: &str, channels: u32) {
        let folder = class.join(format!("pwmchip{number}"));
        let device = class.join("devices").join(device);
        fs::create_dir_all(&device).unwrap();
        for channel in 0..channels {
            let channel = folder.join(format!("pwm{channel}"));
            fs::create_dir_all(&channel).unwrap();
            fs::write(channel.join("period"), "0\n").unwrap();
        }
        symlink(device, folder.join("device")).unwrap();
    }

    fn pin(gpio: u8) -> PinSettings {
        PinSettings {
            name: format!("pin-{gpio}"),
            room: "lab".into(),
            gpio,
            direction: Direction::Output { safe: false },
            active_low: false,
            device_class: None,
        }
    }

    fn claim(pwm: &mut Pwm, gpio: u8) -> Result<Claimed, LineError> {
        pwm.claim(&pin(gpio), 1000, Duty::from_percent(25.0).unwrap())
    }

    #[test]
    fn a_pi_5_has_its_pins_on_the_chip_that_does_not_drive_the_fan() {
        let class = tempfile::tempdir().unwrap();
        add_chip(class.path(), 0, "1f0009c000.pwm", 4);
        add_chip(class.path(), 1, "1f00098000.pwm", 4);
        let mut pwm = Pwm::new(class.path().into());
        claim(&mut pwm, 19).unwrap();
        let duty = class.path().join("pwmchip1/pwm3/duty_cycle");
        assert_eq!(fs::read_to_string(duty).unwrap(), "250000");
    }

    #[test]
    fn two_pins_on_one_channel_and_a_pin_without_one_are_refused() {
        let class = tempfile::tempdir().unwrap();
        add_chip(class.path(), 0, "fe20c000.pwm", 2);
        let mut pwm = Pwm::new(class.path().into());
        claim(&mut pwm, 12).unwrap();
        claim(&mut pwm, 12).unwrap();
        let shared = claim(&mut pwm, 18).unwrap_err().to_string();
        assert!(shared.contains("the pin on GPIO 12"), "{shared}");
        let without = claim(&mut pwm, 14).unwrap_err().to_string();
        assert!(without.contains("GPIO 12, GPIO 13, GPIO 18"), "{without}");
    }

    #[test]
    fn another_chip_is_not_taken_for_the_pi_s() {
        let class = tempfile::tempdir().unwrap();
        add_chip(class.path(), 0, "0-0040", 16);
        let error = claim(&mut Pwm::new(class.path().into()), 13).unwrap_err();
        assert!(
            error.to_string().contains("dtoverlay=pwm,pin=13,func=4"),
            "{error}"
        );
    }

    #[test]
    fn the_user_of_a_channel_is_read_from_the_kernels_list() {
        let chip = "platform/fe20c000.pwm, 2 PWM devices\n \
                    pwm-0   (backlight           ): requested enabled\n \
                    pwm-1   ((null)              ): period: 0 ns";
        assert_eq!(user_of(chip, 0).as_deref(), Some("backlight"));
        assert_eq!(user_of(chip, 1), None);
        assert_eq!(user_of(chip, 7), None);
    }
}
