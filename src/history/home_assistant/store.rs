//! All SQL for the recorder of Home Assistant.
//!
//! Until 2023 a state held its entity's name, its attributes and its time as text. Since
//! then names are in `states_meta`, attributes in `state_attributes`, and times are seconds.
//! In a file that was carried over both are found, so each is asked for that is there.

use std::collections::{HashMap, HashSet, VecDeque};
use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions, SqliteRow};
use sqlx::{AssertSqlSafe, ConnectOptions, Row};

use super::Entity;

/// A recorder's file, and how it asks for what.
#[derive(Clone, Debug)]
pub struct Store {
    pool: SqlitePool,
    /// Ways to name an entity.
    has_metadata: bool,
    has_entity_id: bool,
    /// `s.…` and the tables that belong to it.
    attributes: String,
    entity: &'static str,
    seconds: &'static str,
    time: &'static str,
    tables: String,
}

/// A row of `states`.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    pub id: i64,
    pub entity: Option<Arc<str>>,
    pub state: Option<String>,
    /// Since 1970.
    pub seconds: Option<f64>,
    /// `2021-06-01 12:00:00.000000`, UTC.
    pub time: Option<String>,
}

/// What matters of an entity's attributes.
#[derive(Default, Deserialize)]
struct Attributes {
    unit_of_measurement: Option<String>,
    device_class: Option<String>,
}

impl Store {
    /// Opens a file for reading alone; none if it is something else.
    pub async fn open(file: &Path) -> sqlx::Result<Option<Store>> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .read_only(true)
            .disable_statement_logging();
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .connect_lazy_with(options);
        let known = columns(&pool, "states").await?;
        let has = |name: &str| known.contains(name);
        let has_metadata = has("metadata_id") && !columns(&pool, "states_meta").await?.is_empty();
        let has_shared =
            has("attributes_id") && !columns(&pool, "state_attributes").await?.is_empty();
        let is_recorder = has("state_id")
            && has("state")
            && (has_metadata || has("entity_id"))
            && (has("last_updated_ts") || has("last_updated"));
        if !is_recorder {
            pool.close().await;
            return Ok(None);
        }
        let meta = " LEFT JOIN states_meta m ON m.metadata_id = s.metadata_id";
        Ok(Some(Store {
            pool,
            has_metadata,
            has_entity_id: has("entity_id"),
            attributes: match (has_shared, has("attributes")) {
                (true, true) => SHARED_OR_OWN.to_owned(),
                (true, false) => SHARED.to_owned(),
                (false, true) => "s.attributes".to_owned(),
                (false, false) => "NULL".to_owned(),
            },
            entity: match (has_metadata, has("entity_id")) {
                (true, true) => "COALESCE(m.entity_id, s.entity_id)",
                (true, false) => "m.entity_id",
                _ => "s.entity_id",
            },
            seconds: match has("last_updated_ts") {
                true => "s.last_updated_ts",
                false => "NULL",
            },
            time: match has("last_updated") {
                true => "s.last_updated",
                false => "NULL",
            },
            tables: format!("states s{}", if has_metadata { meta } else { "" }),
        }))
    }

    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// Every entity that is named, by name.
    pub async fn entities(&self) -> sqlx::Result<Vec<Entity>> {
        let mut entities: HashMap<String, Attributes> = HashMap::new();
        if self.has_metadata {
            let all: Vec<(i64, String)> = sqlx::query_as(
                "SELECT metadata_id, entity_id FROM states_meta WHERE entity_id IS NOT NULL",
            )
            .fetch_all(&self.pool)
            .await?;
            for (id, name) in all {
                if let Some(found) = self.attributes_of("s.metadata_id = ?", Key::Id(id)).await? {
                    entities.insert(name, found);
                }
            }
        }
        if self.has_entity_id {
            let all: Vec<String> = sqlx::query_scalar(
                "SELECT DISTINCT entity_id FROM states WHERE entity_id IS NOT NULL",
            )
            .fetch_all(&self.pool)
            .await?;
            for name in all.into_iter().filter(|name| !name.is_empty()) {
                if entities.contains_key(&name) {
                    continue;
                }
                let key = Key::Name(name.clone());
                if let Some(found) = self.attributes_of("s.entity_id = ?", key).await? {
                    entities.insert(name, found);
                }
            }
        }
        let mut entities: Vec<Entity> = entities.into_iter().map(entity).collect();
        entities.sort_by(|one, other| one.id.cmp(&other.id));
        Ok(entities)
    }

    /// What an entity's last state says; none if it never said anything.
    async fn attributes_of(&self, condition: &str, key: Key) -> sqlx::Result<Option<Attributes>> {
        let (attributes, seconds, time) = (&self.attributes, self.seconds, self.time);
        let sql = format!(
            "SELECT {attributes} FROM states s WHERE {condition} \
             AND s.state NOT IN ('', 'unknown', 'unavailable') \
             ORDER BY {seconds} DESC, {time} DESC LIMIT 1"
        );
        let query = sqlx::query_scalar(AssertSqlSafe(sql));
        let query = match key {
            Key::Id(id) => query.bind(id),
            Key::Name(name) => query.bind(name),
        };
        let found: Option<Option<String>> = query.fetch_optional(&self.pool).await?;
        // What cannot be read says nothing.
        let read = |text: Option<String>| {
            let read = text.and_then(|text| serde_json::from_str(&text).ok());
            read.unwrap_or_default()
        };
        Ok(found.map(read))
    }

    /// The first and the last state; the last one is before the first if there is none.
    pub async fn ends(&self) -> sqlx::Result<(i64, i64)> {
        let ends: (Option<i64>, Option<i64>) =
            sqlx::query_as("SELECT MIN(state_id), MAX(state_id) FROM states")
                .fetch_one(&self.pool)
                .await?;
        Ok((ends.0.unwrap_or(1), ends.1.unwrap_or(0)))
    }

    /// Up to `most` states after one and up to another.
    pub async fn states(&self, after: i64, to: i64, most: u32) -> sqlx::Result<VecDeque<State>> {
        let Store {
            entity,
            seconds,
            time,
            tables,
            ..
        } = self;
        let sql = format!(
            "SELECT s.state_id, {entity}, CAST(s.state AS TEXT), CAST({seconds} AS REAL), \
             CAST({time} AS TEXT) FROM {tables} \
             WHERE s.state_id > ? AND s.state_id <= ? ORDER BY s.state_id LIMIT ?"
        );
        let query = sqlx::query(AssertSqlSafe(sql)).bind(after).bind(to);
        let rows = query.bind(most).fetch_all(&self.pool).await?;
        let mut names: HashSet<Arc<str>> = HashSet::new();
        rows.iter().map(|row| state(row, &mut names)).collect()
    }
}

