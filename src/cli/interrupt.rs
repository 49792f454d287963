//! Ctrl-C, SIGTERM and a terminal that is closed, for work that would leave something half
//! made if it just ended: it is told, and clears up.

use std::future::pending;
use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::progress::Progress;

/// Listens until it is dropped; nothing else ends the program meanwhile.
#[derive(Debug)]
pub(super) struct Interrupt {
    came: watch::Receiver<bool>,
    _listener: JoinSet<()>,
}

/// What is said of it.
pub(super) const INTERRUPTED: &str = "interrupted; nothing is left of it";

impl Interrupt {
    /// # Errors
    /// If the system has no signals for us.
    pub fn listen() -> io::Result<Interrupt> {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut hangup = signal(SignalKind::hangup())?;
        let (sender, came) = watch::channel(false);
        let mut listener = JoinSet::new();
        listener.spawn(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                _ = hangup.recv() => {}
            }
            sender.send_replace(true);
            // Who asks later is told too.
            sender.closed().await;
        });
        Ok(Interrupt {
            came,
            _listener: listener,
        })
    }

    /// Waits for one.
    pub async fn came(&self) {
        let mut came = self.came.clone();
        if came.wait_for(|came| *came).await.is_err() {
            pending::<()>().await;
        }
    }

    /// Does something that waits, unless one comes.
    pub async fn or<T>(&self, work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
        tokio::select! {
            done = work => done,
            () = self.came() => anyhow::bail!(INTERRUPTED),
        }
    }

    /// Tells how far work has come that ends when one comes.
    pub fn progress(&self, done: &'static str) -> Progress {
        Progress::new(done).until(self.came.clone())
    }
}
