//! What a board prints becomes publications.

use std::time::Duration;

use hearth_wire::packet::Packet;

use super::{Board, Effect};
use crate::boards::baud::{Heard, is_text};
use crate::boards::fault::{CALM, Fault};
use crate::boards::text::{self, Event, Said};
use crate::boards::things::MOST_THINGS;
use crate::broker::Qos;
use crate::clock::Now;

/// Fewer bytes of garbage in a burst are not worth a word.
const NOISE: usize = 32;

/// How often a client is told that it has no session.
const ASK_EVERY: Duration = Duration::from_millis(500);
/// DISCONNECT (MQTT-SN 1.2, section 5.4.21).
const NO_SESSION: [u8; 2] = [2, 0x18];

impl Board {
    /// Takes what the board sent.
    pub fn received(&mut self, bytes: &[u8], now: Now) {
        let packets = self.frames.receive(bytes);
        if !packets.is_empty() {
            return self.speaks_frames(&packets, now);
        }
        let events = match self.tuner.hear(bytes, now.moment) {
            Heard::Read(bytes) => self.link.receive(&bytes, now.moment),
            Heard::Listen => Vec::new(),
            Heard::Change { baud, thrown } => {
                self.voice.push(Effect::SetBaud(baud));
                self.link.opened(now.moment);
                vec![Event::Garbage(thrown)]
            }
        };
        let line = |event: &&Event| matches!(event, Event::Readings(_) | Event::Chatter(_));
        let lines = events.iter().filter(line).count();
        if let Some(lines) = self.flood.count(bytes.len(), lines, now.moment) {
            self.flooding(lines, now);
        }
        if lines > 0 {
            self.outbox.heard(now.moment);
        }
        self.count_strange(bytes, events.is_empty(), now);
        for event in events {
            self.event(event, now);
        }
        self.tell_about();
        self.send(now);
    }

    /// It is an MQTT-SN client. Who it is stands in its CONNECT, which one that believes
    /// to be connected sends when it is told otherwise.
    fn speaks_frames(&mut self, packets: &[Vec<u8>], now: Now) {
        self.tuner.settle();
        let packets = packets
            .iter()
            .filter_map(|packet| Packet::decode(packet).ok());
        for packet in packets {
            if let Packet::Connect(connect) = packet {
                let client = connect.client_id.as_str().to_owned();
                return self.voice.push(Effect::Introduce(client));
            }
        }
        let is_due = |asked| now.moment.since(asked) >= ASK_EVERY;
        if self.asked.is_none_or(is_due) {
            self.asked = Some(now.moment);
            self.voice.push(Effect::Frame(NO_SESSION.to_vec()));
        }
    }

    fn event(&mut self, event: Event, now: Now) {
        match event {
            Event::Readings(said) => {
                for said in said {
                    self.reading(said, now);
                }
            }
            Event::Chatter(line) => self.voice.log(&line, now),
            Event::Garbage(bytes) => self.garbage(bytes, now),
            Event::TooLong(bytes) => {
                let sentence = format!(
                    "prints more than {} bytes without a newline: end lines with Serial.println",
                    text::MAX_LINE
                );
                self.voice
                    .fault(Fault::LineTooLong, bytes as u64, &sentence, now);
            }
        }
    }

    /// What is no text and has no line ends is not seen as lines of garbage for long.
    fn count_strange(&mut self, bytes: &[u8], nothing: bool, now: Now) {
        if !nothing || !self.tuner.is_fixed() {
            self.strange = 0;
            return;
        }
        self.strange += bytes.iter().filter(|byte| !is_text(**byte)).count();
        if self.strange >= NOISE {
            let bytes = std::mem::take(&mut self.strange);
            self.garbage(bytes, now);
        }
    }

    /// A few bytes of noise come with every reset; more are a fault.
    fn garbage(&mut self, bytes: usize, now: Now) {
        if now.moment.since(self.noise_at) >= CALM {
            self.noise = 0;
        }
        self.noise_at = now.moment;
        self.noise = self.noise.saturating_add(bytes);
        if self.noise >= NOISE {
            let sentence = "prints bytes that are no text: check Serial.begin and the cable";
            let bytes = std::mem::take(&mut self.noise) as u64;
            self.voice.fault(Fault::Garbage, bytes, sentence, now);
        }
    }

    fn reading(&mut self, said: Said, now: Now) {
        let Some(value) = said.value else {
            let name = said.name;
            return self.voice.log(
                &format!("{name} has no number: is its sensor connected?"),
                now,
            );
        };
        let Some(thing) = self.things.said(&said.name) else {
            let sentence =
                format!("prints more than {MOST_THINGS} names: only the first are things");
            return self.voice.fault(Fault::TooManyThings, 1, &sentence, now);
        };
        let payload = thing.learn(&value, said.unit);
        let topic = thing.thing.topic();
        if let Some(payload) = thing.throttle.offer(payload, now.moment) {
            self.voice.publish(topic, payload, Qos::AtMostOnce);
        }
        self.judge(&said.name, now);
    }

    fn flooding(&mut self, lines: u64, now: Now) {
        let sentence = format!(
            "prints {lines} lines a second: only the latest values are kept; put a delay into its loop"
        );
        self.voice.fault(Fault::Flooding, 1, &sentence, now);
    }
}
