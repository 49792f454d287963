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
const COMMAND: &str = r#"{"topic":"home/garden/pump","to":"on","at":5,"stage":"reported","ms":9,"id":17,
 "steps":[{"stage":"received","ms":0},{"stage":"sent","ms":1},{"stage":"acknowledged","ms":7},{"stage":"reported","ms":9}]}"#;
const REFUSED: &str = r#"{"state":"refused","at":"pump","reason":"D7 is <used> by fan already"}"#;

/// A house with a board of Hearth's firmware, `shed`, and one with a sketch, `uno`.
pub async fn lab() -> Lab {
    let lab = Lab::with_greenhouse().await;
    lab.retain("hearth/board/shed/about", ABOUT).await;
    lab.retain("hearth/board/shed/status", "online").await;
    lab.retain("hearth/board/shed/vitals", VITALS).await;
    lab.retain("hearth/board/shed/command/pump", COMMAND).await;
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

const FORM: &str = "application/x-www-form-urlencoded";

#[tokio::test]
async fn a_boards_page_tells_how_it_is() {
    let lab = lab().await;
    lab.retain("hearth/board/shed/map", REFUSED).await;
    lab.retain("hearth/board/shed/fault", "<noise> on the line")
        .await;
    let page = lab.get("/board/shed").await;
    assert_eq!(page.status, StatusCode::OK);
    for part in [
        "<h1>shed</h1>",
        "Hearth&#39;s firmware, on /dev/ttyACM1",
        "<code>8573C1A2</code>",
        "<dd>0.1.0</dd>",
        "1 day 2 h",
        "Commanded on: sent 1 ms, acknowledged 7 ms, reported 9 ms",
        "its supply voltage was too low",
        "<dt>Restarts</dt><dd>2</dd>",
        "97 % of the last frames",
        "3 damaged frames of 12,034 frames, 1 lost byte, 5 repeated packets",
        "the pin map was refused: pump: D7 is &#60;used&#62; by fan already",
        "&#60;noise&#62; on the line",
        r#"<a href="/thing/garden/pump">Pump</a>"#,
    ] {
        assert!(page.text().contains(part), "no {part} in {}", page.text());
    }
    let boards = lab.get("/boards").await.text();
    for part in [
        r#"<a href="/board/shed">shed</a>"#,
        "link 97 %",
        "D7 is &#60;used&#62;",
    ] {
        assert!(boards.contains(part), "no {part} in {boards}");
    }
    let sketch = lab.get("/board/uno").await.text();
    assert!(
        sketch.contains("hearth flash /dev/ttyACM0") && !sketch.contains("<form class=\"map\"")
    );
    assert_eq!(lab.get("/board/nobody").await.status, StatusCode::NOT_FOUND);
}

/// A form that says what is on two pins.
const TYPED: &str = "silence=20&name-1=moisture&kind-1=analog&pin-1=A0&every-1=0.5&low-1=0&high-1=100&unit-1=%25\
    &name-2=pump&kind-2=relay&pin-2=D7&active_low-2=on&safe-2=on&rule-1=pump+on+while+moisture+%3C+30%2C+until+35\
    &name-3=&kind-3=&pin-3=";

#[tokio::test]
async fn a_form_saves_a_map_and_keeps_what_it_does_not_show() {
    let lab = lab().await;
    lab.retain("hearth/board/shed/config", MAP).await;
    let shown = lab.get("/board/shed").await.text();
    for part in [
        r#"name="name-2" value="pump""#,
        r#"<option value="A0" selected>A0</option>"#,
        r#"<option value="relay" selected>"#,
        r#"name="active_low-2" checked>"#,
        r#"name="every-1" value="0.5""#,
        r#"name="rule-1" value="pump on while moisture &#60; 30, until 35""#,
        r#"name="silence" value="20""#,
        "<summary>3 · free</summary>",
    ] {
        assert!(shown.contains(part), "no {part} in {shown}");
    }
    let answer = lab.post("/board/shed/map", FORM, TYPED).await;
    assert_eq!(
        (answer.status, answer.header("location")),
        (StatusCode::SEE_OTHER, "/board/shed")
    );
    assert_eq!(
        lab.wanted("shed").await,
        Some(map(MAP)),
        "nothing was changed"
    );
    let other = TYPED.replace("pin-2=D7", "pin-2=D8");
    lab.post("/board/shed/map", FORM, &other).await;
    let mut wanted = map(MAP);
    wanted.things[1].pin = crate::home::pin_map::Pin::parse("D8").unwrap();
    assert_eq!(lab.wanted("shed").await, Some(wanted));
    let back = lab.get("/board/shed/map").await;
    assert_eq!(back.header("location"), "/board/shed");
}

#[tokio::test]
async fn a_refused_form_is_shown_again_with_what_was_typed() {
    let lab = lab().await;
    let typed = TYPED
        .replace("pin-1=A0", "pin-1=D9")
        .replace("unit-1=%25", "unit-1=%3Cb%3E");
    let page = lab.post("/board/shed/map", FORM, &typed).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    let text = page.text();
    let reason = "moisture: D9 has no analog converter: use A0 to A5";
    for part in [
        &format!("Not saved: {reason}"),
        &format!(r#"<p class="wrong" id="wrong-1">{reason}</p>"#),
        r##"<a href="#thing-1">"##,
        r#"<option value="D9" selected>"#,
        r#"name="unit-1" value="&#60;b&#62;""#,
        r#"name="safe-2" value="on""#,
        "data-touched",
    ] {
        assert!(text.contains(part), "no {part} in {text}");
    }
    let rule = TYPED.replace("pump+on+while", "pump+3+while");
    let text = lab.post("/board/shed/map", FORM, &rule).await.text();
    assert!(text.contains(r#"id="wrong-rule-1">pump 3 while"#), "{text}");
    assert_eq!(lab.wanted("shed").await, None, "nothing was published");
    let sketch = lab.post("/board/uno/map", FORM, TYPED).await;
    assert_eq!(sketch.status, StatusCode::CONFLICT);
    assert!(sketch.text().contains("hearth flash"), "{}", sketch.text());
    let long = format!("{TYPED}&unit-2={}", "x".repeat(17_000));
    assert_eq!(
        lab.post("/board/shed/map", FORM, &long)
            .await
            .status
            .as_u16(),
        413
    );
}

#[tokio::test]
async fn an_unreadable_map_is_told_and_can_be_replaced() {
    let lab = lab().await;
    lab.retain("hearth/board/shed/config", "<nonsense>").await;
    let page = lab.get("/board/shed").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(
        page.text().contains("saving one replaces it"),
        "{}",
        page.text()
    );
    lab.post("/board/shed/map", FORM, "silence=0").await;
    let wanted = lab.wanted("shed").await.unwrap();
    assert_eq!((wanted.silence, wanted.things.len()), (0, 0));
}

#[tokio::test]
async fn a_command_is_told_shortly_on_a_card_and_in_full_on_a_page() {
    let lab = lab().await;
    let short = "Commanded on, reported after 9 ms";
    let long = "Commanded on: sent 1 ms, acknowledged 7 ms, reported 9 ms";
    for (path, shown, hidden) in [("/", short, long), ("/thing/garden/pump", long, short)] {
        let page = lab.get(path).await.text();
        assert!(page.contains(shown) && !page.contains(hidden), "{page}");
    }
    let live = &lab.get("/api/things/garden/pump").await.json()["live"];
    assert_eq!(
        (&live["command"], &live["steps"]),
        (&short.into(), &long.into())
    );
}

#[tokio::test]
async fn metrics_tell_of_boards() {
    let lab = lab().await;
    let obedience =
        r#"{"hops":{"sent":{"counts":[1,0,0,0,0,0,0,0,0,0,0],"sum":1}},"obeyed":1,"ignored":0}"#;
    lab.retain("hearth/board/shed/obedience", obedience).await;
    let metrics = lab.get("/metrics").await.text();
    for line in [
        "hearth_board_link_quality_ratio{board=\"shed\"} 0.97",
        "hearth_command_hop_seconds_count{board=\"shed\",hop=\"sent\"} 1",
        "hearth_commands_total{board=\"shed\",outcome=\"obeyed\"} 1",
    ] {
        assert!(
            metrics.lines().any(|one| one == line),
            "no {line} in {metrics}"
        );
    }
}
