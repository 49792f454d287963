//! A database as a whole: copied while it is used, looked through, and let go of.
//!
//! What is in its tables is nobody's matter here.

use std::path::Path;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};

use super::{Kind, connection, primary_code};

/// So many complaints of SQLite are told at most.
const MOST_COMPLAINTS: u32 = 10;

/// Writes what is in `from` at this moment to a new file `to`, packed. Others may use `from`
/// meanwhile; its write-ahead log grows until this is done.
///
/// # Errors
/// If `from` cannot be read, or `to` is there or cannot be written.
pub async fn copy(from: &Path, to: &Path) -> sqlx::Result<()> {
    let mut from = connection(from).read_only(true).connect().await?;
    let to = to.to_string_lossy().into_owned();
    let copied = sqlx::query("VACUUM INTO ?").bind(to);
    copied.execute(&mut from).await?;
    from.close().await
}

/// About how many bytes a [copy] of the file has.
///
/// # Errors
/// If it cannot be read.
pub async fn size(file: &Path) -> sqlx::Result<u64> {
    let mut file = connection(file).read_only(true).connect().await?;
    let size: i64 = sqlx::query_scalar(
        "SELECT (page_count - freelist_count) * page_size
        FROM pragma_page_count, pragma_freelist_count, pragma_page_size",
    )
    .fetch_one(&mut file)
    .await?;
    file.close().await?;
    Ok(u64::try_from(size).unwrap_or(0))
}

