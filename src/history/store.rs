//! All SQL of the history, checked when it is compiled (`scripts/prepare-queries`).
//!
//! `log` holds the blocks that commits append, `shelves` what the sealer makes of them,
//! `queue` what is to be pushed elsewhere, `series` the topics, `old` what versions before the
//! log have left. What is done with it all is decided elsewhere.

pub mod care;
pub mod log;
pub mod old;
pub mod postgres;
pub mod queue;
pub mod series;
pub mod shelves;

use std::path::Path;
use std::sync::{Arc, Mutex as ShortMutex, PoisonError};

use sqlx::{Executor, Sqlite, SqliteConnection, Transaction};
use tokio::sync::{Mutex, Notify};

use super::queue::Queue;
use super::tail::Tail;
use super::view::{FileView, RemoteView, Snapshot, View};
use crate::database::store as whole;
use crate::database::{Database, Durability, Kind, OpenError};
use postgres::{Server, blocks};
use queue::Cursor;
use series::Known;

/// What marks the file.
pub static HISTORY: Kind = Kind {
    name: "history",
    application_id: 0x4865_4869,
    migrations: sqlx::migrate!("migrations/history"),
    durability: Durability::Full,
    page_bytes: 1024,
    erases: true,
};

/// An open history. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    database: Database,
    /// Ids of series that were written lately.
    known: Arc<Mutex<Known>>,
    /// The log as readers need it.
    tail: Arc<Mutex<Tail>>,
    /// Where the shelves are, if not in the file.
    server: Option<Server>,
    /// The log as readers need it beside a server.
    queue: Arc<Mutex<Queue>>,
    /// How far the push came that this process does; the file knows it later.
    pushed: Arc<ShortMutex<Option<Cursor>>>,
    appended: Arc<Notify>,
}

/// A transaction of its own connection.
pub type Whole = Transaction<'static, Sqlite>;

impl Store {
    /// Opens the file, making it if it is missing.
    pub async fn open(file: &Path) -> Result<Store, OpenError> {
        Ok(Store::of(Database::open(file, &HISTORY).await?))
    }

    /// Opens a file that is there, for reading alone.
    pub async fn open_to_read(file: &Path) -> Result<Store, OpenError> {
        Ok(Store::of(Database::open_to_read(file, &HISTORY).await?))
    }

    fn of(database: Database) -> Store {
        Store {
            database,
            known: Arc::default(),
            tail: Arc::default(),
            server: None,
            queue: Arc::default(),
            pushed: Arc::default(),
            appended: Arc::default(),
        }
    }

    /// The same file, with its shelves on a server.
    #[must_use]
    pub fn beside(self, server: Option<Server>) -> Store {
        Store { server, ..self }
    }

    /// Where the shelves are, if not in the file.
    pub fn server(&self) -> Option<&Server> {
        self.server.as_ref()
    }

    /// Begins to read, wherever the shelves are: what is read is of one moment.
    pub async fn view(&self) -> sqlx::Result<View> {
        match &self.server {
            Some(server) => self.view_beside(server).await,
            None => Ok(self.view_of(Snapshot::Pooled(self.read().await?))),
        }
    }

    /// The same on a connection that takes nobody else's place.
    pub async fn view_apart(&self) -> sqlx::Result<View> {
        match &self.server {
            Some(server) => self.view_beside(server).await,
            None => Ok(self.view_of(Snapshot::Apart(self.read_apart().await?))),
        }
    }

    fn view_of(&self, snapshot: Snapshot) -> View {
        View::File(FileView::new(snapshot, Arc::clone(&self.tail)))
    }

