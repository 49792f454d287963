//! Reads what the last run left.

use std::collections::BTreeMap;
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};
use sqlx::SqliteConnection;

use crate::broker::journal::SubscriptionRow;
use crate::broker::keeper::packed::{self, Origin};
use crate::broker::keeper::rows::{self, DeliveryColumns, to_id};
use crate::broker::message::Message;
use crate::broker::outbound::{Delivery, Saved};
use crate::broker::router::SavedSession;
use crate::clock::{Now, UtcMillis};

/// Sessions by their key, while they are read.
type Sessions = BTreeMap<u64, SavedSession>;

pub async fn messages(
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

pub async fn sessions(connection: &mut SqliteConnection) -> sqlx::Result<Sessions> {
    let rows = sqlx::query!(
        "SELECT id, client_id, user, expiry, disconnected_at, will, doubtful FROM sessions"
    );
    let rows = rows.fetch_all(connection).await?;
    let sessions = rows.into_iter().map(|row| SavedSession {
        key: to_id(row.id),
        client_id: row.client_id.into(),
        user: row.user.map(Into::into),
        expiry: u32::try_from(row.expiry).unwrap_or(u32::MAX),
        disconnected_at: row.disconnected_at.map(UtcMillis),
        will: row.will.and_then(packed::to_will),
        doubtful: to_id(row.doubtful),
        subscriptions: Vec::new(),
        deliveries: Vec::new(),
        received: FxHashSet::default(),
    });
    Ok(sessions.map(|session| (session.key, session)).collect())
}

pub async fn subscriptions(
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

pub async fn deliveries(
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
    let saved = Saved {
        id,
        delivery,
        replay: row.replay,
        packet_id: row.packet_id,
        sent: row.sent,
    };
    Some((row.message, saved))
}

pub async fn received(
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

pub async fn retained(
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

pub async fn last_id(connection: &mut SqliteConnection) -> sqlx::Result<u64> {
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
