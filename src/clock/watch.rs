//! Follows how far the wall clock can be trusted, while the house runs.
//!
//! Quality only rises: a clock that was right once since the computer started is off by
//! seconds a day at most. When it is at its best nothing is looked at any more.

use std::path::Path;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::quality::{Signs, judge};
use super::{Clock, ClockQuality, ClockTrust, Now, signs};

/// How often signs are looked for.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// A wall clock that moved by this much against the monotonic one was set. Less may be
/// slewing, or our own lateness.
const SET_BY_MS: u64 = 1000;

/// What is known of a clock's quality. Lives as long as the program, of which each run
/// has one: so a clock can be handed around as a plain value.
pub(super) type Watched = &'static watch::Sender<ClockQuality>;

impl Clock {
    /// Starts the monotonic clock at zero, and looks how far the wall clock can be
    /// trusted; [`Clock::follow_quality`] keeps looking.
    pub fn judged(trust: ClockTrust) -> Clock {
        Clock::judged_by(trust, signs::look(Path::new("/")))
    }

    /// A clock that nobody has set, for tests.
    #[cfg(test)]
    pub(crate) fn never_set() -> Clock {
        Clock::judged_by(ClockTrust::Auto, Signs::default())
    }

    /// The network tells a clock that was never set what time it is, for tests.
    #[cfg(test)]
    pub(crate) fn is_set(&self) {
        if let Some(watched) = self.watched {
            watched.send_replace(ClockQuality::Synchronised);
        }
    }

    fn judged_by(trust: ClockTrust, signs: Signs) -> Clock {
        let mut clock = Clock::start();
        let quality = judge(trust, signs, clock.now().utc);
        clock.watched = Some(Box::leak(Box::new(watch::Sender::new(quality))));
        clock
    }

    /// How far the wall clock can be trusted. Costs next to nothing.
    pub fn quality(&self) -> ClockQuality {
        match self.watched {
            Some(watched) => *watched.borrow(),
            None => ClockQuality::Synchronised,
        }
    }

    /// Waits until it is another one than `known`. Cancel-safe.
    pub async fn quality_other_than(&self, known: ClockQuality) -> ClockQuality {
        if let Some(watched) = self.watched {
            let mut quality = watched.subscribe();
            if let Ok(other) = quality.wait_for(|quality| *quality != known).await {
                return *other;
            }
        }
        match self.quality() {
            quality if quality != known => quality,
            _ => std::future::pending().await,
        }
    }

    /// Looks every few seconds, until `stop`.
    ///
    /// # Errors
    /// None; the type is that of a part.
    pub async fn follow_quality(self, stop: CancellationToken) -> anyhow::Result<()> {
        self.follow(Path::new("/"), stop, || self.now()).await;
        Ok(())
    }

    async fn follow(self, root: &Path, stop: CancellationToken, read: impl Fn() -> Now) {
        if let Some(watched) = self.watched {
            say_first(self.quality());
            let mut signs = signs::look(root);
            let mut before = read();
            while self.quality() < ClockQuality::Synchronised {
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(LOOK_EVERY) => {}
                }
                let now = read();
                signs = signs::look_again(root, signs);
                signs.was_set |= was_set(before, now);
                before = now;
                let quality = judge(ClockTrust::Auto, signs, now.utc);
                if quality > self.quality() {
                    watched.send_replace(quality);
                    tracing::info!("the clock is right now: {}", said(quality));
                }
            }
        }
        stop.cancelled().await;
    }
}

/// Whether somebody set the wall clock between two looks.
fn was_set(before: Now, now: Now) -> bool {
    let by_itself = now.moment.0.saturating_sub(before.moment.0);
    let shown = now.utc.0.saturating_sub(before.utc.0);
    shown.saturating_sub_unsigned(by_itself).unsigned_abs() > SET_BY_MS
}

fn say_first(quality: ClockQuality) {
    match quality {
        ClockQuality::Unknown => tracing::warn!(
            "the clock may be wrong: the network has not told the time yet, and there is no \
             clock with a battery; times of the day wait. If it is right, write \
             clock = \"trusted\" under [home]"
        ),
        _ => tracing::debug!("the clock is {}", said(quality)),
    }
}

fn said(quality: ClockQuality) -> &'static str {
    match quality {
        ClockQuality::Unknown => "not known to be right",
        ClockQuality::Rtc => "that of the computer's battery",
        ClockQuality::Synchronised => "synchronised",
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::clock::{Moment, UtcMillis};

    const TODAY: i64 = 1_790_000_000_000;

    #[test]
    fn a_plain_clock_is_right_and_the_user_may_say_so() {
        assert_eq!(Clock::start().quality(), ClockQuality::Synchronised);
        assert_eq!(Clock::never_set().quality(), ClockQuality::Unknown);
        let trusted = Clock::judged_by(ClockTrust::Trusted, Signs::default());
        assert_eq!(trusted.quality(), ClockQuality::Synchronised);
        // Whatever this computer is.
        assert_eq!(
            Clock::judged(ClockTrust::Trusted).quality(),
            ClockQuality::Synchronised
        );
    }

    #[test]
    fn only_a_jump_is_a_set_clock() {
        let at = |moment, utc| Now {
            moment: Moment(moment),
            utc: UtcMillis(utc),
        };
        let before = at(0, TODAY);
        assert!(!was_set(before, at(5_000, TODAY + 5_000)));
        assert!(!was_set(before, at(5_000, TODAY + 6_000)));
        assert!(was_set(before, at(5_000, TODAY + 6_001)));
        assert!(was_set(before, at(5_000, TODAY - 3_600_000)));
        assert!(was_set(at(0, 0), at(5_000, TODAY)));
    }

    #[tokio::test(start_paused = true)]
    async fn the_clock_is_right_once_the_network_has_set_it() {
        let root = tempfile::tempdir().unwrap();
        let clock = Clock::never_set();
        let read = || Now {
            utc: UtcMillis(TODAY) + clock.now().moment.since(Moment(0)),
            ..clock.now()
        };
        let stop = CancellationToken::new();
        let following = clock.follow(root.path(), stop.clone(), read);
        let waiting = async {
            tokio::time::sleep(Duration::from_secs(60)).await;
            assert_eq!(clock.quality(), ClockQuality::Unknown);
            let marker = root.path().join("run/systemd/timesync/synchronized");
            std::fs::create_dir_all(marker.parent().unwrap()).unwrap();
            std::fs::write(marker, "").unwrap();
            let better = clock.quality_other_than(ClockQuality::Unknown).await;
            stop.cancel();
            better
        };
        let ((), better) = tokio::join!(following, waiting);
        assert_eq!(
            (better, clock.quality()),
            (ClockQuality::Synchronised, better)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn the_clock_is_right_once_somebody_was_seen_to_set_it() {
        let root = tempfile::tempdir().unwrap();
        let (clock, shift) = (Clock::never_set(), Cell::new(0));
        let read = || Now {
            utc: UtcMillis(shift.get()) + clock.now().moment.since(Moment(0)),
            ..clock.now()
        };
        let stop = CancellationToken::new();
        let following = clock.follow(root.path(), stop.clone(), read);
        let waiting = async {
            shift.set(5_000); // in 1970 it is not right yet
            tokio::time::sleep(Duration::from_secs(60)).await;
            assert_eq!(clock.quality(), ClockQuality::Unknown);
            shift.set(TODAY);
            let better = clock.quality_other_than(ClockQuality::Unknown).await;
            stop.cancel();
            better
        };
        let ((), better) = tokio::join!(following, waiting);
        assert_eq!(better, ClockQuality::Synchronised);
    }
}
