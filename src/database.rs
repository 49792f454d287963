//! Opening SQLite files: one connection that writes, a few that only read.
//!
//! In WAL mode readers never wait for the writer nor the writer for readers.
//! The statements themselves are in the files named `store`; here are only the
//! pragmas of a connection.

pub mod folder;
pub mod state;
pub mod store;

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteSynchronous,
};
use sqlx::{ConnectOptions, Executor, Row, Sqlite, Transaction};
use thiserror::Error;

/// Waits this long for another process, such as a backup, to release the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// A request that finds all connections in use waits this long for one.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);
/// A reader that nobody used for this long is closed, which frees its memory.
const READER_IDLE: Duration = Duration::from_secs(60);
const READERS: u32 = 2;
/// Page cache of one connection, in KiB (negative as SQLite counts it).
const CACHE_KIB: &str = "-1024";
/// A write-ahead log is folded into the file when it has grown to this, and cut back to it
/// if it had to grow beyond.
const WAL_BYTES: u32 = 4 * 1024 * 1024;

/// What a power cut may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// The last commits, never the file's integrity: one sync per checkpoint.
    Normal,
    /// Nothing that was committed: one sync per commit.
    Full,
}

/// A kind of database: what marks its files, and how they are made.
#[derive(Debug)]
pub struct Kind {
    /// As in "this is not Hearth's history".
    pub name: &'static str,
    /// Set by the first migration, with `PRAGMA application_id`.
    pub application_id: i32,
    pub migrations: Migrator,
    pub durability: Durability,
    /// Of new files. A commit writes whole pages to the write-ahead log, each with 24 bytes
    /// before it: short ones cross a block of the disk less often, long ones hold more rows.
    pub page_bytes: u32,
    /// What is deleted is overwritten, and so not in the file any more.
    pub erases: bool,
}

/// An open file. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Database {
    file: PathBuf,
    /// A single connection: statements queue here and not for SQLite's lock.
    pub writer: SqlitePool,
    /// Connections that cannot write.
    pub readers: SqlitePool,
}

/// Why a file cannot be used, and what to do.
#[derive(Debug, Error)]
pub enum OpenError {
    #[error("cannot make the directory {path}: {source}; make it yourself, or name another file")]
    Directory {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error(
        "cannot open {file} for writing ({source}); the user that runs hearth must own the file \
         and its directory, or the config must name another file"
    )]
    NotWritable { file: PathBuf, source: sqlx::Error },
    #[error(
        "{file} is not Hearth's {name}; it is left untouched: name another file in the config, or \
         move this one away and a new one is made"
    )]
    Foreign { file: PathBuf, name: &'static str },
    #[error(
        "{file} was written by a newer Hearth (it has schema {found}, this program knows {known}); \
         update hearth, or move the file away and a new one is made"
    )]
    Newer {
        file: PathBuf,
        found: i64,
        known: i64,
    },
    #[error("the disk is full: {file} cannot grow; free some space")]
    Full { file: PathBuf },
    #[error(
        "{file} is damaged ({source}); move it away and a new one is made, or restore a backup"
    )]
    Damaged { file: PathBuf, source: sqlx::Error },
    #[error("cannot use {file}: {source}")]
    Other {
        file: PathBuf,
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Database {
    /// Opens `file`, makes it if it is missing, and brings its schema up to date.
    pub async fn open(file: &Path, kind: &Kind) -> Result<Database, OpenError> {
        make_directory(file).await?;
        let database = Database::lazy(file, kind);
        let outcome = database.prepare(kind).await;
        if outcome.is_err() {
            database.close().await;
        }
        outcome.map(|()| database)
    }

    /// Opens a file that is there, to be read alone: it is not brought up to date.
    ///
    /// # Errors
    /// If it cannot be read, or is of another kind.
    pub async fn open_to_read(file: &Path, kind: &Kind) -> Result<Database, OpenError> {
        let database = Database::lazy(file, kind);
        let pragma = sqlx::query_scalar("PRAGMA application_id");
        let found: sqlx::Result<i32> = pragma.fetch_one(&database.readers).await;
        let outcome = match found {
            Ok(found) if found == kind.application_id => return Ok(database),
            Ok(_) => OpenError::Foreign {
                file: file.to_owned(),
                name: kind.name,
            },
            Err(error) => classify(file, kind.name, error),
        };
        database.close().await;
        Err(outcome)
    }

    /// Opens `file` once it is used, and looks at nothing before.
    fn lazy(file: &Path, kind: &Kind) -> Database {
        Database {
            file: file.to_owned(),
            writer: writer(file, kind),
            readers: readers(file),
        }
    }

    /// Begins to write; other writers, also of other processes, wait until the end.
    ///
    /// When a disk fails SQLite ends a transaction by itself. The driver counts it as open
    /// from then on, and what is committed within it would not be: such a connection is
    /// closed.
    pub async fn write(&self) -> sqlx::Result<Transaction<'static, Sqlite>> {
        const BEGIN: &str = "BEGIN IMMEDIATE";
        match self.writer.begin_with(BEGIN).await {
            Err(sqlx::Error::InvalidSavePointStatement) => {
                self.writer.acquire().await?.close().await?;
                self.writer.begin_with(BEGIN).await
            }
            begun => begun,
        }
    }

    /// A connection for reading that takes nobody else's place.
    pub async fn apart(&self) -> sqlx::Result<SqliteConnection> {
        connection(&self.file).read_only(true).connect().await
    }

    /// The file's path.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Waits for running statements, lets SQLite refresh its statistics, and
    /// folds the write-ahead log into the file.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    async fn prepare(&self, kind: &Kind) -> Result<(), OpenError> {
        let classify = |error| classify(&self.file, kind.name, error);
        let found = self
            .pragma("PRAGMA application_id")
            .await
            .map_err(classify)?;
        let version = self
            .pragma("PRAGMA schema_version")
            .await
            .map_err(classify)?;
        let fresh = version == 0;
        if !fresh && found != kind.application_id {
            return Err(OpenError::Foreign {
                file: self.file.clone(),
                name: kind.name,
            });
        }
        let migrated = kind.migrations.run(&self.writer).await;
        migrated.map_err(|error| self.migration_error(kind, error))
    }

    async fn pragma(&self, pragma: &'static str) -> sqlx::Result<i32> {
        self.writer.fetch_one(pragma).await?.try_get(0)
    }

    fn migration_error(&self, kind: &Kind, error: MigrateError) -> OpenError {
        let file = self.file.clone();
        match error {
            MigrateError::VersionMissing(found) => OpenError::Newer {
                file,
                found,
                known: kind.migrations.iter().map(|m| m.version).max().unwrap_or(0),
            },
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
                classify(&file, kind.name, error)
            }
            other => OpenError::Other {
                file,
                source: Box::new(other),
            },
        }
    }
}

