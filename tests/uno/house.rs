//! Our firmware in a house: an emulated Uno and the real gateway.

use serde_json::Value;

use crate::board::{Uno, Way, eventually};
use crate::harness::{House, Mqtt, Site, http};

/// A pond with a probe, a pump, a lamp and a float.
const POND: &str = r#"{
    "silence": 3,
    "things": [
        {"name": "level", "kind": "analog", "pin": "A0", "every": 0.2, "scale": [0, 100], "unit": "%"},
        {"name": "pump", "kind": "relay", "pin": 7},
        {"name": "lamp", "kind": "pwm", "pin": 5, "safe": 20},
        {"name": "float", "kind": "digital", "pin": 4, "pull_up": true, "active_low": true}
    ]
}"#;

/// A house with one Uno, known as `pond` by its port.
struct Home {
    uno: Uno,
    site: Site,
    house: House,
    mqtt: Mqtt,
}

impl Home {
    fn new(rules: &str) -> Home {
        let uno = Uno::start();
        let site = Site::new();
        let config = config(&uno, rules);
        let house = site.run(&config);
        let mqtt = house.watch("#");
        Home {
            uno,
            site,
            house,
            mqtt,
        }
    }

    /// The same, and the board has its map.
    fn with_pond(rules: &str) -> Home {
        let home = Home::new(rules);
        home.set_pins(POND);
        home.mqtt.wait_for("home/pond/pump", "off");
        home
    }

    /// Wants other pins, through the page's API, and waits until the board has them.
    fn set_pins(&self, map: &str) {
        let path = "/api/boards/pond/map";
        // The board may be on its way.
        eventually("the map to be accepted", || {
            let answer = http::put(self.house.http, path, map).unwrap();
            (answer.status == 202).then_some(())
        });
        let wanted: Value = serde_json::from_str(map).unwrap();
        let names = |things: &Value| -> Vec<Value> {
            let things = things["things"].as_array().cloned().unwrap_or_default();
            things
                .into_iter()
                .map(|thing| thing["name"].clone())
                .collect()
        };
        eventually("the board to have it", || {
            let about = self.json("hearth/board/pond/about")?;
            let report = self.json("hearth/board/pond/map")?;
            (names(&about) == names(&wanted) && report["state"] == "in-force").then_some(())
        });
    }

    /// What is retained on the topic, as far as this test knows.
    fn json(&self, topic: &str) -> Option<Value> {
        serde_json::from_str(&self.mqtt.latest(topic)?).ok()
    }

    fn wait_for(&self, topic: &str, key: &str, value: &str) -> Value {
        eventually(&format!("{topic}: {key} = {value}"), || {
            self.json(topic).filter(|json| json[key] == value)
        })
    }
}

fn config(uno: &Uno, rules: &str) -> String {
    format!(
        "[board.pond]\nport = {:?}\nbaud = 115200\n{rules}",
        uno.port()
    )
}

