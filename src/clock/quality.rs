//! How far the wall clock can be trusted, judged by what the system shows.
//!
//! A Raspberry Pi has no clock that runs on without power. Until the network has told it
//! the time it believes in the past, and whoever acts by the time of day must know that.

use serde::{Deserialize, Serialize};

use super::UtcMillis;

/// How far the wall clock can be trusted; the best is the greatest.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum ClockQuality {
    /// It may be off by anything.
    #[default]
    Unknown,
    /// It was set by a clock with a battery: off by seconds, or minutes after years.
    Rtc,
    /// The network, the host or a person has set it.
    Synchronised,
}

/// Who says how far it can be trusted: `[home] clock`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClockTrust {
    /// The system's signs.
    #[default]
    Auto,
    /// The user, who knows that it is right.
    Trusted,
}

/// What the system shows of its clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Signs {
    /// A network time service has set it since the computer started.
    pub synchronised: bool,
    /// It was seen to be set, by whomever.
    pub was_set: bool,
    /// The year that a clock with a battery shows.
    pub rtc_year: Option<i16>,
    /// This is a container or a virtual machine: the clock is the host's.
    pub is_guest: bool,
}

/// 2024-01-01T00:00:00Z. A clock that shows less has never been set.
const SANE: UtcMillis = UtcMillis(1_704_067_200_000);
const SANE_YEAR: i16 = 2024;

/// Judges a clock that shows `utc`.
pub fn judge(trust: ClockTrust, signs: Signs, utc: UtcMillis) -> ClockQuality {
    if trust == ClockTrust::Trusted {
        return ClockQuality::Synchronised;
    }
    if utc < SANE {
        return ClockQuality::Unknown;
    }
    if signs.synchronised || signs.was_set || signs.is_guest {
        return ClockQuality::Synchronised;
    }
    match signs.rtc_year {
        Some(year) if year >= SANE_YEAR => ClockQuality::Rtc,
        _ => ClockQuality::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TODAY: UtcMillis = UtcMillis(1_790_000_000_000);

    fn auto(signs: Signs) -> ClockQuality {
        judge(ClockTrust::Auto, signs, TODAY)
    }

    #[test]
    fn the_best_sign_counts() {
        let none = Signs::default();
        assert_eq!(auto(none), ClockQuality::Unknown);
        let rtc = |year| Signs {
            rtc_year: Some(year),
            ..none
        };
        // A battery that is empty, or was never there.
        assert_eq!(auto(rtc(1970)), ClockQuality::Unknown);
        assert_eq!(auto(rtc(2024)), ClockQuality::Rtc);
        for good in [
            Signs {
                synchronised: true,
                ..none
            },
            Signs {
                was_set: true,
                ..rtc(1970)
            },
            Signs {
                is_guest: true,
                ..none
            },
            Signs {
                synchronised: true,
                ..rtc(2030)
            },
        ] {
            assert_eq!(auto(good), ClockQuality::Synchronised, "{good:?}");
        }
        assert!(ClockQuality::Unknown < ClockQuality::Rtc);
        assert!(ClockQuality::Rtc < ClockQuality::Synchronised);
    }

    #[test]
    fn a_time_long_past_is_believed_by_the_user_alone() {
        let signs = Signs {
            synchronised: true,
            was_set: true,
            rtc_year: Some(2030),
            is_guest: true,
        };
        let long_ago = SANE - std::time::Duration::from_millis(1);
        assert_eq!(
            judge(ClockTrust::Auto, signs, long_ago),
            ClockQuality::Unknown
        );
        assert_eq!(
            judge(ClockTrust::Auto, signs, SANE),
            ClockQuality::Synchronised
        );
        let trusted = judge(ClockTrust::Trusted, Signs::default(), UtcMillis(0));
        assert_eq!(trusted, ClockQuality::Synchronised);
    }
}
