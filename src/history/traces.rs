//! Sees that of a removed series nothing is left in the write-ahead log: it is cut, as soon
//! as nobody reads what is in it.
//!
//! That may take as long as an export or a backup does. Commits go on meanwhile, and whoever
//! has asked may wait or go.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::State;
use super::store::Store;
use crate::supervisor::Stop;

/// It is tried as often …
const SOON: Duration = Duration::from_millis(100);
/// … and less often after a while.
const LATER: Duration = Duration::from_secs(2);
const SHORT_TRIES: u32 = 50;
/// So long somebody waits for it.
const PATIENCE: Duration = Duration::from_secs(5);

/// How many series were removed since the start, and of how many no trace is left.
#[derive(Clone, Debug)]
pub struct Traces {
    removed: Arc<watch::Sender<u64>>,
    gone: Arc<watch::Sender<u64>>,
}

impl Default for Traces {
    fn default() -> Traces {
        Traces {
            // Whoever was removed before the last stop may have left some.
            removed: Arc::new(watch::Sender::new(1)),
            gone: Arc::default(),
        }
    }
}

impl Traces {
    /// Something was removed; says which in a row.
    pub fn add(&self) -> u64 {
        let mut nth = 0;
        self.removed.send_modify(|removed| {
            *removed += 1;
            nth = *removed;
        });
        nth
    }

    /// Waits until no trace is left of the `nth`, or a few seconds: false then.
    pub async fn gone(&self, nth: u64) -> bool {
        let mut gone = self.gone.subscribe();
        let gone = timeout(PATIENCE, gone.wait_for(|gone| *gone >= nth));
        matches!(gone.await, Ok(Ok(_)))
    }

    /// Cuts the log whenever something was removed, until `stop`.
    pub async fn run(self, state: watch::Receiver<State>, stop: Stop) -> anyhow::Result<()> {
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.cut_for_ever(state) => {}
        }
        Ok(())
    }

    async fn cut_for_ever(&self, mut state: watch::Receiver<State>) {
        let mut removed = self.removed.subscribe();
        loop {
            let gone = *self.gone.borrow();
            let Ok(nth) = removed.wait_for(|nth| *nth > gone).await.map(|nth| *nth) else {
                return;
            };
            let mut tries = 0;
            loop {
                let open = state.wait_for(|state| matches!(state, State::Open(_)));
                let store = match open.await.map(|state| state.clone()) {
                    Ok(State::Open(store)) => store,
                    _ => return,
                };
                if cut(&store).await {
                    break;
                }
                tries += 1;
                sleep(if tries < SHORT_TRIES { SOON } else { LATER }).await;
            }
            self.gone.send_replace(nth);
        }
    }
}

async fn cut(store: &Store) -> bool {
    match store.cut_wal().await {
        Ok(is_cut) => is_cut,
        Err(error) => {
            tracing::debug!("the history's write-ahead log cannot be cut: {error}");
            false
        }
    }
}

/// Cuts the log; false if somebody reads what is in it for so long that nobody waits.
pub async fn cut_now(store: &Store) -> bool {
    for _ in 0..SHORT_TRIES {
        if cut(store).await {
            return true;
        }
        sleep(SOON).await;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::supervisor::Supervisor;

    #[tokio::test]
    async fn the_log_is_cut_once_its_reader_has_ended() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("history.db"))
            .await
            .unwrap();
        let mut whole = store.write().await.unwrap();
        crate::history::store::series::id_or_new(&mut whole, "home/a/x")
            .await
            .unwrap();
        whole.commit().await.unwrap();
        let mut reader = store.read().await.unwrap();
        crate::history::store::series::all(&mut reader)
            .await
            .unwrap();
        let wal = || {
            std::fs::metadata(store.file().with_extension("db-wal"))
                .unwrap()
                .len()
        };
        let traces = Traces::default();
        let nth = traces.add();
        let supervisor = Supervisor::new();
        let stop = supervisor.stop_signal(crate::supervisor::Stage::Memory);
        let (_sender, state) = watch::channel(State::Open(store.clone()));
        let cutting = traces.clone().run(state, stop);
        let waiting = async {
            assert!(!cut_now(&store).await, "somebody reads it");
            assert!(wal() > 0);
            drop(reader);
            assert!(traces.gone(nth).await);
            assert_eq!(wal(), 0);
        };
        tokio::select! {
            _ = cutting => panic!("it stops"),
            () = waiting => {}
        }
        store.close().await;
    }
}
