//! Boards with Hearth's own firmware: how they are, and what shall be on their pins.

use super::*;
use crate::home::{PinMap, topic};

/// A board whose map puts a moisture sensor and a pump on it.
const ABOUT: &str = r#"{"board":"shed","firmware":"hearth","port":"/dev/ttyACM1","usb":"8573C1A2","room":"garden",
 "things":[
  {"name":"moisture","topic":"home/garden/moisture","kind":"sensor","device_class":"moisture","unit":"%"},
  {"name":"pump","topic":"home/garden/pump","kind":"switch"}]}"#;
const VITALS: &str = r#"{"client":"uno-0badcafe","firmware":"0.1.0","uptime":93784,"reset":"brown-out",
 "restarts":2,"frames":12034,"damaged":3,"overruns":1,"repeated":5,"link_quality":97}"#;
pub const MAP: &str = r#"{"silence":20,"things":[
  {"name":"moisture","kind":"analog","pin":"A0","every":0.5,"deadband":1.5,"scale":[0.0,100.0],"unit":"%","device_class":"moisture"},
  {"name":"pump","kind":"relay","pin":"D7","room":"orchard","active_low":true,"safe":true}],
 "rules":["pump on while moisture < 30, until 35"]}"#;
const REFUSED: &str = r#"{"state":"refused","at":"pump","reason":"D7 is <used> by fan already"}"#;

/// A house with a board of Hearth's firmware, `shed`, and one with a sketch, `uno`.
pub async fn lab() -> Lab {
    let lab = Lab::with_greenhouse().await;
    lab.retain("hearth/board/shed/about", ABOUT).await;
    lab.retain("hearth/board/shed/status", "online").await;
    lab.retain("hearth/board/shed/vitals", VITALS).await;
    lab
}

impl Lab {
    /// What is retained for the board.
    async fn wanted(&self, board: &str) -> Option<PinMap> {
        let retained = self.app.handle.retained(&topic::board_config(board)).await;
        let message = retained.unwrap().pop()?;
        Some(serde_json::from_slice(&message.payload).unwrap())
    }
}

fn map(json: &str) -> PinMap {
    serde_json::from_str(json).unwrap()
}

#[tokio::test]
async fn the_api_tells_how_boards_are() {
    let lab = lab().await;
    lab.retain("hearth/board/shed/map", REFUSED).await;
    let boards = lab.get("/api/boards").await.json();
    let names = |at: usize| boards["boards"][at]["name"].as_str().unwrap().to_owned();
    assert_eq!([names(0), names(1)], ["shed", "uno"]);
    let shed = lab.get("/api/boards/shed").await.json();
    assert_eq!(shed, boards["boards"][0]);
    assert_eq!(
        (
            &shed["online"],
            &shed["port"],
            &shed["usb"],
            &shed["firmware"],
            &shed["room"]
        ),
        (
            &true.into(),
            &"/dev/ttyACM1".into(),
            &"8573C1A2".into(),
            &"hearth".into(),
            &"garden".into()
        )
    );
    assert_eq!(shed["things"][1], "home/garden/pump");
    assert_eq!(
        (&shed["map"]["state"], &shed["map"]["at"]),
        (&"refused".into(), &"pump".into())
    );
    assert_eq!(
        (&shed["vitals"]["link_quality"], &shed["vitals"]["uptime"]),
        (&97.into(), &93784.into())
    );
    let uno = &boards["boards"][1];
    assert!(uno.get("vitals").is_none() && uno.get("map").is_none() && uno.get("fault").is_none());
    assert_eq!(
        lab.get("/api/boards/nobody").await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn a_map_is_put_where_the_board_takes_it() {
    let lab = lab().await;
    let path = "/api/boards/shed/map";
    let empty = lab.get(path).await.json();
    assert_eq!(empty, serde_json::json!({ "silence": 30, "things": [] }));
    let mut config = lab.app.handle.connect("config").await.unwrap();
    config
        .subscribe("hearth/board/+/config", broker::Qos::AtLeastOnce)
        .await
        .unwrap();
    let answer = lab.put(path, MAP).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text());
    assert_eq!(answer.json()["topic"], "hearth/board/shed/config");
    let published = config.next().await.unwrap();
    assert_eq!(
        (&*published.topic, published.qos),
        ("hearth/board/shed/config", broker::Qos::AtLeastOnce)
    );
    assert_eq!(lab.wanted("shed").await, Some(map(MAP)));
    let again: PinMap = serde_json::from_value(lab.get(path).await.json()).unwrap();
    assert_eq!(again, map(MAP));
}

#[tokio::test]
async fn maps_that_cannot_be_are_refused_with_the_reason() {
    let lab = lab().await;
    let twice = r#"{"things":[{"name":"fan","kind":"relay","pin":7},{"name":"pump","kind":"relay","pin":"D7"}]}"#;
    for (board, body, status, words) in [
        ("shed", twice, 400, "pump: D7 is used by fan already"),
        (
            "shed",
            r#"{"silence":2}"#,
            400,
            "the silence is 0, or at least 3 s",
        ),
        (
            "shed",
            r#"{"things":[{"name":"a","kind":"relay","pin":"A6"}]}"#,
            400,
            "an Uno has no pin \"A6\"",
        ),
        (
            "shed",
            r#"{"rules":["pump on"]}"#,
            400,
            "pump on: this is no rule",
        ),
        ("shed", r#"{"pins":[]}"#, 400, "unknown field `pins`"),
        ("shed", "{", 400, "JSON"),
        ("uno", "{}", 409, "hearth flash /dev/ttyACM0"),
        ("nobody", "{}", 404, "There is no board nobody"),
    ] {
        let answer = lab.put(&format!("/api/boards/{board}/map"), body).await;
        assert_eq!(answer.status.as_u16(), status, "{body}: {}", answer.text());
        assert_eq!(answer.header("content-type"), "application/problem+json");
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(words), "{detail}");
        assert_eq!(lab.wanted(board).await, None, "nothing is published");
    }
    lab.retain("hearth/board/shed/config", "nonsense").await;
    let answer = lab.get("/api/boards/shed/map").await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert!(
        answer.text().contains("saving one replaces it"),
        "{}",
        answer.text()
    );
}
