//! Where a history is: a file, and the server that keeps its past if one does.

use std::path::{Path, PathBuf};

use super::store::Store;
use super::store::postgres::Server;
use super::{Address, ArchiveError, Settings};

/// Where to find a history.
#[derive(Clone, Debug, PartialEq)]
pub struct Location {
    pub file: PathBuf,
    pub server: Option<Address>,
}

impl From<&Settings> for Location {
    fn from(settings: &Settings) -> Location {
        Location {
            file: settings.file.clone(),
            server: settings.server.clone(),
        }
    }
}

impl From<&Path> for Location {
    fn from(file: &Path) -> Location {
        Location {
            file: file.to_owned(),
            server: None,
        }
    }
}

impl From<&PathBuf> for Location {
    fn from(file: &PathBuf) -> Location {
        Location::from(file.as_path())
    }
}

impl From<&Location> for Location {
    fn from(location: &Location) -> Location {
        location.clone()
    }
}

impl Location {
    /// The server, with its tables as this program knows them.
    pub(super) async fn connect(&self) -> Result<Option<Server>, ArchiveError> {
        let Some(address) = &self.server else {
            return Ok(None);
        };
        let server = Server::new(address);
        let connected = server.connect().await;
        connected.map_err(|reason| ArchiveError::Away(server.name(), reason))?;
        Ok(Some(server))
    }
}

/// Lets go of the file and the server.
pub(super) async fn close(store: &Store) {
    store.close().await;
    if let Some(server) = store.server() {
        server.close().await;
    }
}
