//! Which connections are woken when: whoever waits for a message goes before
//! whoever waits for an answer.

use std::sync::Arc;

use super::lane::Lane;
use super::router::Out;

/// Packets put into lanes before their connections are woken, though the batch
/// goes on: so receivers write, and publishers go on, while others are served.
const WAKE_AFTER: usize = 2048;
/// Up to so many packets at once, receivers are served before anybody is answered.
const CALM: usize = 16;

/// Lanes with something new, to be woken at the end of a batch.
#[derive(Debug, Default)]
pub struct Wakes {
    /// With a message.
    receivers: Vec<Arc<Lane>>,
    /// With something else.
    answered: Vec<Arc<Lane>>,
    /// Packets put into lanes since they were woken.
    pushed: usize,
}

impl Wakes {
    /// Puts something into a lane.
    pub fn push(&mut self, lane: &Arc<Lane>, out: Out) {
        self.pushed += 1;
        let woken = match out {
            Out::Publish(_) => &mut self.receivers,
            Out::Packet(_) | Out::Fence => &mut self.answered,
        };
        if lane.push(out) {
            woken.push(Arc::clone(lane));
        }
    }

    /// A lane that was closed.
    pub fn closed(&mut self, lane: Arc<Lane>) {
        self.answered.push(lane);
    }

    /// Whether so much was put that nobody should wait for the rest.
    pub fn are_due(&self) -> bool {
        self.pushed >= WAKE_AFTER
    }

    /// Whether there are receivers, and so few packets that time, and not
    /// throughput, is what counts.
    pub fn are_calm(&self) -> bool {
        !self.receivers.is_empty() && self.pushed <= CALM
    }

    /// Wakes everyone. The runtime runs first what was woken last: receivers.
    pub fn wake(&mut self) {
        self.answered.drain(..).for_each(|lane| lane.wake());
        self.wake_receivers();
    }

    /// Wakes those with a message.
    pub fn wake_receivers(&mut self) {
        self.pushed = 0;
        self.receivers.drain(..).rev().for_each(|lane| lane.wake());
    }
}
