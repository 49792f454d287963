//! Time, read in one place.
//!
//! Pure parts take a [`Now`] as an argument; shells read it from a [`Clock`].
//! Durations are measured on the monotonic clock, which never jumps; the time
//! of day comes from the wall clock, which may be set while the gateway runs.

mod boot;
pub mod quality;
mod signs;
mod watch;

use std::ops::{Add, Sub};
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use boot::{Boot, boot};
pub use quality::{ClockQuality, ClockTrust};
use watch::Watched;

/// A point on the monotonic clock: milliseconds since the gateway started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(pub u64);

/// A point on the wall clock: milliseconds since 1970-01-01T00:00:00Z.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct UtcMillis(pub i64);

/// Both clocks, read together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    pub moment: Moment,
    pub utc: UtcMillis,
}

impl Moment {
    /// Time from `earlier` to here; zero if `earlier` is later.
    pub fn since(self, earlier: Moment) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    pub fn saturating_add_millis(self, millis: u64) -> Moment {
        Moment(self.0.saturating_add(millis))
    }
}

impl Add<Duration> for Moment {
    type Output = Moment;
    fn add(self, rhs: Duration) -> Moment {
        Moment(self.0.saturating_add(millis(rhs)))
    }
}

impl UtcMillis {
    /// Time from `earlier` to here; zero if `earlier` is later.
    pub fn since(self, earlier: UtcMillis) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl Add<Duration> for UtcMillis {
    type Output = UtcMillis;
    fn add(self, rhs: Duration) -> UtcMillis {
        UtcMillis(self.0.saturating_add_unsigned(millis(rhs)))
    }
}

impl Sub<Duration> for UtcMillis {
    type Output = UtcMillis;
    fn sub(self, rhs: Duration) -> UtcMillis {
        UtcMillis(self.0.saturating_sub_unsigned(millis(rhs)))
    }
}

impl Add<Duration> for Now {
    type Output = Now;
    fn add(self, rhs: Duration) -> Now {
        Now {
            moment: self.moment + rhs,
            utc: self.utc + rhs,
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// The clock of a running gateway. Cheap to clone; all clones agree.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    started: tokio::time::Instant,
    /// How far the wall clock can be trusted; nobody doubts it where absent.
    watched: Option<Watched>,
}

impl Clock {
    /// Starts the monotonic clock at zero. Its wall clock is taken for right.
    pub fn start() -> Clock {
        Clock {
            started: tokio::time::Instant::now(),
            watched: None,
        }
    }

    /// Reads both clocks.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the wall clock"
    )]
    pub fn now(&self) -> Now {
        let utc = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |since| {
                i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
            });
        Now {
            moment: Moment(millis(self.started.elapsed())),
            utc: UtcMillis(utc),
        }
    }

    /// Both clocks, the monotonic one counted from the start of the computer: what was read
    /// in an earlier run of the gateway can be compared with it, within one [`Boot`].
    pub fn since_boot(&self) -> Now {
        Now {
            moment: boot::elapsed(),
            utc: self.now().utc,
        }
    }

    /// The instant at which `moment` is reached, for `tokio::time::sleep_until`.
    pub fn instant(&self, moment: Moment) -> tokio::time::Instant {
        self.started + Duration::from_millis(moment.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_never_go_below_zero() {
        assert_eq!(Moment(3).since(Moment(5)), Duration::ZERO);
        assert_eq!(Moment(5).since(Moment(3)), Duration::from_millis(2));
        assert_eq!(UtcMillis(3).since(UtcMillis(5)), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn the_monotonic_clock_follows_tokio_time() {
        let clock = Clock::start();
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(clock.now().moment, Moment(2000));
        assert_eq!(clock.instant(Moment(2000)), tokio::time::Instant::now());
    }
}
