//! What a board is sent, as any bytes: it touches no pin but those of its map, never the
//! serial line's, writes its EEPROM where it may, keeps a map that a board can have, and
//! says nothing but packets.

use hearth_logic::{Hardware, Station};
use hearth_wire::Packet;
use hearth_wire::board::{Answer, BoardTopic, Map, ResetCause};
use hearth_wire::frame::{DEFRAMER_SIZE, DELIMITER, Deframer, frame_bytes};
use hearth_wire::packet::{ReturnCode, TopicId};

struct Chip {
    eeprom: [u8; 1024],
    driven: [bool; 20],
    sent: Vec<u8>,
}

impl Chip {
    fn drives(&mut self, pin: u8) {
        assert!((2..20).contains(&pin), "pin {pin} is driven");
        self.driven[usize::from(pin)] = true;
    }
}

impl Hardware for Chip {
    fn input(&mut self, pin: u8, _pull_up: bool) {
        assert!((2..20).contains(&pin), "pin {pin} becomes an input");
        self.driven[usize::from(pin)] = false;
    }

    fn output(&mut self, pin: u8, _high: bool) {
        self.drives(pin);
    }

    fn read(&mut self, pin: u8) -> bool {
        pin.is_multiple_of(2)
    }

    fn analog(&mut self, pin: u8) -> u16 {
        assert!((14..20).contains(&pin), "pin {pin} has no converter");
        u16::from(pin)
    }

    fn pwm(&mut self, pin: u8, _duty: u8) {
        assert!([3, 5, 6, 9, 10, 11].contains(&pin), "pin {pin} has no PWM");
        self.drives(pin);
    }

    fn servo(&mut self, pin: u8, degrees: u8) {
        assert!(degrees <= 180);
        self.drives(pin);
    }

    fn one_wire_reset(&mut self, pin: u8) -> bool {
        pin.is_multiple_of(2)
    }

    fn one_wire_write(&mut self, _pin: u8, _octet: u8) {}

    fn one_wire_read(&mut self, _pin: u8) -> u8 {
        0x7F
    }

    fn eeprom_read(&mut self, address: u16) -> u8 {
        assert!(address < Self::EEPROM);
        self.eeprom[usize::from(address)]
    }

    fn eeprom_write(&mut self, address: u16, octet: u8) -> bool {
        assert!(address < Self::EEPROM);
        self.eeprom[usize::from(address)] = octet;
        true
    }

    fn send(&mut self, octet: u8) {
        self.sent.push(octet);
    }

    fn overruns(&self) -> u16 {
        0
    }
}

/// An octet is the length of a packet that follows, which is framed; or of octets that are
/// not, or it lets time pass.
pub fn hold(bytes: &[u8]) {
    let mut chip = Chip {
        eeprom: [0xFF; 1024],
        driven: [false; 20],
        sent: Vec::new(),
    };
    let mut now = u32::MAX - 5000;
    let mut station = Station::new(7, ResetCause::PowerOn, now, &mut chip);
    let mut said = Said::default();
    // It is let in, else hardly anything happens.
    let mut buffer = [0; 8];
    let length = Packet::ConnAck(ReturnCode::Accepted)
        .encode(&mut buffer)
        .unwrap_or(0);
    station.poll(now, &mut chip);
    send(&mut station, &buffer[..length], now, &mut chip);
    let mut rest = bytes;
    while let Some((what, after)) = rest.split_first() {
        let length = usize::from(what % 128).min(after.len());
        let used = match what {
            0..=127 => {
                send(&mut station, &after[..length], now, &mut chip);
                length
            }
            128..=191 => {
                let raw = &after[..length.min(16)];
                raw.iter()
                    .for_each(|octet| station.receive(*octet, now, &mut chip));
                raw.len()
            }
            _ => {
                now = now.wrapping_add(1 << (what % 16));
                0
            }
        };
        for _ in 0..8 {
            station.poll(now, &mut chip);
        }
        said.look(&mut chip);
        rest = after.get(used..).unwrap_or_default();
    }
}

fn send(station: &mut Station, packet: &[u8], now: u32, chip: &mut Chip) {
    let frame = [DELIMITER].into_iter().chain(frame_bytes(packet));
    for octet in frame {
        station.receive(octet, now, chip);
    }
}

#[derive(Default)]
struct Said {
    deframer: Deframer<DEFRAMER_SIZE>,
}

impl Said {
    fn look(&mut self, chip: &mut Chip) {
        for octet in std::mem::take(&mut chip.sent) {
            let packet = self.deframer.push(octet);
            let Some(packet) = packet.unwrap_or_else(|error| panic!("it says {error}")) else {
                continue;
            };
            match Packet::decode(packet) {
                Ok(Packet::Publish(publish)) if publish.topic == map_topic() => {
                    let answer = Answer::decode(publish.data).map(|answer| answer.map);
                    let map = answer.and_then(|map| Map::check(map).ok());
                    assert!(map.is_some(), "a map that no board can have");
                }
                Ok(_) => {}
                Err(error) => panic!("it says what is no packet: {error}"),
            }
        }
    }
}

fn map_topic() -> TopicId {
    TopicId::Predefined(BoardTopic::Map.id())
}
