//! One row for each sample: in a table that is clustered by series and time, or in those of
//! Home Assistant's recorder, with the indices that it has.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use hearth::history::workbench::Row;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, Executor};

const PLAIN: &str =
    "CREATE TABLE IF NOT EXISTS readings (series INTEGER NOT NULL, at INTEGER NOT NULL,
    number REAL, PRIMARY KEY (series, at)) WITHOUT ROWID";

/// As its schema 43 and later make them: states of one entity point at each other, and
/// attributes are shared.
const HOME_ASSISTANT: &str = "CREATE TABLE IF NOT EXISTS states (
        state_id INTEGER PRIMARY KEY, entity_id CHAR(0), state VARCHAR(255), attributes CHAR(0),
        event_id SMALLINT, last_changed CHAR(0), last_changed_ts FLOAT, last_reported_ts FLOAT,
        last_updated CHAR(0), last_updated_ts FLOAT, old_state_id INTEGER, attributes_id INTEGER,
        context_id CHAR(0), context_user_id CHAR(0), context_parent_id CHAR(0),
        origin_idx SMALLINT, context_id_bin BLOB, context_user_id_bin BLOB,
        context_parent_id_bin BLOB, metadata_id INTEGER);
    CREATE INDEX IF NOT EXISTS ix_states_old_state_id ON states (old_state_id);
    CREATE INDEX IF NOT EXISTS ix_states_attributes_id ON states (attributes_id);
    CREATE INDEX IF NOT EXISTS ix_states_last_updated_ts ON states (last_updated_ts);
    CREATE INDEX IF NOT EXISTS ix_states_metadata_id_last_updated_ts ON states (metadata_id, last_updated_ts);
    CREATE INDEX IF NOT EXISTS ix_states_context_id_bin ON states (context_id_bin)";

/// A file with a row for each sample.
pub struct Rows {
    connection: SqliteConnection,
    as_home_assistant: bool,
    ids: HashMap<Arc<str>, i64>,
    last: HashMap<i64, i64>,
    next: i64,
}

impl Rows {
    pub async fn open(file: &Path, as_home_assistant: bool) -> sqlx::Result<Rows> {
        // Home Assistant lets a power cut take the last commits; the plain table does not.
        let synchronous = if as_home_assistant {
            SqliteSynchronous::Normal
        } else {
            SqliteSynchronous::Full
        };
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(synchronous);
        let mut connection = options.connect().await?;
        let schema = if as_home_assistant {
            HOME_ASSISTANT
        } else {
            PLAIN
        };
        connection.execute(schema).await?;
        Ok(Rows {
            connection,
            as_home_assistant,
            ids: HashMap::new(),
            last: HashMap::new(),
            next: 1,
        })
    }

    pub async fn commit(&mut self, rows: &[Row]) -> sqlx::Result<()> {
        self.connection.execute("BEGIN").await?;
        for (topic, at, value) in rows {
            let ids = self.ids.len() as i64 + 1;
            let series = *self.ids.entry(Arc::clone(topic)).or_insert(ids);
            let number = value.as_number().unwrap_or_default();
            if self.as_home_assistant {
                self.state(series, at.0, number).await?;
                continue;
            }
            // Two in one millisecond are one here.
            sqlx::query("INSERT OR REPLACE INTO readings VALUES (?, ?, ?)")
                .bind(series)
                .bind(at.0)
                .bind(number)
                .execute(&mut self.connection)
                .await?;
        }
        self.connection.execute("COMMIT").await?;
        Ok(())
    }

    async fn state(&mut self, series: i64, at: i64, number: f64) -> sqlx::Result<()> {
        let id = self.next;
        self.next += 1;
        // A ULID: time, then what is random.
        let mut context = [0_u8; 16];
        context[..6].copy_from_slice(&at.to_be_bytes()[2..]);
        let random = id.wrapping_mul(0x9e37_79b9_7f4a_7c15_u64.cast_signed());
        context[8..].copy_from_slice(&random.to_be_bytes());
        let state = "INSERT INTO states (state_id, state, last_updated_ts, old_state_id,
            attributes_id, origin_idx, context_id_bin, metadata_id) VALUES (?, ?, ?, ?, ?, 0, ?, ?)";
        sqlx::query(state)
            .bind(id)
            .bind(number.to_string())
            .bind(at as f64 / 1000.0)
            .bind(self.last.insert(series, id))
            .bind(series)
            .bind(&context[..])
            .bind(series)
            .execute(&mut self.connection)
            .await?;
        Ok(())
    }

    pub async fn close(self) -> sqlx::Result<()> {
        self.connection.close().await
    }
}
