//! All SQL of what the broker remembers, checked when it is compiled
//! (`scripts/prepare-queries`).
//!
//! A batch is written in one transaction, all of it or nothing.

mod read;
#[cfg(test)]
mod tests;
mod write;

use crate::broker::journal::Batch;
use crate::broker::router::State;
use crate::clock::Now;
use crate::database::Database;

/// The broker's tables in `state.db`. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    database: Database,
}

impl Store {
    pub fn new(database: Database) -> Store {
        Store { database }
    }

    /// Writes a batch, all of it or nothing.
    pub async fn commit(&self, batch: &Batch) -> sqlx::Result<()> {
        let mut transaction = self.database.write().await?;
        let connection = &mut *transaction;
        write::sessions(connection, batch).await?;
        write::subscriptions(connection, batch).await?;
        write::messages(connection, batch).await?;
        write::deliveries(connection, batch).await?;
        write::received(connection, batch).await?;
        write::retained(connection, batch).await?;
        transaction.commit().await
    }

    /// Everything that the last run left. A row that says what cannot be is
    /// left out, and the log tells of it.
    pub async fn load(&self, now: Now) -> sqlx::Result<State> {
        let mut connection = self.database.writer.acquire().await?;
        let messages = read::messages(&mut connection, now).await?;
        let mut sessions = read::sessions(&mut connection).await?;
        read::subscriptions(&mut connection, &mut sessions).await?;
        read::deliveries(&mut connection, &mut sessions, &messages).await?;
        read::received(&mut connection, &mut sessions).await?;
        Ok(State {
            retained: read::retained(&mut connection, now).await?,
            last_id: read::last_id(&mut connection).await?,
            sessions: sessions.into_values().collect(),
        })
    }
}
