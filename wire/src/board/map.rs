//! The map: which thing is on which pin. It comes over the line, is checked by the
//! board, kept in its EEPROM and said back.
//!
//! Version, silence in seconds (two octets), number of things, number of rules; then
//! the things and the rules of eight octets each. Numbers are big endian.

use super::CURRENT;
use super::answer::Refusal;
use super::check;
use super::rule::{self, Rule};
use super::thing::{self, Thing};

/// The most things of a map.
pub const MAX_THINGS: usize = 8;

/// The most rules of a map.
pub const MAX_RULES: usize = 4;

const HEADER: usize = 5;

/// The longest map, in octets.
pub const MAX_MAP: usize = HEADER + MAX_THINGS * thing::SIZE + MAX_RULES * rule::SIZE;

/// The map of a board that was given none.
pub const EMPTY_MAP: [u8; HEADER] = [CURRENT, 0, 0, 0, 0];

/// A map that was checked, still as the octets that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Map<'a> {
    silence: u16,
    things: &'a [[u8; thing::SIZE]],
    rules: &'a [[u8; rule::SIZE]],
}

impl<'a> Map<'a> {
    /// Takes a map only if a board could do as it says.
    ///
    /// # Errors
    /// The first thing or rule that is wrong, and why.
    pub fn check(octets: &'a [u8]) -> Result<Self, Refusal> {
        match octets {
            [CURRENT, _, _, _, _, ..] => {}
            [_, _, _, _, _, ..] => return Err(Refusal::UNKNOWN_VERSION),
            _ => return Err(Refusal::MALFORMED),
        }
        let map = Self::read(octets).ok_or(Refusal::MALFORMED)?;
        check::check(&map)?;
        Ok(map)
    }

    /// A map that was checked before; `None` if it has not even the form of one.
    #[must_use]
    pub fn read(octets: &'a [u8]) -> Option<Self> {
        let [_, high, low, things, rules, lists @ ..] = octets else {
            return None;
        };
        let (lists, rest) = lists.as_chunks();
        let (of_things, of_rules) = lists.split_at_checked(usize::from(*things))?;
        let right = rest.is_empty()
            && usize::from(*things) <= MAX_THINGS
            && usize::from(*rules) <= MAX_RULES
            && of_rules.len() == usize::from(*rules);
        let silence = u16::from_be_bytes([*high, *low]);
        right.then_some(Self {
            silence,
            things: of_things,
            rules: of_rules,
        })
    }

    /// After how many seconds without the gateway outputs become safe; 0: never.
    #[must_use]
    pub const fn silence(&self) -> u16 {
        self.silence
    }

    /// The things, slot 1 first.
    pub fn things(&self) -> impl Iterator<Item = Thing> + use<'a> {
        self.things.iter().filter_map(|octets| Thing::read(*octets))
    }

    /// The thing in a slot; slots count from 1.
    #[must_use]
    pub fn thing(&self, slot: u8) -> Option<Thing> {
        Thing::read(*self.things.get(usize::from(slot).wrapping_sub(1))?)
    }

    /// The rules in the order in which they were given.
    pub fn rules(&self) -> impl Iterator<Item = Rule> + use<'a> {
        self.rules.iter().filter_map(|octets| Rule::read(*octets))
    }

    pub(super) const fn raw_things(&self) -> &'a [[u8; thing::SIZE]] {
        self.things
    }

    pub(super) const fn raw_rules(&self) -> &'a [[u8; rule::SIZE]] {
        self.rules
    }
}

/// Writes a map to the start of `buffer`, of which [`MAX_MAP`] octets are enough; how
/// many octets it has. It is not checked: [`Map::check`] does, also for the gateway.
///
/// `None`: the buffer is too short, or there are more things or rules than a map holds.
#[must_use]
pub fn encode_map(
    silence: u16,
    things: &[Thing],
    rules: &[Rule],
    buffer: &mut [u8],
) -> Option<usize> {
    if things.len() > MAX_THINGS || rules.len() > MAX_RULES {
        return None;
    }
    let (header, lists) = buffer.split_first_chunk_mut::<HEADER>()?;
    let [high, low] = silence.to_be_bytes();
    let counts = [
        u8::try_from(things.len()).ok()?,
        u8::try_from(rules.len()).ok()?,
    ];
    *header = [CURRENT, high, low, counts[0], counts[1]];
    let (places, _) = lists.as_chunks_mut::<{ thing::SIZE }>();
    let mut places = places.iter_mut();
    for octets in things
        .iter()
        .map(Thing::octets)
        .chain(rules.iter().map(Rule::octets))
    {
        *places.next()? = octets;
    }
    let count = things.len().saturating_add(rules.len());
    Some(HEADER.saturating_add(count.saturating_mul(thing::SIZE)))
}