async fn make_directory(file: &Path) -> Result<(), OpenError> {
    let Some(directory) = file.parent().filter(|path| !path.as_os_str().is_empty()) else {
        return Ok(());
    };
    tokio::fs::create_dir_all(directory)
        .await
        .map_err(|source| OpenError::Directory {
            path: directory.to_owned(),
            source,
        })
}

fn writer(file: &Path, kind: &Kind) -> SqlitePool {
    let synchronous = match kind.durability {
        Durability::Normal => SqliteSynchronous::Normal,
        Durability::Full => SqliteSynchronous::Full,
    };
    let options = connection(file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(synchronous)
        .page_size(kind.page_bytes)
        .pragma(
            "wal_autocheckpoint",
            (WAL_BYTES / kind.page_bytes).to_string(),
        )
        .pragma("journal_size_limit", WAL_BYTES.to_string())
        .pragma("secure_delete", if kind.erases { "ON" } else { "OFF" })
        .optimize_on_close(true, 400);
    SqlitePoolOptions::new()
        .max_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .connect_lazy_with(options)
}

fn readers(file: &Path) -> SqlitePool {
    SqlitePoolOptions::new()
        .max_connections(READERS)
        .idle_timeout(READER_IDLE)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .connect_lazy_with(connection(file).read_only(true))
}

fn connection(file: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(file)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .pragma("cache_size", CACHE_KIB)
        .disable_statement_logging()
}

/// SQLite's primary result codes (<https://sqlite.org/rescode.html>).
fn primary_code(error: &sqlx::Error) -> Option<i32> {
    let code = error.as_database_error()?.code()?;
    Some(code.parse::<i32>().ok()? & 0xff)
}

fn classify(file: &Path, name: &'static str, source: sqlx::Error) -> OpenError {
    let file = file.to_owned();
    match primary_code(&source) {
        // PERM, READONLY, CANTOPEN
        Some(3 | 8 | 14) => OpenError::NotWritable { file, source },
        Some(13) => OpenError::Full { file },
        Some(11) => OpenError::Damaged { file, source },
        Some(26) => OpenError::Foreign { file, name },
        _ => OpenError::Other {
            file,
            source: Box::new(source),
        },
    }
}

#[cfg(test)]
mod tests;
