//! One board, decided: what it sends, what it is told and the time in;
//! publications, lines and speeds out. No I/O.

mod commands;
mod input;
mod tell;
#[cfg(test)]
mod tests;

use std::time::Duration;

use super::BoardSettings;
use super::baud::Tuner;
use super::fault::Fault;
use super::flood::Flood;
use super::frames::Frames;
use super::outbox::Outbox;
use super::registry::Found;
use super::text::Link;
use super::things::Things;
use super::voice::{Effect, Voice};
use crate::broker::Qos;
use crate::clock::{Moment, Now};
use crate::home::{Presence, Thing, ThingAbout};

use commands::REPORT_WITHIN;

/// An Uno's bootloader owns the line for up to 2 s after the port was opened.
const BOOTLOADER: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(super) struct Board {
    room: String,
    /// The room belongs to this board alone.
    alone: bool,
    port: Option<Found>,
    link: Link,
    tuner: Tuner,
    flood: Flood,
    outbox: Outbox,
    voice: Voice,
    /// Bytes of garbage since the board was last calm.
    noise: usize,
    noise_at: Moment,
    /// Bytes that are no text since the last line, at a speed that the user has said.
    strange: usize,
    things: Things,
    told: Option<Vec<ThingAbout>>,
    /// Looks for frames in what the board sends: then it is no board that prints.
    frames: Frames,
    /// When a client that knows no session was last told so.
    asked: Option<Moment>,
}

impl Board {
    /// A board that is not plugged in. `alone`: no other board has its room.
    pub fn new(name: &str, settings: Option<&BoardSettings>, alone: bool, now: Now) -> Board {
        let room = settings
            .and_then(|board| board.room.as_deref())
            .unwrap_or(name);
        Board {
            room: room.to_owned(),
            alone,
            port: None,
            link: Link::default(),
            tuner: Tuner::new(settings.and_then(|board| board.baud), now.moment),
            flood: Flood::new(now.moment),
            outbox: Outbox::default(),
            voice: Voice::new(name),
            noise: 0,
            noise_at: now.moment,
            strange: 0,
            things: Things::new(room, settings),
            told: None,
            frames: Frames::default(),
            asked: None,
        }
    }

    /// The topic filters of the commands that may be for this board.
    pub fn filters(&self) -> Vec<String> {
        let rooms = self.things.rooms();
        rooms
            .iter()
            .map(|room| Thing::new(room, "+").set_topic())
            .collect()
    }

    /// The speed to open the port with.
    pub fn baud(&self) -> u32 {
        self.tuner.baud()
    }

    /// What is to be done now.
    pub fn take_effects(&mut self) -> Vec<Effect> {
        self.voice.take_effects()
    }

    /// The port is open.
    pub fn opened(&mut self, found: &Found, now: Now) {
        self.tuner.opened(now.moment);
        self.link.opened(now.moment);
        self.frames.opened();
        self.flood = Flood::new(now.moment);
        if !found.is_pty() {
            self.outbox.hold(now.moment + BOOTLOADER);
        }
        self.port = Some(found.clone());
        for fault in [Fault::Unplugged, Fault::CannotOpen, Fault::TooManyThings] {
            self.voice.over(fault);
        }
        self.voice.info(format!(
            "on {} at {} Bd",
            found.device.display(),
            self.baud()
        ));
        self.told = None;
        self.tell_about();
        self.voice.status(Presence::Online);
    }

    /// The port could not be opened; `problem` says why and what to do.
    pub fn cannot_open(&mut self, problem: &str, now: Now) {
        self.voice.cannot_open(problem, now);
    }

    /// The board was unplugged.
    pub fn unplugged(&mut self, now: Now) {
        if let Some(port) = self.closed() {
            self.voice.unplugged(&port.path, now);
        }
    }

    /// It is no board that prints; whoever serves it says what it is.
    pub fn retract(&mut self) {
        self.outbox.clear();
        self.port = None;
        self.told = None;
        self.voice.retract();
    }

    /// The gateway stops, or the board is elsewhere now.
    pub fn closed(&mut self) -> Option<Found> {
        self.outbox.clear();
        for thing in self.things.iter_mut() {
            thing.pending = None;
        }
        self.voice.status(Presence::Offline);
        self.port.take()
    }

    /// Lets time pass.
    pub fn tick(&mut self, now: Now) {
        self.flood.fill(now.moment);
        let due: Vec<(Thing, String)> = (self.things.iter_mut())
            .filter_map(|t| Some((t.thing.clone(), t.throttle.take_due(now.moment)?)))
            .collect();
        for (thing, payload) in due {
            self.voice.publish(thing.topic(), payload, Qos::AtMostOnce);
        }
        self.judge_commands(now);
        self.voice.tick(now);
        self.send(now);
    }

    /// When [`Board::tick`] has something to do.
    pub fn wake_at(&self) -> Option<Moment> {
        let things = self.things.iter().flat_map(|thing| {
            let report = thing
                .pending
                .as_ref()
                .map(|command| command.at.moment + REPORT_WITHIN);
            [thing.throttle.due_at(), report]
        });
        let port = [
            self.voice.wake_at(),
            self.outbox.ready_at(),
            self.flood.pause_until(),
        ];
        things.chain(port).flatten().min()
    }

    /// Whether more may be read from the board now.
    pub fn may_read(&self) -> bool {
        self.flood.pause_until().is_none()
    }

    /// The board does not take a line, or takes lines again.
    pub fn wrote(&mut self, taken: bool, now: Now) {
        if taken {
            self.voice.over(Fault::Stuck);
        } else {
            let sentence = "does not take what is sent to it: its sketch may not read Serial";
            self.voice.fault(Fault::Stuck, 1, sentence, now);
        }
    }
}
