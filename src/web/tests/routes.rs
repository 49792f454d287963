//! What pages and the API say.

use super::*;

const FORM: &str = "application/x-www-form-urlencoded";
/// DESIGN: the first page and everything it loads, compressed.
const FIRST_PAGE_BYTES: usize = 30_000;

#[tokio::test]
async fn the_page_is_complete_without_a_script() {
    let page = Lab::with_greenhouse().await.get("/").await;
    assert_eq!(page.status, StatusCode::OK);
    let text = page.text();
    for part in [
        "<title>Rooms · Lab &#60;house&#62;</title>",
        "Greenhouse</h2>",
        r#"<data value="21.46" data-text>21.5</data> <span class="unit">°C</span>"#,
        r#"role="switch" name="to" value="on" aria-checked="false""#,
        r#"<form class="set" method="post" action="/thing/greenhouse/fan/set">"#,
        r#"type="range" name="to" min="0" max="50""#,
        "just now",
    ] {
        assert!(text.contains(part), "no {part} in {text}");
    }
    assert!(!text.contains("No login yet"));
}

#[tokio::test]
async fn every_page_answers() {
    let lab = Lab::with_greenhouse().await;
    let trace = r#"{"rule":"Fan <on>","at":5,"outcome":"fired","because":"it rose above 28",
        "values":{},"actions":[{"topic":"home/greenhouse/fan/set","payload":"on"}],"took_us":3}"#;
    lab.retain("hearth/rule/fan-on/last", trace).await;
    lab.retain("hearth/board/uno/fault", "1 MB <without> a line end")
        .await;
    let bridge = r#"{"bridge":"cloud","address":"mqtts://broker.example:8883","status":"offline","since":5,
        "waiting":{"messages":2,"bytes":99},"trouble":"no <way>"}"#;
    lab.retain("hearth/bridge/cloud/about", bridge).await;
    for (path, part) in [
        ("/", "uno: 1 MB &#60;without&#62; a line end"),
        ("/boards", "no &#60;way&#62;"),
        ("/boards", "2 messages wait"),
        ("/boards", "/dev/ttyACM0"),
        ("/boards", "/thing/greenhouse/dimmer"),
        ("/rules", "Fan &#60;on&#62;"),
        ("/rules", "home/greenhouse/fan/set ← on"),
        ("/thing/greenhouse/fan", "home/greenhouse/fan/set"),
        (
            "/thing/greenhouse/temperature?span=week",
            "Nothing is recorded: there is no disk.",
        ),
    ] {
        let page = lab.get(path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        assert!(
            page.text().contains(part),
            "no {part} in {path}: {}",
            page.text()
        );
    }
}

#[tokio::test]
async fn an_empty_house_is_told_how_to_begin() {
    let page = Lab::open().await.get("/").await.text();
    assert!(
        page.contains("hearth demo") && page.contains("Arduino"),
        "{page}"
    );
}

#[tokio::test]
async fn a_page_that_others_reach_says_so() {
    let lab = Lab::at(([192, 168, 1, 7], 8080).into()).await;
    let page = lab.get("/").await.text();
    assert!(
        page.contains("No login yet") && page.contains("192.168.1.7:8080"),
        "{page}"
    );
}

#[tokio::test]
async fn hostile_names_and_values_stay_text() {
    let lab = Lab::open().await;
    let evil = "<script>alert(1)</script>\"'";
    lab.retain("home/<b>\"'&/<img src=x onerror=y>", evil).await;
    lab.retain("hearth/board/<i>/status", "offline").await;
    lab.app
        .publisher
        .publish(Publication::new("hearth/board/<i>/log", evil))
        .await
        .unwrap();
    for path in [
        "/",
        "/boards",
        "/thing/%3Cb%3E%22'%26/%3Cimg%20src=x%20onerror=y%3E",
    ] {
        let page = lab.get(path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        for tag in ["<script>", "<b>", "<i>", "<img src=x"] {
            assert!(!page.text().contains(tag), "{tag} in {path}");
        }
    }
}

#[tokio::test]
async fn a_form_commands_and_returns_to_its_page() {
    let lab = Lab::with_greenhouse().await;
    let mut commands = lab.commands().await;
    let answer = lab
        .post("/thing/greenhouse/fan/set", FORM, "to=on&back=%2F")
        .await;
    assert_eq!(
        (answer.status, answer.header("location")),
        (StatusCode::SEE_OTHER, "/")
    );
    let command = commands.next().await.unwrap();
    assert_eq!(&*command.topic, "home/greenhouse/fan/set");
    assert_eq!((command.text(), command.retain), (Some("on"), false));
    let elsewhere = "to=on&back=https%3A%2F%2Fevil.example";
    let answer = lab.post("/thing/greenhouse/fan/set", FORM, elsewhere).await;
    assert_eq!(answer.header("location"), "/thing/greenhouse/fan");
}

#[tokio::test]
async fn the_api_commands_with_json_of_any_type() {
    let lab = Lab::with_greenhouse().await;
    let mut commands = lab.commands().await;
    for (thing, body, payload) in [
        ("fan", r#"{"to":"ON"}"#, "on"),
        ("fan", r#"{"to":false}"#, "off"),
        ("dimmer", r#"{"to":12.5}"#, "12.5"),
        ("dimmer", r#"{"to":"30"}"#, "30"),
    ] {
        let path = format!("/api/things/greenhouse/{thing}/set");
        let answer = lab.post(&path, "application/json", body).await;
        assert_eq!(
            answer.status,
            StatusCode::ACCEPTED,
            "{body}: {}",
            answer.text()
        );
        assert_eq!(answer.json()["to"], payload);
        assert_eq!(commands.next().await.unwrap().text(), Some(payload));
    }
}

#[tokio::test]
async fn the_api_tells_what_the_page_shows() {
    let lab = Lab::with_greenhouse().await;
    let things = lab.get("/api/things").await.json();
    assert_eq!(things["things"].as_array().unwrap().len(), 3);
    let thing = lab.get("/api/things/greenhouse/temperature").await.json();
    assert_eq!(thing["value"], 21.46);
    assert_eq!(thing["kind"], "sensor");
    assert_eq!(thing["live"]["text"], "21.5");
    assert_eq!(thing["takes_commands"], false);
}

#[tokio::test]
async fn health_follows_the_broker() {
    let lab = Lab::open().await;
    let health = lab.get("/healthz").await;
    assert_eq!(health.status, StatusCode::OK);
    assert_eq!(health.json()["parts"]["history"], "there is no disk");
    lab.supervisor.stop().await;
    let health = lab.get("/healthz").await;
    assert_eq!(health.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(health.json()["status"], "failing");
}

#[tokio::test]
async fn the_first_page_and_all_it_loads_stay_within_the_budget() {
    let lab = Lab::with_greenhouse().await;
    for n in 0..20 {
        lab.retain(&format!("home/room-{}/temperature-{n}", n % 5), "21.5")
            .await;
    }
    let page = lab.get("/").await.text();
    let assets: Vec<&str> = page
        .split('"')
        .filter(|part| part.starts_with("/static/"))
        .collect();
    assert!(assets.len() >= 3, "{assets:?}");
    let mut sizes = Vec::new();
    for path in std::iter::once("/").chain(assets) {
        let ask = request("GET", path).header(header::ACCEPT_ENCODING, "gzip");
        let answer = lab.ask(ask.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.header("content-encoding"), "gzip", "{path}");
        sizes.push(answer.body.len());
    }
    assert!(sizes.iter().sum::<usize>() <= FIRST_PAGE_BYTES, "{sizes:?}");
}
