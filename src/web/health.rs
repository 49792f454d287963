//! `GET /healthz`: whether the parts that the house cannot do without answer.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{App, Shared};
use crate::home::topic;

/// A broker that takes longer than this is not healthy.
const ANSWERS_WITHIN: Duration = Duration::from_secs(1);

/// 200 when all is well, 503 when the broker does not answer. A history that
/// is off is told but is no reason to restart: switching goes on without it.
pub async fn get(State(app): State<Shared>) -> (StatusCode, Json<Value>) {
    let broker = broker(&app).await;
    let healthy = broker.is_ok();
    let history = app.history.off_because();
    let body = json!({
        "status": if healthy { "ok" } else { "failing" },
        "parts": {
            "broker": broker.err().unwrap_or("ok"),
            "history": history.as_deref().unwrap_or("ok"),
        },
        "uptime_ms": app.clock.now().moment.0,
    });
    let status = if healthy {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(body))
}

async fn broker(app: &App) -> Result<(), &'static str> {
    let question = app.handle.retained(topic::GATEWAY_STATUS);
    match tokio::time::timeout(ANSWERS_WITHIN, question).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(_)) => Err("stopped"),
        Err(_) => Err("did not answer within a second"),
    }
}
