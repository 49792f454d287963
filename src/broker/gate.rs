//! Who may open a connection now: how many there are, from where, how fast.
//!
//! Pure: addresses and the time in, a verdict out. An IPv6 network of 64 bits
//! counts as one address. Loopback has no bounds of its own, for what runs on
//! this computer, a proxy among it, speaks for many.

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use rustc_hash::FxHashMap;

use super::codec::{ConnAck, Reason};
use crate::clock::Moment;

/// Refused clients that may wait to be told why; further ones are told nothing.
pub const MOST_REFUSED: usize = 256;
/// Addresses that are remembered. Beyond them, new ones are not held to a rate.
const MOST_ADDRESSES: usize = 4096;
/// An address may save up this many seconds of its rate.
const BURST_SECONDS: u64 = 5;

/// Bounds of who may be connected at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub connections: usize,
    pub per_address: usize,
    /// Connections that one address may open per second, in the long run.
    pub rate: u32,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connections: 2_000,
            per_address: 200,
            rate: 20,
        }
    }
}

/// Why a client is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    Total,
    Address,
    Rate,
    /// Its user name or password is wrong.
    Password,
    /// It has none, and must have.
    Stranger,
    /// Too many logins, perhaps wrong ones, were to be looked at before its own.
    Logins,
}

impl Refusal {
    pub const ALL: [Refusal; 6] = [
        Refusal::Total,
        Refusal::Address,
        Refusal::Rate,
        Refusal::Password,
        Refusal::Stranger,
        Refusal::Logins,
    ];

    /// What CONNACK says.
    pub fn reason(self) -> Reason {
        match self {
            Refusal::Total => Reason::ServerBusy,
            Refusal::Address => Reason::QuotaExceeded,
            Refusal::Rate => Reason::ConnectionRateExceeded,
            Refusal::Password => Reason::BadUserNameOrPassword,
            Refusal::Stranger => Reason::NotAuthorized,
            Refusal::Logins => Reason::ServerBusy,
        }
    }

    /// The key in `[broker.limits]`, or what is wrong with its login.
    pub fn key(self) -> &'static str {
        match self {
            Refusal::Total => "connections",
            Refusal::Address => "connections_per_address",
            Refusal::Rate => "connect_rate",
            Refusal::Password => "password",
            Refusal::Stranger => "no_credentials",
            Refusal::Logins => "logins",
        }
    }
}

/// What CONNACK says.
impl From<Refusal> for Box<ConnAck> {
    fn from(refusal: Refusal) -> Box<ConnAck> {
        Box::new(ConnAck {
            reason: refusal.reason(),
            ..ConnAck::default()
        })
    }
}

/// What to do with a new connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Enter,
    /// Read its CONNECT, and answer with the reason.
    Refuse(Refusal),
    /// Close it at once: enough others are being told why.
    Slam(Refusal),
}

/// Who is connected.
#[derive(Debug)]
pub struct Gate {
    limits: Limits,
    inside: usize,
    refused: usize,
    addresses: FxHashMap<IpAddr, Address>,
}

#[derive(Debug, Default)]
struct Address {
    inside: usize,
    /// When all connections so far would have been opened at exactly the rate.
    paid_until: Moment,
}

impl Gate {
    pub fn new(limits: Limits) -> Gate {
        Gate {
            limits,
            inside: 0,
            refused: 0,
            addresses: FxHashMap::default(),
        }
    }

    /// A connection from this address is there. Unless it is slammed,
    /// [`Gate::leave`] must follow with the same verdict.
    pub fn knock(&mut self, from: IpAddr, now: Moment) -> Verdict {
        let Err(refusal) = self.judge(from, now) else {
            self.inside += 1;
            return Verdict::Enter;
        };
        if self.refused >= MOST_REFUSED {
            return Verdict::Slam(refusal);
        }
        self.refused += 1;
        Verdict::Refuse(refusal)
    }

    /// The connection is gone.
    pub fn leave(&mut self, from: IpAddr, verdict: Verdict) {
        match verdict {
            Verdict::Slam(_) => {}
            Verdict::Refuse(_) => self.refused -= 1,
            Verdict::Enter => {
                self.inside -= 1;
                if let Some(address) = self.addresses.get_mut(&network(from)) {
                    address.inside = address.inside.saturating_sub(1);
                }
            }
        }
    }

