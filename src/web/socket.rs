//! `GET /live`: one open page. It is sent what changed since it was last told.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use super::error::Problem;
use super::house::{House, Live, Rule, Watch};
use super::recording::{HISTORY, Recorder};
use super::{App, Shared};
use crate::clock::UtcMillis;

/// Pages send nothing but control frames.
const MAX_INCOMING: usize = 1024;
/// A browser that takes longer to take an update has gone.
const SEND_WITHIN: Duration = Duration::from_secs(10);
/// A leaving page is told why, if it listens.
const CLOSE_WITHIN: Duration = Duration::from_millis(300);

/// What a page is told.
#[derive(Debug, Serialize)]
struct Update<'a> {
    now: UtcMillis,
    things: Vec<&'a Live>,
    /// A page whose own version is another one fetches itself again.
    versions: BTreeMap<String, String>,
}

pub async fn get(
    State(app): State<Shared>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    let upgrade = upgrade.map_err(|rejection| {
        Problem::new(
            rejection.status(),
            "This address speaks WebSocket, to Hearth's own pages.",
        )
    })?;
    let place = app.live.enter().ok_or_else(|| {
        Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "Too many pages are open; close one, or reload this page by hand.",
        )
    })?;
    Ok(upgrade
        .max_message_size(MAX_INCOMING)
        .max_frame_size(MAX_INCOMING)
        .on_upgrade(|socket| run(app, socket, place)))
}

async fn run(app: Shared, mut socket: WebSocket, _place: OwnedSemaphorePermit) {
    let mut views = app.live.subscribe();
    let mut told = Arc::default();
    loop {
        tokio::select! {
            () = app.stop.cancelled() => {
                let _ = timeout(CLOSE_WITHIN, socket.send(goodbye())).await;
                return;
            }
            changed = views.changed() => {
                let house = Arc::clone(&views.borrow_and_update());
                let update = update(&app, &told, &house);
                told = house;
                let sent = timeout(SEND_WITHIN, socket.send(update)).await;
                if changed.is_err() || !matches!(sent, Ok(Ok(()))) {
                    return;
                }
            }
            // Answers to pings are made while reading.
            incoming = socket.recv() => match incoming {
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => {}
            }
        }
    }
}

fn goodbye() -> Message {
    Message::Close(Some(CloseFrame {
        code: close_code::AWAY,
        reason: "Hearth is stopping".into(),
    }))
}

/// What changed between the views.
fn update(app: &App, told: &House, house: &House) -> Message {
    let now = app.clock.now().utc;
    let mut versions = versions(told, house);
    let recorder = Recorder::look(&app.history);
    versions.insert(HISTORY.to_owned(), recorder.version(now));
    let update = Update {
        now,
        versions,
        things: news(told, house),
    };
    let text = serde_json::to_string(&update).unwrap_or_default();
    Message::Text(text.into())
}

/// Of the parts of the house, and of each rule that changed.
fn versions(told: &House, house: &House) -> BTreeMap<String, String> {
    let parts = Watch::ALL.map(|watch| (watch.word().to_owned(), house.version(watch)));
    let known: HashMap<&str, &Rule> = told
        .rules
        .iter()
        .map(|rule| (rule.word.as_str(), rule))
        .collect();
    let rules = house.rules.iter();
    let rules = rules.filter(|rule| known.get(rule.word.as_str()) != Some(rule));
    let rules = rules.map(|rule| (rule.watch(), rule.version()));
    parts.into_iter().chain(rules).collect()
}

fn news<'a>(told: &House, house: &'a House) -> Vec<&'a Live> {
    let known: HashMap<&str, &Live> = told
        .things()
        .map(|view| (view.live.thing.as_str(), &view.live))
        .collect();
    let lives = house.things().map(|view| &view.live);
    lives
        .filter(|live| known.get(live.thing.as_str()) != Some(live))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::house::tests::house;
    use super::*;

    #[test]
    fn the_page_of_a_rule_is_told_when_it_did_something() {
        let last = |at: u8| format!(r#"{{"rule":"A","at":{at},"outcome":"fired"}}"#);
        let (one, two) = (last(1), last(2));
        let before = house(&[("hearth/rule/a/last", &one), ("hearth/rule/b/last", &one)]);
        let after = house(&[("hearth/rule/a/last", &two), ("hearth/rule/b/last", &one)]);
        let changed = versions(&before, &after);
        assert_eq!(changed["rule/a"], after.rules[0].version());
        assert!(!changed.contains_key("rule/b"));
        assert_eq!(versions(&House::default(), &before).len(), 5);
        assert_eq!(versions(&after, &after).len(), 3);
    }

    #[test]
    fn a_page_is_told_everything_once_and_then_what_changed() {
        let before = house(&[("home/hall/door", "on"), ("home/hall/lux", "5")]);
        let after = house(&[("home/hall/door", "off"), ("home/hall/lux", "5")]);
        let topics = |news: Vec<&Live>| -> Vec<String> {
            news.into_iter().map(|live| live.thing.clone()).collect()
        };
        let all = topics(news(&House::default(), &before));
        assert_eq!(all, ["home/hall/door", "home/hall/lux"]);
        assert_eq!(topics(news(&before, &after)), ["home/hall/door"]);
        assert!(news(&after, &after).is_empty());
    }
}