#[test]
fn a_board_announces_itself_is_read_recorded_ruled_and_obeys() {
    let home = Home::new(
        r#"
[[rule]]
name = "Pump when the level is low"
when = { topic = "home/pond/level", below = 30, until_above = 40 }
then = [{ set = "home/pond/pump", to = "on" }]
"#,
    );
    let about = home.wait_for("hearth/board/pond/about", "firmware", "hearth");
    assert_eq!(about["things"].as_array().unwrap().len(), 0);
    home.set_pins(POND);
    home.uno.set_millivolts(0, 4000);
    eventually("80 % from A0", || {
        home.mqtt
            .latest("home/pond/level")?
            .parse::<f64>()
            .ok()
            .filter(|level| (79.0..81.0).contains(level))
    });
    let about = home.json("hearth/board/pond/about").unwrap();
    assert_eq!(about["things"][0]["unit"], "%");
    home.uno.set_millivolts(0, 1000);
    home.uno.wait_for_pin("D7", "1");
    home.mqtt.wait_for("home/pond/pump", "on");
    let report = home.wait_for("hearth/board/pond/command/pump", "stage", "reported");
    let stages: Vec<&str> = report["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["stage"].as_str().unwrap())
        .collect();
    assert_eq!(
        stages,
        ["received", "sent", "acknowledged", "read-back", "reported"]
    );
    eventually("the reading in history", || {
        home.house
            .page("/api/history/pond/level")
            .contains("\"mean\":19")
            .then_some(())
    });
    home.mqtt.publish("home/pond/lamp/set", "60");
    home.mqtt.wait_for("home/pond/lamp", "60");
    assert_eq!(home.uno.duty("D5"), Some(153));
    home.uno.drive("D4", Some(false));
    home.mqtt.wait_for("home/pond/float", "on");
    let vitals = home.wait_for("hearth/board/pond/vitals", "firmware", "0.1.0");
    assert_eq!(vitals["link_quality"], 100);
    assert!(home.house.page("/").contains("Pond"));
    let command = home.house.json("/api/things/pond/pump");
    let words = command["live"]["command"].as_str().unwrap();
    assert!(words.contains("reported"), "{words}");
    let metrics = home.house.page("/metrics");
    let hop = "hearth_command_hop_seconds_count{board=\"pond\",hop=\"acknowledged\"}";
    assert!(metrics.contains(hop), "{metrics}");
}

#[test]
fn its_pins_change_without_a_new_program_and_outlast_the_power() {
    let home = Home::with_pond("");
    home.mqtt.publish("home/pond/pump/set", "on");
    home.uno.wait_for_pin("D7", "1");
    let other = r#"{"things": [{"name": "depth", "kind": "analog", "pin": "A1"},
                               {"name": "pump", "kind": "relay", "pin": 7},
                               {"name": "fountain", "kind": "relay", "pin": 8, "safe": "on"}]}"#;
    home.set_pins(other);
    home.mqtt.wait_for("home/pond/fountain", "on");
    assert_eq!(home.uno.pin("D7"), "1", "what stays keeps its state");
    home.uno.power_cycle();
    home.uno.wait_for_pin("D8", "1");
    home.uno.wait_for_pin("D7", "0");
    home.mqtt.wait_for("home/pond/pump", "off");
    let about = home.json("hearth/board/pond/about").unwrap();
    assert_eq!(about["things"].as_array().unwrap().len(), 3);
}

#[test]
fn a_map_that_cannot_be_is_refused_with_a_reason_and_the_old_one_stays() {
    let home = Home::with_pond("");
    let twice = r#"{"things": [{"name": "a", "kind": "relay", "pin": 7}, {"name": "b", "kind": "pwm", "pin": 7}]}"#;
    let answer = http::put(home.house.http, "/api/boards/pond/map", twice).unwrap();
    assert_eq!(answer.status, 400);
    assert!(
        answer.body.contains("D7 is used by a already"),
        "{}",
        answer.body
    );
    // And whoever writes the topic itself is told there.
    home.mqtt.retain("hearth/board/pond/config", twice);
    let report = home.wait_for("hearth/board/pond/map", "state", "refused");
    assert_eq!(
        (&report["at"], &report["reason"]),
        (&"b".into(), &"D7 is used by a already".into())
    );
    home.mqtt
        .retain("hearth/board/pond/config", "{\"things\": 3}");
    eventually("what is wrong with it", || {
        let report = home.json("hearth/board/pond/map")?;
        report["reason"]
            .as_str()?
            .starts_with("this is no map of pins: ")
            .then_some(())
    });
    home.mqtt.publish("home/pond/pump/set", "on");
    home.uno.wait_for_pin("D7", "1");
    assert!(home.house.page("/board/pond").contains("no map of pins"));
}

