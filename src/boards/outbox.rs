//! Lines on their way to a board, at the pace that it can take.
//!
//! An Uno keeps 64 received bytes until its sketch looks; more are lost without
//! a trace. So at most [`IN_FLIGHT`] bytes are under way until the board
//! prints a line, which shows that its loop goes round, or [`PATIENCE`] is over.

use std::collections::VecDeque;
use std::time::Duration;

use crate::clock::Moment;

/// Bytes under way, and the longest line.
pub(super) const IN_FLIGHT: usize = 60;
const PATIENCE: Duration = Duration::from_secs(1);
/// Lines that wait; one for each thing, so only a board with many things at
/// once gets here. A further one is refused.
const MOST_WAITING: usize = 64;

/// A line for one thing.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Outgoing {
    pub thing: String,
    /// With its newline.
    pub line: String,
}

#[derive(Debug, Default)]
pub(super) struct Outbox {
    waiting: VecDeque<Outgoing>,
    under_way: usize,
    /// When the last byte has left, at the line's speed.
    transmitted: Moment,
    sent: Moment,
    held_until: Moment,
}

impl Outbox {
    /// Queues a line; it replaces one for the same thing that still waits.
    /// Returns false if too many wait.
    pub fn push(&mut self, outgoing: Outgoing) -> bool {
        let same = |waiting: &&mut Outgoing| waiting.thing == outgoing.thing;
        if let Some(waiting) = self.waiting.iter_mut().find(same) {
            *waiting = outgoing;
            return true;
        }
        let room = self.waiting.len() < MOST_WAITING;
        if room {
            self.waiting.push_back(outgoing);
        }
        room
    }

    /// The next line, if the board can take it now.
    pub fn next(&mut self, baud: u32, now: Moment) -> Option<Outgoing> {
        if self.ready_at()? > now {
            return None;
        }
        if now.since(self.sent) >= PATIENCE {
            self.under_way = 0;
        }
        let outgoing = self.waiting.pop_front()?;
        self.under_way += outgoing.line.len();
        self.sent = now;
        self.transmitted = now + transmission(self.under_way, baud);
        Some(outgoing)
    }

    /// When the first waiting line can go.
    pub fn ready_at(&self) -> Option<Moment> {
        let first = self.waiting.front()?;
        let fits = self.under_way == 0 || self.under_way + first.line.len() <= IN_FLIGHT;
        let free = if fits {
            self.sent
        } else {
            self.sent + PATIENCE
        };
        Some(free.max(self.held_until))
    }

    /// The board has printed a line.
    pub fn heard(&mut self, now: Moment) {
        if now >= self.transmitted {
            self.under_way = 0;
        }
        self.held_until = Moment(0);
    }

    /// Sends nothing before `until`, unless the board prints something.
    pub fn hold(&mut self, until: Moment) {
        self.held_until = until;
    }

    /// The board is gone, and what waited with it.
    pub fn clear(&mut self) {
        *self = Outbox::default();
    }
}

/// The time on the wire: ten bits for each byte.
fn transmission(bytes: usize, baud: u32) -> Duration {
    let bits = u64::try_from(bytes)
        .unwrap_or(u64::MAX)
        .saturating_mul(10_000);
    Duration::from_millis(bits.div_ceil(u64::from(baud.max(1))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outgoing(thing: usize, to: &str) -> Outgoing {
        Outgoing {
            thing: format!("relay-{thing}"),
            line: format!("relay-{thing} {to}\n"),
        }
    }

    fn drain(outbox: &mut Outbox, now: u64) -> usize {
        let lines = std::iter::from_fn(|| outbox.next(9600, Moment(now)));
        lines.map(|outgoing| outgoing.line.len()).sum()
    }

    #[test]
    fn no_more_is_under_way_than_an_uno_keeps() {
        let mut outbox = Outbox::default();
        assert!((10..30).all(|thing| outbox.push(outgoing(thing, "on"))));
        assert_eq!(drain(&mut outbox, 5000), 60);
        assert_eq!(drain(&mut outbox, 5010), 0);
        // A line printed before the bytes have left proves nothing.
        outbox.heard(Moment(5020));
        assert_eq!(drain(&mut outbox, 5020), 0);
        outbox.heard(Moment(5070));
        assert_eq!(drain(&mut outbox, 5070), 60);
        assert_eq!(outbox.ready_at(), Some(Moment(6070)));
        assert_eq!(drain(&mut outbox, 6070), 60);
    }

    #[test]
    fn the_latest_line_for_a_thing_wins() {
        let mut outbox = Outbox::default();
        outbox.push(outgoing(1, "on"));
        outbox.push(outgoing(1, "off"));
        assert_eq!(outbox.next(9600, Moment(1)), Some(outgoing(1, "off")));
        assert_eq!(outbox.next(9600, Moment(1)), None);
    }

    #[test]
    fn the_queue_is_bounded() {
        let mut outbox = Outbox::default();
        let taken = (0..1000).filter(|thing| outbox.push(outgoing(*thing, "on")));
        assert_eq!(taken.count(), MOST_WAITING);
    }

    #[test]
    fn a_board_that_starts_is_left_alone_until_it_speaks() {
        let mut outbox = Outbox::default();
        outbox.hold(Moment(2000));
        outbox.push(outgoing(1, "on"));
        assert_eq!(outbox.next(9600, Moment(100)), None);
        assert_eq!(outbox.ready_at(), Some(Moment(2000)));
        outbox.heard(Moment(300));
        assert!(outbox.next(9600, Moment(300)).is_some());
    }
}
