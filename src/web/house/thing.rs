//! One thing as a card on the page: its value in words, how old it is, and
//! how far the last command came.

use std::hash::{Hash, Hasher};
use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use super::{Parts, command};
use crate::clock::UtcMillis;
use crate::home::{CommandReport, DeviceClass, Kind, Presence, Quantity, Thing, ThingAbout, Value};
use crate::web::wording;

/// A measurement older than this is shown as old; states may hold for days.
const OLD_AFTER: Duration = Duration::from_secs(600);
/// What a path segment may hold as it is (RFC 3986, unreserved).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// A thing and everything a page shows of it.
#[derive(Clone, Debug, PartialEq)]
pub struct ThingView {
    pub thing: Thing,
    pub title: String,
    /// `/thing/<room>/<name>`, percent-encoded.
    pub href: String,
    pub kind: Kind,
    pub device_class: Option<DeviceClass>,
    pub board: Option<String>,
    pub control: Option<Control>,
    /// What the last message said; none before the first.
    pub value: Option<Value>,
    /// What its board was last told, and when.
    pub commanded: Option<(String, UtcMillis)>,
    pub live: Live,
}

/// How a person commands a thing.
#[derive(Clone, Debug, PartialEq)]
pub enum Control {
    Switch,
    Slider { min: f64, max: f64, step: f64 },
}

/// What changes while a page is open; sent to the script as it is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Live {
    /// `home/<room>/<thing>`
    pub thing: String,
    /// In words, or with the digits that a person reads.
    pub text: String,
    /// As the message said it.
    pub raw: String,
    pub unit: String,
    /// The position of a switch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on: Option<bool>,
    /// The position of a slider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<f64>,
    /// When the last message came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<UtcMillis>,
    /// Why the value may no longer hold; empty while it does.
    pub stale: String,
    /// The last command in words, short enough for a card; empty without one.
    pub command: String,
    /// The same with each stage that it passed.
    pub steps: String,
    /// `waiting`, `done` or `failed`; empty without a command.
    pub stage: &'static str,
}

impl ThingView {
    /// The page of its board.
    pub fn board_href(&self) -> String {
        self.board
            .as_deref()
            .map(super::board::href)
            .unwrap_or_default()
    }

    /// Whether the value changes in steps rather than along a line.
    pub fn is_number(&self) -> bool {
        matches!(self.value, Some(Value::Number(_))) && self.kind != Kind::BinarySensor
    }

    /// What a page must be fetched again for; values are not among it.
    pub fn hash_shape(&self, hasher: &mut impl Hasher) {
        self.live.thing.hash(hasher);
        self.kind.hash(hasher);
        self.is_number().hash(hasher);
        self.board.hash(hasher);
    }
}

/// The view of `thing`, which `about` announces where a board does.
pub fn view(
    thing: Thing,
    about: Option<(&str, &ThingAbout)>,
    parts: &Parts<'_>,
    now: UtcMillis,
) -> ThingView {
    let message = parts.states.get(&thing);
    let value = message.map(|message| match message.text() {
        Some(text) => Value::parse(text),
        None => Value::Text(format!("{} bytes that are no text", message.payload.len())),
    });
    let what = What::of(&thing, about.map(|(_, about)| about), value.as_ref());
    let board = about.map(|(board, _)| board.to_owned());
    let at = message.map(|message| message.received);
    let command = parts.commands.get(&thing.topic());
    let live = live(&thing, &what, value.as_ref(), at, command);
    ThingView {
        title: wording::title(&thing.name),
        href: href(&thing),
        kind: what.kind,
        device_class: what.class,
        control: what.control(),
        value,
        commanded: command.map(|report| (report.to.clone(), report.at)),
        live: Live {
            stale: stale(board.as_deref(), what.kind, at, parts, now),
            ..live
        },
        board,
        thing,
    }
}

/// Where a thing has its page.
pub fn href(thing: &Thing) -> String {
    format!("/thing/{}/{}", segment(&thing.room), segment(&thing.name))
}

/// A word as a part of an address.
pub fn segment(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

/// What a thing is: announced by its board, or guessed from its name.
struct What {
    kind: Kind,
    class: Option<DeviceClass>,
    unit: String,
    min: f64,
    max: f64,
}

impl What {
    fn of(thing: &Thing, about: Option<&ThingAbout>, value: Option<&Value>) -> What {
        match about {
            Some(about) => What {
                kind: about.kind,
                class: about.device_class,
                unit: about.unit.clone().unwrap_or_default(),
                min: about.min.unwrap_or(0.0),
                max: about.max.unwrap_or(100.0),
            },
            None => What::guess(thing, value),
        }
    }

    /// A name that contradicts the value means nothing: a `fan` that says
    /// `1200` is a sensor.
    fn guess(thing: &Thing, value: Option<&Value>) -> What {
        let said = match value {
            Some(Value::Switch(_)) => Kind::BinarySensor,
            _ => Kind::Sensor,
        };
        let guess = Quantity::from_name(&thing.name).filter(|guess| match guess.kind {
            Kind::Switch | Kind::BinarySensor => matches!(value, Some(Value::Switch(_))),
            Kind::Sensor | Kind::Number => matches!(value, Some(Value::Number(_))),
        });
        What {
            kind: guess.as_ref().map_or(said, |guess| guess.kind),
            class: guess.as_ref().and_then(|guess| guess.device_class),
            unit: guess
                .and_then(|guess| guess.unit)
                .unwrap_or_default()
                .to_owned(),
            min: 0.0,
            max: 100.0,
        }
    }

    fn control(&self) -> Option<Control> {
        match self.kind {
            Kind::Switch => Some(Control::Switch),
            Kind::Number => Some(Control::Slider {
                min: self.min,
                max: self.max,
                step: step(self.max - self.min),
            }),
            Kind::Sensor | Kind::BinarySensor => None,
        }
    }
}

/// About a hundred steps from end to end.
fn step(range: f64) -> f64 {
    if range.is_finite() && range > 0.0 {
        10_f64
            .powf((range / 100.0).log10().floor())
            .clamp(0.001, 1e6)
    } else {
        1.0
    }
}

fn live(
    thing: &Thing,
    what: &What,
    value: Option<&Value>,
    at: Option<UtcMillis>,
    command: Option<&CommandReport>,
) -> Live {
    let is_number = matches!(value, Some(Value::Number(_))) && what.kind != Kind::BinarySensor;
    Live {
        thing: thing.topic(),
        text: value.map_or_else(
            || "–".to_owned(),
            |value| wording::value(value, what.kind, what.class),
        ),
        raw: value
            .map(|value| wording::cut(&value.to_string()))
            .unwrap_or_default(),
        unit: if is_number {
            what.unit.clone()
        } else {
            String::new()
        },
        on: value.and_then(Value::as_switch),
        number: value.and_then(Value::as_number),
        at,
        stale: String::new(),
        command: command.map(command::short).unwrap_or_default(),
        steps: command.map(command::long).unwrap_or_default(),
        stage: command.map_or("", command::mark),
    }
}

fn stale(
    board: Option<&str>,
    kind: Kind,
    at: Option<UtcMillis>,
    parts: &Parts<'_>,
    now: UtcMillis,
) -> String {
    let status = board.and_then(|board| parts.statuses.get(board));
    if let (Some(board), Some((Presence::Offline, _))) = (board, status) {
        return format!("{board} is offline");
    }
    match at {
        None => "no reading yet".to_owned(),
        Some(at) if kind == Kind::Sensor && now.since(at) > OLD_AFTER => "no news".to_owned(),
        Some(_) => String::new(),
    }
}
