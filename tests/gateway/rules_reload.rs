//! Rules that are changed while the house runs.

use std::fs;

use serde_json::Value;

use crate::harness::{House, Mqtt, Site, eventually};

const STATUS: &str = "hearth/rules/status";
const RULE: &str = "[[rule]]\nname = \"Fan\"\nwhen = { topic = \"home/lab/heat\", above = 28 }\n\
                    then = [{ set = \"home/lab/fan\", to = \"on\" }]\n";

/// Waits for a refusal that says each of the words, and returns it.
fn refusal(mqtt: &Mqtt, words: &[&str]) -> Value {
    eventually(&format!("a refusal with {words:?}"), || {
        let status: Value = serde_json::from_str(&mqtt.latest(STATUS)?).unwrap();
        let because = status["because"].as_str().unwrap();
        let told = words.iter().all(|word| because.contains(word));
        (status["outcome"] == "refused" && told).then_some(status)
    })
}

fn still_acts(house: &House, mqtt: &Mqtt, heat: &str) {
    let before = mqtt.payloads("home/lab/fan/set").len();
    house.watch("nothing").retain("home/lab/heat", heat);
    eventually("the rule that held before to act", || {
        (mqtt.payloads("home/lab/fan/set").len() > before).then_some(())
    });
}

#[test]
fn a_broken_config_leaves_the_rules_at_work_and_everybody_hears_why() {
    let site = Site::new();
    let house = site.run(RULE);
    let mqtt = house.watch("#");
    site.write_config(&RULE.replace("above", "abvoe"));
    house.hang_up();
    let status = refusal(&mqtt, &["hearth.toml:", "`abvoe`"]);
    assert_eq!(status["untouched"], 1, "{status}");
    for names in ["added", "changed", "removed"] {
        assert_eq!(status[names], Value::Array(Vec::new()), "{status}");
    }
    assert!(
        status["at"].as_i64().unwrap() > 1_700_000_000_000,
        "{status}"
    );
    still_acts(&house, &mqtt, "30");
    // Whoever comes later hears it too.
    let late = house.watch(STATUS);
    refusal(&late, &["`abvoe`"]);
    assert!(late.messages().iter().all(|message| message.retain));
}

#[test]
fn a_broken_file_of_rules_is_noticed_and_named() {
    let site = Site::new();
    let house = site.run(RULE);
    let mqtt = house.watch("#");
    let folder = site.folder().join("rules.d");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("pond.toml"), "\n\n[[rule]]\nname = \"Fan\"\n").unwrap();
    refusal(&mqtt, &["rules.d/pond.toml:"]);
    still_acts(&house, &mqtt, "30");
}
