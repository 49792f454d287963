//! Where connections come in: the gate, and what crosses it, for all listeners.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::gate::{Gate, Limits, Refusal, Verdict};
use super::traffic::Traffic;
use crate::clock::{Clock, Moment};

/// A flood of refusals makes one line of the log in this time.
const BETWEEN_WARNINGS: Duration = Duration::from_secs(60);

/// The gate that all connections of the network pass.
#[derive(Debug)]
pub struct Entrance {
    gate: Mutex<Gate>,
    warned: Mutex<Option<Moment>>,
    clock: Clock,
    pub traffic: Traffic,
}

impl Entrance {
    pub fn new(limits: Limits, clock: Clock) -> Arc<Entrance> {
        Arc::new(Entrance {
            gate: Mutex::new(Gate::new(limits)),
            warned: Mutex::default(),
            clock,
            traffic: Traffic::default(),
        })
    }

    /// Somebody opened a connection; `None` if it is to be closed at once.
    pub fn enter(self: &Arc<Entrance>, from: IpAddr) -> Option<Visit> {
        let now = self.clock.now().moment;
        self.traffic.opened();
        let verdict = lock(&self.gate).knock(from, now);
        if let Verdict::Refuse(why) | Verdict::Slam(why) = verdict {
            self.traffic.refused(why);
            self.warn(from, why, now);
        }
        (!matches!(verdict, Verdict::Slam(_))).then(|| Visit {
            entrance: Arc::clone(self),
            from,
            verdict,
        })
    }

    fn warn(&self, from: IpAddr, why: Refusal, now: Moment) {
        let mut warned = lock(&self.warned);
        if warned.is_some_and(|warned| now.since(warned) < BETWEEN_WARNINGS) {
            return;
        }
        *warned = Some(now);
        tracing::warn!(
            "refused an MQTT client from {from}: `{}` of [broker.limits] is reached; \
             further refusals are counted, and told at most once a minute",
            why.key()
        );
    }
}

/// One connection, from when it is opened until it is gone.
#[derive(Debug)]
pub struct Visit {
    entrance: Arc<Entrance>,
    from: IpAddr,
    verdict: Verdict,
}

impl Visit {
    /// Why it is not let in, if it is not.
    pub fn refusal(&self) -> Option<Refusal> {
        match self.verdict {
            Verdict::Enter => None,
            Verdict::Refuse(why) | Verdict::Slam(why) => Some(why),
        }
    }

    pub fn traffic(&self) -> &Traffic {
        &self.entrance.traffic
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        lock(&self.entrance.gate).leave(self.from, self.verdict);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
