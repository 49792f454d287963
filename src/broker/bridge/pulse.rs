//! Whether the other side is still there: what keep alive asks of a client
//! (MQTT 5.0, 3.1.2.10), and how long an answer may take.

use std::time::Duration;

use crate::clock::Moment;

/// An answer takes no longer than this, nor than the keep alive itself.
const LONGEST_ANSWER: Duration = Duration::from_secs(30);

/// The pulse of one connection.
#[derive(Debug)]
pub struct Pulse {
    every: Duration,
    sent: Moment,
    heard: Moment,
    /// When PINGREQ was sent, if nothing has come since.
    asked: Option<Moment>,
}

/// What is to be done now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beat {
    Rest,
    Ping,
    /// Nothing came for too long.
    Dead,
}

impl Pulse {
    /// A connection that has just been accepted; `every` is longer than zero.
    pub fn new(every: Duration, now: Moment) -> Pulse {
        Pulse {
            every,
            sent: now,
            heard: now,
            asked: None,
        }
    }

    /// Something was sent.
    pub fn sent(&mut self, now: Moment) {
        self.sent = now;
    }

    /// Something came.
    pub fn heard(&mut self, now: Moment) {
        self.heard = now;
        self.asked = None;
    }

    /// When [`Pulse::beat`] is next due.
    pub fn next(&self) -> Moment {
        match self.asked {
            Some(asked) => asked + self.every.min(LONGEST_ANSWER),
            // Who only hears must speak, and who only speaks must hear.
            None => self.sent.min(self.heard) + self.every,
        }
    }

    /// Looks at the time.
    pub fn beat(&mut self, now: Moment) -> Beat {
        if now < self.next() {
            return Beat::Rest;
        }
        if self.asked.is_some() {
            return Beat::Dead;
        }
        (self.asked, self.sent) = (Some(now), now);
        Beat::Ping
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Moment {
        Moment(seconds * 1000)
    }

    #[test]
    fn silence_is_probed_and_then_final() {
        let mut pulse = Pulse::new(Duration::from_secs(60), at(0));
        assert_eq!(pulse.beat(at(59)), Beat::Rest);
        assert_eq!(pulse.beat(at(60)), Beat::Ping);
        assert_eq!(pulse.beat(at(89)), Beat::Rest);
        pulse.heard(at(89));
        assert_eq!(pulse.next(), at(120), "we sent something last at 60");
        assert_eq!(pulse.beat(at(120)), Beat::Ping);
        assert_eq!(pulse.beat(at(150)), Beat::Dead);
    }

    #[test]
    fn sending_alone_is_no_sign_of_life() {
        let mut pulse = Pulse::new(Duration::from_secs(10), at(0));
        pulse.sent(at(9));
        assert_eq!(pulse.beat(at(10)), Beat::Ping);
        pulse.sent(at(19));
        assert_eq!(pulse.beat(at(20)), Beat::Dead);
    }

    #[test]
    fn hearing_alone_is_no_sign_of_ours() {
        let mut pulse = Pulse::new(Duration::from_secs(10), at(0));
        pulse.heard(at(9));
        assert_eq!(pulse.beat(at(10)), Beat::Ping);
        pulse.heard(at(11));
        assert_eq!(pulse.next(), at(20));
    }
}
