//! How often one thing is published.
//!
//! A value that changes goes out at once, then at most every [`CHANGE_GAP`]
//! with the latest kept: nobody on a page or in a rule acts faster, and a
//! sketch without `delay` must not fill the history. A value that stays goes
//! out about once a second, so that its age shows that the board lives.

use std::time::Duration;

use crate::clock::Moment;

/// Shortest time between two publications of one thing.
pub(super) const CHANGE_GAP: Duration = Duration::from_millis(50);
/// Shortest time between two publications of the same value; a little below a
/// second, so that a board that prints each second is not halved by its jitter.
pub(super) const REPEAT_GAP: Duration = Duration::from_millis(900);

/// The publications of one thing.
#[derive(Debug, Default)]
pub(super) struct Throttle {
    last: Option<(Moment, String)>,
    /// Newer than `last`, to be published when its gap is over.
    waiting: Option<String>,
}

impl Throttle {
    /// A new payload; returned if it is to be published now.
    pub fn offer(&mut self, payload: String, now: Moment) -> Option<String> {
        if let Some((at, last)) = &self.last {
            let gap = now.since(*at);
            if self.waiting.is_none() && *last == payload && gap < REPEAT_GAP {
                return None;
            }
            if gap < CHANGE_GAP {
                self.waiting = Some(payload);
                return None;
            }
        }
        self.waiting = None;
        self.publish(payload, now)
    }

    /// When a kept payload is to be published.
    pub fn due_at(&self) -> Option<Moment> {
        let (at, _) = self.last.as_ref()?;
        self.waiting.is_some().then_some(*at + CHANGE_GAP)
    }

    /// The kept payload, if its time has come.
    pub fn take_due(&mut self, now: Moment) -> Option<String> {
        if self.due_at()? > now {
            return None;
        }
        let payload = self.waiting.take()?;
        self.publish(payload, now)
    }

    /// The latest payload, published or kept.
    pub fn latest(&self) -> Option<&str> {
        let published = self.last.as_ref().map(|(_, payload)| payload.as_str());
        self.waiting.as_deref().or(published)
    }

    fn publish(&mut self, payload: String, now: Moment) -> Option<String> {
        self.last = Some((now, payload.clone()));
        Some(payload)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(throttle: &mut Throttle, payload: &str, at: u64) -> Option<String> {
        throttle.offer(payload.into(), Moment(at))
    }

    #[test]
    fn a_value_that_stays_is_repeated_about_once_a_second() {
        let mut throttle = Throttle::default();
        let published = (0..1000).filter(|i| offer(&mut throttle, "1", i * 10).is_some());
        assert_eq!(published.count(), 12);
        assert_eq!(throttle.due_at(), None);
    }

    #[test]
    fn of_quick_changes_the_latest_is_kept() {
        let mut throttle = Throttle::default();
        assert_eq!(offer(&mut throttle, "1", 0).as_deref(), Some("1"));
        assert_eq!(offer(&mut throttle, "2", 10), None);
        assert_eq!(offer(&mut throttle, "3", 20), None);
        assert_eq!(throttle.latest(), Some("3"));
        assert_eq!(throttle.take_due(Moment(40)), None);
        assert_eq!(throttle.due_at(), Some(Moment(50)));
        assert_eq!(throttle.take_due(Moment(50)).as_deref(), Some("3"));
        assert_eq!(throttle.due_at(), None);
    }

    #[test]
    fn a_short_press_is_not_lost() {
        let mut throttle = Throttle::default();
        offer(&mut throttle, "off", 0);
        assert!(offer(&mut throttle, "on", 5000).is_some());
        assert!(offer(&mut throttle, "off", 5010).is_none());
        assert_eq!(throttle.take_due(Moment(5050)).as_deref(), Some("off"));
    }
}
