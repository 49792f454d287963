//! The table in which versions before the log kept one row for each reading.

use sqlx::SqliteConnection;

use super::has_table;
use crate::clock::UtcMillis;
use crate::home::Value;

/// A row of the table.
#[derive(Clone, Debug, PartialEq)]
pub struct Old {
    pub series: u32,
    pub at: UtcMillis,
    pub nth: i64,
    pub value: Value,
}

/// Whether the table is there, and so may have rows that are not carried over.
pub async fn is_there(connection: &mut SqliteConnection) -> sqlx::Result<bool> {
    has_table(connection, "readings").await
}

/// Whether the log is there: whether this version has opened the file before.
pub async fn has_log(connection: &mut SqliteConnection) -> sqlx::Result<bool> {
    has_table(connection, "log").await
}

/// The next rows to carry over, at most so many, by series and time.
pub async fn next(connection: &mut SqliteConnection, most: u32) -> sqlx::Result<Vec<Old>> {
    let rows = sqlx::query!(
        r#"SELECT series AS "series!: u32", at, nth, number, text FROM readings
        WHERE (series, at, nth) >
            (SELECT carried_series, carried_at, carried_nth FROM log)
        ORDER BY series, at, nth LIMIT ?"#,
        most
    );
    let rows = rows.fetch_all(connection).await?.into_iter();
    let row = rows.map(|row| Old {
        series: row.series,
        at: UtcMillis(row.at),
        nth: row.nth,
        value: value(row.number, row.text),
    });
    Ok(row.collect())
}

/// Whether some rows were carried over.
pub async fn is_begun(connection: &mut SqliteConnection) -> sqlx::Result<bool> {
    let series = sqlx::query_scalar!("SELECT carried_series FROM log");
    Ok(series.fetch_one(connection).await? > 0)
}

/// Notes that everything up to this row is carried over.
pub async fn carried(connection: &mut SqliteConnection, last: &Old) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE log SET carried_series = ?, carried_at = ?, carried_nth = ?",
        last.series,
        last.at.0,
        last.nth
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Drops the table; what was in it stays in free places of the file until the
/// [vacuum](super::Store::vacuum).
pub async fn drop(connection: &mut SqliteConnection) -> sqlx::Result<()> {
    sqlx::query("PRAGMA secure_delete = OFF")
        .execute(&mut *connection)
        .await?;
    let dropped = sqlx::query("DROP TABLE readings")
        .execute(&mut *connection)
        .await;
    sqlx::query("PRAGMA secure_delete = ON")
        .execute(connection)
        .await?;
    dropped.map(|_| ())
}

/// Numbers were stored as numbers, everything else as the payload said it.
fn value(number: Option<f64>, text: Option<String>) -> Value {
    match (number, text) {
        (Some(number), _) => Value::Number(number),
        (None, text) => Value::parse(&text.unwrap_or_default()),
    }
}
