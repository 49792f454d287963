//! What is refused, how it is told, and what every answer carries.

use super::*;

const JSON: &str = "application/json";

#[tokio::test]
async fn the_api_refuses_with_problem_json() {
    let lab = Lab::with_greenhouse().await;
    let fan = "/api/things/greenhouse/fan/set";
    let long = format!(r#"{{"to":"{}"}}"#, "x".repeat(5000));
    for (path, body, status, words) in [
        (
            fan,
            r#"{"to":"dim"}"#,
            400,
            "is a switch: send on or off, not \"dim\"",
        ),
        (fan, r#"{"too":"on"}"#, 400, "missing field `to`"),
        (fan, "{", 400, "JSON"),
        (fan, &long, 413, "length limit"),
        (
            "/api/things/greenhouse/dimmer/set",
            r#"{"to":51}"#,
            400,
            "a number from 0 to 50",
        ),
        (
            "/api/things/greenhouse/dimmer/set",
            r#"{"to":"nan"}"#,
            400,
            "a number from 0 to 50",
        ),
        (
            "/api/things/greenhouse/temperature/set",
            r#"{"to":1}"#,
            409,
            "only reports",
        ),
        (
            "/api/things/greenhouse/nothing/set",
            r#"{"to":1}"#,
            404,
            "no nothing in greenhouse",
        ),
        ("/api/things/%ff/x/set", r#"{"to":1}"#, 400, "UTF-8"),
    ] {
        let answer = lab.post(path, JSON, body).await;
        assert_eq!(answer.status.as_u16(), status, "{path} {body}");
        assert_eq!(answer.header("content-type"), "application/problem+json");
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(words), "{detail}");
    }
    assert_eq!(lab.post(fan, "text/plain", "on").await.status.as_u16(), 415);
    assert_eq!(lab.get(fan).await.status.as_u16(), 405);
}

#[tokio::test]
async fn queries_that_cannot_be_are_refused() {
    let lab = Lab::with_greenhouse().await;
    let history = "/api/history/greenhouse/temperature";
    for (query, status, words) in [
        ("?from=5&to=5", 400, "must be earlier"),
        ("?points=0", 400, "from 1 to 2000"),
        ("?points=many", 400, "points"),
        ("?from=99999999999999999999", 400, "from"),
        ("?form=5", 400, "There is no"),
        ("?resolution=1s&from=0", 400, "Ask for a resolution of"),
        ("?aggregate=median", 400, "min, mean, max, last, count"),
        ("", 503, "there is no disk"),
    ] {
        let answer = lab.get(&format!("{history}{query}")).await;
        assert_eq!(answer.status.as_u16(), status, "{query}");
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(words), "{query}: {detail}");
    }
    let page = lab.get("/thing/greenhouse/fan?span=%3Cyear%3E").await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    assert!(
        page.text().contains("not &#34;&#60;year&#62;&#34;."),
        "{}",
        page.text()
    );
    for (path, status, words) in [
        (
            "/chart?t=greenhouse/fan",
            400,
            "written like t=home/greenhouse/temperature",
        ),
        (
            "/chart?t=home/cellar/ghost",
            404,
            "There is no home/cellar/ghost",
        ),
        (
            "/chart?t=home/greenhouse/fan&date=soon",
            400,
            "A date is written like 2026-11-28",
        ),
        ("/thing/greenhouse/fan?from=5&to=4", 400, "must be earlier"),
    ] {
        let page = lab.get(path).await;
        assert_eq!(page.status.as_u16(), status, "{path}");
        assert!(page.text().contains(words), "{path}: {}", page.text());
    }
    let many = (0..9).map(|n| format!("t=home/many/thing-{n}"));
    for n in 0..9 {
        lab.retain(&format!("home/many/thing-{n}"), "1").await;
    }
    let page = lab
        .get(&format!("/chart?{}", many.collect::<Vec<_>>().join("&")))
        .await;
    assert!(page.text().contains("8 series at most"), "{}", page.text());
}

#[tokio::test]
async fn people_get_a_sentence_on_a_page() {
    let lab = Lab::with_greenhouse().await;
    for path in ["/nowhere", "/thing/cellar/ghost", "/static/0/hearth.css"] {
        let page = lab.get(path).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
        assert!(page.header("content-type").starts_with("text/html"));
        assert!(page.text().contains("Back to the rooms"), "{path}");
    }
    let form = "application/x-www-form-urlencoded";
    let page = lab
        .post("/thing/greenhouse/temperature/set", form, "to=on")
        .await;
    assert_eq!(page.status, StatusCode::CONFLICT);
    assert!(page.text().contains("takes no commands"), "{}", page.text());
}

#[tokio::test]
async fn every_answer_carries_the_security_headers() {
    let lab = Lab::with_greenhouse().await;
    for path in [
        "/",
        "/nowhere",
        "/api/things",
        "/api/nothing",
        "/healthz",
        "/live",
    ] {
        let answer = lab.get(path).await;
        let policy = answer.header("content-security-policy");
        assert!(policy.contains("default-src 'self'"), "{path}");
        assert!(policy.contains("frame-ancestors 'none'"), "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "same-origin", "{path}");
        assert_eq!(answer.header("cache-control"), "no-cache", "{path}");
    }
    let style = lab.get(&assets::href("hearth.css")).await;
    assert!(style.header("cache-control").contains("immutable"));
}

#[tokio::test]
async fn pages_keep_to_their_own_policy() {
    let lab = super::boards::lab().await;
    for path in [
        "/",
        "/boards",
        "/board/shed",
        "/board/uno",
        "/rules",
        "/thing/greenhouse/fan",
        "/chart",
        "/chart?t=home/greenhouse/fan&t=home/greenhouse/temperature",
    ] {
        let page = lab.get(path).await.text();
        assert!(!page.contains("style="), "inline style in {path}");
        assert!(
            !page.contains("<script>") && !page.contains(" onclick"),
            "script in {path}"
        );
        assert!(
            !page.contains("https://") && !page.contains("src=\"//"),
            "stranger in {path}"
        );
    }
}

#[tokio::test]
async fn a_foreign_name_is_not_answered() {
    let lab = Lab::with_greenhouse().await;
    let ask = Request::get("/api/things").header(header::HOST, "evil.example:8080");
    let answer = lab.ask(ask.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::MISDIRECTED_REQUEST);
    assert!(!answer.text().contains("greenhouse"));
}

#[tokio::test]
async fn another_sites_page_cannot_command() {
    let lab = Lab::with_greenhouse().await;
    let mut commands = lab.commands().await;
    for (name, value) in [
        ("origin", "http://evil.example"),
        ("sec-fetch-site", "cross-site"),
    ] {
        let ask = request("POST", "/thing/greenhouse/fan/set")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(name, value);
        let answer = lab.ask(ask.body("to=off".into()).unwrap()).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{name}");
    }
    // The first command that arrives is the page's own.
    let own = request("POST", "/api/things/greenhouse/fan/set")
        .header(header::CONTENT_TYPE, JSON)
        .header("origin", "http://pi.local:8080");
    let answer = lab.ask(own.body(r#"{"to":"on"}"#.into()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    assert_eq!(commands.next().await.unwrap().text(), Some("on"));
}
