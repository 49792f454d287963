//! The house as the page shows it, made from the broker's retained messages.
//!
//! Pure: messages, log lines and the time in, rooms, boards and rules out. It
//! is made anew for every page, so that it can never disagree with the broker.

mod board;
mod bridge;
mod command;
mod rule;
mod thing;

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde::de::DeserializeOwned;

pub use board::{Board, Logs};
pub use bridge::Bridge;
pub use rule::Rule;
pub use thing::{Control, Live, ThingView};

use crate::broker::Message;
use crate::clock::UtcMillis;
use crate::home::pin_map::MapReport;
use crate::home::{About, CommandReport, Presence, Thing, ThingAbout, Vitals, topic};
use crate::web::wording;

/// What [`build`] needs to know, as subscriptions of the broker.
pub const FILTERS: [&str; 2] = [topic::ALL_STATES, "hearth/#"];
/// A page shows no more things than this; the rest is counted.
pub const MAX_THINGS: usize = 500;
/// Nor more boards or rules than this.
const MAX_LISTED: usize = 200;

/// Everything a page can show.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct House {
    pub rooms: Vec<Room>,
    pub boards: Vec<Board>,
    pub bridges: Vec<Bridge>,
    pub rules: Vec<Rule>,
    /// Things beyond [`MAX_THINGS`].
    pub left_out: usize,
}

/// A room and what is in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Room {
    /// The word in the topic.
    pub name: String,
    pub title: String,
    pub things: Vec<ThingView>,
}

/// A part of the house that a page shows as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watch {
    /// Which things there are, and what their boards complain of.
    Things,
    Boards,
    Rules,
}

impl Watch {
    pub const ALL: [Watch; 3] = [Watch::Things, Watch::Boards, Watch::Rules];

    /// As pages and updates name it.
    pub fn word(self) -> &'static str {
        match self {
            Watch::Things => "things",
            Watch::Boards => "boards",
            Watch::Rules => "rules",
        }
    }
}

impl House {
    /// All things, room by room.
    pub fn things(&self) -> impl Iterator<Item = &ThingView> {
        self.rooms.iter().flat_map(|room| &room.things)
    }

    /// One thing.
    pub fn thing(&self, thing: &Thing) -> Option<&ThingView> {
        self.things().find(|view| view.thing == *thing)
    }

    /// One board.
    pub fn board(&self, name: &str) -> Option<&Board> {
        self.boards.iter().find(|board| board.name == name)
    }

    /// The things of a board.
    pub fn things_of<'a>(&'a self, board: &'a str) -> impl Iterator<Item = &'a ThingView> {
        self.things()
            .filter(move |view| view.board.as_deref() == Some(board))
    }

    /// Boards that report a fault, are away, or cannot have their map.
    pub fn troubled(&self) -> impl Iterator<Item = &Board> {
        self.boards.iter().filter(|board| board.trouble().is_some())
    }

    /// Changes whenever a page that shows `watch` must be fetched again.
    pub fn version(&self, watch: Watch) -> String {
        let mut hasher = DefaultHasher::new();
        match watch {
            Watch::Things => {
                self.things()
                    .for_each(|thing| thing.hash_shape(&mut hasher));
                self.troubled()
                    .for_each(|board| board.trouble().hash(&mut hasher));
            }
            Watch::Boards => (&self.boards, &self.bridges).hash(&mut hasher),
            Watch::Rules => self.rules.hash(&mut hasher),
        }
        format!("{:016x}", hasher.finish())
    }
}

/// What the messages say, sorted by what they speak of.
#[derive(Default)]
struct Parts<'a> {
    states: BTreeMap<Thing, &'a Message>,
    abouts: BTreeMap<&'a str, About>,
    statuses: BTreeMap<&'a str, (Presence, UtcMillis)>,
    faults: BTreeMap<&'a str, &'a Message>,
    maps: BTreeMap<&'a str, MapReport>,
    vitals: BTreeMap<&'a str, Vitals>,
    commands: BTreeMap<String, CommandReport>,
    bridges: Vec<Bridge>,
    rules: Vec<Rule>,
}

