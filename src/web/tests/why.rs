//! "Why is this on?", through a real broker.

use super::*;

const SET: &str = "home/greenhouse/fan/set";

fn set(to: &str) -> Publication {
    Publication::new(SET, to.to_owned()).qos(broker::Qos::AtLeastOnce)
}

fn state(to: &str) -> Publication {
    Publication::new("home/greenhouse/fan", to.to_owned()).retained()
}

/// What the rule would tell if it did this now.
fn trace(lab: &Lab, rule: &str, topic: &str, because: &str, chain: &str) -> Publication {
    let at = lab.app.clock.now().utc.0;
    let json = format!(
        r#"{{"rule":"{rule}","at":{at},"outcome":"fired","because":"{because}","trigger":{{"topic":"home/greenhouse/temperature",
        "before":1,"after":2}},"values":{{}},"actions":[{{"topic":"{topic}","payload":"on"}}],"chain":{chain},"took_us":3}}"#
    );
    Publication::new(crate::home::topic::rule_trace(rule), json)
}

async fn why(lab: &Lab, part: &str) -> serde_json::Value {
    let text = lab.says("/api/things/greenhouse/fan/why", part).await;
    serde_json::from_str(&text).unwrap()
}

#[tokio::test]
async fn a_rule_is_named_with_its_reason_and_the_rules_before_it() {
    let lab = Lab::with_greenhouse().await;
    let hot = "home/greenhouse/temperature rose above 28 (28.4)";
    let first = trace(&lab, "Hot <day>", "house/hot", hot, "[]");
    lab.say("rules", &[first]).await;
    lab.retain("hearth/rule/hot-day/about", r#"{"name":"Hot <day>"}"#)
        .await;
    lab.says("/rule/hot-day", "28.4").await;
    let second = trace(&lab, "Fan on", SET, "hot became on", r#"["Hot <day>"]"#);
    lab.say("rules", &[set("on")]).await;
    lab.say("board-uno", &[state("on")]).await;
    lab.say("rules", &[second]).await;
    let told = why(&lab, "Fan on").await;
    let sentence = told["sentence"].as_str().unwrap();
    assert!(sentence.starts_with("on since "), "{sentence}");
    let set = "the rule ‘Fan on’ set it, because hot became on, said by the board uno.";
    assert!(sentence.contains(set), "{sentence}");
    let before = "the rule ‘Hot <day>’ ran, because home/greenhouse/temperature rose above 28 (28.4), said by the board uno.";
    assert!(sentence.ends_with(before), "{sentence}");
    assert_eq!(
        told["by"],
        serde_json::json!({ "who": "rule", "name": "Fan on" })
    );
    assert_eq!(
        (&told["command"]["to"], &told["value"]),
        (&"on".into(), &true.into())
    );
    assert_eq!(told["rules"][1]["rule"], "hot-day");
    let page = lab.get("/thing/greenhouse/fan").await.text();
    assert!(page.contains("the rule ‘Fan on’ set it"), "{page}");
    assert!(
        page.contains(r#"<a href="/rule/hot-day">Hot &#60;day&#62;</a>"#),
        "{page}"
    );
}

#[tokio::test]
async fn a_person_a_board_and_a_command_in_vain_are_told_apart() {
    let lab = Lab::with_greenhouse().await;
    let path = "/api/things/greenhouse/fan/set";
    let answer = lab.post(path, "application/json", r#"{"to":"on"}"#).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    why(&lab, "The last command, on at ").await;
    lab.say("board-uno", &[state("on")]).await;
    let told = why(&lab, "on since ").await;
    assert_eq!(told["by"]["who"], "page");
    lab.say("board-uno", &[state("off")]).await;
    let told = why(&lab, "off since ").await;
    assert_eq!(
        told["by"],
        serde_json::json!({ "who": "board", "name": "uno" })
    );
    let sentence = told["sentence"].as_str().unwrap();
    assert!(
        sentence.contains("the board uno reported it by itself (a local rule or a hand)."),
        "{sentence}"
    );
    assert!(
        sentence.contains("did not lead to this: somebody set it on Hearth's page"),
        "{sentence}"
    );
    let nothing = lab.get("/api/things/cellar/ghost/why").await;
    assert_eq!(nothing.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn after_a_start_the_reports_of_boards_and_rules_are_asked() {
    let lab = Lab::with_greenhouse().await;
    let now = lab.app.clock.now().utc.0;
    lab.retain("home/greenhouse/fan", "on").await;
    let lab = lab.restarted().await;
    let told = why(
        &lab,
        "the board uno says so; it was so before the gateway started.",
    )
    .await;
    assert_eq!(told["by"]["who"], "board");
    let report = format!(
        r#"{{"topic":"home/greenhouse/fan","to":"on","at":{now},"stage":"reported","ms":9}}"#
    );
    lab.retain("hearth/board/uno/command/fan", &report).await;
    let told = why(&lab, "commanded before the gateway started").await;
    assert_eq!(told["by"]["who"], "unknown");
    let last = trace(&lab, "Fan on", SET, "it was hot", "[]");
    let last = Publication {
        topic: "hearth/rule/fan-on/last".into(),
        ..last
    };
    lab.say("rules", &[last.retained()]).await;
    let told = why(
        &lab,
        "the rule ‘Fan on’ set it, because it was hot, said by the board uno.",
    )
    .await;
    assert_eq!(told["by"]["name"], "Fan on");
    assert!(
        told["sentence"]
            .as_str()
            .unwrap()
            .starts_with("on, last said at "),
        "{told}"
    );
}
