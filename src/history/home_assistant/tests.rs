//! Recorders of both generations, and one that was carried over, made as Home Assistant
//! makes them.

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{Connection, Executor};

use super::*;

/// 2021-06-01T10:00:00.250Z
const AT: i64 = 1_622_541_600_250;

/// Schema 16: everything as text, in one table.
pub const OLD: &str = r#"
CREATE TABLE schema_changes (
    change_id INTEGER NOT NULL PRIMARY KEY, schema_version INTEGER, changed DATETIME
);
INSERT INTO schema_changes VALUES (1, 16, '2021-06-01 00:00:00.000000');
CREATE TABLE states (
    state_id INTEGER NOT NULL PRIMARY KEY, domain VARCHAR(64), entity_id VARCHAR(255),
    state VARCHAR(255), attributes TEXT, event_id INTEGER, last_changed DATETIME,
    last_updated DATETIME, created DATETIME, old_state_id INTEGER
);
CREATE INDEX ix_states_entity_id_last_updated ON states (entity_id, last_updated);
INSERT INTO states (state_id, domain, entity_id, state, attributes, last_updated) VALUES
    (3, 'sensor', 'sensor.hall_temperature', '21.5',
        '{"unit_of_measurement": "°F", "device_class": "temperature"}',
        '2021-06-01 10:00:00.250000'),
    (4, 'light', 'light.kitchen', 'on', '{"brightness": 7}', '2021-06-01 10:00:01.250999'),
    (6, 'sensor', 'sensor.hall_temperature', 'unavailable', '{}', '2021-06-01 10:00:02.250000'),
    (7, 'sensor', 'sensor.hall_temperature', '-3',
        '{"unit_of_measurement": "°C", "device_class": "temperature"}',
        '2021-06-01 10:00:03.250000'),
    (8, 'light', 'light.kitchen', '', 'no JSON', '2021-06-01 10:00:04.250000'),
    (9, 'lock', 'lock.front', 'unknown', '{}', '2021-06-01 10:00:04.250000');
"#;

/// Schema 43: names and attributes in tables of their own, times as seconds.
pub const NEW: &str = r#"
CREATE TABLE schema_changes (
    change_id INTEGER NOT NULL PRIMARY KEY, schema_version INTEGER, changed DATETIME
);
INSERT INTO schema_changes VALUES (1, 43, '2024-06-01 00:00:00.000000');
CREATE TABLE states_meta (metadata_id INTEGER NOT NULL PRIMARY KEY, entity_id VARCHAR(255));
CREATE UNIQUE INDEX ix_states_meta_entity_id ON states_meta (entity_id);
INSERT INTO states_meta VALUES (1, 'sensor.hall_temperature'), (2, 'light.kitchen'),
    (3, 'sensor.never');
CREATE TABLE state_attributes (
    attributes_id INTEGER NOT NULL PRIMARY KEY, hash BIGINT, shared_attrs TEXT
);
INSERT INTO state_attributes VALUES
    (1, 17, '{"unit_of_measurement":"°C","device_class":"temperature"}'),
    (2, 18, '{"brightness":7}');
CREATE TABLE states (
    state_id INTEGER NOT NULL PRIMARY KEY, entity_id CHAR(0), state VARCHAR(255),
    attributes CHAR(0), event_id SMALLINT, last_changed CHAR(0), last_changed_ts FLOAT,
    last_reported_ts FLOAT, last_updated CHAR(0), last_updated_ts FLOAT, old_state_id INTEGER,
    attributes_id INTEGER, context_id CHAR(0), context_user_id CHAR(0),
    context_parent_id CHAR(0), origin_idx SMALLINT, context_id_bin BLOB,
    context_user_id_bin BLOB, context_parent_id_bin BLOB, metadata_id INTEGER
);
CREATE INDEX ix_states_metadata_id_last_updated_ts ON states (metadata_id, last_updated_ts);
INSERT INTO states (state_id, metadata_id, state, attributes_id, last_updated_ts) VALUES
    (3, 1, '21.5', 1, 1622541600.25),
    (4, 2, 'on', 2, 1622541601.250999),
    (6, 1, 'unavailable', NULL, 1622541602.25),
    (7, 1, '-3', 1, 1622541603.25),
    (8, 2, NULL, 2, 1622541604.25),
    (9, 1, '4', 1, NULL);