/// Makes the house from retained messages. What cannot be read is left out:
/// any client may have published it.
pub fn build(messages: &[Message], logs: &Logs, now: UtcMillis) -> House {
    let mut parts = Parts::default();
    for message in messages {
        sort_in(&mut parts, message);
    }
    let boards: Vec<Board> = board::list(&parts, logs).take(MAX_LISTED).collect();
    let things = things(&parts, now);
    let left_out = things.len().saturating_sub(MAX_THINGS);
    parts
        .rules
        .sort_by(|a, b| b.at.cmp(&a.at).then_with(|| a.name.cmp(&b.name)));
    parts.rules.truncate(MAX_LISTED);
    parts.bridges.sort_by(|a, b| a.name.cmp(&b.name));
    parts.bridges.truncate(MAX_LISTED);
    House {
        rooms: rooms(things.into_iter().take(MAX_THINGS)),
        boards,
        bridges: parts.bridges,
        rules: parts.rules,
        left_out,
    }
}

fn sort_in<'a>(parts: &mut Parts<'a>, message: &'a Message) {
    let topic = message.topic.as_ref();
    if let Some(thing) = Thing::from_topic(topic) {
        parts.states.insert(thing, message);
    } else if let Some(rest) = topic.strip_prefix("hearth/board/") {
        if let Some((board, leaf)) = rest.split_once('/') {
            sort_board(parts, board, leaf, message);
        }
    } else if topic.starts_with("hearth/bridge/") {
        parts.bridges.extend(bridge::read(message));
    } else if topic.starts_with("hearth/rule/") {
        parts.rules.extend(rule::read(message));
    }
}

fn sort_board<'a>(parts: &mut Parts<'a>, board: &'a str, leaf: &str, message: &'a Message) {
    match leaf {
        "about" => keep(&mut parts.abouts, board, message),
        "map" => keep(&mut parts.maps, board, message),
        "vitals" => keep(&mut parts.vitals, board, message),
        "status" => {
            let presence = match message.text() {
                Some("online") => Presence::Online,
                _ => Presence::Offline,
            };
            parts.statuses.insert(board, (presence, message.received));
        }
        "fault" if !message.payload.is_empty() => {
            parts.faults.insert(board, message);
        }
        leaf if leaf.starts_with("command/") => keep_newest(&mut parts.commands, message),
        _ => {}
    }
}

fn keep<'a, T: DeserializeOwned>(
    known: &mut BTreeMap<&'a str, T>,
    board: &'a str,
    message: &Message,
) {
    if let Ok(said) = serde_json::from_slice(&message.payload) {
        known.insert(board, said);
    }
}

fn keep_newest(commands: &mut BTreeMap<String, CommandReport>, message: &Message) {
    let Ok(report) = serde_json::from_slice::<CommandReport>(&message.payload) else {
        return;
    };
    let newer = commands
        .get(&report.topic)
        .is_none_or(|known| known.at <= report.at);
    if newer {
        commands.insert(report.topic.clone(), report);
    }
}

/// Everything that a board announces or that has a state.
fn things(parts: &Parts<'_>, now: UtcMillis) -> BTreeMap<Thing, ThingView> {
    let announced = parts.abouts.iter().flat_map(|(board, about)| {
        about
            .things
            .iter()
            .filter_map(|thing| Some((Thing::from_topic(&thing.topic)?, Some((*board, thing)))))
    });
    let mut all: BTreeMap<Thing, Option<(&str, &ThingAbout)>> = announced.collect();
    for thing in parts.states.keys() {
        all.entry(thing.clone()).or_insert(None);
    }
    all.into_iter()
        .map(|(thing, about)| {
            let view = thing::view(thing.clone(), about, parts, now);
            (thing, view)
        })
        .collect()
}

/// Things come sorted by room.
fn rooms(things: impl Iterator<Item = (Thing, ThingView)>) -> Vec<Room> {
    let mut rooms: Vec<Room> = Vec::new();
    for (thing, view) in things {
        match rooms.last_mut() {
            Some(room) if room.name == thing.room => room.things.push(view),
            _ => rooms.push(Room {
                title: wording::title(&thing.room),
                name: thing.room,
                things: vec![view],
            }),
        }
    }
    for room in &mut rooms {
        // What can be switched stands below what is measured.
        room.things.sort_by_key(|view| view.control.is_some());
    }
    rooms
}

#[cfg(test)]
pub mod tests;
