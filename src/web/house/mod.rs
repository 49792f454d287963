//! The house as the page shows it, made from the broker's retained messages.
//!
//! Pure: messages, log lines and the time in, rooms, boards and rules out. It
//! is made anew for every page, so that it can never disagree with the broker.

mod board;
mod bridge;
mod causes;
mod command;
mod memory;
mod rule;
mod thing;
mod trace;
mod traces;
pub mod why;

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde::de::DeserializeOwned;

pub use board::Board;
pub use bridge::Bridge;
pub use memory::Memory;
use rule::Reload;
pub use rule::{Pending, Rule, State};
pub use thing::{Control, Live, ThingView, segment};
pub use trace::Trace;
pub use traces::Counts;
use traces::{MAX_RULES, Traces};

use crate::broker::Message;
use crate::clock::UtcMillis;
use crate::home::pin_map::MapReport;
use crate::home::{About, CommandReport, Presence, Thing, ThingAbout, Vitals, topic};
use crate::web::wording;

/// What [`build`] needs to know, as filters of retained messages.
pub const FILTERS: [&str; 2] = [topic::ALL_STATES, "hearth/#"];
/// What a [`Memory`] needs to hear besides.
pub const HEARD: &str = topic::ALL_COMMANDS;
/// A page shows no more things than this; the rest is counted.
pub const MAX_THINGS: usize = 500;
/// Nor more boards or bridges than this.
const MAX_LISTED: usize = 200;

/// Everything a page can show.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct House {
    pub rooms: Vec<Room>,
    pub boards: Vec<Board>,
    pub bridges: Vec<Bridge>,
    /// What last did something first.
    pub rules: Vec<Rule>,
    /// How the last reading of their files went.
    pub reload: Option<Reload>,
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

    /// One rule, by its word or its name.
    pub fn rule(&self, name: &str) -> Option<&Rule> {
        let word = topic::word(name);
        self.rules.iter().find(|rule| rule.word == word)
    }

    /// The rules that have a button, by name: they stay where they are.
    pub fn buttons(&self) -> Vec<(&Rule, &str)> {
        let rules = self.rules.iter();
        let mut buttons: Vec<_> = rules
            .filter_map(|rule| Some((rule, rule.button()?)))
            .collect();
        buttons.sort_by_key(|(rule, label)| (*label, &rule.word));
        buttons
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
            Watch::Rules => (&self.rules, &self.reload).hash(&mut hasher),
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
    rules: BTreeMap<&'a str, Rule>,
    reload: Option<Reload>,
}

/// Makes the house from retained messages. What cannot be read is left out:
/// any client may have published it.
pub fn build(messages: &[Message], memory: &Memory, now: UtcMillis) -> House {
    let mut parts = Parts::default();
    for message in messages {
        sort_in(&mut parts, message);
    }
    let boards: Vec<Board> = board::list(&parts, &memory.logs).take(MAX_LISTED).collect();
    let things = things(&parts, now);
    let left_out = things.len().saturating_sub(MAX_THINGS);
    parts.bridges.sort_by(|a, b| a.name.cmp(&b.name));
    parts.bridges.truncate(MAX_LISTED);
    House {
        rooms: rooms(things.into_iter().take(MAX_THINGS)),
        boards,
        bridges: parts.bridges,
        rules: rules(parts.rules, &memory.traces),
        reload: parts.reload,
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
    } else if let Some((rule, leaf)) = topic::from_rule(topic) {
        sort_rule(parts, rule, leaf, message);
    } else if topic == topic::RULES_STATUS {
        parts.reload = Reload::read(&message.payload);
    }
}

fn sort_rule<'a>(parts: &mut Parts<'a>, word: &'a str, leaf: &str, message: &Message) {
    let is_new = !parts.rules.contains_key(word);
    if !matches!(leaf, "about" | "last") || is_new && parts.rules.len() >= MAX_RULES {
        return;
    }
    let rule = parts.rules.entry(word).or_insert_with(|| Rule::new(word));
    match leaf {
        "about" => rule.describe(&message.payload),
        _ => rule.decide(&message.payload),
    }
}

/// What last did something first.
fn rules(rules: BTreeMap<&str, Rule>, traces: &Traces) -> Vec<Rule> {
    let known = |rule: &Rule| rule.about.is_some() || rule.last.is_some();
    let mut rules: Vec<Rule> = rules.into_values().filter(known).collect();
    for rule in &mut rules {
        rule.told = traces.of(&rule.word).map_or(0, |ring| ring.counts.told);
    }
    rules.sort_by(|a, b| b.at().cmp(&a.at()).then_with(|| a.name.cmp(&b.name)));
    rules
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
