//! All SQL of what the broker remembers, checked when it is compiled
//! (`scripts/prepare-queries`).
//!
//! A batch is a handful of statements however many rows it has: rows travel as
//! one JSON text, and what JSON cannot hold as slices of one blob.

use std::collections::BTreeMap;
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};
use sqlx::SqliteConnection;

use super::packed::{self, Origin};
use super::rows::{self, DeliveryColumns, Messages, json, to_id, to_sql};
use crate::broker::journal::{Batch, SessionRow, SubscriptionRow};
use crate::broker::message::Message;
use crate::broker::outbound::{Delivery, Saved};
use crate::broker::router::{SavedSession, State};
use crate::clock::{Now, UtcMillis};
use crate::database::Database;

/// Sessions by their key, while they are read.
type Sessions = BTreeMap<u64, SavedSession>;

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
        let mut transaction = self.database.writer.begin().await?;
        let connection = &mut *transaction;
        write_sessions(connection, batch).await?;
        write_subscriptions(connection, batch).await?;
        write_messages(connection, batch).await?;
        write_deliveries(connection, batch).await?;
        write_received(connection, batch).await?;
        write_retained(connection, batch).await?;
        transaction.commit().await
    }

    /// Everything that the last run left. A row that says what cannot be is
    /// left out, and the log tells of it.
    pub async fn load(&self, now: Now) -> sqlx::Result<State> {
        let mut connection = self.database.writer.acquire().await?;
        let messages = load_messages(&mut connection, now).await?;
        let mut sessions = load_sessions(&mut connection).await?;
        load_subscriptions(&mut connection, &mut sessions).await?;
        load_deliveries(&mut connection, &mut sessions, &messages).await?;
        load_received(&mut connection, &mut sessions).await?;
        Ok(State {
            retained: load_retained(&mut connection, now).await?,
            last_id: load_last_id(&mut connection).await?,
            sessions: sessions.into_values().collect(),
        })
    }
}

