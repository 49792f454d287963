//! The gateway's side of a board's line, in its simplest form: packets as
//! `wire` reads and writes them.

use std::time::Instant;

use hearth_wire::Packet;
use hearth_wire::frame::{DEFRAMER_SIZE, DELIMITER, Deframer, MAX_FRAME, encode_frame};
use hearth_wire::packet::ReturnCode;

use crate::board::{PATIENCE, Uno};
use crate::line::Line;

/// An open port on which frames come and go.
pub struct Talk {
    pub line: Line,
    deframer: Deframer<DEFRAMER_SIZE>,
    /// Whole packets that nobody has asked for yet.
    packets: Vec<Vec<u8>>,
    /// Frames that were refused.
    pub refused: usize,
}

impl Talk {
    /// Opens the board's port, which resets it.
    pub fn open(uno: &Uno) -> Talk {
        Talk::on(Line::open(uno))
    }

    pub fn on(line: Line) -> Talk {
        Talk {
            line,
            deframer: Deframer::new(),
            packets: Vec::new(),
            refused: 0,
        }
    }

    pub fn send(&mut self, packet: &Packet<'_>) {
        let (mut octets, mut frame) = ([0; 128], [0; MAX_FRAME]);
        let length = packet.encode(&mut octets).unwrap();
        let length = encode_frame(&octets[..length], &mut frame).unwrap();
        self.line.send(&[DELIMITER]);
        self.line.send(&frame[..length]);
    }

    /// Takes what has come.
    pub fn take(&mut self) {
        for octet in self.line.read().unwrap() {
            match self.deframer.push(octet) {
                Ok(Some(packet)) => self.packets.push(packet.to_vec()),
                Ok(None) => (),
                Err(_) => self.refused += 1,
            }
        }
    }

    /// What came and nobody has asked for.
    pub fn packets(&self) -> &[Vec<u8>] {
        &self.packets
    }

    /// The same; they are forgotten here.
    pub fn take_packets(&mut self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.packets)
    }

    /// Waits for a packet in which something is found; those before it are forgotten.
    pub fn wait_for<T>(&mut self, what: &str, mut find: impl FnMut(Packet<'_>) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            for packet in std::mem::take(&mut self.packets) {
                if let Some(found) = find(Packet::decode(&packet).unwrap()) {
                    return found;
                }
            }
            assert!(Instant::now() < deadline, "waited in vain for {what}");
            self.take();
        }
    }

    /// Waits until the board wants to connect; its client id.
    pub fn wait_for_connect(&mut self) -> String {
        self.wait_for("CONNECT", |packet| match packet {
            Packet::Connect(connect) => Some(connect.client_id.as_str().to_owned()),
            _ => None,
        })
    }

    /// Lets the board in when it asks; its client id.
    pub fn accept(&mut self) -> String {
        let client_id = self.wait_for_connect();
        self.send(&Packet::ConnAck(ReturnCode::Accepted));
        client_id
    }
}
