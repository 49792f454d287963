//! Rules: their pages, what can be asked of them, and what programs are told.

use super::*;
use crate::broker::Qos;

const FORM: &str = "application/x-www-form-urlencoded";
const ABOUT: &str = r#"{"name":"Good <night>","enabled":true,"button":"Good <night>",
 "waits_for":["the button \"Good <night>\"","a webhook"],
 "listens":["hearth/rule/good-night/press","hearth/hook/bedtime","home/+/presence"],
 "sets":["home/greenhouse/fan"],"publishes":["log/<night>"],"keeps":{"thing":"home/hall/lamp","at":"off"},
 "state":"ready","note":"","pending":[
  {"what":"waits 1h before the <last> action","until":90000007200000},
  {"what":"waits 5m before the next action","until":90000003600000}]}"#;

fn trace(number: u32, outcome: &str) -> String {
    format!(
        r#"{{"rule":"Good <night>","at":{},"outcome":"{outcome}","because":"number {number} <b>","run":{number},
        "trigger":{{"topic":"hearth/rule/good-night/press","before":null,"after":"Good"}},
        "condition":"value('home/hall/<x>') == 'on'","values":{{"home/hall/<x>":"<on>","age('a/b')":4.5,"home/c/d":null}},
        "actions":[{{"topic":"home/greenhouse/fan/set","payload":"<off>"}}],"steps":["waits 5m","chose <it>"],
        "chain":["First <one>","Second"],"took_us":1234}}"#,
        90_000_000_000_000_i64 + i64::from(number)
    )
}

async fn lab() -> Lab {
    let lab = Lab::with_greenhouse().await;
    lab.retain("hearth/rule/good-night/about", ABOUT).await;
    lab
}

async fn with_traces(count: u32) -> Lab {
    let lab = lab().await;
    let traces: Vec<_> = (1..=count)
        .map(|n| Publication::new("hearth/rule/good-night/trace", trace(n, "fired")))
        .collect();
    lab.say("rules", &traces).await;
    lab.says("/rule/good-night", &format!("number {count} &#60;b&#62;"))
        .await;
    lab
}

#[tokio::test]
async fn the_page_of_a_rule_tells_all_of_it() {
    let lab = with_traces(3).await;
    let page = lab.get("/rule/good-night").await.text();
    for part in [
        "<h1>Good &#60;night&#62;</h1>",
        "the button &#34;Good &#60;night&#62;&#34;",
        r#"<a href="/thing/greenhouse/fan"><code>home/greenhouse/fan</code></a>"#,
        r#"<a href="/thing/hall/lamp"><code>home/hall/lamp</code></a> at <code>off</code>"#,
        "log/&#60;night&#62;",
        r#"data-until="90000003600000""#,
        r#"aria-checked="true""#,
        r#"name="enabled" value="false""#,
        "number 3 &#60;b&#62;",
        "home/greenhouse/fan/set ← &#60;off&#62;",
        "took 1.2 ms · run 3 · 3 values",
        "value(&#39;home/hall/&#60;x&#62;&#39;) == &#39;on&#39;",
        "<td><code>age(&#39;a/b&#39;)</code></td><td>4.5</td>",
        "<td>no value</td>",
        "chose &#60;it&#62;",
        "First &#60;one&#62; → Second",
        "<code>hearth/rule/good-night/press</code></dd>",
    ] {
        assert!(page.contains(part), "no {part} in {page}");
    }
    assert!(!page.contains("<b>") && !page.contains("style="), "{page}");
    let at = |number: u32| page.find(&format!("number {number} ")).unwrap();
    assert!(at(3) < at(2) && at(2) < at(1), "newest first");
    let soon = page.find("before the next action").unwrap();
    assert!(soon < page.find("before the &#60;last&#62;").unwrap());
    assert_eq!(lab.get("/rule/Good%20Night").await.status, StatusCode::OK);
    let unknown = lab.get("/rule/nobody").await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    assert!(unknown.text().contains("There is no rule nobody"));
}

