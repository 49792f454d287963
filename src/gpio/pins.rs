//! What edges and commands mean for the house. Pure: lines and time come in,
//! states, reports and what to write go out.

use std::time::Duration;

use super::debounce::Debounce;
use super::{Direction, PinSettings};
use crate::clock::{Moment, UtcMillis};
use crate::home::{About, CommandReport, Kind, Stage, Thing, ThingAbout, Value};

/// The name under which the pins appear among the boards.
pub const BOARD: &str = "pi";

/// All configured pins and what they last said.
#[derive(Debug)]
pub struct Pins {
    pins: Vec<Pin>,
}

#[derive(Debug)]
struct Pin {
    settings: PinSettings,
    thing: Thing,
    /// Inputs only, once their first state was read.
    input: Option<Debounce>,
}

/// What a command asks of the bridge.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// Switch this line, then report with [`reported`].
    Write(Switching),
    /// Nothing but to publish the report.
    Refuse { pin: String, report: CommandReport },
    /// No pin has this topic.
    NotOurs,
}

/// A command on its way to a line.
#[derive(Clone, Debug, PartialEq)]
pub struct Switching {
    pub pin: String,
    pub offset: u8,
    pub active: bool,
    pub topic: String,
    /// The stage [`Stage::Sent`].
    pub report: CommandReport,
}

/// A thing's state, to be retained at its topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    pub topic: String,
    pub payload: &'static str,
}

impl Pins {
    /// Pins of which nothing is known yet.
    pub fn new(settings: &[PinSettings]) -> Pins {
        let pin = |settings: &PinSettings| Pin {
            settings: settings.clone(),
            thing: Thing::new(&settings.room, &settings.name),
            input: None,
        };
        Pins {
            pins: settings.iter().map(pin).collect(),
        }
    }

    /// What is retained at `hearth/board/pi/about`.
    pub fn about(&self, chip: &str) -> About {
        About {
            board: BOARD.into(),
            firmware: "pins".into(),
            port: chip.into(),
            usb: None,
            room: BOARD.into(),
            things: self.pins.iter().map(Pin::about).collect(),
        }
    }

    /// Every pin's number.
    pub fn offsets(&self) -> Vec<u8> {
        self.pins.iter().map(|pin| pin.settings.gpio).collect()
    }

    /// Every pin's command topic; inputs too, so that a command to one is
    /// answered and not lost.
    pub fn set_topics(&self) -> Vec<String> {
        self.pins.iter().map(|pin| pin.thing.set_topic()).collect()
    }

    /// What a line says when it is read: at start, and after a command.
    pub fn read(&mut self, offset: u8, active: bool) -> Option<State> {
        let pin = self.pin(offset)?;
        if let Direction::Input { debounce, .. } = pin.settings.direction {
            pin.input = Some(Debounce::new(active, debounce));
        }
        Some(pin.state(active))
    }

    /// An input has changed.
    pub fn edge(&mut self, offset: u8, active: bool, now: Moment) -> Option<State> {
        let pin = self.pin(offset)?;
        let settled = pin.input.as_mut()?.edge(active, now)?;
        Some(pin.state(settled))
    }

    /// When [`Pins::wake`] is to be called, if no edge comes before.
    pub fn next_wake(&self) -> Option<Moment> {
        let due = |pin: &Pin| pin.input.as_ref()?.next_wake();
        self.pins.iter().filter_map(due).min()
    }

    /// Time has passed: the inputs that have settled.
    pub fn wake(&mut self, now: Moment) -> Vec<State> {
        let settled = |pin: &mut Pin| {
            let settled = pin.input.as_mut()?.wake(now)?;
            Some(pin.state(settled))
        };
        self.pins.iter_mut().filter_map(settled).collect()
    }

    /// A message at a `…/set` topic. `retained` says that the broker kept it
    /// from before we subscribed.
    pub fn command(&self, topic: &str, payload: &[u8], retained: bool, at: UtcMillis) -> Verdict {
        let of_topic = |pin: &&Pin| pin.thing.set_topic() == topic;
        let Some(pin) = self.pins.iter().find(of_topic) else {
            return Verdict::NotOurs;
        };
        let to = String::from_utf8_lossy(payload).into_owned();
        let outcome = pin.wanted(&to, retained);
        let report = pin.report(to, at, outcome.as_ref().err().cloned());
        match outcome {
            Ok(active) => Verdict::Write(pin.switching(active, report)),
            Err(_) => Verdict::Refuse {
                pin: pin.settings.name.clone(),
                report,
            },
        }
    }

    fn pin(&mut self, offset: u8) -> Option<&mut Pin> {
        self.pins.iter_mut().find(|pin| pin.settings.gpio == offset)
    }
}

impl Pin {
    fn about(&self) -> ThingAbout {
        ThingAbout {
            name: self.settings.name.clone(),
            topic: self.thing.topic(),
            kind: match self.settings.direction {
                Direction::Input { .. } => Kind::BinarySensor,
                Direction::Output { .. } => Kind::Switch,
            },
            device_class: self.settings.device_class,
            unit: None,
            min: None,
            max: None,
        }
    }

    fn state(&self, active: bool) -> State {
        State {
            topic: self.thing.topic(),
            payload: if active { "on" } else { "off" },
        }
    }