    fn judge(&mut self, from: IpAddr, now: Moment) -> Result<(), Refusal> {
        let limits = self.limits;
        let is_full = self.inside >= limits.connections;
        if from.to_canonical().is_loopback() {
            return if is_full { Err(Refusal::Total) } else { Ok(()) };
        }
        let address = self.remember(from, now);
        let step = Duration::from_secs(1) / limits.rate.max(1);
        let saved = Duration::from_secs(BURST_SECONDS);
        if address.paid_until.since(now) + step > saved {
            return Err(Refusal::Rate);
        }
        address.paid_until = address.paid_until.max(now) + step;
        if address.inside >= limits.per_address {
            return Err(Refusal::Address);
        }
        if is_full {
            return Err(Refusal::Total);
        }
        address.inside += 1;
        Ok(())
    }

    fn remember(&mut self, from: IpAddr, now: Moment) -> &mut Address {
        let network = network(from);
        let is_new = !self.addresses.contains_key(&network);
        if is_new && self.addresses.len() >= MOST_ADDRESSES {
            self.addresses
                .retain(|_, one| one.inside > 0 || one.paid_until > now);
        }
        self.addresses.entry(network).or_default()
    }
}

/// What counts as one address.
pub(super) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        connections: 10,
        per_address: 4,
        rate: 2,
    };

    fn v4(last: u8) -> IpAddr {
        [192, 168, 1, last].into()
    }

    #[test]
    fn connections_are_counted_in_total_and_by_address() {
        let mut gate = Gate::new(LIMITS);
        let now = Moment(0);
        for _ in 0..4 {
            assert_eq!(gate.knock(v4(1), now), Verdict::Enter);
        }
        assert_eq!(gate.knock(v4(1), now), Verdict::Refuse(Refusal::Address));
        for last in 2..8 {
            assert_eq!(gate.knock(v4(last), now), Verdict::Enter);
        }
        assert_eq!(gate.knock(v4(8), now), Verdict::Refuse(Refusal::Total));
        gate.leave(v4(1), Verdict::Enter);
        assert_eq!(gate.knock(v4(9), now), Verdict::Enter);
    }

    #[test]
    fn an_address_may_save_up_five_seconds_of_its_rate() {
        let mut gate = Gate::new(LIMITS);
        let mut knock = |at| {
            let verdict = gate.knock(v4(1), Moment(at));
            gate.leave(v4(1), verdict);
            verdict
        };
        assert!((0..10).all(|_| knock(0) == Verdict::Enter));
        assert_eq!(knock(0), Verdict::Refuse(Refusal::Rate));
        assert_eq!(knock(499), Verdict::Refuse(Refusal::Rate));
        assert_eq!(knock(500), Verdict::Enter);
        assert_eq!(knock(500), Verdict::Refuse(Refusal::Rate));
        assert!((0..10).all(|_| knock(60_000) == Verdict::Enter));
    }

    #[test]
    fn a_burst_from_one_address_leaves_room_for_others() {
        let mut gate = Gate::new(LIMITS);
        let verdicts: Vec<_> = (0..10_000).map(|_| gate.knock(v4(1), Moment(0))).collect();
        let count = |wanted| verdicts.iter().filter(|one| **one == wanted).count();
        assert_eq!(count(Verdict::Enter), LIMITS.per_address);
        assert!(
            verdicts[300..]
                .iter()
                .all(|one| *one == Verdict::Slam(Refusal::Rate))
        );
        assert_eq!(gate.knock(v4(2), Moment(0)), Verdict::Enter);
    }

    #[test]
    fn loopback_is_bound_by_the_total_alone() {
        let mut gate = Gate::new(LIMITS);
        let here: IpAddr = Ipv6Addr::LOCALHOST.into();
        assert!((0..10).all(|_| gate.knock(here, Moment(0)) == Verdict::Enter));
        assert_eq!(gate.knock(here, Moment(0)), Verdict::Refuse(Refusal::Total));
    }

    #[test]
    fn addresses_of_one_ipv6_network_are_one() {
        let mut gate = Gate::new(LIMITS);
        let host = |last: u16| IpAddr::from([0x2001, 0xdb8, 0, 7, 0, 0, 0, last]);
        assert!((0..4).all(|last| gate.knock(host(last), Moment(0)) == Verdict::Enter));
        let verdict = gate.knock(host(9), Moment(0));
        assert_eq!(verdict, Verdict::Refuse(Refusal::Address));
        assert_eq!(
            network([0xffff_u16, 0, 0, 0, 0, 0, 0, 1].into()).to_string(),
            "ffff::"
        );
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut gate = Gate::new(Limits {
            connections: 1_000_000,
            ..LIMITS
        });
        for n in 0..3 * MOST_ADDRESSES as u64 {
            let from = IpAddr::from(u32::try_from(n).unwrap().to_be_bytes());
            let verdict = gate.knock(from, Moment(n * 1000));
            gate.leave(from, verdict);
        }
        assert!(gate.addresses.len() <= MOST_ADDRESSES);
    }
}