async fn write_sessions(connection: &mut SqliteConnection, batch: &Batch) -> sqlx::Result<()> {
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
    let disconnected_at = row.disconnected_at.map(|at| at.0);
    let will = row.will.as_ref().map(packed::will);
    sqlx::query!(
        "INSERT INTO sessions (id, client_id, expiry, disconnected_at, will)
        VALUES (?, ?, ?, ?, ?)
        ON CONFLICT (id) DO UPDATE SET expiry = excluded.expiry,
            disconnected_at = excluded.disconnected_at, will = excluded.will",
        key,
        client_id,
        row.expiry,
        disconnected_at,
        will
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn write_subscriptions(connection: &mut SqliteConnection, batch: &Batch) -> sqlx::Result<()> {
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

async fn write_messages(connection: &mut SqliteConnection, batch: &Batch) -> sqlx::Result<()> {
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
        SELECT value ->> 0, value ->> 1, value ->> 2,
            CAST(substr(?2, value ->> 3, value ->> 4) AS TEXT), substr(?2, value ->> 5, value ->> 6)
        FROM json_each(?1)",
        rows,
        blob
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn write_deliveries(connection: &mut SqliteConnection, batch: &Batch) -> sqlx::Result<()> {
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

async fn write_received(connection: &mut SqliteConnection, batch: &Batch) -> sqlx::Result<()> {
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

async fn write_retained(connection: &mut SqliteConnection, batch: &Batch) -> sqlx::Result<()> {
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
        SELECT value ->> 0, value ->> 1, value ->> 2,
            CAST(substr(?2, value ->> 3, value ->> 4) AS TEXT), substr(?2, value ->> 5, value ->> 6)
        FROM json_each(?1)",
        rows,
        blob
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn load_messages(
    connection: &mut SqliteConnection,
    now: Now,
) -> sqlx::Result<FxHashMap<u64, Arc<Message>>> {
    // A batch deletes messages together with their last delivery; what is left
    // over belonged to a session that was deleted with all that it had.
    sqlx::query!("DELETE FROM messages WHERE id NOT IN (SELECT message FROM deliveries)")
        .execute(&mut *connection)
        .await?;
    let rows = sqlx::query!("SELECT id, publisher, received, packet FROM messages");
    let rows = rows.fetch_all(connection).await?;
    let messages = rows.into_iter().filter_map(|row| {
        let origin = Origin {
            publisher: &row.publisher,
            received: UtcMillis(row.received),
        };
        let message = packed::to_message(row.packet, origin, now);
        Some((to_id(row.id), Arc::new(message?)))
    });
    Ok(messages.collect())
}

async fn load_sessions(connection: &mut SqliteConnection) -> sqlx::Result<Sessions> {
    let rows = sqlx::query!("SELECT id, client_id, expiry, disconnected_at, will FROM sessions");
    let rows = rows.fetch_all(connection).await?;
    let sessions = rows.into_iter().map(|row| SavedSession {
        key: to_id(row.id),
        client_id: row.client_id.into(),
        expiry: u32::try_from(row.expiry).unwrap_or(u32::MAX),
        disconnected_at: row.disconnected_at.map(UtcMillis),
        will: row.will.and_then(packed::to_will),
        subscriptions: Vec::new(),
        deliveries: Vec::new(),
        received: FxHashSet::default(),
    });
    Ok(sessions.map(|session| (session.key, session)).collect())
}

async fn load_subscriptions(
    connection: &mut SqliteConnection,
    sessions: &mut Sessions,
) -> sqlx::Result<()> {
    let rows = sqlx::query!("SELECT session, filter, options, id FROM subscriptions");
    for row in rows.fetch_all(connection).await? {
        let session = sessions.get_mut(&to_id(row.session));
        let options = rows::to_options(row.options);
        let Some((session, options)) = session.zip(options) else {
            skip("a subscription", &row.filter);
            continue;
        };
        let id = row.id.and_then(|id| u32::try_from(id).ok());
        let row = (row.filter.into(), SubscriptionRow { options, id });
        session.subscriptions.push(row);
    }
    Ok(())
}

async fn load_deliveries(
    connection: &mut SqliteConnection,
    sessions: &mut Sessions,
    messages: &FxHashMap<u64, Arc<Message>>,
) -> sqlx::Result<()> {
    let rows = sqlx::query!(
        "SELECT session, id, message, flags, subscription_ids, shared, sent_as, sent_at
        FROM deliveries ORDER BY session, sent_at IS NULL, sent_at, id"
    );
    for row in rows.fetch_all(connection).await? {
        let columns = DeliveryColumns {
            message: row.message,
            flags: row.flags,
            subscription_ids: row.subscription_ids,
            shared: row.shared,
            sent_as: row.sent_as,
            sent_at: row.sent_at,
        };
        let session = sessions.get_mut(&to_id(row.session));
        let saved = saved(to_id(row.id), &columns, messages);
        match session.zip(saved) {
            Some((session, saved)) => session.deliveries.push(saved),
            None => skip("a delivery", &row.id.to_string()),
        }
    }
    Ok(())
}

fn saved(
    id: u64,
    columns: &DeliveryColumns,
    messages: &FxHashMap<u64, Arc<Message>>,
) -> Option<(u64, Saved)> {
    let row = columns.to_row()?;
    let delivery = Delivery {
        message: Arc::clone(messages.get(&row.message)?),
        qos: row.qos,
        retain: row.retain,
        subscription_ids: row.subscription_ids,
        group: row.group,
    };
    let (replay, sent) = (row.replay, row.sent);
    let saved = Saved {
        id,
        delivery,
        replay,
        sent,
    };
    Some((row.message, saved))
}

async fn load_received(
    connection: &mut SqliteConnection,
    sessions: &mut Sessions,
) -> sqlx::Result<()> {
    let rows = sqlx::query!("SELECT session, packet_id FROM received");
    for row in rows.fetch_all(connection).await? {
        let session = sessions.get_mut(&to_id(row.session));
        let packet_id = rows::to_packet_id(row.packet_id);
        if let Some((session, packet_id)) = session.zip(packet_id) {
            session.received.insert(packet_id);
        }
    }
    Ok(())
}

async fn load_retained(
    connection: &mut SqliteConnection,
    now: Now,
) -> sqlx::Result<Vec<Arc<Message>>> {
    let rows = sqlx::query!("SELECT topic, publisher, received, packet FROM retained");
    let rows = rows.fetch_all(connection).await?;
    let messages = rows.into_iter().filter_map(|row| {
        let origin = Origin {
            publisher: &row.publisher,
            received: UtcMillis(row.received),
        };
        let message = packed::to_message(row.packet, origin, now);
        if message.is_none() {
            skip("a retained message", &row.topic);
        }
        message.map(Arc::new)
    });
    Ok(messages.collect())
}

async fn load_last_id(connection: &mut SqliteConnection) -> sqlx::Result<u64> {
    let last = sqlx::query_scalar!(
        r#"SELECT MAX(
            (SELECT COALESCE(MAX(id), 0) FROM sessions),
            (SELECT COALESCE(MAX(id), 0) FROM messages),
            (SELECT COALESCE(MAX(MAX(id), MAX(COALESCE(sent_at, 0))), 0) FROM deliveries)
        ) AS "last!: i64""#
    );
    Ok(to_id(last.fetch_one(connection).await?))
}

fn skip(what: &str, name: &str) {
    tracing::error!("state.db holds {what} that cannot be read, and it is left out: {name:?}");
}

#[cfg(test)]
mod tests;
