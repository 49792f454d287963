//! Keeps what must survive: writes the router's batches to `state.db`, one
//! after the other.
//!
//! While one is being written the next one gathers, so that many clients share
//! one sync of the disk. A disk that fails is tried again until it works: what
//! must be safe waits, everything else goes on.

mod packed;
mod rows;
mod store;

use std::time::Duration;

use tokio::sync::mpsc;

use super::journal::{Batch, Generation};
use super::router::State;
use crate::clock::Now;
use crate::database::Database;
use crate::supervisor::{Stage, Stop, Supervisor};
use store::Store;

/// Pause before a batch that could not be written is tried again.
const AGAIN: Duration = Duration::from_secs(1);
/// A disk that keeps failing makes one line of the log in so many tries.
const TRIES_PER_WARNING: u64 = 60;

/// What became of a batch.
#[derive(Clone, Copy, Debug)]
pub enum Outcome {
    /// It is on the disk.
    Written { generation: Generation, rows: u64 },
    /// It is not, and is tried again.
    Failed,
}

/// The way to the disk and back.
#[derive(Debug)]
pub struct Keeper {
    /// One batch at a time: the router waits for the outcome before the next.
    batches: mpsc::Sender<Batch>,
    outcomes: mpsc::Receiver<Outcome>,
}

/// Reads what the last run left, and starts to write.
///
/// # Errors
/// If the database cannot be read.
pub async fn start(
    database: Database,
    now: Now,
    supervisor: &Supervisor,
) -> sqlx::Result<(Keeper, State)> {
    let store = Store::new(database);
    let state = store.load(now).await?;
    let (batches, queue) = mpsc::channel(1);
    let (tell, outcomes) = mpsc::channel(1);
    let stop = supervisor.stop_signal(Stage::Core);
    let part = write_all(store, queue, tell, stop);
    supervisor.part(Stage::Core, "state", part);
    Ok((Keeper { batches, outcomes }, state))
}

impl Keeper {
    /// Hands a batch over; there is room for it after each written one.
    pub fn write(&self, batch: Batch) {
        // Only a stop that cuts off everything leaves nobody to take it.
        let _ = self.batches.try_send(batch);
    }

    /// What became of the batch. Cancel-safe.
    pub async fn outcome(&mut self) -> Option<Outcome> {
        self.outcomes.recv().await
    }
}

/// Until nobody sends batches any more.
async fn write_all(
    store: Store,
    mut batches: mpsc::Receiver<Batch>,
    tell: mpsc::Sender<Outcome>,
    stop: Stop,
) -> anyhow::Result<()> {
    while let Some(batch) = batches.recv().await {
        if !write(&store, &batch, &tell, &stop).await {
            return Ok(());
        }
    }
    Ok(())
}

/// False if the stop came before the disk worked again.
async fn write(store: &Store, batch: &Batch, tell: &mpsc::Sender<Outcome>, stop: &Stop) -> bool {
    let rows = batch.len() as u64;
    for tries in 0.. {
        let Err(error) = store.commit(batch).await else {
            let generation = batch.generation;
            let _ = tell.send(Outcome::Written { generation, rows }).await;
            return true;
        };
        if tries % TRIES_PER_WARNING == 0 {
            tracing::error!(
                "state.db cannot be written: {error}; publishers at QoS 1 and 2 wait, \
                 everything else goes on; tried again each second"
            );
        }
        let _ = tell.send(Outcome::Failed).await;
        if stop.is_cancelled() {
            tracing::error!("stopped with {rows} changes that state.db does not have");
            return false;
        }
        tokio::time::sleep(AGAIN).await;
    }
    true
}
