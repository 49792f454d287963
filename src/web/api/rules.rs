//! Rules for programs: what they say of themselves and did, as the rules part tells it.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use serde_json::{Map, Value as JsonValue, json};

use crate::home::topic;
use crate::web::error::Problem;
use crate::web::{Shared, wishes};

/// What a rule retains, by the last level of its topics.
const LEAVES: [&str; 2] = ["about", "last"];

/// `GET /api/rules`
pub async fn all(State(app): State<Shared>) -> Result<Json<JsonValue>, Problem> {
    let mut rules: BTreeMap<String, Map<String, JsonValue>> = BTreeMap::new();
    for leaf in LEAVES {
        for message in app
            .handle
            .retained(&format!("hearth/rule/+/{leaf}"))
            .await?
        {
            let said = serde_json::from_slice::<JsonValue>(&message.payload);
            if let (Some((rule, _)), Ok(said)) = (topic::from_rule(&message.topic), said) {
                rules
                    .entry(rule.to_owned())
                    .or_default()
                    .insert(leaf.to_owned(), said);
            }
        }
    }
    let rules: Vec<JsonValue> = rules
        .into_iter()
        .map(|(rule, said)| json!({ "rule": rule, "about": said.get("about"), "last": said.get("last") }))
        .collect();
    let status = app.handle.retained(topic::RULES_STATUS).await?;
    let status = status.first();
    let status = status.and_then(|one| serde_json::from_slice::<JsonValue>(&one.payload).ok());
    Ok(Json(json!({
        "now": app.clock.now().utc,
        "status": status,
        "rules": rules,
    })))
}

/// `GET /api/rules/{rule}/traces`: newest first.
pub async fn traces(
    State(app): State<Shared>,
    path: Result<Path<String>, PathRejection>,
) -> Result<Json<Vec<JsonValue>>, Problem> {
    let Path(name) = path?;
    let house = app.house().await?;
    let word = &wishes::rule(&house, &name)?.word;
    // They are read outside, so that nothing waits meanwhile.
    let traces = app
        .live
        .remembered(|memory| memory.traces.newest_first(word));
    let read = traces
        .iter()
        .filter_map(|json| serde_json::from_slice(json).ok());
    Ok(Json(read.collect()))
}
