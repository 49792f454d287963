//! The page and the API of the history itself, over a real file.

use askama::Template;

use super::*;
use crate::history::{self, Class, Pattern, Policy};
use crate::web::pages::history::Figures;
use crate::web::recording::Recorder;

const FORM: &str = "application/x-www-form-urlencoded";
const DOOR: &str = "home/hall/door";

/// A house whose history holds a door, its commands, and a thermometer.
async fn lab() -> (tempfile::TempDir, Lab) {
    let folder = tempfile::tempdir().unwrap();
    let (supervisor, clock) = (Supervisor::new(), Clock::start());
    let handle = broker(&supervisor, clock).await;
    let mut settings = history::Settings::new(folder.path().join("history.db"));
    settings.write_budget = Some(40_000_000);
    settings.policy = Policy {
        lose_at_most: Duration::from_millis(20),
        patterns: vec![Pattern {
            filter: "home/+/temperature".to_owned(),
            class: Some(Class::Lazy),
            deadband: Some(0.5),
            ..Pattern::default()
        }],
    };
    let history = history::start(settings, clock, handle.clone(), &supervisor).await;
    let address = (Ipv4Addr::LOCALHOST, 8080).into();
    let lab = Lab::page(address, handle, clock, supervisor, history.unwrap()).await;
    for payload in ["open", "closed", "open"] {
        lab.retain(DOOR, payload).await;
    }
    lab.say("asker", &[Publication::new("home/hall/door/set", "closed")])
        .await;
    lab.retain("home/hall/temperature", "21.46").await;
    let holds = |series: &serde_json::Value| {
        let samples = |at: usize, what: &str| series[at][what].as_u64();
        samples(0, "samples") == Some(3)
            && samples(0, "commands") == Some(1)
            && samples(1, "samples") == Some(1)
    };
    for _ in 0..500 {
        if holds(&series(&lab).await) {
            return (folder, lab);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("not recorded: {}", series(&lab).await);
}

async fn series(lab: &Lab) -> serde_json::Value {
    lab.get("/api/history").await.json()["series"].clone()
}

#[tokio::test]
async fn the_page_says_what_it_costs_and_what_it_holds() {
    let (_folder, lab) = lab().await;
    let text = lab.get("/history").await.text();
    for part in [
        r#"<p class="badge good">recording</p>"#,
        r#"<th scope="row">critical</th><td>20 ms</td>"#,
        r#"<th scope="row">lazy</th><td>120 ms</td>"#,
        "5 of 2 topics",
        r#"<a href="/thing/hall/door">home/<wbr>hall/<wbr>door</a>"#,
        "3 samples and 1 command",
        "21.5 °C",
        "· lazy · deadband 0.5",
        r#"<code>home/+/temperature</code> lazy · deadband 0.5"#,
        r#"href="/history/forget?topic=home%2Fhall%2Fdoor""#,
        r#"<form class="pick" method="get" action="/chart">"#,
        r#"name="t" value="home/hall/door" aria-label="Draw home/hall/door""#,
        ", when Hearth started",
        r#"data-watch="history""#,
        r#"data-fresh="/history/figures""#,
    ] {
        assert!(text.contains(part), "no {part} in {text}");
    }
}

#[tokio::test]
async fn figures_are_told_again_without_a_look_into_the_file() {
    let (_folder, lab) = lab().await;
    let page = lab.get("/history").await.text();
    let figures = lab.get("/history/figures").await.text();
    for id in ["state", "troubles", "figures"] {
        assert!(page.contains(&format!("<div id=\"{id}\"")), "{page}");
        assert!(figures.contains(&format!("<div id=\"{id}\"")), "{figures}");
    }
    assert!(figures.contains("in memory now") && !figures.contains(DOOR));
    let mut recorder = Recorder::look(&lab.app.history);
    let now = UtcMillis(1_000_000);
    let version = recorder.version(now);
    assert_eq!(version, recorder.version(UtcMillis(now.0 + 4_999)));
    assert_ne!(version, recorder.version(UtcMillis(now.0 + 5_000)));
    recorder.figures.lost += 1;
    assert_ne!(version, recorder.version(now));
}

#[tokio::test]
async fn what_cannot_be_read_is_told_with_what_to_do() {
    let (_folder, lab) = lab().await;
    let mut recorder = Recorder::look(&lab.app.history);
    assert!(
        !lab.get("/history")
            .await
            .text()
            .contains("What cannot be read")
    );
    recorder.figures.damaged.push(history::Damage {
        what: "chunk 12".to_owned(),
        topic: Some(DOOR.to_owned()),
        stretch: Some((UtcMillis(0), UtcMillis(3_600_000))),
        reason: "is damaged: its checksum is wrong".to_owned(),
        is_rollup: false,
        then: history::Then::Aside,
    });
    let text = Figures::of(&lab.app, &recorder).render().unwrap();
    for part in [
        "What cannot be read",
        "chunk 12 is damaged: its checksum is wrong",
        "Thu 1 Jan 1970, 00:00 to 01:00",
        r#"<a href="/chart?t=home/hall/door&#38;from=1970-01-01T00:00:00Z&#38;to=1970-01-01T01:00:00Z">"#,
        "--topic &#39;home/hall/door&#39; --from 1970-01-01T00:00 --to 1970-01-01T01:01",
    ] {
        assert!(text.contains(part), "no {part} in {text}");
    }
}

#[tokio::test]
async fn what_the_house_forgot_is_drawn_all_the_same() {
    let (_folder, lab) = lab().await;
    // Nobody holds its state any more.
    lab.retain(DOOR, "").await;
    let text = lab
        .says("/history", "/chart?t=home/hall/door&#38;span=day&#38;date=")
        .await;
    assert!(text.contains("home/<wbr>hall/<wbr>door</a>"), "{text}");
    let empty = lab.get("/chart").await.text();
    assert!(
        empty.contains(r#"name="t" value="home/hall/door"> Door"#),
        "{empty}"
    );
}

#[tokio::test]
async fn programs_read_the_same() {
    let (_folder, lab) = lab().await;
    let told = lab.get("/api/history").await.json();
    assert_eq!(told["recording"], true, "{told}");
    assert_eq!(told["windows_ms"]["normal"], 20);
    assert_eq!(told["writing"]["budget_bytes_per_day"], 40_000_000);
    assert_eq!(told["lost"], 0);
    assert!(told["file_bytes"].as_u64().unwrap() > 4096, "{told}");
    let thermometer = &told["series"][1];
    assert_eq!(thermometer["topic"], "home/hall/temperature");
    assert_eq!(thermometer["class"], "lazy");
    assert_eq!(thermometer["keep"], "forever");
    let metrics = lab.get("/metrics").await.text();
    assert!(
        metrics.contains("hearth_history_samples_total 5\n"),
        "{metrics}"
    );
    assert!(metrics.contains("hearth_history_paused 0\n"), "{metrics}");
}

#[tokio::test]
async fn deletion_is_asked_for_and_takes_commands_along() {
    let (_folder, lab) = lab().await;
    let page = "/history/forget?topic=home%2Fhall%2Fdoor";
    let question = lab.get(page).await.text();
    for part in [
        "Delete what is kept of home/hall/door?",
        "3 samples and 1 command",
        r#"<form class="sure" method="post" action="/history/forget">"#,
        r#"<input type="hidden" name="topic" value="home/hall/door">"#,
    ] {
        assert!(question.contains(part), "no {part} in {question}");
    }
    assert_eq!(series(&lab).await.as_array().unwrap().len(), 2);
    let answer = lab
        .post("/history/forget", FORM, "topic=home%2Fhall%2Fdoor")
        .await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(
        answer
            .text()
            .contains("4 samples of <code>home/hall/door</code> are removed")
    );
    assert!(answer.text().contains("record = false"));
    let left = series(&lab).await;
    assert_eq!(left.as_array().unwrap().len(), 1, "{left}");
    assert_eq!(left[0]["topic"], "home/hall/temperature");
    assert_eq!(lab.get(page).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn pages_of_other_sites_delete_nothing() {
    let (_folder, lab) = lab().await;
    for (method, path, body) in [
        ("POST", "/history/forget", "topic=home%2Fhall%2Fdoor"),
        ("DELETE", "/api/history/hall/door", ""),
    ] {
        let request = request(method, path)
            .header(header::CONTENT_TYPE, FORM)
            .header(header::ORIGIN, "http://evil.example");
        let answer = lab.ask(request.body(body.into()).unwrap()).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
    }
    assert_eq!(series(&lab).await[0]["samples"], 3);
}

#[tokio::test]
async fn programs_delete_once() {
    let (_folder, lab) = lab().await;
    let delete = async || {
        let request = request("DELETE", "/api/history/hall/door");
        lab.ask(request.body(Body::empty()).unwrap()).await
    };
    let answer = delete().await;
    assert_eq!(
        answer.json(),
        serde_json::json!({ "topic": DOOR, "removed": 4 })
    );
    let again = delete().await;
    assert_eq!(again.status, StatusCode::NOT_FOUND);
    let detail = again.json()["detail"].as_str().unwrap().to_owned();
    assert_eq!(detail, "Nothing is recorded of \"home/hall/door\".");
}

#[tokio::test]
async fn without_a_file_the_page_says_why() {
    let lab = Lab::with_greenhouse().await;
    let text = lab.get("/history").await.text();
    assert!(
        text.contains("Nothing is recorded: there is no disk."),
        "{text}"
    );
    assert!(text.contains(r#"<p class="badge bad">not recording</p>"#));
    let told = lab.get("/api/history").await.json();
    assert_eq!(told["recording"], false);
    assert_eq!(told["paused"], "there is no disk");
    assert_eq!(told["series"], serde_json::json!([]));
    let answer = lab.get("/history/forget?topic=x").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    let metrics = lab.get("/metrics").await.text();
    assert!(metrics.contains("hearth_history_paused 1\n"), "{metrics}");
}
