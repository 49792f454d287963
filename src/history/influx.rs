//! Pushes what was committed to another database, in InfluxDB's line protocol.
//!
//! It reads the log with a cursor of its own and moves it when the other side has taken what
//! is before: so everything arrives at least once and in order, after outages and restarts
//! too. What leaves the log meanwhile waits beside it, see `sealer::queue`. Nobody else in
//! the house waits for it.

mod backlog;
mod login;
mod parcel;
mod pusher;
mod settings;
mod turns;
mod verdict;

#[cfg(test)]
mod tests;

use tokio::sync::watch;

use self::pusher::Pusher;
use super::store::{Store, queue};
use super::{Shared, State, checker};
use crate::clock::{Clock, UtcMillis};
use crate::supervisor::Stop;
pub use settings::{Login, Settings};

/// How the push does.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pushing {
    /// Scheme and host.
    pub to: String,
    /// Samples that the other side has taken since the start.
    pub pushed: u64,
    /// Samples that it will never take, since the start, and what it said of the last ones.
    pub refused: u64,
    pub refusal: Option<String>,
    /// Samples that were given up since too many waited; ever.
    pub given_up: u64,
    /// Samples that wait for it.
    pub waiting: u64,
    /// When it has taken something for the last time, since the start.
    pub last: Option<UtcMillis>,
    /// Why it takes nothing now.
    pub trouble: Option<String>,
}

/// Pushes until `stop`. Without settings, nothing is kept for a push any more.
pub(super) async fn run(
    settings: Option<Settings>,
    clock: Clock,
    mut state: watch::Receiver<State>,
    figures: Shared,
    stop: Stop,
) -> anyhow::Result<()> {
    let opened = stop.run_until_cancelled(checker::opened(&mut state));
    let Some(store) = opened.await.flatten() else {
        stop.cancelled().await;
        return Ok(());
    };
    let Some(settings) = settings else {
        leave(&store).await?;
        stop.cancelled().await;
        return Ok(());
    };
    let mut pusher = Pusher::join(store, settings, clock, figures).await?;
    stop.run_until_cancelled(Box::pin(pusher.work())).await;
    pusher.save().await?;
    Ok(())
}

async fn leave(store: &Store) -> sqlx::Result<()> {
    let is_there = queue::push(&mut *store.read().await?).await?.is_some();
    if is_there {
        let mut whole = store.write().await?;
        queue::leave(&mut whole).await?;
        whole.commit().await?;
    }
    Ok(())
}
