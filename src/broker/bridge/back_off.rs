//! How long to wait before the next attempt to reach the other side.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(60);
/// A connection that lasted this long was a good one.
const HEALTHY: Duration = Duration::from_secs(30);

/// The pauses of one bridge: they double, up to a minute.
#[derive(Debug)]
pub struct BackOff {
    next: Duration,
}

impl Default for BackOff {
    fn default() -> BackOff {
        BackOff { next: FIRST }
    }
}

impl BackOff {
    /// A connection has ended that lasted so long.
    pub fn lasted(&mut self, lasted: Duration) {
        if lasted >= HEALTHY {
            self.next = FIRST;
        }
    }

    /// The pause before the next attempt. `chance` is drawn anew each time and
    /// makes it up to a quarter shorter: the houses of a street whose broker
    /// comes back do not all come at once.
    pub fn pause(&mut self, chance: u64) -> Duration {
        let pause = self.next;
        self.next = (pause * 2).min(LONGEST);
        let percent = u32::try_from(chance % 26).unwrap_or(0);
        pause - pause * percent / 100
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_minute_and_start_over_after_a_good_connection() {
        let mut back_off = BackOff::default();
        let pauses: Vec<u128> = (0..9).map(|_| back_off.pause(0).as_millis()).collect();
        assert_eq!(
            pauses,
            [500, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]
        );
        back_off.lasted(Duration::from_secs(29));
        assert_eq!(back_off.pause(0), LONGEST);
        back_off.lasted(HEALTHY);
        assert_eq!(back_off.pause(25), Duration::from_millis(375));
    }
}
