//! Writes the rows of a batch.
//!
//! It is a handful of statements however many rows there are: rows travel as
//! one JSON text, and what JSON cannot hold as slices of one blob.

use sqlx::SqliteConnection;

use crate::broker::journal::{Batch, SessionRow};
use crate::broker::keeper::packed;
use crate::broker::keeper::rows::{self, Messages, json, to_sql};

pub async fn sessions(connection: &mut SqliteConnection, batch: &Batch) -> sqlx::Result<()> {
    for (key, row) in &batch.sessions {
        if row.is_none() {
            let key = to_sql(*key);
            sqlx::query!("DELETE FROM sessions WHERE id = ?", key)
                .execute(&mut *connection)
                .await?;
        }
    }
    for (key, row) in &batch.sessions {
        if let Some(row) = row {
            write_session(connection, to_sql(*key), row).await?;
        }
    }
    Ok(())
}

async fn write_session(
    connection: &mut SqliteConnection,
    key: i64,
    row: &SessionRow,
) -> sqlx::Result<()> {
    let client_id = &*row.client_id;
    let user = row.user.as_deref();
    let disconnected_at = row.disconnected_at.map(|at| at.0);
    let doubtful = to_sql(row.doubtful);
    let will = row.will.as_ref().map(packed::will);
    sqlx::query!(
        "INSERT INTO sessions (id, client_id, user, expiry, disconnected_at, will, doubtful)
        VALUES (?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (id) DO UPDATE SET user = excluded.user, expiry = excluded.expiry,
            disconnected_at = excluded.disconnected_at, will = excluded.will,
            doubtful = excluded.doubtful",
        key,
        client_id,
        user,
        row.expiry,
        disconnected_at,
        will,
        doubtful
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub async fn subscriptions(connection: &mut SqliteConnection, batch: &Batch) -> sqlx::Result<()> {
    let subscriptions = &batch.subscriptions;
    if subscriptions.is_empty() {
        return Ok(());
    }
    let deleted = json(subscriptions.deleted());
    sqlx::query!(
        "DELETE FROM subscriptions WHERE (session, filter) IN
            (SELECT value ->> 0, value ->> 1 FROM json_each(?))",
        deleted
    )
    .execute(&mut *connection)
    .await?;
    let written = subscriptions.written();
    let written =
        json(written.map(|((session, filter), row)| (session, filter, row.options.bits(), row.id)));
    sqlx::query!(
        "INSERT OR REPLACE INTO subscriptions (session, filter, options, id)
        SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each(?)",
        written
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub async fn messages(connection: &mut SqliteConnection, batch: &Batch) -> sqlx::Result<()> {
    if batch.messages.is_empty() {
        return Ok(());
    }
    let deleted = json(batch.messages.deleted());
    sqlx::query!(
        "DELETE FROM messages WHERE id IN (SELECT value FROM json_each(?))",
        deleted
    )
    .execute(&mut *connection)
    .await?;
    let mut written = Messages::new();
    for (id, message) in batch.messages.written() {
        written.push(*id, message);
    }
    let (rows, blob) = written.into_parts();
    sqlx::query!(
        "INSERT INTO messages (id, received, expires, publisher, packet)
        SELECT value ->> 0, value ->> '$[1][0]', value ->> '$[1][1]',
            CAST(substr(?2, value ->> '$[2][0]', value ->> '$[2][1]') AS TEXT),
            substr(?2, value ->> '$[2][2]', value ->> '$[2][3]')
        FROM json_each(?1)",
        rows,
        blob
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub async fn deliveries(connection: &mut SqliteConnection, batch: &Batch) -> sqlx::Result<()> {
    if batch.deliveries.is_empty() {
        return Ok(());
    }
    let deleted = json(batch.deliveries.deleted());
    sqlx::query!(
        "DELETE FROM deliveries WHERE (session, id) IN
            (SELECT value ->> 0, value ->> 1 FROM json_each(?))",
        deleted
    )
    .execute(&mut *connection)
    .await?;
    let written = batch.deliveries.written();
    let written = json(written.map(|((session, id), row)| rows::delivery(*session, *id, row)));
    sqlx::query!(
        "INSERT OR REPLACE INTO deliveries
            (session, id, message, flags, subscription_ids, shared, sent_as, sent_at)
        SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3,
            value ->> 4, value ->> 5, value ->> 6, value ->> 7
        FROM json_each(?)",
        written
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub async fn received(connection: &mut SqliteConnection, batch: &Batch) -> sqlx::Result<()> {
    if batch.received.is_empty() {
        return Ok(());
    }
    let deleted = json(batch.received.deleted());
    sqlx::query!(
        "DELETE FROM received WHERE (session, packet_id) IN
            (SELECT value ->> 0, value ->> 1 FROM json_each(?))",
        deleted
    )
    .execute(&mut *connection)
    .await?;
    let written = json(batch.received.written().map(|(key, ())| key));
    sqlx::query!(
        "INSERT OR REPLACE INTO received (session, packet_id)
        SELECT value ->> 0, value ->> 1 FROM json_each(?)",
        written
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub async fn retained(connection: &mut SqliteConnection, batch: &Batch) -> sqlx::Result<()> {
    if batch.retained.is_empty() {
        return Ok(());
    }
    let cleared = batch
        .retained
        .iter()
        .filter(|(_, message)| message.is_none());
    let cleared = json(cleared.map(|(topic, _)| topic));
    sqlx::query!(
        "DELETE FROM retained WHERE topic IN (SELECT value FROM json_each(?))",
        cleared
    )
    .execute(&mut *connection)
    .await?;
    let mut written = Messages::new();
    for (topic, message) in &batch.retained {
        if let Some(message) = message {
            written.push(topic, message);
        }
    }
    let (rows, blob) = written.into_parts();
    sqlx::query!(
        "INSERT OR REPLACE INTO retained (topic, received, expires, publisher, packet)
        SELECT value ->> 0, value ->> '$[1][0]', value ->> '$[1][1]',
            CAST(substr(?2, value ->> '$[2][0]', value ->> '$[2][1]') AS TEXT),
            substr(?2, value ->> '$[2][2]', value ->> '$[2][3]')
        FROM json_each(?1)",
        rows,
        blob
    )
    .execute(connection)
    .await?;
    Ok(())
}