#[tokio::test]
async fn programs_get_the_last_hundred_traces() {
    let lab = with_traces(130).await;
    let traces = lab.get("/api/rules/good-night/traces").await.json();
    let traces = traces.as_array().unwrap();
    assert_eq!(traces.len(), 100);
    assert_eq!(
        (&traces[0]["run"], &traces[99]["run"]),
        (&130.into(), &31.into())
    );
    assert_eq!(traces[0]["chain"][0], "First <one>", "as it came");
    let metrics = lab.get("/metrics").await.text();
    assert!(metrics.contains("hearth_rule_fired_total{rule=\"good-night\"} 130\n"));
    // With the rule goes what is known of it.
    lab.retain("hearth/rule/good-night/about", "").await;
    let answer = lab.get("/api/rules/good-night/traces").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert_eq!(answer.header("content-type"), "application/problem+json");
}

#[tokio::test]
async fn the_api_lists_rules_as_they_tell_of_themselves() {
    let lab = lab().await;
    lab.retain("hearth/rule/good-night/last", &trace(7, "passed"))
        .await;
    lab.retain("hearth/rule/old/last", "nonsense").await;
    let status = r#"{"at":5,"outcome":"loaded","added":["Good night"],"changed":[],"removed":[],"untouched":3,"because":""}"#;
    lab.retain("hearth/rules/status", status).await;
    let rules = lab.get("/api/rules").await.json();
    assert_eq!(rules["status"]["untouched"], 3);
    let [rule] = &rules["rules"].as_array().unwrap()[..] else {
        panic!("{rules}");
    };
    assert_eq!(rule["rule"], "good-night");
    assert_eq!(rule["about"]["listens"][1], "hearth/hook/bedtime");
    assert_eq!(rule["last"]["outcome"], "passed");
}

#[tokio::test]
async fn the_list_tells_what_became_of_the_files() {
    let lab = lab().await;
    let refused =
        r#"{"at":5,"outcome":"refused","because":"error: <when>\n 3 | when = 5\n   |        ^"}"#;
    lab.retain("hearth/rules/status", refused).await;
    let page = lab.get("/rules").await.text();
    assert!(page.contains("The rules on disk are not in use"), "{page}");
    assert!(
        page.contains("error: &#60;when&#62;\n 3 | when = 5\n   |        ^</pre>"),
        "{page}"
    );
    let loaded = r#"{"at":5,"outcome":"loaded","added":["A <b>","C"],"changed":["D"],"removed":["E"],"untouched":7,"because":""}"#;
    lab.retain("hearth/rules/status", loaded).await;
    let page = lab.get("/rules").await.text();
    for part in [
        "<dt>Added</dt><dd>A &#60;b&#62;, C</dd>",
        "<dd>D</dd>",
        "<dd>E</dd>",
        "<dd>7</dd>",
    ] {
        assert!(page.contains(part), "no {part} in {page}");
    }
    assert!(!page.contains("not in use"));
    for part in [
        r#"<p class="badge good">on</p>"#,
        "waiting until ",
        r#"action="/rule/good-night/press""#,
        r#"<a href="/rule/good-night">"#,
    ] {
        assert!(page.contains(part), "no {part} in {page}");
    }
}

