//! Topics, and what is known of them.

use std::collections::HashMap;
use std::sync::Arc;

use sqlx::SqliteConnection;

use crate::history::waiting::Description;
use crate::home::{DeviceClass, Quantity, Thing};

/// So many ids are remembered; then all are asked for again.
const MOST_KNOWN: usize = 10_000;

/// A series in the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub id: u32,
    pub topic: String,
    pub description: Description,
}

/// Ids of series that were written lately.
#[derive(Debug, Default)]
pub struct Known {
    ids: HashMap<Arc<str>, u32>,
    /// They hold for as long as `log.changes` is this.
    changes: i64,
}

impl Known {
    /// Forgets all of them if series were removed meanwhile, also by another process.
    pub async fn refresh(&mut self, connection: &mut SqliteConnection) -> sqlx::Result<()> {
        let changes = sqlx::query_scalar!("SELECT changes FROM log");
        let changes = changes.fetch_one(connection).await?;
        if changes != self.changes || self.ids.len() > MOST_KNOWN {
            self.clear();
            self.changes = changes;
        }
        Ok(())
    }

    /// Forgets all, for what was written is undone.
    pub fn clear(&mut self) {
        self.ids.clear();
    }

    /// The series of a topic, which is made if it is missing.
    pub async fn id_of(
        &mut self,
        connection: &mut SqliteConnection,
        topic: &Arc<str>,
    ) -> sqlx::Result<u32> {
        if let Some(id) = self.ids.get(topic) {
            return Ok(*id);
        }
        let id = id_or_new(connection, topic).await?;
        self.ids.insert(Arc::clone(topic), id);
        Ok(id)
    }
}

/// The series of a topic, if there is one.
pub async fn id(connection: &mut SqliteConnection, topic: &str) -> sqlx::Result<Option<u32>> {
    let found = sqlx::query_scalar!("SELECT id FROM series WHERE topic = ?", topic);
    let found = found.fetch_optional(connection).await?;
    found.map(small).transpose()
}

/// The series of a topic, which is made if it is missing.
pub async fn id_or_new(connection: &mut SqliteConnection, topic: &str) -> sqlx::Result<u32> {
    match id(&mut *connection, topic).await? {
        Some(id) => Ok(id),
        None => describe(connection, topic, &guess(topic)).await,
    }
}

/// All series by topic.
pub async fn all(connection: &mut SqliteConnection) -> sqlx::Result<Vec<Row>> {
    let rows = sqlx::query!(
        r#"SELECT id AS "id!: i64", topic, unit, device_class FROM series ORDER BY topic"#
    );
    let rows = rows.fetch_all(connection).await?.into_iter();
    let row = rows.map(|row| {
        let description = Description {
            unit: row.unit,
            device_class: row.device_class.as_deref().and_then(class_from_name),
        };
        Ok(Row {
            id: small(row.id)?,
            topic: row.topic,
            description,
        })
    });
    row.collect()
}

/// Says what a topic measures.
pub async fn describe(
    connection: &mut SqliteConnection,
    topic: &str,
    description: &Description,
) -> sqlx::Result<u32> {
    let class = description.device_class.and_then(class_name);
    let series = sqlx::query_scalar!(
        r#"INSERT INTO series (topic, unit, device_class) VALUES (?, ?, ?)
        ON CONFLICT (topic) DO UPDATE SET unit = excluded.unit, device_class = excluded.device_class
        RETURNING id AS "id!: i64""#,
        topic,
        description.unit,
        class
    );
    small(series.fetch_one(connection).await?)
}

/// Removes a series with all that is on its shelves. What the log holds of it is another
/// matter.
pub async fn remove(connection: &mut SqliteConnection, id: u32) -> sqlx::Result<()> {
    sqlx::query!("DELETE FROM series WHERE id = ?", id)
        .execute(&mut *connection)
        .await?;
    // Nobody can tell what is in a block that cannot be read.
    sqlx::query!("DELETE FROM damaged WHERE series IS NULL")
        .execute(&mut *connection)
        .await?;
    sqlx::query!("UPDATE log SET changes = changes + 1")
        .execute(connection)
        .await?;
    Ok(())
}

/// What a topic measures going by its name, until a board says better.
pub fn guess(topic: &str) -> Description {
    let thing = Thing::from_topic(topic);
    let quantity = thing.and_then(|thing| Quantity::from_name(&thing.name));
    Description {
        unit: quantity
            .as_ref()
            .and_then(|quantity| quantity.unit.map(str::to_owned)),
        device_class: quantity.and_then(|quantity| quantity.device_class),
    }
}

/// The name under which a class is written everywhere: `carbon_dioxide`.
pub fn class_name(class: DeviceClass) -> Option<String> {
    let name = serde_json::to_value(class).ok()?;
    name.as_str().map(str::to_owned)
}

/// The class of that name.
pub fn class_from_name(name: &str) -> Option<DeviceClass> {
    serde_json::from_value(name.into()).ok()
}

/// Blocks have 32 bits for a series: four thousand million topics.
fn small(id: i64) -> sqlx::Result<u32> {
    u32::try_from(id).map_err(|error| sqlx::Error::Decode(error.into()))
}
