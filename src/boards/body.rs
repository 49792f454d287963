//! What is at the end of a line: a board that prints, as far as is known, or one that has
//! said who it is. The same is done with both.

use super::BoardSettings;
use super::board::Board;
use super::registry::{Found, Introduced};
use super::station::Station;
use super::voice::Effect;
use crate::broker::Message;
use crate::clock::{Moment, Now};

#[derive(Debug)]
pub(super) enum Body {
    /// Any sketch that prints lines.
    Text(Box<Board>),
    /// Hearth's firmware, or another MQTT-SN client.
    Station(Box<Station>),
}

/// What does not depend on what is at the end of the line.
#[derive(Clone, Debug)]
pub(super) struct Name {
    pub name: String,
    pub settings: Option<BoardSettings>,
    /// No other board has its room.
    pub alone: bool,
}

impl Body {
    /// A board of which nothing is known yet.
    pub fn unknown(name: &Name, now: Now) -> Body {
        let board = Board::new(&name.name, name.settings.as_ref(), name.alone, now);
        Body::Text(Box::new(board))
    }

    /// A board that has said who it is.
    pub fn introduced(name: &Name, said: &Introduced) -> Body {
        let settings = name.settings.as_ref();
        Body::Station(Box::new(Station::new(
            &name.name, settings, &said.id, said.baud,
        )))
    }

    /// Whether it is the one that has said so.
    pub fn is(&self, said: &Introduced) -> bool {
        matches!(self, Body::Station(station) if station.client() == said.id)
    }

    /// Whether it is a client of the broker.
    pub fn is_station(&self) -> bool {
        matches!(self, Body::Station(_))
    }

    pub fn filters(&self) -> Vec<String> {
        match self {
            Body::Text(board) => board.filters(),
            // It asks for what it needs.
            Body::Station(_) => Vec::new(),
        }
    }

    pub fn baud(&self) -> u32 {
        match self {
            Body::Text(board) => board.baud(),
            Body::Station(station) => station.baud(),
        }
    }

    pub fn take_effects(&mut self) -> Vec<Effect> {
        match self {
            Body::Text(board) => board.take_effects(),
            Body::Station(station) => station.take_effects(),
        }
    }

    pub fn opened(&mut self, found: &Found, now: Now) {
        match self {
            Body::Text(board) => board.opened(found, now),
            Body::Station(station) => station.opened(found, now),
        }
    }

    pub fn cannot_open(&mut self, problem: &str, now: Now) {
        match self {
            Body::Text(board) => board.cannot_open(problem, now),
            Body::Station(station) => station.cannot_open(problem, now),
        }
    }

    pub fn unplugged(&mut self, now: Now) {
        match self {
            Body::Text(board) => board.unplugged(now),
            Body::Station(station) => station.unplugged(now),
        }
    }

    pub fn closed(&mut self) {
        match self {
            Body::Text(board) => drop(board.closed()),
            Body::Station(station) => drop(station.closed()),
        }
    }

    pub fn retract(&mut self) {
        match self {
            Body::Text(board) => board.retract(),
            Body::Station(station) => station.retract(),
        }
    }

    pub fn received(&mut self, bytes: &[u8], now: Now) {
        match self {
            Body::Text(board) => board.received(bytes, now),
            Body::Station(station) => station.received(bytes, now),
        }
    }

    pub fn message(&mut self, message: &Message, now: Now) {
        let (topic, payload) = (&message.topic, &message.payload);
        match self {
            Body::Text(board) => board.command(topic, payload, message.retain, now),
            Body::Station(station) => station.message(topic, payload, message.retain, now),
        }
    }

    /// A packet of the broker for a client.
    pub fn send(&mut self, packet: &[u8], now: Now) {
        if let Body::Station(station) = self {
            station.send(packet, now);
        }
    }

    pub fn tick(&mut self, now: Now) {
        match self {
            Body::Text(board) => board.tick(now),
            Body::Station(station) => station.tick(now),
        }
    }

    pub fn wake_at(&self) -> Option<Moment> {
        match self {
            Body::Text(board) => board.wake_at(),
            Body::Station(station) => station.wake_at(),
        }
    }

    pub fn may_read(&self) -> bool {
        match self {
            Body::Text(board) => board.may_read(),
            Body::Station(_) => true,
        }
    }

    pub fn wrote(&mut self, taken: bool, now: Now) {
        match self {
            Body::Text(board) => board.wrote(taken, now),
            Body::Station(station) => station.wrote(taken, now),
        }
    }
}
