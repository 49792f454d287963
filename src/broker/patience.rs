//! How long whoever gave a wrong password waits before the next one is looked at.
//!
//! Pure: addresses and the time in. Each wrong login from an address makes its
//! next one wait longer, right or wrong; time forgives. Loopback is no
//! exception, because a proxy may speak there for the whole world. An IPv6
//! network of 64 bits counts as one address.

use std::net::IpAddr;
use std::time::Duration;

use rustc_hash::FxHashMap;

use super::gate::network;
use crate::clock::Moment;

/// Addresses that are remembered. Beyond them, new ones share one memory.
const MOST_ADDRESSES: usize = 4096;
/// The wait after the first wrong login; each further one doubles it.
const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// After this time one wrong login is forgiven.
const FORGIVEN_AFTER: Duration = Duration::from_secs(30);
/// More than this many count as many.
const MOST_FAILURES: u32 = 10;
/// A line of the log each minute, and some at once for whoever tries things out.
const BETWEEN_LINES: Duration = Duration::from_secs(60);
const LINES_AT_ONCE: u32 = 5;

/// Who has failed lately.
#[derive(Debug, Default)]
pub struct Patience {
    addresses: FxHashMap<IpAddr, Failures>,
    others: Failures,
    told_until: Moment,
}

/// Wrong logins of one address.
#[derive(Clone, Copy, Debug, Default)]
struct Failures {
    /// When the last of them is forgiven.
    forgiven: Moment,
    /// When the next login is looked at.
    next: Moment,
}

impl Patience {
    /// When a login from this address may be looked at.
    pub fn next(&self, from: IpAddr) -> Moment {
        let of_address = self.addresses.get(&network(from));
        of_address.unwrap_or(&self.others).next
    }

    /// A login from this address was wrong.
    pub fn failed(&mut self, from: IpAddr, now: Moment) {
        self.remember(from, now).add(now);
    }

    /// Whether the log should have a line about it.
    pub fn is_to_be_told(&mut self, now: Moment) -> bool {
        let owed = self.told_until.since(now);
        let tell = owed + BETWEEN_LINES <= BETWEEN_LINES * LINES_AT_ONCE;
        if tell {
            self.told_until = self.told_until.max(now) + BETWEEN_LINES;
        }
        tell
    }

    fn remember(&mut self, from: IpAddr, now: Moment) -> &mut Failures {
        let network = network(from);
        if self.addresses.len() >= MOST_ADDRESSES && !self.addresses.contains_key(&network) {
            self.addresses.retain(|_, one| one.forgiven > now);
            if self.addresses.len() >= MOST_ADDRESSES {
                return &mut self.others;
            }
        }
        self.addresses.entry(network).or_default()
    }
}

impl Failures {
    fn add(&mut self, now: Moment) {
        let most = now + FORGIVEN_AFTER * MOST_FAILURES;
        self.forgiven = (self.forgiven.max(now) + FORGIVEN_AFTER).min(most);
        let count = self
            .forgiven
            .since(now)
            .as_millis()
            .div_ceil(FORGIVEN_AFTER.as_millis());
        let doublings = u32::try_from(count).unwrap_or(u32::MAX).saturating_sub(1);
        let wait = FIRST_WAIT.saturating_mul(2_u32.saturating_pow(doublings));
        self.next = now + wait.min(LONGEST_WAIT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn v4(last: u8) -> IpAddr {
        [192, 168, 1, last].into()
    }

    /// How long the next login waits.
    fn wait(patience: &Patience, from: IpAddr, now: Moment) -> u128 {
        patience.next(from).since(now).as_millis()
    }

    #[test]
    fn each_wrong_login_makes_the_next_one_wait_longer() {
        let mut patience = Patience::default();
        let waits: Vec<u128> = (0..7)
            .map(|_| {
                patience.failed(v4(1), Moment(1000));
                wait(&patience, v4(1), Moment(1000))
            })
            .collect();
        assert_eq!(waits, [250, 500, 1000, 2000, 4000, 5000, 5000]);
        assert_eq!(wait(&patience, v4(2), Moment(1000)), 0, "another address");
    }

    #[test]
    fn time_forgives() {
        let mut patience = Patience::default();
        for _ in 0..1000 {
            patience.failed(v4(1), Moment(0));
        }
        assert_eq!(
            wait(&patience, v4(1), Moment(5000)),
            0,
            "nobody waits for ever"
        );
        // Six of ten are forgiven, and one is added.
        patience.failed(v4(1), Moment(180_000));
        assert_eq!(wait(&patience, v4(1), Moment(180_000)), 4000);
        patience.failed(v4(1), Moment(900_000));
        assert_eq!(wait(&patience, v4(1), Moment(900_000)), 250);
    }

    #[test]
    fn loopback_and_an_ipv6_network_are_addresses_like_others() {
        let mut patience = Patience::default();
        let host = |last: u16| IpAddr::from([0x2001, 0xdb8, 0, 7, 0, 0, 0, last]);
        patience.failed(host(1), Moment(0));
        assert_eq!(wait(&patience, host(2), Moment(0)), 250);
        patience.failed([127, 0, 0, 1].into(), Moment(0));
        assert_eq!(wait(&patience, [127, 0, 0, 1].into(), Moment(0)), 250);
    }

    #[test]
    fn what_is_remembered_is_bounded_and_cannot_be_pushed_out() {
        let mut patience = Patience::default();
        let address = |n: u32| IpAddr::from(n.to_be_bytes());
        patience.failed(address(0), Moment(0));
        for n in 1..3 * 4096 {
            patience.failed(address(n), Moment(1));
        }
        assert_eq!(patience.addresses.len(), MOST_ADDRESSES);
        assert_eq!(wait(&patience, address(0), Moment(1)), 249);
        assert_eq!(
            wait(&patience, address(3 * 4096), Moment(1)),
            5000,
            "one of many"
        );
        patience.failed(address(3 * 4096), Moment(600_000));
        assert_eq!(patience.addresses.len(), 1);
    }

    #[test]
    fn a_flood_is_a_line_a_minute() {
        let mut patience = Patience::default();
        let mut lines = |at| {
            (0..100)
                .filter(|_| patience.is_to_be_told(Moment(at)))
                .count()
        };
        assert_eq!(lines(0), 5);
        assert_eq!(lines(59_999), 0);
        assert_eq!(lines(60_000), 1);
        assert_eq!(lines(120_000), 1);
        assert_eq!(lines(3_600_000), 5);
    }
}
