//! How often publishers alone may have the disk synced.
//!
//! A sync costs a card two of its blocks, however short the message was. Who publishes now
//! and then is answered at once, and so is a burst; who never ends to publish waits up to
//! [`WINDOW`] and shares a sync with all that comes in it.

use std::time::Duration;

use crate::clock::Moment;

/// Nobody waits longer than this for others.
const WINDOW: Duration = Duration::from_secs(1);
/// So many who wait are worth a sync. A client that may have 20 messages in flight, as most
/// may, never stops for it.
pub const ENOUGH: u32 = 16;
/// So many batches may follow each other sooner, 80 MB of writing: enough for whoever
/// configures a house by script and waits for each answer …
const BURST: u32 = 10_000;
/// … and one more after each such time.
const REST: Duration = Duration::from_secs(10);

/// Knows when there was a batch, and how long a burst has gone on.
#[derive(Debug)]
pub struct Pace {
    last: Option<Moment>,
    credit: u32,
    /// Since when time has not become credit.
    since: Option<Moment>,
}

impl Default for Pace {
    fn default() -> Pace {
        Pace {
            last: None,
            credit: BURST,
            since: None,
        }
    }
}

impl Pace {
    /// A batch, whoever wanted it, has been handed out.
    pub fn wrote(&mut self, now: Moment) {
        self.last = Some(now);
    }

    /// How long a batch may gather that only publishers wait for.
    pub fn wait(&mut self, now: Moment) -> Duration {
        let gone = self.last.map_or(WINDOW, |last| now.since(last));
        if gone >= WINDOW {
            return Duration::ZERO;
        }
        self.refill(now);
        if self.credit > 0 {
            self.credit -= 1;
            return Duration::ZERO;
        }
        WINDOW - gone
    }

    fn refill(&mut self, now: Moment) {
        let since = *self.since.get_or_insert(now);
        let earned = now.since(since).as_millis() / REST.as_millis();
        if earned > 0 {
            let earned = u32::try_from(earned).unwrap_or(BURST);
            self.credit = self.credit.saturating_add(earned).min(BURST);
            self.since = Some(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Milliseconds that a publisher waits who publishes every `each`, for so long.
    fn waits(pace: &mut Pace, from: u64, each: u64, count: u64) -> Vec<u128> {
        let mut waits = Vec::new();
        let mut now = Moment(from);
        for _ in 0..count {
            let wait = pace.wait(now);
            waits.push(wait.as_millis());
            now = now + wait;
            pace.wrote(now);
            now = now + Duration::from_millis(each);
        }
        waits
    }

    #[test]
    fn who_publishes_now_and_then_never_waits() {
        let mut pace = Pace::default();
        assert!(
            waits(&mut pace, 5, 1000, 5000)
                .iter()
                .all(|wait| *wait == 0)
        );
        assert_eq!(pace.credit, BURST);
    }

    #[test]
    fn a_burst_is_answered_at_once_and_what_never_ends_shares() {
        let mut pace = Pace::default();
        let of_many = waits(&mut pace, 5, 50, 12_000);
        assert!(of_many[..10_000].iter().all(|wait| *wait == 0));
        // Each ten seconds one more is earned.
        let shared = of_many[10_100..].iter().filter(|wait| **wait == 950);
        assert!(shared.count() > 850);
        assert!(of_many.iter().all(|wait| *wait <= 1000));
        // A day and a half of rest makes up for it.
        let again = waits(&mut pace, 130_000_000, 50, 10_000);
        assert!(again.iter().all(|wait| *wait == 0));
    }
}
