//! What a board has to say to the house, collected: publications, faults and log, and
//! whatever else is to be done for it.

use std::path::Path;

use super::chatter::Chatter;
use super::fault::{Fault, Faults, News};
use crate::broker::{Publication, Qos};
use crate::clock::{Moment, Now};
use crate::home::{Presence, topic};

/// What is to be done.
#[derive(Debug)]
pub(super) enum Effect {
    Publish(Publication),
    /// A line for the board.
    Write(String),
    /// A packet for the board, to be framed.
    Frame(Vec<u8>),
    /// A packet of the board, for the broker.
    Packet(Vec<u8>),
    SetBaud(u32),
    /// The board has said who it is.
    Introduce(String),
    /// The board is no client any more: it prints.
    Forget,
    /// To be heard of from now on, or no longer.
    Subscribe(String),
    Unsubscribe(String),
    /// For the gateway's log.
    Info(String),
    Warn(String),
}

#[derive(Debug)]
pub(super) struct Voice {
    name: String,
    chatter: Chatter,
    faults: Faults,
    effects: Vec<Effect>,
}

impl Voice {
    pub fn new(name: &str) -> Voice {
        Voice {
            name: name.to_owned(),
            chatter: Chatter::default(),
            faults: Faults::default(),
            effects: Vec::new(),
        }
    }

    /// The board's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What is to be done now.
    pub fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    pub fn push(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    pub fn fault(&mut self, fault: Fault, count: u64, sentence: &str, now: Now) {
        let news = self.faults.happened(fault, count, sentence, now.moment);
        self.tell(news);
    }

    pub fn over(&mut self, fault: Fault) {
        let news = self.faults.over(fault);
        self.tell(news);
    }

    /// Ends the faults that have calmed down.
    pub fn tick(&mut self, now: Now) {
        for news in self.faults.tick(now.moment) {
            self.tell(Some(news));
        }
    }

    /// When [`Voice::tick`] has something to do.
    pub fn wake_at(&self) -> Option<Moment> {
        self.faults.wake_at()
    }

    /// Tells a fault's beginning or end in the log and on the page.
    fn tell(&mut self, news: Option<News>) {
        match news {
            None => return,
            Some(News::Began(sentence)) => self.warn(sentence),
            Some(News::Over(sentence)) => self.info(sentence),
        }
        let sentence = self.faults.sentence().to_owned();
        self.publish(topic::board_fault(&self.name), sentence, Qos::AtLeastOnce);
    }

    pub fn log(&mut self, line: &str, now: Now) {
        for line in self.chatter.pass(line, now.moment) {
            let log = Publication::new(topic::board_log(&self.name), line);
            self.effects.push(Effect::Publish(log));
        }
    }

    pub fn status(&mut self, presence: Presence) {
        let topic = topic::board_status(&self.name);
        self.publish(topic, presence.as_str().to_owned(), Qos::AtLeastOnce);
    }

    pub fn cannot_open(&mut self, problem: &str, now: Now) {
        self.status(Presence::Offline);
        self.fault(Fault::CannotOpen, 1, problem, now);
    }

    pub fn unplugged(&mut self, from: &Path, now: Now) {
        let sentence = format!(
            "unplugged from {}: its things keep their last values until it is back",
            from.display()
        );
        self.fault(Fault::Unplugged, 1, &sentence, now);
    }

    pub fn publish_json(&mut self, topic: String, payload: &impl serde::Serialize, qos: Qos) {
        match serde_json::to_string(payload) {
            Ok(json) => self.publish(topic, json, qos),
            Err(error) => self.warn(format!("{topic} cannot be written as JSON: {error}")),
        }
    }

    /// The same for what changes all the time, such as how well the board is: the disk need
    /// not have each of them.
    pub fn note_json(&mut self, topic: String, payload: &impl serde::Serialize, qos: Qos) {
        match serde_json::to_string(payload) {
            Ok(json) => {
                let note = Publication::new(topic, json).note().qos(qos);
                self.effects.push(Effect::Publish(note));
            }
            Err(error) => self.warn(format!("{topic} cannot be written as JSON: {error}")),
        }
    }

    /// Retained, as everything is that a board says of itself.
    pub fn publish(&mut self, topic: String, payload: String, qos: Qos) {
        let publication = Publication::new(topic, payload).retained().qos(qos);
        self.effects.push(Effect::Publish(publication));
    }

    /// The board was taken for another: nothing of what was said under this name holds.
    pub fn retract(&mut self) {
        self.faults = Faults::default();
        let topics = [
            topic::board_status(&self.name),
            topic::board_about(&self.name),
            topic::board_fault(&self.name),
        ];
        for topic in topics {
            self.publish(topic, String::new(), Qos::AtLeastOnce);
        }
    }

    pub fn info(&mut self, line: String) {
        self.effects.push(Effect::Info(line));
    }

    pub fn warn(&mut self, line: String) {
        self.effects.push(Effect::Warn(line));
    }
}
