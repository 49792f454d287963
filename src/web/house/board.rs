//! Boards: whether they are here, what is wrong, and their last lines.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::Parts;
use crate::broker::Message;
use crate::clock::UtcMillis;
use crate::home::{About, Presence, Thing};
use crate::web::wording;

/// Lines kept for each board.
const MAX_LINES: usize = 12;
/// Boards whose lines are kept; a flood of invented boards stays bounded.
const MAX_BOARDS: usize = 64;

/// A board, or the Pi's own pins.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Board {
    pub name: String,
    pub online: bool,
    /// Since when it is here or away, as far as is known.
    pub since: Option<UtcMillis>,
    /// Device path or chip label; empty before the board has said.
    pub port: String,
    /// `text`, `pins`.
    pub firmware: String,
    pub usb: Option<String>,
    /// Topics of its things.
    pub things: Vec<String>,
    pub fault: Option<String>,
    pub log: Vec<LogLine>,
}

/// A line that was no reading.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct LogLine {
    pub at: UtcMillis,
    pub text: String,
}

impl Board {
    /// What a person should look after, in words.
    pub fn trouble(&self) -> Option<String> {
        match &self.fault {
            Some(fault) => Some(format!("{}: {fault}", self.name)),
            None if !self.online => Some(format!("{} is offline", self.name)),
            None => None,
        }
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
            other => format!("{other}, on {}", self.port),
        }
    }
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
        things: about.map_or_else(Vec::new, |about| {
            about
                .things
                .iter()
                .map(|thing| thing.topic.clone())
                .collect()
        }),
        fault: parts.faults.get(name).map(|message| fault(message)),
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
