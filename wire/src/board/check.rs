//! Whether an Uno can do what a map says. Gateway and board use this same check, so
//! the page refuses at once what a board would refuse.

use super::answer::{Refusal, Status};
use super::map::Map;
use super::rule::{self, Op};
use super::thing::{self, Kind};

/// Pins of the serial line.
const SERIAL: u8 = 1;
const ANALOG: u8 = 14;
const LAST: u8 = 19;
/// In seconds: a ping that is lost and sent again takes as long.
const SHORTEST_SILENCE: u16 = 3;
/// The converter counts to this.
const MOST_COUNTS: u16 = 1023;

type Checked = Result<(), Refusal>;
type Things<'a> = &'a [[u8; thing::SIZE]];

pub(super) fn check(map: &Map<'_>) -> Checked {
    if matches!(map.silence(), 1..SHORTEST_SILENCE) {
        return Err(Refusal {
            status: Status::OutOfRange,
            slot: 0,
        });
    }
    let things = map.raw_things();
    for (slot, octets) in (1_u8..).zip(things) {
        refuse(check_thing(*octets, slot, things), slot)?;
    }
    for (number, octets) in (1_u8..).zip(map.raw_rules()) {
        refuse(check_rule(*octets, things), number | super::IN_RULE)?;
    }
    Ok(())
}

#[inline(never)]
fn refuse(status: Status, slot: u8) -> Checked {
    match status {
        Status::InForce => Ok(()),
        status => Err(Refusal { status, slot }),
    }
}

fn check_thing(octets: [u8; thing::SIZE], slot: u8, things: Things<'_>) -> Status {
    let [kind, pin, _, _, a1, a0, b1, b0] = octets;
    let Some(kind) = Kind::from_code(kind) else {
        return Status::UnknownKind;
    };
    let earlier = things
        .get(..usize::from(slot).wrapping_sub(1))
        .unwrap_or_default();
    if pin > LAST {
        Status::NoSuchPin
    } else if earlier.iter().any(|other| other[1] == pin) {
        Status::UsedTwice
    } else if !can(kind, pin, things) {
        Status::CannotDoIt
    } else if in_range(kind, u16::from_be_bytes([a1, a0]), b0) && b1 == 0 {
        Status::InForce
    } else {
        Status::OutOfRange
    }
}

#[inline(never)]
fn can(kind: Kind, pin: u8, things: Things<'_>) -> bool {
    match (kind, pin) {
        (Kind::Analog, _) => pin >= ANALOG,
        (Kind::Pwm, 3 | 5 | 6 | 11) => true,
        // Timer 1 makes the pulses of servos, and then not the PWM of these pins.
        (Kind::Pwm, 9 | 10) => things.iter().all(|octets| octets[0] != Kind::Servo as u8),
        (Kind::Pwm, _) => false,
        _ => pin > SERIAL,
    }
}

const fn in_range(kind: Kind, a: u16, b: u8) -> bool {
    let (most_a, bits_b) = match kind {
        Kind::Analog => (MOST_COUNTS, 0),
        Kind::Digital | Kind::Counter => (u16::MAX, 0b11),
        Kind::Relay => (1, 0b10),
        Kind::Ds18b20 => (0, 0),
        Kind::Pwm | Kind::Servo => (kind.highest() as u16, 0),
    };
    a <= most_a && b & !bits_b == 0
}

fn check_rule(octets: [u8; rule::SIZE], things: Things<'_>) -> Status {
    let [output, input, op, level, ..] = octets;
    let (Some(output), Some(input)) = (kind_in(output, things), kind_in(input, things)) else {
        return Status::NoSuchSlot;
    };
    if !output.is_output() || input.is_output() {
        Status::NoSuchSlot
    } else if level > output.highest() || op > Op::Above as u8 {
        Status::OutOfRange
    } else {
        Status::InForce
    }
}

fn kind_in(slot: u8, things: Things<'_>) -> Option<Kind> {
    let octets = things.get(usize::from(slot).wrapping_sub(1))?;
    Kind::from_code(octets[0])
}