const SHARED: &str = "(SELECT shared_attrs FROM state_attributes a \
                      WHERE a.attributes_id = s.attributes_id)";
const SHARED_OR_OWN: &str = "COALESCE((SELECT shared_attrs FROM state_attributes a \
                             WHERE a.attributes_id = s.attributes_id), s.attributes)";

enum Key {
    Id(i64),
    Name(String),
}

fn entity((id, attributes): (String, Attributes)) -> Entity {
    let said = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
    Entity {
        id,
        unit: said(attributes.unit_of_measurement),
        device_class: said(attributes.device_class),
    }
}

/// The names of one page are shared.
fn state(row: &SqliteRow, names: &mut HashSet<Arc<str>>) -> sqlx::Result<State> {
    let name: Option<&str> = row.try_get(1)?;
    let entity = name.map(|name| match names.get(name) {
        Some(known) => Arc::clone(known),
        None => {
            let shared: Arc<str> = name.into();
            names.insert(Arc::clone(&shared));
            shared
        }
    });
    Ok(State {
        id: row.try_get(0)?,
        entity,
        state: row.try_get(2)?,
        seconds: row.try_get(3)?,
        time: row.try_get(4)?,
    })
}

async fn columns(pool: &SqlitePool, table: &str) -> sqlx::Result<HashSet<String>> {
    let query = sqlx::query_scalar("SELECT name FROM pragma_table_info(?)").bind(table);
    let names: Vec<String> = query.fetch_all(pool).await?;
    Ok(names.into_iter().collect())
}
