//! The history itself for programs: what it costs and what it holds, and how to delete a
//! series.

use axum::Json;
use axum::extract::{Path, State};
use serde_json::{Value as JsonValue, json};

use super::ThingPath;
use crate::history::influx::Pushing;
use crate::history::{Damage, Forwarding};
use crate::home::Thing;
use crate::web::Shared;
use crate::web::error::Problem;
use crate::web::recording::{self, Kept, Recorder, Recording};

/// `GET /api/history`
pub async fn get(State(app): State<Shared>) -> Result<Json<JsonValue>, Problem> {
    let recording = Recording::look(&app).await;
    // Why nothing is there is told beside the rest.
    let is_told = recording.state.paused.is_some() || recording.state.away().is_some();
    if let (Err(error), false) = (&recording.kept, is_told) {
        return Err(error.clone().into());
    }
    let state = &recording.state;
    let figures = &state.figures;
    let windows = state.costs().windows();
    let windows = windows.map(|(class, window)| (class.word().to_owned(), json!(millis(window))));
    let series: Vec<JsonValue> = recording.kept().iter().map(series).collect();
    Ok(Json(json!({
        "now": app.clock.now().utc,
        "recording": state.paused.is_none(),
        "paused": state.paused,
        "windows_ms": JsonValue::Object(windows.into_iter().collect()),
        "waiting": figures.waiting,
        "lost": figures.lost,
        "doubled": figures.doubled,
        "file_bytes": figures.file_bytes,
        "server": figures.forwarding.as_ref().map(server),
        "writing": writing(state),
        "checked": figures.is_checked,
        "damaged": figures.damaged.iter().map(damage).collect::<Vec<_>>(),
        "pushing": figures.pushing.as_ref().map(pushing),
        "series": series,
    })))
}

/// `DELETE /api/history/{room}/{name}`: the thing's readings and the commands to it.
pub async fn forget(
    State(app): State<Shared>,
    path: ThingPath,
) -> Result<Json<JsonValue>, Problem> {
    let Path((room, name)) = path?;
    let topic = Thing::new(room, name).topic();
    let (_, samples) = recording::forget(&app, &topic).await?;
    Ok(Json(json!({ "topic": topic, "removed": samples })))
}

/// What waits for the server that keeps the history, and why.
fn server(forwarding: &Forwarding) -> JsonValue {
    let away = forwarding.away.as_ref();
    json!({
        "to": forwarding.to,
        "away": away.map(|away| away.reason.as_str()),
        "away_since": away.map(|away| away.since),
        "waiting": forwarding.samples,
        "waiting_bytes": forwarding.bytes,
        "limit_bytes": forwarding.most_bytes,
        "sent": forwarding.sent,
        "lost": forwarding.lost,
    })
}

/// What goes to the disk; what is not known is null.
fn writing(state: &Recorder) -> JsonValue {
    let (figures, costs) = (&state.figures, state.costs());
    json!({
        "samples": figures.samples,
        "bytes": figures.write.written,
        "over_ms": millis(figures.write.over),
        "bytes_per_sample": figures.write.per_sample,
        "bytes_per_day": figures.write.per_day,
        "budget_bytes_per_day": state.settings.write_budget,
        "stretch": figures.stretch,
        "card_life_years": costs.life_years(),
        "card_life_assumes": costs.assumption(),
    })
}

/// What cannot be read; nothing is known of what is null.
fn damage(damage: &Damage) -> JsonValue {
    json!({
        "what": damage.what,
        "topic": damage.topic,
        "first": damage.stretch.map(|stretch| stretch.0),
        "last": damage.stretch.map(|stretch| stretch.1),
        "reason": damage.reason,
        "mended": damage.is_mended(),
    })
}

/// The push to another database.
fn pushing(pushing: &Pushing) -> JsonValue {
    json!({
        "to": pushing.to,
        "taken": pushing.pushed,
        "last": pushing.last,
        "waiting": pushing.waiting,
        "refused": pushing.refused,
        "refusal": pushing.refusal,
        "given_up": pushing.given_up,
        "trouble": pushing.trouble,
    })
}

fn series(kept: &Kept) -> JsonValue {
    let treatment = &kept.treatment;
    json!({
        "topic": kept.topic,
        "unit": kept.unit,
        "device_class": kept.device_class,
        "first": kept.first,
        "last": kept.last,
        "samples": kept.samples,
        "commands": kept.commands,
        "bytes": kept.bytes,
        "recorded": kept.is_recorded(),
        "class": treatment.class.word(),
        "keep": treatment.keep.to_string(),
        "deadband": treatment.deadband,
    })
}

fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