    /// Whether a command wants the pin on, or why it cannot be done.
    fn wanted(&self, to: &str, retained: bool) -> Result<bool, String> {
        let name = &self.settings.name;
        if matches!(self.settings.direction, Direction::Input { .. }) {
            return Err(format!(
                "pin {name} is an input: it reports and cannot be switched"
            ));
        }
        if retained {
            return Err(format!(
                "the command was retained from an earlier time, so pin {name} keeps its safe state: \
                 publish commands without the retain flag"
            ));
        }
        let on_or_off = Value::parse(to).as_switch();
        on_or_off.ok_or_else(|| format!("pin {name} takes on or off, not {:?}", shortened(to)))
    }

    fn report(&self, to: String, at: UtcMillis, reason: Option<String>) -> CommandReport {
        let refused = reason.is_some();
        CommandReport {
            topic: self.thing.topic(),
            to: shortened(&to),
            at,
            stage: if refused { Stage::Refused } else { Stage::Sent },
            ms: 0,
            reason,
        }
    }

    fn switching(&self, active: bool, report: CommandReport) -> Switching {
        Switching {
            pin: self.settings.name.clone(),
            offset: self.settings.gpio,
            active,
            topic: self.thing.topic(),
            report,
        }
    }
}

/// The report after the line was read back.
pub fn reported(command: &Switching, active: bool, took: Duration) -> CommandReport {
    CommandReport {
        stage: if active == command.active {
            Stage::Reported
        } else {
            Stage::Ignored
        },
        ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        ..command.report.clone()
    }
}

/// A payload may be of any size; a report of it need not be.
fn shortened(text: &str) -> String {
    const LONGEST: usize = 64;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpio::Bias;
    use crate::home::DeviceClass;

    const LAMP: u8 = 17;
    const DOOR: u8 = 4;

    fn pins() -> Pins {
        let pin = |name: &str, gpio, direction, device_class| PinSettings {
            name: name.into(),
            room: "porch".into(),
            gpio,
            direction,
            active_low: false,
            device_class,
        };
        let input = Direction::Input {
            bias: Bias::PullUp,
            debounce: Duration::from_millis(20),
        };
        Pins::new(&[
            pin("lamp", LAMP, Direction::Output { safe: false }, None),
            pin("door", DOOR, input, Some(DeviceClass::Door)),
        ])
    }

    fn command(topic: &str, payload: &str) -> Verdict {
        pins().command(topic, payload.as_bytes(), false, UtcMillis(1000))
    }

    fn refusal(verdict: Verdict) -> String {
        match verdict {
            Verdict::Refuse { report, .. } if report.stage == Stage::Refused => {
                report.reason.unwrap()
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn on_switches_the_line_and_the_line_answers() {
        let Verdict::Write(switching) = command("home/porch/lamp/set", "ON") else {
            panic!("not written");
        };
        assert_eq!((switching.offset, switching.active), (LAMP, true));
        assert_eq!(switching.report.stage, Stage::Sent);
        let took = Duration::from_millis(3);
        let obeyed = reported(&switching, true, took);
        assert_eq!((obeyed.stage, obeyed.ms), (Stage::Reported, 3));
        assert_eq!(reported(&switching, false, took).stage, Stage::Ignored);
    }

    #[test]
    fn what_is_neither_on_nor_off_is_refused_in_its_own_words() {
        let reason = refusal(command("home/porch/lamp/set", "toggle"));
        assert!(reason.contains("on or off, not \"toggle\""), "{reason}");
        let reason = refusal(command("home/porch/lamp/set", &"x".repeat(1_000_000)));
        assert!(reason.len() < 200, "{} bytes", reason.len());
    }

    #[test]
    fn bytes_that_are_no_text_are_refused() {
        let verdict = pins().command("home/porch/lamp/set", &[0xff, 0x00], false, UtcMillis(0));
        assert!(refusal(verdict).contains("on or off"));
    }

    #[test]
    fn inputs_and_commands_of_yesterday_are_refused() {
        let reason = refusal(command("home/porch/door/set", "on"));
        assert!(reason.contains("input"), "{reason}");
        let old = pins().command("home/porch/lamp/set", b"on", true, UtcMillis(0));
        let reason = refusal(old);
        assert!(reason.contains("retain"), "{reason}");
    }

    #[test]
    fn a_topic_without_a_pin_is_not_ours() {
        assert_eq!(command("home/porch/fan/set", "on"), Verdict::NotOurs);
    }

    #[test]
    fn an_input_reports_when_it_has_settled() {
        let mut pins = pins();
        let closed = pins.read(DOOR, false).unwrap();
        assert_eq!((&*closed.topic, closed.payload), ("home/porch/door", "off"));
        assert_eq!(pins.edge(DOOR, true, Moment(100)), None);
        assert_eq!(pins.next_wake(), Some(Moment(120)));
        assert_eq!(pins.wake(Moment(119)), []);
        let settled = pins.wake(Moment(120));
        assert_eq!(settled.len(), 1);
        assert_eq!(settled[0].payload, "on");
    }

    #[test]
    fn pins_describe_themselves() {
        let about = pins().about("pinctrl-rp1");
        let kinds: Vec<_> = about.things.iter().map(|thing| thing.kind).collect();
        assert_eq!(kinds, [Kind::Switch, Kind::BinarySensor]);
        assert_eq!((&*about.firmware, &*about.port), ("pins", "pinctrl-rp1"));
    }
}
