//! The database that is pushed to, as far as it is seen from outside.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

pub const SECRET: &str = "t0ken";

/// A server on a port of its own: what it has taken, and how it answers.
#[derive(Clone, Default)]
pub struct Db {
    pub lines: Arc<Mutex<Vec<String>>>,
    /// A status for everything, if it is not 204.
    status: Arc<Mutex<Option<u16>>>,
    requests: Arc<Mutex<usize>>,
}

impl Db {
    pub async fn start(&self, listener: TcpListener) -> JoinSet<()> {
        let router = Router::new().fallback(take).with_state(self.clone());
        let mut task = JoinSet::new();
        task.spawn(async move { axum::serve(listener, router).await.unwrap() });
        task
    }

    pub fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    pub fn answer(&self, status: Option<u16>) {
        *self.status.lock().unwrap() = status;
    }

    pub fn requests(&self) -> usize {
        *self.requests.lock().unwrap()
    }

    /// Waits until it has so many lines; tells their values and times.
    pub async fn wait(&self, lines: usize) -> Vec<(String, String)> {
        for _ in 0..1000 {
            if self.lines().len() >= lines {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let all = self.lines();
        assert_eq!(all.len(), lines, "{all:?}");
        let parts = |line: &String| {
            let mut parts = line.rsplitn(3, ' ').map(str::to_owned);
            let time = parts.next().unwrap();
            (parts.next().unwrap(), time)
        };
        all.iter().map(parts).collect()
    }
}

/// As Telegraf: a line that says `bad` has all of them refused.
async fn take(State(db): State<Db>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    *db.requests.lock().unwrap() += 1;
    assert_eq!(head.headers["content-encoding"], "gzip");
    assert_eq!(head.uri, "/write?db=house");
    if head.headers["authorization"] != format!("Token {SECRET}") {
        let words = format!("{{\"message\":\"not with {SECRET}\"}}");
        return (StatusCode::UNAUTHORIZED, words).into_response();
    }
    if let Some(status) = *db.status.lock().unwrap() {
        return StatusCode::from_u16(status).unwrap().into_response();
    }
    let mut text = String::new();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&body[..]), &mut text).unwrap();
    if text.contains("bad") {
        return (StatusCode::BAD_REQUEST, "cannot parse").into_response();
    }
    let lines = text.lines().map(str::to_owned);
    db.lines.lock().unwrap().extend(lines);
    StatusCode::NO_CONTENT.into_response()
}
