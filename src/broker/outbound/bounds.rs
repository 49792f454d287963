//! The bounds of one session's queue, what gives way at them, and how much waits.

use super::{Awaiting, Delivery, Limits, Outbound};
use crate::broker::journal::Log;

/// Which messages are dropped when a queue is full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenFull {
    #[default]
    DropNewest,
    /// Never one that is in flight: the receiver may have it.
    DropOldest,
}

/// What waits for one session, in flight or queued, and what was dropped for
/// want of room since the process started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    pub messages: usize,
    /// About what they cost in memory.
    pub bytes: usize,
    pub dropped: u64,
}

impl Outbound {
    /// From now on these bounds hold. What waits already stays.
    pub fn set_bounds(&mut self, limits: Limits, when_full: WhenFull) {
        (self.limits, self.when_full) = (limits, when_full);
    }

    /// Takes out the oldest message that is not in flight, if a new one of this
    /// size would find the queue full and the oldest is to go; repeated until
    /// it answers `None`. One that could never fit pushes nothing out.
    pub fn make_room(&mut self, size: usize, log: &mut Log<'_>) -> Option<Delivery> {
        let gives_way = self.when_full == WhenFull::DropOldest && size <= self.limits.bytes;
        if !gives_way || !self.is_full_for(size) {
            return None;
        }
        let oldest = self.queue.pop_front()?;
        self.queued_bytes -= oldest.delivery.message.size();
        self.dropped += 1;
        self.give_up(&oldest, log);
        Some(oldest.delivery)
    }

    /// Whether the receiver does not have every message of this topic yet. It
    /// looks at all that waits: not for every message.
    pub fn is_on_its_way(&self, topic: &str) -> bool {
        let inflight = self.inflight.iter();
        let unreceived = inflight.filter(|one| one.awaiting != Awaiting::PubComp);
        let unsent = self.replay.iter().chain(&self.queue);
        let mut waiting = unreceived
            .map(|one| &one.delivery)
            .chain(unsent.map(|one| &one.delivery));
        waiting.any(|delivery| &*delivery.message.topic == topic)
    }

    /// Counts what waits.
    pub fn backlog(&self) -> Backlog {
        let inflight = self.inflight.iter();
        let sizes = inflight.map(|one| one.delivery.message.size());
        Backlog {
            messages: self.len(),
            bytes: self.queued_bytes + sizes.sum::<usize>(),
            dropped: self.dropped,
        }
    }
}
