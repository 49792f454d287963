//! Whether an Uno can do what a map says. Gateway and board use this same check, so
//! the page refuses at once what a board would refuse.

use super::answer::{Refusal, Status};
use super::map::Map;
use super::rule::Rule;
use super::thing::{Kind, Thing};

/// Pins of the serial line.
const SERIAL: u8 = 1;
const ANALOG: u8 = 14;
const LAST: u8 = 19;
/// The converter counts to this.
const MOST_COUNTS: u16 = 1023;

type Checked = Result<(), Refusal>;

pub(super) fn check(map: &Map<'_>) -> Checked {
    let mut used = 0_u32;
    let servo = map
        .raw_things()
        .iter()
        .any(|octets| octets[0] == Kind::Servo as u8);
    for (slot, octets) in (1..).zip(map.raw_things()) {
        let status = match Thing::read(*octets) {
            Some(thing) => check_thing(&thing, servo, &mut used),
            None => Status::UnknownKind,
        };
        refuse(status, slot)?;
    }
    for (slot, octets) in (1..).zip(map.raw_rules()) {
        let status = match Rule::read(*octets) {
            Some(rule) => check_rule(&rule, map),
            None => Status::OutOfRange,
        };
        refuse(status, slot | super::IN_RULE)?;
    }
    Ok(())
}

fn refuse(status: Status, slot: u8) -> Checked {
    match status {
        Status::InForce => Ok(()),
        status => Err(Refusal { status, slot }),
    }
}

fn check_thing(thing: &Thing, servo: bool, used: &mut u32) -> Status {
    if thing.pin > LAST {
        return Status::NoSuchPin;
    }
    let pin = 1_u32.wrapping_shl(u32::from(thing.pin));
    if *used & pin != 0 {
        return Status::UsedTwice;
    }
    *used |= pin;
    if !can(thing.kind, thing.pin, servo) {
        Status::CannotDoIt
    } else if !in_range(thing) {
        Status::OutOfRange
    } else {
        Status::InForce
    }
}

/// Timer 1 makes the pulses of servos, and then not the PWM of pins 9 and 10.
const fn can(kind: Kind, pin: u8, servo: bool) -> bool {
    match kind {
        Kind::Analog => pin >= ANALOG,
        Kind::Pwm if servo => matches!(pin, 3 | 5 | 6 | 11),
        Kind::Pwm => matches!(pin, 3 | 5 | 6 | 9 | 10 | 11),
        _ => pin > SERIAL,
    }
}

const fn in_range(thing: &Thing) -> bool {
    let (most_a, bits_b) = match thing.kind {
        Kind::Analog => (MOST_COUNTS, 0),
        Kind::Digital | Kind::Counter => (u16::MAX, 0b11),
        Kind::Relay => (1, 0b10),
        Kind::Ds18b20 => (0, 0),
        Kind::Pwm | Kind::Servo => (thing.kind.highest() as u16, 0),
    };
    thing.a <= most_a && thing.b & !bits_b == 0
}

fn check_rule(rule: &Rule, map: &Map<'_>) -> Status {
    let output = map.thing(rule.output).map(|thing| thing.kind);
    let input = map.thing(rule.input).map(|thing| thing.kind);
    match (output, input) {
        (Some(output), Some(input)) if output.is_output() && !input.is_output() => {
            if rule.level <= output.highest() {
                Status::InForce
            } else {
                Status::OutOfRange
            }
        }
        _ => Status::NoSuchSlot,
    }
}