/// Writes the write-ahead log into the file and cuts it to nothing, and waits for nobody. False
/// if somebody reads what is in it, or writes just now.
///
/// # Errors
/// If the file cannot be written.
pub async fn cut_wal(file: &Path) -> sqlx::Result<bool> {
    let options = connection(file).busy_timeout(std::time::Duration::ZERO);
    let mut connection = options.connect().await?;
    let busy: sqlx::Result<i64> = sqlx::query_scalar("PRAGMA wal_checkpoint(TRUNCATE)")
        .fetch_one(&mut connection)
        .await;
    connection.close().await?;
    match busy {
        Ok(busy) => Ok(busy == 0),
        // BUSY, LOCKED
        Err(error) if matches!(primary_code(&error), Some(5 | 6)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// What a file is, and how it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Examined {
    pub application_id: i32,
    /// Its schema; zero if there is none.
    pub schema: i64,
    /// What SQLite has to say against it.
    pub complaints: Vec<String>,
    /// The rows of each table, by its name.
    pub rows: Vec<(String, u64)>,
}

impl Examined {
    /// Why it cannot be used as a file of this kind, if it cannot.
    pub fn problem(&self, kind: &Kind) -> Option<String> {
        let known = kind.migrations.iter().map(|one| one.version).max();
        if self.application_id != kind.application_id {
            Some(format!("it is not Hearth's {}", kind.name))
        } else if self.schema > known.unwrap_or(0) {
            Some("it was written by a newer Hearth; update hearth first".to_owned())
        } else {
            let complaint = self.complaints.first()?;
            Some(format!("it is damaged: {complaint}"))
        }
    }
}

/// Looks through a file that nobody writes: everything is read, and nothing is written beside it.
///
/// # Errors
/// If it cannot be read, or is no database.
pub async fn examine(file: &Path) -> sqlx::Result<Examined> {
    let options: SqliteConnectOptions = connection(file).read_only(true).immutable(true);
    let mut file = options.connect().await?;
    let application_id = sqlx::query_scalar("PRAGMA application_id")
        .fetch_one(&mut file)
        .await?;
    let complaints = integrity(&mut file).await?;
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'
        ORDER BY name",
    )
    .fetch_all(&mut file)
    .await?;
    let schema = match tables.iter().any(|table| table == "_sqlx_migrations") {
        true => {
            sqlx::query_scalar("SELECT COALESCE(MAX(version), 0) FROM _sqlx_migrations")
                .fetch_one(&mut file)
                .await?
        }
        false => 0,
    };
    let mut rows = Vec::new();
    for table in tables {
        let count = format!("SELECT COUNT(*) FROM \"{}\"", table.replace('"', "\"\""));
        let count: i64 = sqlx::query_scalar(AssertSqlSafe(count))
            .fetch_one(&mut file)
            .await?;
        rows.push((table, u64::try_from(count).unwrap_or(0)));
    }
    file.close().await?;
    Ok(Examined {
        application_id,
        schema,
        complaints,
        rows,
    })
}

async fn integrity(file: &mut SqliteConnection) -> sqlx::Result<Vec<String>> {
    let pragma = format!("PRAGMA integrity_check({MOST_COMPLAINTS})");
    let mut said: Vec<String> = sqlx::query_scalar(AssertSqlSafe(pragma))
        .fetch_all(file)
        .await?;
    said.retain(|one| one != "ok");
    Ok(said)
}

/// Folds the write-ahead log into the file, so that the file alone is all. False if somebody
/// has it open. A file that is damaged or no database is left as it is.
///
/// # Errors
/// If it cannot be opened for writing.
pub async fn release(file: &Path) -> sqlx::Result<bool> {
    match mode_alone(file).await {
        Ok(mode) => Ok(mode != "wal"),
        // BUSY, LOCKED
        Err(error) if matches!(primary_code(&error), Some(5 | 6)) => Ok(false),
        // CORRUPT, NOTADB
        Err(error) if matches!(primary_code(&error), Some(11 | 26)) => Ok(true),
        Err(error) => Err(error),
    }
}

async fn mode_alone(file: &Path) -> sqlx::Result<String> {
    let options = connection(file).busy_timeout(std::time::Duration::ZERO);
    let mut connection = options.connect().await?;
    // Only who is alone with a file takes its write-ahead log away.
    let mode = sqlx::query_scalar("PRAGMA journal_mode = DELETE")
        .fetch_one(&mut connection)
        .await;
    // What matters was said.
    let _ = connection.close().await;
    mode
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::state;

    #[tokio::test]
    async fn a_copy_has_what_was_committed_and_is_examined() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path();
        let database = state::open(data).await.unwrap();
        let insert = sqlx::query("INSERT INTO users (name, hash) VALUES ('anna', 'x')");
        insert.execute(&database.writer).await.unwrap();
        let copied = data.join("copy.db");
        copy(&state::file(data), &copied).await.unwrap();
        let examined = examine(&copied).await.unwrap();
        assert_eq!(examined.problem(&state::STATE), None);
        assert!(examined.rows.contains(&("users".to_owned(), 1)));
        let size = size(&state::file(data)).await.unwrap();
        let found = std::fs::metadata(&copied).unwrap().len();
        assert!(size.abs_diff(found) <= 8192, "{size} {found}");
        assert!(copy(&state::file(data), &copied).await.is_err(), "is there");
        database.close().await;
    }

    #[tokio::test]
    async fn a_file_is_released_by_the_last_one() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path();
        let file = state::file(data);
        let database = state::open(data).await.unwrap();
        assert!(!release(&file).await.unwrap());
        database.close().await;
        assert!(release(&file).await.unwrap());
        assert!(!file.with_extension("db-wal").exists());
        std::fs::write(&file, "no database ".repeat(100)).unwrap();
        assert!(release(&file).await.unwrap());
    }

    #[tokio::test]
    async fn a_torn_file_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path();
        state::open(data).await.unwrap().close().await;
        let file = state::file(data);
        let mut bytes = std::fs::read(&file).unwrap();
        let second = bytes.len() / 2..;
        bytes[second].fill(0x5a);
        std::fs::write(&file, bytes).unwrap();
        let problem = match examine(&file).await {
            Ok(examined) => examined.problem(&state::STATE),
            Err(error) => Some(error.to_string()),
        };
        assert!(problem.is_some());
    }
}
