//! Whom we trust where TLS is spoken.

use std::sync::Arc;

use tokio::sync::OnceCell;
use tokio::task::spawn_blocking;
use tokio_rustls::rustls::ClientConfig;

use crate::broker::bridge::{Tls, tls};

/// The CAs that vouch for servers. They are read once: those of a computer rarely change.
#[derive(Debug, Default)]
pub struct Trust {
    settings: Tls,
    read: OnceCell<Arc<ClientConfig>>,
}

impl Trust {
    /// The CAs of a file, or of this computer where none is named.
    pub fn new(settings: Tls) -> Trust {
        Trust {
            settings,
            read: OnceCell::new(),
        }
    }

    /// How to begin TLS.
    ///
    /// # Errors
    /// What is wrong with the file, to be said of an address.
    pub async fn tls(&self) -> Result<Arc<ClientConfig>, String> {
        let read = || async {
            let settings = self.settings.clone();
            let read = spawn_blocking(move || tls::config(&settings)).await;
            let read = read.map_err(|error| error.to_string())?;
            read.map_err(|fault| format!("cannot be trusted: {}", fault.message))
        };
        self.read.get_or_try_init(read).await.cloned()
    }
}
