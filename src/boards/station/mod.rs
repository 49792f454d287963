//! One board with Hearth's firmware, decided: what it sends, what the house and the broker
//! say and the time in; frames, publications and what becomes of commands out. No I/O.
//!
//! The board is an MQTT-SN client with a session of its own in the broker. Its packets pass
//! here only to be framed and watched; what they mean comes back from the broker, on the
//! topics of its wire, and is put into the words of the house here.

mod commands;
mod map;
mod reports;
#[cfg(test)]
mod tests;
mod vitals;
mod watch;

use std::collections::BTreeMap;
use std::time::Duration;

use hearth_wire::board::{BoardTopic, of_client_id};

use super::BoardSettings;
use super::fault::Fault;
use super::frames::Frames;
use super::registry::Found;
use super::throttle::Throttle;
use super::voice::{Effect, Voice};
use crate::broker::Qos;
use crate::clock::{Moment, Now};
use crate::home::{About, Obedience, Presence, Thing, ThingAbout, topic};

use commands::Pending;
use map::Maps;
use vitals::Health;

/// A board that pings each second and is silent for as long is not there.
const SILENT_AFTER: Duration = Duration::from_millis(3500);

#[derive(Debug)]
pub(super) struct Station {
    voice: Voice,
    room: String,
    /// Its id, under which it is a client.
    client: String,
    port: Option<Found>,
    baud: u32,
    frames: Frames,
    /// When a frame last came; `None` while it is not there.
    heard: Option<Moment>,
    /// Text that came instead of frames since the last one.
    printed: usize,
    /// The line of it that is not ended yet.
    text: String,
    maps: Maps,
    /// By slot.
    pending: BTreeMap<u8, Pending>,
    last_command: u16,
    /// By slot, as the board said it.
    states: BTreeMap<u8, String>,
    /// By slot.
    throttles: BTreeMap<u8, Throttle>,
    obedience: Obedience,
    health: Health,
    told: Option<Vec<ThingAbout>>,
    /// The topics whose messages come.
    subscribed: Vec<String>,
}

impl Station {
    /// A board that is not plugged in.
    pub fn new(name: &str, settings: Option<&BoardSettings>, client: &str, baud: u32) -> Station {
        let room = settings.and_then(|board| board.room.as_deref());
        let mut station = Station {
            voice: Voice::new(name),
            room: room.unwrap_or(name).to_owned(),
            client: client.to_owned(),
            port: None,
            baud,
            frames: Frames::default(),
            heard: None,
            printed: 0,
            text: String::new(),
            maps: Maps::default(),
            pending: BTreeMap::new(),
            last_command: 0,
            states: BTreeMap::new(),
            throttles: BTreeMap::new(),
            obedience: Obedience::default(),
            health: Health::default(),
            told: None,
            subscribed: Vec::new(),
        };
        station.subscribe();
        station
    }

    /// The speed to open the port with.
    pub fn baud(&self) -> u32 {
        self.baud
    }

    /// Who it is.
    pub fn client(&self) -> &str {
        &self.client
    }

    /// What is to be done now.
    pub fn take_effects(&mut self) -> Vec<Effect> {
        self.voice.take_effects()
    }

