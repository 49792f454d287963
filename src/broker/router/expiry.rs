//! What happens later: delayed wills and the end of sessions.

use std::cmp::Ordering;
use std::time::Duration;

use super::{Link, Router};
use crate::clock::{Moment, Now};

/// A wake-up. It counts only while the session is still in the same epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Timer {
    at: Moment,
    link: Link,
    what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    PublishWill,
    EndSession,
}

/// The earliest first, as `BinaryHeap` shows its greatest; a will before the
/// end of its session.
impl Ord for Timer {
    fn cmp(&self, other: &Timer) -> Ordering {
        let key = |timer: &Timer| (timer.at, timer.link.epoch, timer.what == What::EndSession);
        key(other).cmp(&key(self))
    }
}

impl PartialOrd for Timer {
    fn partial_cmp(&self, other: &Timer) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Router {
    /// When [`Router::wake`] is next due.
    pub fn next_wake(&self) -> Option<Moment> {
        let timer = self.timers.peek().map(|timer| timer.at);
        timer.into_iter().chain(self.next_stall()).min()
    }

    /// Does what has become due.
    pub fn wake(&mut self, now: Now) {
        self.run_timers(now);
        self.journal.set_dates(now);
        self.cut_stalled(now);
        self.send_dead_letters(now);
    }

    fn run_timers(&mut self, now: Now) {
        while let Some(timer) = self
            .timers
            .peek()
            .copied()
            .filter(|timer| timer.at <= now.moment)
        {
            self.timers.pop();
            if self.is_waiting(timer.link) {
                match timer.what {
                    What::PublishWill => self.publish_will(timer.link.session, now),
                    What::EndSession => {
                        self.counters.expired_sessions += 1;
                        self.end_session(timer.link.session, now);
                    }
                }
            }
        }
    }

    pub(super) fn wake_for_will(&mut self, link: Link, delay: u32, now: Now) {
        let at = now.moment + Duration::from_secs(delay.into());
        self.timers.push(Timer {
            at,
            link,
            what: What::PublishWill,
        });
    }

    pub(super) fn wake_for_expiry(&mut self, link: Link, lifetime: Duration, now: Now) {
        self.timers.push(Timer {
            at: now.moment + lifetime,
            link,
            what: What::EndSession,
        });
    }

    /// Whether the session has had no other connection since.
    fn is_waiting(&self, link: Link) -> bool {
        self.sessions
            .get(link.session.index())
            .is_some_and(|session| session.epoch == link.epoch && session.connection.is_none())
    }
}
