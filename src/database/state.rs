//! `state.db`: what must survive everything. Small, and synced at each commit.
//!
//! The parts share the file and its one writer; each has its own tables and
//! its own `store`. History is kept apart: torn readings never take the
//! house's configuration with them.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::{Database, Durability, Kind, OpenError};

/// The name of the file in the house's folder.
const FILE: &str = "state.db";

/// What marks the file.
pub static STATE: Kind = Kind {
    name: "state",
    application_id: 0x4865_5374,
    migrations: sqlx::migrate!("migrations/state"),
    durability: Durability::Full,
    page_bytes: 4096,
    erases: false,
};

/// Opens the house's state in the folder `data`, and makes it if it is missing.
///
/// # Errors
/// Any: a house that forgot its users and sessions must not start as if it had none.
pub async fn open(data: &Path) -> Result<Database, OpenError> {
    let file = file(data);
    super::make_directory(&file).await?;
    make_private(&file);
    Database::open(&file, &STATE).await
}

/// The house's state in the folder `data` for reading alone, if there is any.
/// Nothing is opened before the first query.
pub fn peek(data: &Path) -> Option<Database> {
    let file = file(data);
    file.exists().then(|| Database::lazy(&file, &STATE))
}

/// Makes the file, if it is missing, so that its owner alone reads what is in
/// it; SQLite makes the files beside it likewise. Why it may fail, the opening says.
fn make_private(file: &Path) {
    let mut options = OpenOptions::new();
    let _ = options.write(true).create_new(true).mode(0o600).open(file);
}

/// The file in the folder `data`.
pub fn file(data: &Path) -> PathBuf {
    data.join(FILE)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[tokio::test]
    async fn its_owner_alone_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        assert!(peek(&data).is_none());
        let state = open(&data).await.unwrap();
        for name in ["state.db", "state.db-wal", "state.db-shm"] {
            let mode = std::fs::metadata(data.join(name)).unwrap().permissions();
            assert_eq!(mode.mode() & 0o777, 0o600, "{name}");
        }
        state.close().await;
        open(&data).await.unwrap().close().await;
        assert!(peek(&data).is_some());
    }
}