    async fn view_beside(&self, server: &Server) -> sqlx::Result<View> {
        // The log first: what leaves it from here on is on the server by then.
        let mut queue = self.queue.lock().await;
        let mut here = self.read().await?;
        queue.refresh(&mut here).await?;
        let (mut waiting, is_cut) = (queue.blocks(), queue.is_cut());
        drop(queue);
        let rows = series::all(&mut here).await?.into_iter();
        let in_log = rows.map(|row| (row.topic, (row.id, row.description)));
        let in_log = in_log.collect();
        drop(here);
        let mut there = server.read().await?;
        let marks: Vec<blocks::Mark> = waiting.iter().map(|held| held.mark).collect();
        let taken = match marks.is_empty() {
            true => None,
            false => blocks::last_taken(&mut there, &marks).await?,
        };
        waiting.retain(|held| taken.is_none_or(|taken| held.mark.block > taken));
        let is_cut = is_cut && taken.is_none();
        let view = RemoteView::new(there, in_log, waiting, is_cut);
        Ok(View::Postgres(view))
    }

    /// The file's path.
    #[cfg(test)]
    pub fn file(&self) -> &Path {
        self.database.file()
    }

    /// A connection for reading that takes nobody else's place.
    pub async fn apart(&self) -> sqlx::Result<SqliteConnection> {
        self.database.apart().await
    }

    /// Begins to read on a connection that takes nobody else's place: what is read is of one
    /// moment, until it is dropped.
    pub async fn read_apart(&self) -> sqlx::Result<SqliteConnection> {
        let mut connection = self.apart().await?;
        connection.execute("BEGIN").await?;
        Ok(connection)
    }

    /// Folds the write-ahead log into the file.
    pub async fn close(&self) {
        self.database.close().await;
    }

    /// Begins to write: other writers, also of other processes, wait.
    pub async fn write(&self) -> sqlx::Result<Whole> {
        self.database.write().await
    }

    /// Begins to read: what is read is of one moment.
    pub async fn read(&self) -> sqlx::Result<Whole> {
        self.database.readers.begin().await
    }

    /// Ids of series that were written lately.
    pub fn known(&self) -> &Mutex<Known> {
        &self.known
    }

    /// The log as readers need it.
    #[cfg(test)]
    pub fn tail(&self) -> &Mutex<Tail> {
        &self.tail
    }

    /// Told whenever something was committed to the log; one waits for it.
    pub fn appended(&self) -> &Notify {
        &self.appended
    }

    /// How far the push came, if this process does one.
    pub fn pushed(&self) -> Option<Cursor> {
        let pushed = self.pushed.lock();
        pushed.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes how far the push came.
    pub fn set_pushed(&self, cursor: Cursor) {
        let mut pushed = self.pushed.lock().unwrap_or_else(PoisonError::into_inner);
        *pushed = Some(cursor);
    }

    /// Writes the write-ahead log into the file and cuts it to nothing. False if somebody
    /// reads what is in it, or writes just now.
    pub async fn cut_wal(&self) -> sqlx::Result<bool> {
        whole::cut_wal(self.database.file()).await
    }

    /// Drops the table of old readings. What was in it stays in free places of the file until
    /// the [vacuum](Store::vacuum): to overwrite it would write all of it once more.
    pub async fn drop_old(&self) -> sqlx::Result<()> {
        let mut connection = self.database.writer.acquire().await?;
        old::drop(&mut connection).await
    }

    /// Writes the file anew without what is free in it, so that nothing of what was dropped
    /// is left, and the disk has its place back.
    pub async fn vacuum(&self) -> sqlx::Result<()> {
        let mut connection = self.database.writer.acquire().await?;
        sqlx::query("VACUUM").execute(&mut *connection).await?;
        Ok(())
    }
}

/// Whether a row of the schema has this name.
async fn has_table(connection: &mut SqliteConnection, name: &str) -> sqlx::Result<bool> {
    let found = sqlx::query_scalar!(
        r#"SELECT COUNT(*) AS "found!: i64" FROM sqlite_master WHERE type = 'table' AND name = ?"#,
        name
    );
    Ok(found.fetch_one(connection).await? > 0)
}

#[cfg(test)]
mod tests;
