//! Which run of the computer this is, and for how long it has been running.

use std::fs;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use super::Moment;

/// Differs after each start of the computer.
pub type Boot = [u8; 16];

/// The kernel's name of this run of the computer; zeros where it tells none.
pub fn boot() -> Boot {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let digits: String = id.chars().filter(char::is_ascii_hexdigit).collect();
    let id = u128::from_str_radix(&digits, 16).unwrap_or_default();
    id.to_be_bytes()
}

/// Time since the computer started, sleep included.
pub(super) fn elapsed() -> Moment {
    let elapsed = Duration::try_from(clock_gettime(ClockId::Boottime));
    let millis = elapsed.unwrap_or_default().as_millis();
    Moment(u64::try_from(millis).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_computer_that_runs_has_a_name_for_it_and_a_time() {
        assert_ne!(boot(), [0; 16]);
        assert_eq!(boot(), boot());
        let before = elapsed();
        assert!(before > Moment(0) && before <= elapsed());
    }
}
