//! Connections that take nothing any more are cut, so that their memory returns.
//!
//! A connection is behind when much waits for it: bytes on its way, or a good
//! part of its queue. If it then neither writes nor acknowledges anything for
//! [`Limits::stalled_after`](super::Limits::stalled_after), nobody reads there.

use super::{Link, Router};
use crate::broker::codec::Reason;
use crate::clock::{Moment, Now};

impl Router {
    /// When the first of those behind will have waited long enough.
    pub(super) fn next_stall(&self) -> Option<Moment> {
        let waiting = self.behind.iter().filter_map(|link| self.stalls_at(*link));
        waiting.min()
    }

    pub(super) fn cut_stalled(&mut self, now: Now) {
        let is_stalled = |link: &Link| self.stalls_at(*link).is_some_and(|at| at <= now.moment);
        let behind = self.behind.iter().copied();
        let stalled: Vec<Link> = behind.filter(is_stalled).collect();
        for link in stalled {
            self.counters.stalled += 1;
            self.fail(link, Reason::QuotaExceeded, now);
        }
    }

    /// Hearth's own parts are never cut off.
    fn stalls_at(&self, link: Link) -> Option<Moment> {
        let session = self.sessions.get(link.session.index())?;
        let progress = session.connection.as_ref()?.behind?;
        (!session.internal).then_some(progress + self.limits.stalled_after)
    }
}
