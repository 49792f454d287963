//! What edges and commands mean for the house. Pure: lines and time come in,
//! states, reports and what to write go out.

use std::time::Duration;

use super::PinSettings;
use super::debounce::Debounce;
use super::level::Level;
use super::lines::{Claimed, LineError};
use super::pin::{Line, Pin};
use crate::clock::{Moment, UtcMillis};
use crate::home::{About, CommandReport, Stage};

/// The name under which the pins appear among the boards.
pub const BOARD: &str = "pi";

/// All configured pins and what they last said.
#[derive(Debug)]
pub struct Pins {
    pins: Vec<Pin>,
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

/// For the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    Missing(String),
    Had(String),
}

/// A command on its way to a line.
#[derive(Clone, Debug, PartialEq)]
pub struct Switching {
    pub pin: String,
    pub offset: u8,
    pub level: Level,
    pub topic: String,
    /// The stage [`Stage::Sent`].
    pub report: CommandReport,
}

/// A thing's state, to be retained at its topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    pub topic: String,
    pub payload: String,
}

impl Pins {
    /// Pins of which nothing is known yet.
    pub fn new(settings: &[PinSettings]) -> Pins {
        Pins {
            pins: settings.iter().map(Pin::new).collect(),
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

    /// The numbers of the pins whose lines are ours.
    pub fn offsets(&self) -> Vec<u8> {
        let ours = self.pins.iter().filter(|pin| pin.is_ours());
        ours.map(|pin| pin.settings.gpio).collect()
    }

    /// The pins whose lines are still to be had.
    pub fn missing(&self) -> Vec<PinSettings> {
        let missing = self.pins.iter().filter(|pin| !pin.is_ours());
        missing.map(|pin| pin.settings.clone()).collect()
    }

    /// A line was had, or not. Returns what is new about that, for the log.
    pub fn claimed(&mut self, offset: u8, outcome: Result<Claimed, LineError>) -> Option<News> {
        let pin = self.pin(offset)?;
        let name = &pin.settings.name;
        let news = match (&pin.line, &outcome) {
            (Line::Missing(before), Err(error)) if before == error => None,
            (_, Err(error)) => Some(News::Missing(format!("pin {name}: {error}"))),
            (Line::Missing(_), Ok(_)) => Some(News::Had(format!("pin {name}: can be used now"))),
            (_, Ok(_)) => None,
        };
        pin.line = outcome.map_or_else(Line::Missing, Line::Ours);
        news
    }

    /// What keeps pins from being used, in sentences; empty if nothing does.
    pub fn fault(&self) -> String {
        let missing = self.pins.iter().filter_map(|pin| match &pin.line {
            Line::Missing(error) => Some(format!("pin {}: {error}", pin.settings.name)),
            Line::Unasked | Line::Ours(_) => None,
        });
        missing.collect::<Vec<_>>().join("; ")
    }

    /// Every pin's command topic; inputs too, so that a command to one is
    /// answered and not lost.
    pub fn set_topics(&self) -> Vec<String> {
        self.pins.iter().map(|pin| pin.thing.set_topic()).collect()
    }

    /// What a line says when it is read: at start, and after a command.
    pub fn read(&mut self, offset: u8, level: Level) -> Option<State> {
        let pin = self.pin(offset)?;
        if let (Some(period), Level::Switch(active)) = (pin.debounce(), level) {
            pin.input = Some(Debounce::new(active, period));
        }
        Some(pin.state(level))
    }

    /// An input has changed.
    pub fn edge(&mut self, offset: u8, active: bool, now: Moment) -> Option<State> {
        let pin = self.pin(offset)?;
        let settled = pin.input.as_mut()?.edge(active, now)?;
        Some(pin.state(Level::Switch(settled)))
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
            Some(pin.state(Level::Switch(settled)))
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
            Ok(level) => Verdict::Write(pin.switching(level, report)),
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

/// The report after the line was read back.
pub fn reported(command: &Switching, level: Level, took: Duration) -> CommandReport {
    CommandReport {
        stage: if level == command.level {
            Stage::Reported
        } else {
            Stage::Ignored
        },
        ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        ..command.report.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpio::level::Duty;
    use crate::gpio::{Bias, Direction};
    use crate::home::{DeviceClass, Kind};

    const LAMP: u8 = 17;
    const DOOR: u8 = 4;
    const FAN: u8 = 18;
    const ON: Level = Level::Switch(true);
    const OFF: Level = Level::Switch(false);

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
        let fan = Direction::Pwm {
            frequency: 1000,
            safe: Duty::OFF,
        };
        Pins::new(&[
            pin("lamp", LAMP, Direction::Output { safe: false }, None),
            pin("door", DOOR, input, Some(DeviceClass::Door)),
            pin("fan", FAN, fan, None),
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
        assert_eq!((switching.offset, switching.level), (LAMP, ON));
        assert_eq!(switching.report.stage, Stage::Sent);
        let took = Duration::from_millis(3);
        let obeyed = reported(&switching, ON, took);
        assert_eq!((obeyed.stage, obeyed.ms), (Stage::Reported, 3));
        assert_eq!(reported(&switching, OFF, took).stage, Stage::Ignored);
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
        assert_eq!(command("home/porch/gate/set", "on"), Verdict::NotOurs);
    }

    #[test]
    fn an_input_reports_when_it_has_settled() {
        let mut pins = pins();
        let closed = pins.read(DOOR, OFF).unwrap();
        assert_eq!(
            (&*closed.topic, &*closed.payload),
            ("home/porch/door", "off")
        );
        assert_eq!(pins.edge(DOOR, true, Moment(100)), None);
        assert_eq!(pins.next_wake(), Some(Moment(120)));
        assert_eq!(pins.wake(Moment(119)), []);
        let settled = pins.wake(Moment(120));
        assert_eq!(settled.len(), 1);
        assert_eq!(settled[0].payload, "on");
    }

    #[test]
    fn an_edge_counts_at_once_where_the_driver_has_debounced() {
        let mut pins = pins();
        assert_eq!(pins.claimed(DOOR, Ok(Claimed::Debounced)), None);
        pins.read(DOOR, OFF);
        let opened = pins.edge(DOOR, true, Moment(100)).unwrap();
        assert_eq!((&*opened.payload, pins.next_wake()), ("on", None));
    }

    #[test]
    fn a_duty_is_taken_in_percent_and_as_on_and_off() {
        for (payload, duty) in [("37.5", 37.5), ("0", 0.0), ("ON", 100.0), ("off", 0.0)] {
            let Verdict::Write(switching) = command("home/porch/fan/set", payload) else {
                panic!("{payload} is not written");
            };
            let wanted = Duty::from_percent(duty).unwrap();
            assert_eq!(switching.level, Level::Duty(wanted), "{payload}");
        }
        for payload in ["101", "-1", "half"] {
            let reason = refusal(command("home/porch/fan/set", payload));
            assert!(reason.contains("from 0 to 100"), "{reason}");
        }
    }

    #[test]
    fn a_pin_in_use_is_told_once_and_keeps_the_others_out_of_it() {
        let busy = || {
            Err(LineError::Busy {
                offset: LAMP,
                consumer: "blinker".into(),
            })
        };
        let mut pins = pins();
        pins.claimed(DOOR, Ok(Claimed::Raw));
        pins.claimed(FAN, Ok(Claimed::Raw));
        let Some(News::Missing(news)) = pins.claimed(LAMP, busy()) else {
            panic!("not told");
        };
        assert!(
            news.contains("pin lamp") && news.contains("\"blinker\""),
            "{news}"
        );
        assert_eq!(pins.claimed(LAMP, busy()), None);
        assert_eq!(pins.fault(), news);
        assert_eq!(pins.offsets(), [DOOR, FAN]);
        let refused = pins.command("home/porch/lamp/set", b"on", false, UtcMillis(0));
        assert!(refusal(refused).contains("blinker"));
        let had = pins.claimed(LAMP, Ok(Claimed::Raw));
        assert!(matches!(had, Some(News::Had(_))), "{had:?}");
        assert_eq!((pins.fault(), pins.missing()), (String::new(), vec![]));
    }

    #[test]
    fn pins_describe_themselves() {
        let about = pins().about("pinctrl-rp1");
        let kinds: Vec<_> = about.things.iter().map(|thing| thing.kind).collect();
        assert_eq!(kinds, [Kind::Switch, Kind::BinarySensor, Kind::Number]);
        assert_eq!((&*about.firmware, &*about.port), ("pins", "pinctrl-rp1"));
    }
}
