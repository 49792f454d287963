//! Ten million random octets: a frame is accepted only if its checksum is right, and
//! no more of them than chance makes right. The seeds are fixed, so is the outcome.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use hearth_wire::frame::{DEFRAMER_SIZE, DELIMITER, Deframer, FrameError};

const OCTETS: usize = 10_000_000;

/// Marsaglia's xorshift64*: good enough to be no pattern of ours.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 32) as u32
    }

    fn octet(&mut self) -> u8 {
        self.next().to_be_bytes()[0]
    }
}

#[derive(Debug, Default)]
struct Count {
    /// Frames whose checksum was looked at.
    candidates: u32,
    accepted: u32,
}

#[derive(Default)]
struct Line {
    deframer: Deframer<DEFRAMER_SIZE>,
    /// As they came, since the last 0x00.
    raw: Vec<u8>,
    count: Count,
}

impl Line {
    fn push(&mut self, octet: u8) {
        match self.deframer.push(octet) {
            Ok(Some(packet)) => {
                assert!(checksum_is_right(&self.raw, packet), "{:02x?}", self.raw);
                self.count.accepted += 1;
                self.count.candidates += 1;
            }
            Err(FrameError::Checksum) if self.raw.len() > 3 => self.count.candidates += 1,
            Ok(None) | Err(_) => {}
        }
        if octet == DELIMITER {
            self.raw.clear();
        } else if self.raw.len() <= 300 {
            self.raw.push(octet);
        }
    }
}

/// Bit by bit as RFC 1662 defines it, from the octets of the line.
fn checksum_is_right(raw: &[u8], packet: &[u8]) -> bool {
    let content = without_cobs(raw);
    let (inside, fcs) = content.split_at(content.len() - 2);
    let bits = |state: u16, _| (state >> 1) ^ if state & 1 == 1 { 0x8408 } else { 0 };
    let octet = |state: u16, &octet: &u8| (0..8).fold(state ^ u16::from(octet), bits);
    let expected = !inside.iter().fold(0xFFFF, octet);
    inside == packet && fcs == expected.to_le_bytes()
}

fn without_cobs(mut raw: &[u8]) -> Vec<u8> {
    let mut content = Vec::new();
    while let [code, rest @ ..] = raw {
        let (run, after) = rest.split_at(usize::from(*code) - 1);
        content.extend_from_slice(run);
        if *code != 0xFF && !after.is_empty() {
            content.push(0);
        }
        raw = after;
    }
    content
}

/// Of `candidates` whose checksums are random, one in 65,536 is right: a Poisson
/// distribution, of which six deviations and three more leave out less than one in a
/// million.
fn most_by_chance(candidates: u32) -> f64 {
    let expected = f64::from(candidates) / 65_536.0;
    expected + 6.0 * expected.sqrt() + 3.0
}

#[test]
fn random_octets_are_accepted_no_more_often_than_by_chance() {
    let (mut line, mut random) = (Line::default(), Random(0x5EED_0001));
    (0..OCTETS).for_each(|_| line.push(random.octet()));
    let Count {
        candidates,
        accepted,
    } = line.count;
    println!("{candidates} candidates, {accepted} accepted");
    // Few random frames end where a run of COBS does.
    assert!(candidates > 30, "the test must reach the checksum");
    assert!(
        f64::from(accepted) <= most_by_chance(candidates),
        "{accepted} of {candidates}"
    );
}

/// Whole frames in form, random inside: the checksum alone stands in the way.
#[test]
fn random_octets_in_the_form_of_frames_are_accepted_about_as_often_as_by_chance() {
    let (mut line, mut random) = (Line::default(), Random(0x5EED_0002));
    let mut sent = 0;
    while sent < OCTETS {
        let length = 4 + random.octet() % 12;
        line.push(length);
        (1..length).for_each(|_| line.push(random.octet().max(1)));
        line.push(DELIMITER);
        sent += usize::from(length) + 1;
    }
    let Count {
        candidates,
        accepted,
    } = line.count;
    println!("{candidates} candidates, {accepted} accepted");
    assert!(candidates > 900_000, "nearly every frame has the form");
    assert!(
        accepted > 0,
        "a checksum that is never right is not looked at"
    );
    assert!(
        f64::from(accepted) <= most_by_chance(candidates),
        "{accepted} of {candidates}"
    );
}