"#;

/// What was carried over holds what the old version wrote and what the new one did.
fn carried_over() -> String {
    NEW.to_owned()
        + "UPDATE states SET metadata_id = NULL, entity_id = 'sensor.hall_temperature', \
             attributes = '{\"unit_of_measurement\":\"K\"}', attributes_id = NULL, \
             last_updated = '2021-06-01 10:00:00.250000', last_updated_ts = NULL \
             WHERE state_id = 3;"
}

/// Makes a recorder's file.
pub async fn make(file: &Path, sql: &str) {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true);
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    let sql = sqlx::AssertSqlSafe(sql.to_owned());
    connection.execute(sqlx::raw_sql(sql)).await.unwrap();
    connection.close().await.unwrap();
}

async fn read(sql: &str) -> (Vec<Entity>, Vec<Row>, u64) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("home-assistant_v2.db");
    make(&file, sql).await;
    let recorder = Recorder::open(&file).await.unwrap();
    let entities = recorder.entities().await.unwrap();
    let mut states = recorder.states().await.unwrap();
    let mut rows = Vec::new();
    while let Some(row) = states.next().await.unwrap() {
        rows.push(row);
    }
    let (part, whole) = states.progress();
    assert_eq!((part, whole), (7, 7));
    recorder.close().await;
    (entities, rows, states.skipped())
}

fn row(entity: &str, at: i64, value: Value) -> Row {
    crate::history::formats::tests::row(entity, AT + at, value)
}

fn thermometer() -> Entity {
    Entity {
        id: "sensor.hall_temperature".to_owned(),
        unit: Some("°C".to_owned()),
        device_class: Some("temperature".to_owned()),
    }
}

fn light() -> Entity {
    Entity {
        id: "light.kitchen".to_owned(),
        ..Entity::default()
    }
}

#[tokio::test]
async fn the_old_generation_is_read() {
    let (entities, rows, skipped) = read(OLD).await;
    assert_eq!(entities, [light(), thermometer()]);
    let expected = [
        row("sensor.hall_temperature", 0, Value::Number(21.5)),
        row("light.kitchen", 1000, Value::Switch(true)),
        row("sensor.hall_temperature", 3000, Value::Number(-3.0)),
    ];
    assert_eq!(rows, expected);
    assert_eq!(skipped, 3);
}

#[tokio::test]
async fn the_new_generation_is_read() {
    let (entities, rows, skipped) = read(NEW).await;
    assert_eq!(entities, [light(), thermometer()]);
    let expected = [
        row("sensor.hall_temperature", 0, Value::Number(21.5)),
        row("light.kitchen", 1001, Value::Switch(true)),
        row("sensor.hall_temperature", 3000, Value::Number(-3.0)),
    ];
    assert_eq!(rows, expected);
    assert_eq!(skipped, 3);
}

#[tokio::test]
async fn what_was_carried_over_is_read_as_a_whole() {
    let (entities, rows, _) = read(&carried_over()).await;
    assert_eq!(entities, [light(), thermometer()]);
    assert_eq!(rows.len(), 3);
    assert_eq!(
        rows[0],
        row("sensor.hall_temperature", 0, Value::Number(21.5))
    );
}

#[tokio::test]
async fn an_empty_recorder_has_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("home-assistant_v2.db");
    let empty: String = NEW.split("INSERT INTO states ").next().unwrap().to_owned();
    make(&file, &empty).await;
    let recorder = Recorder::open(&file).await.unwrap();
    assert_eq!(recorder.entities().await.unwrap(), []);
    assert_eq!(recorder.states().await.unwrap().next().await.unwrap(), None);
}

#[tokio::test]
async fn what_is_no_recorder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("other.db");
    let told = async || Recorder::open(&file).await.unwrap_err().to_string();
    assert!(told().await.starts_with("cannot read"), "missing");
    make(&file, "CREATE TABLE states (name TEXT);").await;
    assert!(told().await.contains("is not Home Assistant's recorder"));
    std::fs::write(&file, "notes\n".repeat(500)).unwrap();
    assert!(told().await.starts_with("cannot read"), "text");
}
