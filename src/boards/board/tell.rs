//! What a board tells the house: status, description, faults and log.

use super::{Board, Effect};
use crate::boards::Usb;
use crate::boards::fault::{Fault, News};
use crate::broker::{Publication, Qos};
use crate::clock::Now;
use crate::home::{About, Presence, topic};

impl Board {
    pub(super) fn fault(&mut self, fault: Fault, count: u64, sentence: &str, now: Now) {
        let news = self.faults.happened(fault, count, sentence, now.moment);
        self.tell(news);
    }

    /// Tells a fault's beginning or end in the log and on the page.
    pub(super) fn tell(&mut self, news: Option<News>) {
        match news {
            None => return,
            Some(News::Began(sentence)) => self.warn(sentence),
            Some(News::Over(sentence)) => self.info(sentence),
        }
        let sentence = self.faults.sentence().to_owned();
        self.publish(topic::board_fault(&self.name), sentence, Qos::AtLeastOnce);
    }

    pub(super) fn log(&mut self, line: &str, now: Now) {
        for line in self.chatter.pass(line, now.moment) {
            let log = Publication::new(topic::board_log(&self.name), line);
            self.effects.push(Effect::Publish(log));
        }
    }

    /// Publishes `about` if it has changed.
    pub(super) fn tell_about(&mut self) {
        let Some(port) = &self.port else {
            return;
        };
        let things = self.things.about();
        if self.told.as_ref() == Some(&things) {
            return;
        }
        let serial = |usb: &Usb| usb.serial.clone().unwrap_or_else(|| usb.id());
        let about = About {
            board: self.name.clone(),
            firmware: "text".into(),
            port: port.path.display().to_string(),
            usb: port.usb.as_ref().map(serial),
            room: self.room.clone(),
            things: things.clone(),
        };
        self.told = Some(things);
        self.publish_json(topic::board_about(&self.name), &about);
    }

    pub(super) fn publish_status(&mut self, presence: Presence) {
        let topic = topic::board_status(&self.name);
        self.publish(topic, presence.as_str().to_owned(), Qos::AtLeastOnce);
    }

    pub(super) fn publish_json(&mut self, topic: String, payload: &impl serde::Serialize) {
        match serde_json::to_string(payload) {
            Ok(json) => self.publish(topic, json, Qos::AtLeastOnce),
            Err(error) => self.warn(format!("{topic} cannot be written as JSON: {error}")),
        }
    }

    pub(super) fn publish(&mut self, topic: String, payload: String, qos: Qos) {
        let publication = Publication::new(topic, payload).retained().qos(qos);
        self.effects.push(Effect::Publish(publication));
    }

    pub(super) fn info(&mut self, line: String) {
        self.effects.push(Effect::Info(line));
    }

    pub(super) fn warn(&mut self, line: String) {
        self.effects.push(Effect::Warn(line));
    }
}
