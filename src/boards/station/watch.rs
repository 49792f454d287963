//! What passes on the line: packets of the board on their way to the broker, and the
//! broker's on their way to the board.

use hearth_wire::board::{BoardTopic, Command};
use hearth_wire::packet::{Packet, Publish, ReturnCode, TopicId};

use super::{SILENT_AFTER, Station};
use crate::boards::baud::is_text;
use crate::boards::fault::Fault;
use crate::boards::frames::Count;
use crate::boards::voice::Effect;
use crate::clock::Now;
use crate::home::{Presence, Stage};

/// So many damaged frames in a row are worth a word.
const MANY: u64 = 3;
/// After so much text and no frame another program runs on the board.
const MUCH_TEXT: usize = 128;
/// Fewer characters are noise.
const LINE: usize = 3;

impl Station {
    /// Takes what the board sent.
    pub fn received(&mut self, bytes: &[u8], now: Now) {
        let before = self.frames.count();
        let packets = self.frames.receive(bytes);
        let after = self.frames.count();
        self.health.line(after, now);
        self.judge_line(before, after, now);
        if packets.is_empty() {
            self.printed += bytes.iter().filter(|byte| is_text(**byte)).count();
            self.log_text(bytes, now);
            if self.printed >= MUCH_TEXT {
                self.printed = 0;
                self.voice.push(Effect::Forget);
            }
            return;
        }
        self.printed = 0;
        self.text.clear();
        self.hear(now);
        for packet in packets {
            self.pass_in(packet, now);
        }
    }

    /// What a bootloader or a program prints before it speaks is logged, not understood.
    fn log_text(&mut self, bytes: &[u8], now: Now) {
        for byte in bytes {
            match byte {
                b'\n' | b'\r' if self.text.len() >= LINE => {
                    let line = std::mem::take(&mut self.text);
                    self.voice.log(&line, now);
                }
                byte if is_text(*byte) && self.text.len() < MUCH_TEXT => {
                    self.text.push(char::from(*byte));
                }
                _ => self.text.clear(),
            }
        }
    }

    fn pass_in(&mut self, packet: Vec<u8>, now: Now) {
        match Packet::decode(&packet) {
            Ok(Packet::Connect(connect)) if connect.client_id.as_str() != self.client => {
                let client = connect.client_id.as_str().to_owned();
                return self.voice.push(Effect::Introduce(client));
            }
            Ok(Packet::PubAck(ack)) => self.acknowledged(ack.msg_id, ack.code, now),
            Ok(Packet::Publish(publish)) if publish.dup => self.health.repeated(now),
            _ => {}
        }
        self.voice.push(Effect::Packet(packet));
    }

    /// A packet of the broker, which goes down the line now.
    pub fn send(&mut self, packet: &[u8], now: Now) {
        if let Ok(Packet::Publish(publish)) = Packet::decode(packet) {
            if publish.dup {
                self.health.repeated(now);
            }
            self.sends(&publish, now);
        }
        self.voice.push(Effect::Frame(packet.to_vec()));
    }

    fn sends(&mut self, publish: &Publish<'_>, now: Now) {
        let TopicId::Predefined(id) = publish.topic else {
            return;
        };
        let Some(BoardTopic::Set(slot)) = BoardTopic::of(id) else {
            return;
        };
        let id = Command::parse(publish.data).id;
        if let Some(command) = self.pending.get_mut(&slot).filter(|one| Some(one.id) == id) {
            command.msg_id = Some(publish.msg_id);
            self.pass_stage(slot, Stage::Sent, now);
        }
    }

    fn acknowledged(&mut self, msg_id: u16, code: ReturnCode, now: Now) {
        let mut pending = self.pending.iter();
        let found = pending.find(|(_, command)| command.msg_id == Some(msg_id));
        let Some(slot) = found.map(|(slot, _)| *slot) else {
            return;
        };
        if code == ReturnCode::Accepted {
            self.pass_stage(slot, Stage::Acknowledged, now);
        }
    }

    /// A frame came, whole.
    fn hear(&mut self, now: Now) {
        let was_silent = self.heard.replace(now.moment).is_none();
        if was_silent && self.port.is_some() {
            self.voice.over(Fault::Silent);
            self.voice.status(Presence::Online);
        }
    }

    /// Notices that the board says nothing any more.
    pub(super) fn listen(&mut self, now: Now) {
        let is_silent = |heard| now.moment.since(heard) >= SILENT_AFTER;
        if self.heard.is_some_and(is_silent) {
            self.heard = None;
            self.voice.status(Presence::Offline);
            let sentence = "says nothing any more: is it without power, or does its program hang?";
            self.voice.fault(Fault::Silent, 1, sentence, now);
        }
    }

    fn judge_line(&mut self, before: Count, after: Count, now: Now) {
        if after.frames > before.frames {
            self.health.undisturbed();
        } else if self.health.disturbed(after.damaged - before.damaged) >= MANY {
            let sentence = "what it says arrives damaged: check the cable, and what is beside it";
            self.voice.fault(Fault::Damage, 1, sentence, now);
        }
    }
}
