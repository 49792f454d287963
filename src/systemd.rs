//! Readiness, status and watchdog, told to systemd as sd_notify(3) has it.
//!
//! Without systemd (`$NOTIFY_SOCKET` unset) nothing is told to nobody.

use std::future::Future;
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::time::{MissedTickBehavior, interval, timeout};

/// The house works; `status` is shown by `systemctl status`.
pub fn ready(status: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// The stop has begun.
pub fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Tells the watchdog, twice in each of its periods, that the house is alive:
/// when it stops hearing so, systemd starts the service anew. Never returns.
pub async fn keep_watchdog<F, A>(alive: F)
where
    F: Fn() -> A,
    A: Future<Output = bool>,
{
    match sd_notify::watchdog_enabled() {
        Some(period) => ping_while(alive, period / 2, || tell(&[NotifyState::Watchdog])).await,
        None => std::future::pending().await,
    }
}

async fn ping_while<F, A>(alive: F, every: Duration, ping: impl Fn())
where
    F: Fn() -> A,
    A: Future<Output = bool>,
{
    // An interval of zero would panic; systemd never asks for one.
    let mut ticks = interval(every.max(Duration::from_millis(1)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        match timeout(every, alive()).await {
            Ok(true) => ping(),
            _ => tracing::error!("the house does not answer, so the watchdog is not told"),
        }
    }
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!("systemd cannot be told {states:?}: {error}");
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_watchdog_hears_of_a_living_house_only() {
        let (alive, pings) = (Cell::new(true), Cell::new(0));
        let every = Duration::from_secs(5);
        let probe = || {
            let answer = alive.get();
            async move {
                match answer {
                    true => true,
                    false => std::future::pending().await,
                }
            }
        };
        let pinging = ping_while(probe, every, || pings.set(pings.get() + 1));
        tokio::pin!(pinging);
        let _ = timeout(Duration::from_secs(11), &mut pinging).await;
        assert_eq!(pings.get(), 3, "at 0, 5 and 10 s");
        alive.set(false);
        let _ = timeout(Duration::from_secs(60), &mut pinging).await;
        assert_eq!(pings.get(), 3);
    }
}