#[tokio::test]
async fn badges_tell_who_is_off_and_who_tripped() {
    let lab = Lab::open().await;
    for (word, rest, badge) in [
        (
            "a",
            r#""enabled":false,"state":"disabled""#,
            r#"<p class="badge ">off</p>"#,
        ),
        (
            "b",
            r#""enabled":false,"state":"ready""#,
            r#"<p class="badge ">off</p>"#,
        ),
        (
            "c",
            r#""enabled":true,"state":"tripped","note":"It set <itself> off""#,
            r#"<p class="badge bad">tripped</p>"#,
        ),
    ] {
        let about = format!(r#"{{"name":"{word}",{rest}}}"#);
        lab.retain(&format!("hearth/rule/{word}/about"), &about)
            .await;
        let page = lab.get(&format!("/rule/{word}")).await.text();
        assert!(page.contains(badge), "{page}");
    }
    assert!(
        lab.get("/rules")
            .await
            .text()
            .contains("It set &#60;itself&#62; off")
    );
}

#[tokio::test]
async fn a_rule_is_asked_by_form_and_by_program() {
    let lab = lab().await;
    lab.retain(
        "hearth/rule/plain/last",
        r#"{"rule":"Plain","at":5,"outcome":"fired"}"#,
    )
    .await;
    let mut wishes = lab.wishes().await;
    let answer = lab
        .post("/rule/good-night/set", FORM, "enabled=false")
        .await;
    assert_eq!(
        (answer.status, answer.header("location")),
        (StatusCode::SEE_OTHER, "/rule/good-night")
    );
    let answer = lab
        .post("/rule/good-night/press", FORM, "back=%2Frules")
        .await;
    assert_eq!(answer.header("location"), "/rules");
    let answer = lab
        .post("/rule/good-night/press", FORM, "back=%2F%2Fevil")
        .await;
    assert_eq!(answer.header("location"), "/rule/good-night");
    let answer = lab
        .put("/api/rules/good-night", r#"{"enabled":true}"#)
        .await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    assert_eq!(answer.json()["topic"], "hearth/rule/good-night/set");
    let answer = lab.post("/api/rules/good-night/press", "", "").await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    for (leaf, payload) in [
        ("set", "disabled"),
        ("press", "Good <night>"),
        ("press", "Good <night>"),
        ("set", "enabled"),
        ("press", "Good <night>"),
    ] {
        let wish = wishes.next().await.unwrap();
        assert_eq!(*wish.topic, format!("hearth/rule/good-night/{leaf}"));
        assert_eq!(
            (wish.text(), wish.retain, wish.qos),
            (Some(payload), false, Qos::AtLeastOnce)
        );
    }
    for (path, status) in [
        ("/api/rules/plain/press", StatusCode::CONFLICT),
        ("/api/rules/nobody/press", StatusCode::NOT_FOUND),
    ] {
        assert_eq!(lab.post(path, "", "").await.status, status, "{path}");
    }
    let odd = lab
        .put("/api/rules/good-night", r#"{"enabled":"yes"}"#)
        .await;
    assert_eq!(odd.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_webhook_reaches_the_rules_that_wait_for_it() {
    let lab = lab().await;
    let mut wishes = lab.wishes().await;
    for (kind, body) in [
        ("text/plain", "ring"),
        ("application/json", r#"{"who":"é"}"#),
        (FORM, ""),
    ] {
        let answer = lab.post("/api/hooks/bedtime", kind, body).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text());
        let wish = wishes.next().await.unwrap();
        assert_eq!(
            (&*wish.topic, wish.text(), wish.retain),
            ("hearth/hook/bedtime", Some(body), false)
        );
        assert_eq!(wish.qos, Qos::AtLeastOnce);
    }
    let longest = "x".repeat(1024);
    let answer = lab.post("/api/hooks/bedtime", "text/plain", &longest).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    let answer = lab
        .post("/api/hooks/bedtime", "text/plain", &(longest + "x"))
        .await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    let bytes = request("POST", "/api/hooks/bedtime").body(Body::from(vec![0xff, 0xfe]));
    let answer = lab.ask(bytes.unwrap()).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    for name in ["Doorbell", "%2B", "a%2Fb", "%20"] {
        let answer = lab
            .post(&format!("/api/hooks/{name}"), "text/plain", "x")
            .await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{name}");
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(
            detail.contains("when = { webhook = \"") && detail.contains("bedtime."),
            "{detail}"
        );
    }
    assert!(lab.get("/api/hooks/bedtime").await.status == StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn webhooks_are_for_programs_and_not_for_other_sites() {
    let lab = lab().await;
    let mut wishes = lab.wishes().await;
    let path = "/api/hooks/bedtime";
    for (host, name, value, status) in [
        ("192.168.1.7:8080", "user-agent", "curl/8", 202),
        ("pi.local:8080", "origin", "http://pi.local:8080", 202),
        ("pi.local:8080", "origin", "https://evil.example", 403),
        ("pi.local:8080", "origin", "null", 403),
        ("pi.local:8080", "sec-fetch-site", "cross-site", 403),
        ("evil.example:8080", "user-agent", "curl/8", 421),
    ] {
        let ask = Request::post(path)
            .header(header::HOST, host)
            .header(name, value);
        let answer = lab.ask(ask.body(host.to_owned().into()).unwrap()).await;
        assert_eq!(answer.status.as_u16(), status, "{host} {name}: {value}");
    }
    for host in ["192.168.1.7:8080", "pi.local:8080"] {
        assert_eq!(wishes.next().await.unwrap().text(), Some(host));
    }
}
