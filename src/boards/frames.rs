//! The frames of a board with Hearth's firmware, or another MQTT-SN client, on its line:
//! bytes in, packets out. Pure.

use hearth_wire::frame::{DEFRAMER_SIZE, DELIMITER, Deframer, frame_bytes};
use hearth_wire::packet::Packet;

/// What came, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Count {
    pub frames: u64,
    pub damaged: u64,
}

/// Finds packets; never keeps more than one.
#[derive(Debug)]
pub(super) struct Frames {
    deframer: Deframer<DEFRAMER_SIZE>,
    count: Count,
    /// A damaged frame directly after the opening is the rest of one.
    may_be_cut: bool,
}

impl Default for Frames {
    fn default() -> Frames {
        Frames {
            deframer: Deframer::new(),
            count: Count::default(),
            may_be_cut: true,
        }
    }
}

impl Frames {
    /// The port was opened: what was kept is void.
    pub fn opened(&mut self) {
        self.deframer = Deframer::new();
        self.may_be_cut = true;
    }

    /// Takes what the board sent; gives the packets in it that are MQTT-SN.
    pub fn receive(&mut self, bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut packets = Vec::new();
        for byte in bytes {
            match self.deframer.push(*byte) {
                Ok(None) => {}
                Ok(Some(packet)) if Packet::decode(packet).is_ok() => {
                    self.count.frames += 1;
                    self.may_be_cut = false;
                    packets.push(packet.to_vec());
                }
                Ok(Some(_)) => self.count.damaged += 1,
                Err(_) => {
                    let is_rest = std::mem::take(&mut self.may_be_cut);
                    self.count.damaged += u64::from(!is_rest);
                }
            }
        }
        packets
    }

    pub fn count(&self) -> Count {
        self.count
    }
}

/// A packet as it goes down the line: garbage that lies there ends before it.
pub(super) fn framed(packet: &[u8]) -> Vec<u8> {
    [DELIMITER].into_iter().chain(frame_bytes(packet)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_found_among_garbage_and_damage_is_counted() {
        let mut frames = Frames::default();
        let mut buffer = [0; 8];
        let length = Packet::PingResp.encode(&mut buffer).unwrap();
        let ping = framed(&buffer[..length]);
        let mut damaged = ping.clone();
        damaged[3] ^= 4;
        let rest_of_one = &ping[3..];
        let stream = [rest_of_one, &ping, &damaged, b"boot: ok\r\n", &ping].concat();
        let found: Vec<Vec<u8>> = stream
            .chunks(3)
            .flat_map(|chunk| frames.receive(chunk))
            .collect();
        assert_eq!(found, [&buffer[..length], &buffer[..length]]);
        assert_eq!(
            frames.count(),
            Count {
                frames: 2,
                damaged: 2
            }
        );
    }

    #[test]
    fn a_frame_that_is_no_mqtt_sn_is_damage() {
        let mut frames = Frames::default();
        assert!(frames.receive(&framed(b"\x03\x7fx")).is_empty());
        assert_eq!(frames.count().damaged, 1);
    }
}
