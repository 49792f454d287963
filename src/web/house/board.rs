//! Boards: whether they are here, how they are, what is wrong, and their last lines.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::hash::{Hash, Hasher};

use super::Parts;
use crate::broker::Message;
use crate::clock::UtcMillis;
use crate::home::device::HEARTH;
use crate::home::pin_map::{MapReport, MapState};
use crate::home::{About, Presence, Thing, Vitals};
use crate::web::wording;

/// Lines kept for each board.
const MAX_LINES: usize = 12;
/// Boards whose lines are kept; a flood of invented boards stays bounded.
const MAX_BOARDS: usize = 64;

/// A board, or the Pi's own pins.
#[derive(Clone, Debug, PartialEq)]
pub struct Board {
    pub name: String,
    pub online: bool,
    /// Since when it is here or away, as far as is known.
    pub since: Option<UtcMillis>,
    /// Device path or chip label; empty before the board has said.
    pub port: String,
    /// `text`, `pins`, `hearth`, `mqtt-sn`; empty before the board has said.
    pub firmware: String,
    pub usb: Option<String>,
    /// Where its things are that have no room of their own.
    pub room: String,
    /// Topics of its things.
    pub things: Vec<String>,
    pub fault: Option<String>,
    /// What became of its pin map.
    pub map: Option<MapReport>,
    pub vitals: Option<Vitals>,
    pub log: Vec<LogLine>,
}

/// A line that was no reading.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct LogLine {
    pub at: UtcMillis,
    pub text: String,
}

/// All that pages show. Each field is named, so that none is forgotten.
impl Hash for Board {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        let Board {
            name,
            online,
            since,
            port,
            firmware,
            usb,
            room,
            things,
            fault,
            map,
            vitals,
            log,
        } = self;
        (name, online, since, port, firmware, usb).hash(hasher);
        (room, things, fault, vitals, log).hash(hasher);
        let map = map.as_ref();
        map.map(|map| (map.state as u8, &map.reason, &map.at))
            .hash(hasher);
    }
}

impl Board {
    /// What a person should look after, in words.
    pub fn trouble(&self) -> Option<String> {
        match &self.fault {
            Some(fault) => Some(format!("{}: {fault}", self.name)),
            None if !self.online => Some(format!("{} is offline", self.name)),
            None => self
                .map_trouble()
                .map(|why| format!("{}: {why}", self.name)),
        }
    }

    /// Whether the page can tell it what is on its pins.
    pub fn takes_maps(&self) -> bool {
        self.firmware == HEARTH
    }

    /// What is wrong with its pin map, in words.
    pub fn map_trouble(&self) -> Option<String> {
        let map = self.map.as_ref()?;
        let reason = match (&map.at, &map.reason) {
            (Some(at), Some(reason)) => format!("{at}: {reason}"),
            (None, Some(reason)) => reason.clone(),
            (_, None) => String::new(),
        };
        let said = match (map.state, reason.as_str()) {
            (MapState::Refused, "") => "the pin map was refused".to_owned(),
            (MapState::Refused, _) => format!("the pin map was refused: {reason}"),
            (_, "") => return None,
            (_, _) => reason,
        };
        Some(wording::sentence(&said))
    }

    /// Where it has its page.
    pub fn href(&self) -> String {
        href(&self.name)
    }

    /// How far its pin map came: how the page marks it, and in words.
    pub fn map_state(&self) -> Option<(&'static str, &'static str)> {
        Some(match self.map.as_ref()?.state {
            MapState::Empty => ("", "none yet"),
            MapState::Waiting => ("", "on its way to the board"),
            MapState::InForce => ("good", "in force"),
            MapState::Refused => ("bad", "refused"),
        })
    }

    /// Its things, as links.
    pub fn links(&self) -> impl Iterator<Item = (String, &str)> {
        self.things.iter().filter_map(|topic| {
            let thing = Thing::from_topic(topic)?;
            Some((super::thing::href(&thing), topic.as_str()))
        })
    }

    /// How the board is attached, in words.
    pub fn attached(&self) -> String {
        match self.firmware.as_str() {
            "" => "not described yet".to_owned(),
            "pins" => format!("pins of this computer, {}", self.port),
            "text" => format!("any sketch that prints lines, on {}", self.port),
            HEARTH => format!("Hearth's firmware, on {}", self.port),
            other => format!("{other}, on {}", self.port),
        }
    }
}

/// Where a board has its page.
pub fn href(board: &str) -> String {
    format!("/board/{}", super::thing::segment(board))
}

/// Every board that any message speaks of.
pub fn list<'a>(parts: &'a Parts<'_>, logs: &'a Logs) -> impl Iterator<Item = Board> + 'a {
    let names: BTreeSet<&str> = parts
        .abouts
        .keys()
        .chain(parts.statuses.keys())
        .chain(parts.faults.keys())
        .copied()
        .collect();
    names.into_iter().map(|name| board(name, parts, logs))
}

fn board(name: &str, parts: &Parts<'_>, logs: &Logs) -> Board {
    let about = parts.abouts.get(name);
    let status = parts.statuses.get(name);
    let of_about = |field: fn(&About) -> &String| about.map(field).cloned().unwrap_or_default();
    Board {
        name: name.to_owned(),
        online: status.is_some_and(|(presence, _)| *presence == Presence::Online),
        since: status.map(|(_, since)| *since),
        port: of_about(|about| &about.port),
        firmware: of_about(|about| &about.firmware),
        usb: about.and_then(|about| about.usb.clone()),
        room: of_about(|about| &about.room),
        things: about.map_or_else(Vec::new, |about| {
            about
                .things
                .iter()
                .map(|thing| thing.topic.clone())
                .collect()
        }),
        fault: parts.faults.get(name).map(|message| fault(message)),
        map: parts.maps.get(name).cloned(),
        vitals: parts.vitals.get(name).cloned(),
        log: logs.of(name),
    }
}

fn fault(message: &Message) -> String {
    wording::sentence(message.text().unwrap_or("a fault that is no text"))
}

/// The last lines of each board. They are not retained, so they are kept
/// here, bounded in lines and boards.
#[derive(Clone, Debug, Default)]
pub struct Logs {
    boards: BTreeMap<String, VecDeque<LogLine>>,
}

impl Logs {
    /// Keeps the line if `message` is one, dropping the oldest of its board.
    pub fn push(&mut self, message: &Message) -> bool {
        let Some(board) = log_board(&message.topic) else {
            return false;
        };
        if self.boards.len() >= MAX_BOARDS && !self.boards.contains_key(board) {
            return false;
        }
        let lines = self.boards.entry(board.to_owned()).or_default();
        if lines.len() == MAX_LINES {
            lines.pop_front();
        }
        lines.push_back(LogLine {
            at: message.received,
            text: wording::sentence(&String::from_utf8_lossy(&message.payload)),
        });
        true
    }

    /// Newest last.
    fn of(&self, board: &str) -> Vec<LogLine> {
        self.boards
            .get(board)
            .into_iter()
            .flatten()
            .cloned()
            .collect()
    }
}

fn log_board(topic: &str) -> Option<&str> {
    let board = topic.strip_prefix("hearth/board/")?.strip_suffix("/log")?;
    (!board.contains('/')).then_some(board)
}
