//! The map in the EEPROM, twice: a new one is written beside the one in force, so that a
//! power cut in the middle loses the new one alone.
//!
//! A copy is a sequence number, the map's length, the map, and the checksum of it all.

use hearth_wire::board::{EMPTY_MAP, MAX_MAP, Map, Status};
use hearth_wire::frame::Fcs;

use crate::hardware::Hardware;

/// The distance of the two copies in the EEPROM; each fits in it.
const COPY: u16 = 0x80;
const HEADER: u8 = 2;
const CHECKSUM: u8 = 2;

#[derive(Clone, Debug)]
pub(crate) struct Store {
    /// Of the copy that is valid, or that is being written.
    sequence: u8,
    /// The next octet to be written; `None`: nothing is.
    at: Option<u8>,
    fcs: Fcs,
}

impl Store {
    pub(crate) const fn new() -> Self {
        Self {
            sequence: 0,
            at: None,
            fcs: Fcs::new(),
        }
    }

    /// Reads the newer of the two maps that are valid, else the empty map; its length.
    pub(crate) fn load(&mut self, map: &mut [u8; MAX_MAP], hardware: &mut impl Hardware) -> u8 {
        let first = valid(0, hardware);
        let second = valid(COPY, hardware);
        if let Some(sequence) = newer(first, second) {
            self.sequence = sequence;
            let place = place_of(sequence);
            let length = hardware.eeprom_read(place.wrapping_add(1));
            let addresses = place.wrapping_add(u16::from(HEADER))..;
            map.iter_mut().zip(addresses).for_each(|(octet, address)| {
                *octet = hardware.eeprom_read(address);
            });
            let octets = map.get(..usize::from(length)).unwrap_or_default();
            if Map::check(octets).is_ok() {
                return length;
            }
            // It was written by another firmware.
        }
        map.iter_mut()
            .zip(EMPTY_MAP)
            .for_each(|(place, octet)| *place = octet);
        length_of(&EMPTY_MAP)
    }

    pub(crate) const fn is_writing(&self) -> bool {
        self.at.is_some()
    }

    /// Begins to write a new map, or once more if it changes while it is written.
    pub(crate) const fn begin(&mut self) {
        if self.at.is_none() {
            self.sequence = self.sequence.wrapping_add(1);
        }
        self.at = Some(0);
    }

    /// Goes on writing, an octet at most. Once, at the end: whether the EEPROM has it.
    pub(crate) fn write(&mut self, map: &[u8], hardware: &mut impl Hardware) -> Option<Status> {
        let at = self.at?;
        let place = place_of(self.sequence);
        let Some(octet) = self.octet(at, map) else {
            // A write that goes on delays the reading.
            self.at = None;
            let kept = valid(place, hardware) == Some(self.sequence);
            return Some(if kept {
                Status::InForce
            } else {
                Status::NotKept
            });
        };
        if hardware.eeprom_write(place.wrapping_add(u16::from(at)), octet) {
            if at == 0 {
                self.fcs = Fcs::new();
            }
            if at < HEADER.wrapping_add(length_of(map)) {
                self.fcs.push(octet);
            }
            self.at = Some(at.wrapping_add(1));
        }
        None
    }

    /// `None`: behind the end of the copy.
    fn octet(&self, at: u8, map: &[u8]) -> Option<u8> {
        let length = length_of(map);
        match at {
            0 => return Some(self.sequence),
            1 => return Some(length),
            _ => {}
        }
        let index = usize::from(at.wrapping_sub(HEADER));
        let checksum = self.fcs.octets();
        map.iter().chain(&checksum).nth(index).copied()
    }
}

fn length_of(map: &[u8]) -> u8 {
    map.len().to_le_bytes()[0]
}

fn newer(first: Option<u8>, second: Option<u8>) -> Option<u8> {
    match (first, second) {
        (Some(first), Some(second)) if first.wrapping_add(1) != second => Some(first),
        (first, second) => second.or(first),
    }
}

/// Even numbers are in the first copy, odd ones in the second.
const fn place_of(sequence: u8) -> u16 {
    if sequence & 1 == 0 { 0 } else { COPY }
}

/// The sequence number of a copy whose checksum is right and that is in its place.
fn valid(place: u16, hardware: &mut impl Hardware) -> Option<u8> {
    let sequence = hardware.eeprom_read(place);
    let length = hardware.eeprom_read(place.wrapping_add(1));
    let end = u16::from(length).wrapping_add(u16::from(HEADER + CHECKSUM));
    if end > COPY || place_of(sequence) != place {
        return None;
    }
    let mut fcs = Fcs::new();
    for offset in 0..end {
        fcs.push(hardware.eeprom_read(place.wrapping_add(offset)));
    }
    fcs.is_good().then_some(sequence)
}
