//! Watches the house and offers its newest view to every open page.
//!
//! However fast the house talks, it is looked at no more often than
//! [`LOOK_EVERY`], and only while somebody watches. A page that reads slowly
//! skips views: only the newest one is kept.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore, watch};

use super::Shared;
use super::house::{self, House, Memory};
use crate::broker::{Client, Handle, Stopped};
use crate::clock::UtcMillis;

/// A change is on the page within this time.
const LOOK_EVERY: Duration = Duration::from_millis(150);
/// Also without any message: what nobody speaks of grows old.
const LOOK_AT_LEAST_EVERY: Duration = Duration::from_secs(5);
/// Open pages; a further one stays as it was loaded.
const MAX_SOCKETS: usize = 64;

/// The newest view of the house, for open pages.
#[derive(Debug)]
pub struct Live {
    /// Holds one view; a newer one replaces it.
    newest: watch::Sender<Arc<House>>,
    /// A page was opened that needs a view now.
    opened: Notify,
    sockets: Arc<Semaphore>,
    memory: Mutex<Memory>,
}

/// Tells when all sockets have closed.
#[derive(Debug)]
pub struct Sockets(Arc<Semaphore>);

impl Sockets {
    pub async fn closed(&self) {
        let all = u32::try_from(MAX_SOCKETS).unwrap_or(u32::MAX);
        let _ = self.0.acquire_many(all).await;
    }
}

impl Live {
    pub fn new() -> Live {
        Live {
            newest: watch::Sender::new(Arc::default()),
            opened: Notify::new(),
            sockets: Arc::new(Semaphore::new(MAX_SOCKETS)),
            memory: Mutex::default(),
        }
    }

    pub fn sockets(&self) -> Sockets {
        Sockets(Arc::clone(&self.sockets))
    }

    /// A place among the open pages; none when all are taken.
    pub fn enter(&self) -> Option<tokio::sync::OwnedSemaphorePermit> {
        Arc::clone(&self.sockets).try_acquire_owned().ok()
    }

    /// Views from the next look on.
    pub fn subscribe(&self) -> watch::Receiver<Arc<House>> {
        let receiver = self.newest.subscribe();
        self.opened.notify_one();
        receiver
    }

    /// Looks at the house: asks the broker for what it retains.
    pub async fn look(&self, handle: &Handle, now: UtcMillis) -> Result<House, Stopped> {
        let mut messages = Vec::new();
        for filter in house::FILTERS {
            messages.extend(handle.retained(filter).await?);
        }
        Ok(self.remembered(|memory| house::build(&messages, memory, now)))
    }

    /// Reads what is remembered of what came; nothing comes in meanwhile.
    pub fn remembered<T>(&self, read: impl FnOnce(&Memory) -> T) -> T {
        read(&self.memory())
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs until the stop signal.
pub async fn watch_house(app: Shared, mut client: Client) -> anyhow::Result<()> {
    let mut look = tokio::time::interval(LOOK_EVERY);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut at_least = tokio::time::interval(LOOK_AT_LEAST_EVERY);
    let mut changed = true;
    loop {
        tokio::select! {
            () = app.stop.cancelled() => return Ok(()),
            message = client.next() => {
                app.live.memory().push(&message?);
                changed = true;
            }
            () = app.live.opened.notified() => changed = true,
            _ = at_least.tick() => changed = true,
            _ = look.tick(), if changed && app.live.newest.receiver_count() > 0 => {
                changed = false;
                let house = app.house().await;
                app.live.newest.send_replace(Arc::new(house.map_err(|_| Stopped)?));
            }
        }
    }
}
