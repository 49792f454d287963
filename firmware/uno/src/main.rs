//! Hearth's firmware for the Arduino Uno.
//!
//! For now it connects, pings, acknowledges and echoes what is published to it:
//! enough to try line and chip with. What a board does is not decided here.

#![no_std]
#![no_main]

use core::panic::PanicInfo;

use hearth_uno::{clock, identity, rest, serial, start, watchdog};
use hearth_wire::Packet;
use hearth_wire::frame::{self, Deframer};
use hearth_wire::packet::{Connect, PubAck, Publish, Qos, ReturnCode, Text};

/// Seconds.
const KEEP_ALIVE: u16 = 10;
/// Milliseconds between two tries to connect.
const RETRY: u32 = 1000;
/// Milliseconds between two pings: half of the keep-alive.
const PING: u32 = 5000;
/// `uno-` and the id in hexadecimal.
const NAME: usize = 12;

/// A panic is a hang: the watchdog ends it and the outputs become safe.
#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {
        avr_device::asm::nop();
    }
}

#[avr_device::entry]
fn main() -> ! {
    let _cause = start::cause();
    watchdog::start();
    clock::start();
    serial::start();
    rest::allow_interrupts();
    let mut deframer = Deframer::<{ frame::DEFRAMER_SIZE }>::new();
    let mut station = Station::new(identity::read_or_draw());
    loop {
        watchdog::kick();
        while let Some(octet) = serial::receive() {
            if let Ok(Some(packet)) = deframer.push(octet) {
                station.receive(packet);
            }
        }
        station.poll(clock::millis());
        rest::until_something_happens();
    }
}

struct Station {
    name: [u8; NAME],
    connected: bool,
    due: u32,
    room: [u8; frame::MAX_PACKET],
}

impl Station {
    fn new(id: u32) -> Station {
        let mut name = *b"uno-00000000";
        let mut rest = id;
        for digit in name.iter_mut().rev().take(8) {
            *digit = hexadecimal(rest as u8 & 0x0F);
            rest >>= 4;
        }
        Station {
            name,
            connected: false,
            due: 0,
            room: [0; frame::MAX_PACKET],
        }
    }

    fn receive(&mut self, packet: &[u8]) {
        match Packet::decode(packet) {
            Ok(Packet::ConnAck(ReturnCode::Accepted)) => self.connected = true,
            Ok(Packet::Disconnect(_)) => self.connected = false,
            Ok(Packet::Publish(publish)) => self.published(publish),
            _ => (),
        }
    }

    /// Acknowledged, and said again without an acknowledgement.
    fn published(&mut self, publish: Publish<'_>) {
        let ack = PubAck {
            topic_id: publish.topic.code(),
            msg_id: publish.msg_id,
            code: ReturnCode::Accepted,
        };
        if publish.qos == Qos::AtLeastOnce {
            send(&Packet::PubAck(ack), &mut self.room);
        }
        let echo = Publish {
            qos: Qos::AtMostOnce,
            msg_id: 0,
            ..publish
        };
        send(&Packet::Publish(echo), &mut self.room);
    }

    fn poll(&mut self, now: u32) {
        // Due moments lie less than half of the clock's round away.
        if now.wrapping_sub(self.due) > u32::MAX / 2 {
            return;
        }
        self.due = now.wrapping_add(if self.connected { PING } else { RETRY });
        match Text::from_bytes(&self.name) {
            Some(client_id) if !self.connected => {
                let connect = Connect {
                    will: false,
                    clean_session: false,
                    duration: KEEP_ALIVE,
                    client_id,
                };
                send(&Packet::Connect(connect), &mut self.room);
            }
            _ => send(&Packet::PingReq(None), &mut self.room),
        }
    }
}

/// After silence, a delimiter first: it ends whatever garbage lies there.
fn send(packet: &Packet<'_>, room: &mut [u8]) {
    let Ok(length) = packet.encode(room) else {
        return;
    };
    serial::send(frame::DELIMITER);
    for octet in frame::frame_bytes(room.get(..length).unwrap_or_default()) {
        serial::send(octet);
    }
}

fn hexadecimal(digit: u8) -> u8 {
    match digit {
        0..=9 => b'0' + digit,
        _ => b'a' + digit - 10,
    }
}