#[test]
fn outputs_become_safe_while_the_gateway_is_gone_and_a_restart_resets_nothing() {
    let Home {
        uno,
        site,
        house,
        mqtt,
    } = Home::with_pond("");
    mqtt.publish("home/pond/pump/set", "on");
    uno.wait_for_pin("D7", "1");
    uno.counts();
    drop(mqtt);
    drop(house); // kill -9
    let killed = uno.time();
    uno.wait_for_pin("D7", "0");
    let alone = uno.time() - killed;
    assert!(
        (2000..6000).contains(&alone),
        "safe after {alone} ms, wanted after 3 s"
    );
    let house = site.run(&config(&uno, ""));
    let mqtt = house.watch("#");
    mqtt.wait_for("home/pond/pump", "off");
    eventually("a command that is obeyed", || {
        mqtt.publish("home/pond/pump/set", "on");
        (uno.pin("D7") == "1").then_some(())
    });
    mqtt.wait_for("home/pond/pump", "on");
    assert_eq!(uno.counts().starts, 0, "the board was reset");
}

#[test]
fn a_bad_line_costs_time_and_nothing_else() {
    let home = Home::with_pond("");
    home.uno.set_millivolts(0, 2500);
    home.mqtt.wait_for("home/pond/level", "50");
    let before = home.mqtt.messages().len();
    for way in [Way::ToBoard, Way::FromBoard] {
        home.uno.flip(way, 4);
        home.uno.lose(way, 4);
    }
    for round in 0..10 {
        let to = ["on", "off"][round % 2];
        home.mqtt.publish("home/pond/pump/set", to);
        home.uno
            .wait_for_pin("D7", if to == "on" { "1" } else { "0" });
        home.mqtt.wait_for("home/pond/pump", to);
    }
    let vitals = eventually("the damage in numbers", || {
        let vitals = home.json("hearth/board/pond/vitals")?;
        (vitals["damaged"].as_u64()? > 0 && vitals["link_quality"].as_u64()? < 100)
            .then_some(vitals)
    });
    assert_eq!(vitals["restarts"], 0, "{vitals}");
    for message in &home.mqtt.messages()[before..] {
        match message.topic.as_str() {
            "home/pond/level" => {
                let level: f64 = message.payload.parse().unwrap();
                assert!((49.0..51.0).contains(&level), "{level}");
            }
            "home/pond/pump" => assert!(["on", "off"].contains(&&*message.payload)),
            _ => {}
        }
    }
    for way in [Way::ToBoard, Way::FromBoard] {
        home.uno.flip(way, 0);
        home.uno.lose(way, 0);
    }
    home.mqtt.publish("home/pond/lamp/set", "100");
    home.mqtt.wait_for("home/pond/lamp", "100");
}

#[test]
fn a_board_that_is_unplugged_in_the_middle_of_a_frame_comes_back() {
    let home = Home::with_pond("");
    home.uno.unplug_after(7);
    home.mqtt.wait_for("hearth/board/pond/status", "offline");
    let fault = home.mqtt.latest("hearth/board/pond/fault").unwrap();
    assert!(fault.starts_with("unplugged from "), "{fault}");
    home.mqtt.publish("home/pond/pump/set", "on");
    let report = home.wait_for("hearth/board/pond/command/pump", "stage", "refused");
    assert_eq!(report["reason"], "the board is not here");
    home.uno.plug();
    home.mqtt.wait_for("hearth/board/pond/status", "online");
    home.mqtt.wait_for("hearth/board/pond/fault", "");
    eventually("a command that is obeyed", || {
        home.mqtt.publish("home/pond/pump/set", "on");
        (home.uno.pin("D7") == "1").then_some(())
    });
}

#[test]
fn a_board_that_hangs_is_started_by_its_watchdog_and_that_is_told() {
    let home = Home::with_pond("");
    home.mqtt.publish("home/pond/pump/set", "on");
    home.uno.wait_for_pin("D7", "1");
    home.uno.hang();
    home.uno.wait_for_pin("D7", "0");
    let hung = "its program hung, and its watchdog started it anew";
    eventually("the fault", || {
        home.mqtt
            .payloads("hearth/board/pond/fault")
            .contains(&hung.to_owned())
            .then_some(())
    });
    let vitals = home.wait_for("hearth/board/pond/vitals", "reset", "watchdog");
    assert_eq!(vitals["restarts"], 1);
    home.mqtt.wait_for("home/pond/pump", "off");
    assert!(home.house.page("/boards").contains("watchdog"));
}