    /// The port is open.
    pub fn opened(&mut self, found: &Found, now: Now) {
        self.port = Some(found.clone());
        self.baud = found
            .client
            .as_ref()
            .map_or(self.baud, |client| client.baud);
        self.frames.opened();
        // It has a while to say hello.
        self.heard = Some(now.moment);
        self.voice.over(Fault::Unplugged);
        self.voice.over(Fault::CannotOpen);
        self.voice.over(Fault::Silent);
        let device = found.device.display();
        self.voice
            .info(format!("{} on {device} at {} Bd", self.client, self.baud));
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

    /// The gateway stops, or the board is elsewhere now.
    pub fn closed(&mut self) -> Option<Found> {
        self.pending.clear();
        self.heard = None;
        self.voice.status(Presence::Offline);
        self.port.take()
    }

    /// It is no board with frames any more; whoever serves it says what it is.
    pub fn retract(&mut self) {
        self.port = None;
        self.heard = None;
        self.voice.retract();
        for filter in std::mem::take(&mut self.subscribed) {
            self.voice.push(Effect::Unsubscribe(filter));
        }
    }

    /// A message from the broker that the station had asked for.
    pub fn message(&mut self, topic: &str, payload: &[u8], retained: bool, now: Now) {
        if topic == topic::board_config(self.voice.name()) {
            self.want(payload, now);
        } else if let Some(part) = topic::from_wire(&self.client, topic) {
            match part {
                BoardTopic::State(slot) => self.said(slot, payload, now),
                BoardTopic::Map => self.answered(payload, now),
                BoardTopic::Vitals => self.vitals(payload, now),
                BoardTopic::Set(_) | BoardTopic::WantedMap => {}
            }
        } else if let Some(thing) = Thing::from_set_topic(topic) {
            self.command(&thing, payload, retained, now);
        }
        self.tell_about();
    }

    /// Lets time pass.
    pub fn tick(&mut self, now: Now) {
        self.catch_up(now);
        self.judge_commands(now);
        self.listen(now);
        self.tell_trouble(now);
        self.voice.tick(now);
    }

    /// When [`Station::tick`] has something to do.
    pub fn wake_at(&self) -> Option<Moment> {
        let silent = self.heard.map(|heard| heard + SILENT_AFTER);
        let others = [
            silent,
            self.commands_wake_at(),
            self.health.trouble_at(),
            self.voice.wake_at(),
        ];
        let throttled = self.throttles.values().map(Throttle::due_at);
        others.into_iter().chain(throttled).flatten().min()
    }

    /// The board does not take what is sent, or takes it again.
    pub fn wrote(&mut self, taken: bool, now: Now) {
        if taken {
            self.voice.over(Fault::Stuck);
        } else {
            let sentence = "does not take what is sent to it";
            self.voice.fault(Fault::Stuck, 1, sentence, now);
        }
    }

    /// Publishes `about` if it has changed.
    fn tell_about(&mut self) {
        let Some(port) = &self.port else {
            return;
        };
        let things: Vec<ThingAbout> = self.maps.slots().map(|(_, slot)| slot.about()).collect();
        if self.told.as_ref() == Some(&things) {
            return;
        }
        let about = About {
            board: self.voice.name().to_owned(),
            firmware: self.firmware().to_owned(),
            port: port.path.display().to_string(),
            usb: port.usb.as_ref().map(super::Usb::sign),
            room: self.room.clone(),
            things: things.clone(),
        };
        self.told = Some(things);
        let topic = topic::board_about(&about.board);
        self.voice.publish_json(topic, &about, Qos::AtLeastOnce);
        self.subscribe();
    }

    /// As its id tells.
    fn firmware(&self) -> &'static str {
        match of_client_id(&self.client) {
            Some(_) => "hearth",
            None => "mqtt-sn",
        }
    }

    /// To the wire, to the wanted map and to the commands of all rooms it has things in.
    fn subscribe(&mut self) {
        let rooms = self.maps.slots().map(|(_, slot)| slot.thing.room.clone());
        let mut rooms: Vec<String> = rooms.chain([self.room.clone()]).collect();
        rooms.sort();
        rooms.dedup();
        let commands = rooms.iter().map(|room| Thing::new(room, "+").set_topic());
        let wire = ["map", "vitals", "state/+"].map(|part| topic::wire(&self.client, part));
        let config = topic::board_config(self.voice.name());
        let wanted: Vec<String> = wire.into_iter().chain([config]).chain(commands).collect();
        for filter in self.subscribed.iter().filter(|one| !wanted.contains(one)) {
            self.voice.push(Effect::Unsubscribe(filter.clone()));
        }
        for filter in wanted.iter().filter(|one| !self.subscribed.contains(one)) {
            self.voice.push(Effect::Subscribe(filter.clone()));
        }
        self.subscribed = wanted;
    }
}
