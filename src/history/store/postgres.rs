//! All SQL of a history in PostgreSQL, and how it is reached.
//!
//! The queries are not checked when this is compiled: the tests run each of them against a
//! server (`tests/gateway/postgres`). `series` holds the topics, `samples` and `rollups` the
//! shelves, `blocks` what the forwarder must not do twice.

pub mod blocks;
pub mod rollups;
pub mod samples;
pub mod series;
mod stamp;

use std::fmt;
use std::io::ErrorKind;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, PgConnection, Postgres, Transaction};

use crate::clock::UtcMillis;
use crate::history::address::Address;
pub use stamp::Stamp;

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/history-postgres");

/// Who asks waits this long for a connection.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// Charts and pages share so many connections.
const READERS: u32 = 4;
const READER_IDLE: Duration = Duration::from_secs(60);
/// The server gives up on a statement after this long, and on a lock; what is no trouble
/// it keeps to itself.
const SESSION: [(&str, &str); 3] = [
    ("statement_timeout", "60s"),
    ("lock_timeout", "30s"),
    ("client_min_messages", "warning"),
];
/// A TimescaleDB chunk covers so much.
const HYPERTABLES: [&str; 2] = ["samples", "minutes"];

/// A transaction of its own connection.
pub type Whole = Transaction<'static, Postgres>;

/// A PostgreSQL that keeps the history. Cheap to clone; nothing is connected before it is
/// used.
#[derive(Clone)]
pub struct Server {
    address: Arc<Address>,
    pool: PgPool,
    away: Arc<Mutex<Option<Away>>>,
}

/// Since when it cannot be reached, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Away {
    pub since: UtcMillis,
    pub reason: String,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The options hold a password.
        write!(f, "Server({})", self.address)
    }
}

impl Server {
    /// Looks at nothing yet.
    pub fn new(address: &Address) -> Server {
        // If the password cannot be read, connecting says so.
        let options = options(address).unwrap_or_else(|_| PgConnectOptions::new_without_pgpass());
        let pool = PgPoolOptions::new()
            .max_connections(READERS)
            .idle_timeout(READER_IDLE)
            .acquire_timeout(CONNECT_WITHIN)
            .connect_lazy_with(options);
        Server {
            address: Arc::new(address.clone()),
            pool,
            away: Arc::default(),
        }
    }

    /// Where it is, without a password.
    pub fn name(&self) -> String {
        self.address.to_string()
    }

    /// Connects, and brings the schema up to date.
    ///
    /// # Errors
    /// Why it cannot be used, as a sentence without its begin.
    pub async fn connect(&self) -> Result<PgConnection, String> {
        let options = options(&self.address).map_err(|error| error.to_string())?;
        self.pool.set_connect_options(options.clone());
        let connected = PgConnection::connect_with(&options);
        let connected = tokio::time::timeout(CONNECT_WITHIN, connected).await;
        let mut connection = match connected {
            Err(_) => return Err(format!("no answer within {} s", CONNECT_WITHIN.as_secs())),
            Ok(connected) => connected.map_err(|error| reason(&error))?,
        };
        let migrated = MIGRATIONS.run_direct(None, &mut connection, false).await;
        migrated.map_err(|error| migration_reason(&error))?;
        let spread = spread(&mut connection).await;
        spread.map_err(|error| reason(&error))?;
        Ok(connection)
    }

    /// Begins to read: what is read is of one moment.
    pub async fn read(&self) -> sqlx::Result<Whole> {
        const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY";
        self.pool.begin_with(BEGIN).await
    }

    /// Begins to write, after all others that write.
    pub async fn write(&self) -> sqlx::Result<Whole> {
        let mut whole = self.pool.begin().await?;
        blocks::lock(&mut whole).await?;
        Ok(whole)
    }

    /// Why nothing can be read now, as far as the forwarder knows.
    pub fn away(&self) -> Option<Away> {
        let away = self.away.lock().unwrap_or_else(PoisonError::into_inner);
        away.clone()
    }

    /// Notes that it cannot be reached; since when is told once.
    pub fn set_away(&self, now: UtcMillis, reason: &str) {
        let mut away = self.away.lock().unwrap_or_else(PoisonError::into_inner);
        let since = away.as_ref().map_or(now, |away| away.since);
        *away = Some(Away {
            since,
            reason: reason.to_owned(),
        });
    }

    /// Notes that it can be reached; tells what was before.
    pub fn set_here(&self) -> Option<Away> {
        let mut away = self.away.lock().unwrap_or_else(PoisonError::into_inner);
        away.take()
    }

    /// Lets go of all connections.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

fn options(address: &Address) -> std::io::Result<PgConnectOptions> {
    let options = address.options()?.options(SESSION);
    Ok(options.disable_statement_logging())
}

/// What went wrong, in the words of the server where it said something.
pub fn reason(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(error) => error.message().to_owned(),
        sqlx::Error::Io(error) if error.kind() == ErrorKind::UnexpectedEof => {
            "it has closed the connection".to_owned()
        }
        sqlx::Error::Io(error) => error.to_string(),
        sqlx::Error::PoolTimedOut => format!("no answer within {} s", CONNECT_WITHIN.as_secs()),
        other => other.to_string(),
    }
}

fn migration_reason(error: &MigrateError) -> String {
    match error {
        MigrateError::VersionMissing(found) => {
            let known = MIGRATIONS.iter().map(|one| one.version).max();
            format!(
                "its tables were made by a newer Hearth (schema {found}, this program knows {}); \
                 update hearth, or name another database",
                known.unwrap_or(0)
            )
        }
        MigrateError::VersionMismatch(_) | MigrateError::Dirty(_) => {
            "its tables are another program's; give Hearth a database of its own".to_owned()
        }
        MigrateError::Execute(error) => reason(error),
        MigrateError::ExecuteMigration(error, _) => format!(
            "the tables cannot be made: {}; give Hearth a database of its own, which its user owns",
            reason(error)
        ),
        other => other.to_string(),
    }
}

/// Makes hypertables of the long tables where TimescaleDB is at hand, as long as they are
/// empty: to move rows is up to whoever knows how long that may take.
async fn spread(connection: &mut PgConnection) -> sqlx::Result<()> {
    let there = "SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb')";
    if !sqlx::query_scalar(there)
        .fetch_one(&mut *connection)
        .await?
    {
        return Ok(());
    }
    for table in HYPERTABLES {
        let is_one = "SELECT EXISTS (SELECT FROM timescaledb_information.hypertables
            WHERE hypertable_name = $1 AND hypertable_schema = current_schema())";
        let is_one = sqlx::query_scalar(is_one).bind(table);
        if is_one.fetch_one(&mut *connection).await? {
            continue;
        }
        let (make, is_used) = match table {
            "samples" => (
                "SELECT create_hypertable('samples', 'at', chunk_time_interval => INTERVAL '30 days')",
                "SELECT EXISTS (SELECT FROM samples)",
            ),
            _ => (
                "SELECT create_hypertable('minutes', 'start', chunk_time_interval => INTERVAL '1 year')",
                "SELECT EXISTS (SELECT FROM minutes)",
            ),
        };
        if sqlx::query_scalar(is_used)
            .fetch_one(&mut *connection)
            .await?
        {
            tracing::warn!(
                table,
                "TimescaleDB is there, but the table has rows and stays a plain one; \
                 docs/history-postgres.md says how to change that"
            );
            continue;
        }
        sqlx::query(make).execute(&mut *connection).await?;
    }
    Ok(())
}