#[test]
fn at_a_wrong_speed_nothing_is_published_and_the_reason_is_told() {
    let uno = Uno::start();
    let site = Site::new();
    let wrong = format!("[board.pond]\nport = {:?}\nbaud = 57600\n", uno.port());
    let house = site.run(&wrong);
    let mqtt = house.watch("#");
    eventually("the fault", || {
        mqtt.latest("hearth/board/pond/fault")?
            .contains("Serial.begin")
            .then_some(())
    });
    assert!(
        mqtt.messages()
            .iter()
            .all(|message| !message.topic.starts_with("home/"))
    );
    drop(house);
    let house = site.run(&format!("[board.pond]\nport = {:?}\n", uno.port()));
    let mqtt = house.watch("#");
    eventually("its speed found", || {
        mqtt.latest("hearth/board/pond/about")?
            .contains("\"hearth\"")
            .then_some(())
    });
}

#[test]
fn boards_that_nobody_has_named_are_known_by_their_ids() {
    let unos = [Uno::start(), Uno::start()];
    let mut site = Site::new();
    site.ports = unos.iter().map(Uno::port).collect();
    let house = site.run("");
    let mqtt = house.watch("hearth/board/+/about");
    let names = eventually("two boards under their ids", || {
        let abouts = mqtt
            .messages()
            .into_iter()
            .filter(|about| about.payload.contains("\"hearth\""));
        let mut names: Vec<String> = abouts.map(|about| about.topic).collect();
        names.sort();
        names.dedup();
        (names.len() == 2).then_some(names)
    });
    assert!(
        names
            .iter()
            .all(|name| name.starts_with("hearth/board/uno-")),
        "{names:?}"
    );
    // Nothing is left of the names that they had before they spoke.
    let page = house.page("/boards");
    assert!(!page.contains("any sketch that prints"), "{page}");
}

#[test]
fn an_output_that_is_shorted_did_not_obey() {
    let home = Home::with_pond("");
    home.uno.drive("D7", Some(false));
    home.mqtt.publish("home/pond/pump/set", "on");
    let report = home.wait_for("hearth/board/pond/command/pump", "stage", "ignored");
    let reason = report["reason"].as_str().unwrap();
    assert!(reason.contains("read back as off"), "{reason}");
    home.mqtt.wait_for("home/pond/pump", "off");
    let page = home.house.page("/thing/pond/pump");
    assert!(page.contains("did not obey"), "{page}");
    let metrics = home.house.page("/metrics");
    let ignored = "hearth_commands_total{board=\"pond\",outcome=\"ignored\"} 1";
    assert!(metrics.contains(ignored), "{metrics}");
    home.uno.drive("D7", None);
    home.mqtt.publish("home/pond/pump/set", "on");
    home.wait_for("hearth/board/pond/command/pump", "stage", "reported");
}

#[test]
fn a_burst_of_commands_overruns_no_buffer() {
    let Home {
        uno,
        site,
        house,
        mqtt,
    } = Home::with_pond("");
    for number in 0..40 {
        mqtt.publish("home/pond/pump/set", ["on", "off"][number % 2]);
        mqtt.publish("home/pond/lamp/set", &number.to_string());
    }
    mqtt.wait_for("home/pond/lamp", "39");
    mqtt.wait_for("home/pond/pump", "off");
    assert_eq!(uno.pin("D7"), "0");
    assert_eq!(uno.bytes().lost_to_board, 0);
    // The board's own count comes with its next hello.
    drop(mqtt);
    assert!(house.stop().status.success());
    let house = site.run(&config(&uno, ""));
    let mqtt = house.watch("hearth/board/pond/vitals");
    let vitals = eventually("the board's own count", || {
        let vitals: Value = serde_json::from_str(&mqtt.latest("hearth/board/pond/vitals")?).ok()?;
        (vitals["frames"].as_u64()? > 0).then_some(vitals)
    });
    assert_eq!(vitals["overruns"], 0, "{vitals}");
}
