//! The demo house: no special path, so everything true here is true of a real one.

use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::harness::{House, Site, eventually, repository, within};

fn things(house: &House) -> Vec<Value> {
    house.json("/api/things")["things"]
        .as_array()
        .unwrap()
        .clone()
}

fn text<'a>(thing: &'a Value, field: &str) -> &'a str {
    thing[field].as_str().unwrap_or_default()
}

/// Debian's `mosquitto_sub`: what is retained under `filter`, as `topic payload` lines.
fn mosquitto_sub(house: &House, filter: &str) -> String {
    let output = Command::new("mosquitto_sub")
        .args(["-h", "127.0.0.1", "-p", &house.mqtt.to_string()])
        .args(["-v", "-t", filter, "--retained-only", "-W", "1"])
        .output()
        .expect("mosquitto_sub is missing: apt-get install mosquitto-clients");
    String::from_utf8(output.stdout).unwrap()
}

fn mosquitto_pub(house: &House, topic: &str, payload: &str) {
    let status = Command::new("mosquitto_pub")
        .args(["-h", "127.0.0.1", "-p", &house.mqtt.to_string()])
        .args(["-t", topic, "-m", payload])
        .status()
        .unwrap();
    assert!(status.success());
}

#[test]
fn the_demo_is_a_living_house() {
    let site = Site::new();
    let house = site.demo();
    let mqtt = house.watch("#");

    let things = eventually("ten things in four rooms, all with values", || {
        let things = things(&house);
        let all_say = things.iter().all(|thing| !thing["value"].is_null());
        let rooms = things
            .iter()
            .filter_map(|thing| text(thing, "topic").split('/').nth(1));
        let rooms: std::collections::BTreeSet<&str> = rooms.collect();
        (all_say && things.len() >= 10 && rooms.len() >= 4).then_some(things)
    });

    // Any MQTT client sees what the page shows.
    let seen = mosquitto_sub(&house, "home/#");
    let page = house.page("/");
    for thing in &things {
        let topic = text(thing, "topic");
        assert!(
            seen.contains(&format!("{topic} ")),
            "{topic} is missing in:\n{seen}"
        );
        assert!(page.contains(topic), "{topic} is not on the page");
    }

    // Any MQTT client can switch; the board then reports it.
    let is_off = |thing: &&Value| text(thing, "kind") == "switch" && mqtt_is_off(&mqtt, thing);
    let switch = things.iter().find(is_off).expect("a switch that is off");
    let topic = text(switch, "topic");
    mosquitto_pub(&house, &format!("{topic}/set"), "on");
    eventually("the switch to report it", || {
        mqtt.payloads(topic)
            .contains(&"on".to_owned())
            .then_some(())
    });

    within(Duration::from_secs(60), "a rule to fire", || {
        let mut messages = mqtt.messages().into_iter();
        messages.find(|message| {
            message.topic.starts_with("hearth/rule/") && message.payload.contains("\"fired\"")
        })
    });
    eventually("the rule on the page", || {
        house
            .page("/rules")
            .to_lowercase()
            .contains("fired")
            .then_some(())
    });

    let ended = house.stop();
    assert!(ended.status.success(), "{}", ended.log.text());
}

#[test]
fn the_boards_with_hearths_firmware_get_their_maps_and_keep_what_people_change() {
    let site = Site::new();
    let house = site.demo();
    let mqtt = house.watch("#");
    for board in ["living-room", "greenhouse"] {
        mqtt.wait_for(
            &format!("hearth/board/{board}/map"),
            r#"{"state":"in-force"}"#,
        );
    }
    let about = mqtt.latest("hearth/board/greenhouse/about").unwrap();
    assert!(about.contains(r#""firmware":"hearth""#), "{about}");

    let config = "hearth/board/greenhouse/config";
    let other = r#"{"things": [{"name": "sprinkler", "kind": "relay", "pin": 7}]}"#;
    mqtt.retain(config, other);
    mqtt.wait_for("home/greenhouse/sprinkler", "off");
    mqtt.publish("home/greenhouse/sprinkler/set", "on");
    mqtt.wait_for("home/greenhouse/sprinkler", "on");
    house.stop();

    let house = site.demo();
    let mqtt = house.watch("#");
    mqtt.wait_for("hearth/board/living-room/map", r#"{"state":"in-force"}"#);
    // The board is new and off; only the map is as old as the house.
    mqtt.wait_for("home/greenhouse/sprinkler", "off");
    assert_eq!(mqtt.payloads(config), [other]);
}

#[test]
fn a_demo_that_asks_for_passwords_is_alive_all_the_same() {
    let site = Site::new();
    std::fs::create_dir(site.data()).unwrap();
    let example = std::fs::read_to_string(repository("examples/demo/hearth.toml")).unwrap();
    let locked = example.replace("[broker]\n", "[broker]\nanonymous = false\n");
    assert_ne!(locked, example);
    std::fs::write(site.data().join("hearth.toml"), locked).unwrap();
    let house = site.demo();
    eventually("the greenhouse's fan", || {
        let things = things(&house);
        let is_fan = |thing: &&Value| text(thing, "topic") == "home/greenhouse/fan";
        let fan = things.iter().find(is_fan)?;
        fan["value"].as_f64()
    });
}

fn mqtt_is_off(mqtt: &crate::harness::Mqtt, thing: &Value) -> bool {
    mqtt.latest(text(thing, "topic")).as_deref() == Some("off")
}
