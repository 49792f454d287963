//! `state.db`: what must survive everything. Small, and synced at each commit.
//!
//! The parts share the file and its one writer; each has its own tables and
//! its own `store`. History is kept apart: torn readings never take the
//! house's configuration with them.

use std::path::Path;

use super::{Database, Durability, Kind, OpenError};

static STATE: Kind = Kind {
    name: "state",
    application_id: 0x4865_5374,
    migrations: sqlx::migrate!("migrations/state"),
    durability: Durability::Full,
};

/// Opens the house's state in the folder `data`, and makes it if it is missing.
///
/// # Errors
/// Any: a house that forgot its users and sessions must not start as if it had none.
pub async fn open(data: &Path) -> Result<Database, OpenError> {
    Database::open(&data.join("state.db"), &STATE).await
}
