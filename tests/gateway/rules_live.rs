//! Rules in a house that lives: what makes them act, what holds them back, and what they
//! tell people.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::{Mqtt, PATIENCE, Site, eventually};

/// What is retained as JSON, once it is as wanted.
fn told(mqtt: &Mqtt, topic: &str, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
    eventually(&format!("{topic} to tell {what}"), || {
        let value: Value = serde_json::from_str(&mqtt.latest(topic)?).unwrap();
        is_it(&value).then_some(value)
    })
}

fn says(value: &Value, key: &str, part: &str) -> bool {
    value[key].as_str().is_some_and(|text| text.contains(part))
}

#[test]
fn hooks_and_buttons_make_a_rule_act() {
    let house = Site::new().run(
        r#"
        [[rule]]
        name = "Bell"
        when = [{ webhook = "doorbell" }, { button = "Ring" }]
        then = [{ publish = "chime", payload = "{{ topic }} said {{ payload }}", qos = 1 }]
        "#,
    );
    let mqtt = house.watch("#");
    let about = told(&mqtt, "hearth/rule/bell/about", "its button", |about| {
        about["button"] == "Ring"
    });
    assert_eq!(about["state"], "ready", "{about}");
    mqtt.publish("hearth/hook/doorbell", "front door");
    mqtt.wait_for("chime", "hearth/hook/doorbell said front door");
    mqtt.publish("hearth/rule/bell/press", "Ring");
    mqtt.wait_for("chime", "hearth/rule/bell/press said Ring");
    // The same again is another press.
    mqtt.publish("hearth/rule/bell/press", "Ring");
    eventually("a third chime", || {
        (mqtt.payloads("chime").len() == 3).then_some(())
    });
}

#[test]
fn a_rule_that_is_turned_off_stays_off_over_a_restart() {
    const RULE: &str = "[[rule]]\nname = \"Lamp\"\nwhen = { topic = \"press\", comes = true }\n\
                        then = [{ publish = \"lamp\", payload = \"{{ payload }}\", qos = 1 }]\n";
    let site = Site::new();
    let house = site.run(RULE);
    let mqtt = house.watch("#");
    let state = |mqtt: &Mqtt, wanted: &str| {
        told(mqtt, "hearth/rule/lamp/about", wanted, |about| {
            about["state"] == wanted
        });
    };
    mqtt.publish("press", "1");
    mqtt.wait_for("lamp", "1");
    mqtt.publish("hearth/rule/lamp/set", "disabled");
    state(&mqtt, "disabled");
    mqtt.publish("press", "2");
    told(&mqtt, "hearth/rule/lamp/last", "that it is off", |last| {
        says(last, "because", "the rule is turned off")
    });
    drop(mqtt);
    assert!(house.stop().status.success());

    let house = site.run(RULE);
    let mqtt = house.watch("#");
    state(&mqtt, "disabled");
    mqtt.publish("press", "3");
    told(
        &mqtt,
        "hearth/rule/lamp/last",
        "that it is still off",
        |last| says(last, "because", "the rule is turned off"),
    );
    mqtt.publish("hearth/rule/lamp/set", "enabled");
    state(&mqtt, "ready");
    mqtt.publish("press", "4");
    mqtt.wait_for("lamp", "4");
    assert_eq!(mqtt.payloads("lamp"), ["4"]);
}

/// A server that answers requests one after the other with these statuses; the bodies
/// that came.
fn server(answers: &'static [&'static str]) -> (u16, Receiver<String>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let (came, bodies) = mpsc::channel();
    thread::spawn(move || {
        for status in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let (mut line, mut length) = (String::from("…"), 0);
            while line.trim() != "" {
                line.clear();
                reader.read_line(&mut line).unwrap();
                let line = line.to_lowercase();
                if let Some(value) = line.strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let _ = came.send(String::from_utf8(body).unwrap());
            let answer =
                format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    (port, bodies)
}

#[test]
fn people_are_told_at_the_second_try() {
    let (port, bodies) = server(&["500 Internal Server Error", "200 OK"]);
    let house = Site::new().run(&format!(
        "[[rule]]\nname = \"Leak\"\nwhen = {{ topic = \"leak\", is = \"on\" }}\n\
         then = [{{ notify = \"water: {{{{ payload }}}}\", title = \"Cellar\", \
         webhook = \"http://127.0.0.1:{port}/hook\" }}]\n"
    ));
    let mqtt = house.watch("#");
    mqtt.publish("leak", "on");
    for _ in 0..2 {
        let body = bodies.recv_timeout(PATIENCE).expect("a request");
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body["message"], "water: on", "{body}");
        assert_eq!(
            (&body["title"], &body["rule"]),
            (&"Cellar".into(), &"Leak".into())
        );
    }
    told(
        &mqtt,
        "hearth/rule/leak/last",
        "that it was delivered",
        |last| says(last, "because", "delivered at try 2"),
    );
}

#[test]
fn what_is_pending_goes_on_when_other_rules_change() {
    const RULES: &str = r#"
        [[rule]]
        name = "Pond"
        when = { topic = "pond", below = 10, for = "4s" }
        then = [{ publish = "alarm", payload = "low", qos = 1 }]

        [[rule]]
        name = "Lamp"
        when = { topic = "door", is = "open" }
        then = [
            { publish = "lamp", payload = "on", qos = 1 },
            { delay = "4s" },
            { publish = "lamp", payload = "off", qos = 1 },
        ]
        "#;
    const OTHER: &str = "[[rule]]\nname = \"Other\"\nwhen = { topic = \"x\", is = \"1\" }\n\
                         then = [{ publish = \"y\", payload = \"1\" }]\n";
    let site = Site::new();
    let house = site.run(RULES);
    let mqtt = house.watch("#");
    let began = Instant::now();
    mqtt.publish("pond", "5");
    mqtt.publish("door", "open");
    mqtt.wait_for("lamp", "on");
    // What is pending is told, with its end.
    for (rule, what) in [("pond", "must stay there for 4s"), ("lamp", "waits 4s")] {
        let topic = format!("hearth/rule/{rule}/about");
        let about = told(&mqtt, &topic, "what is pending", |about| {
            says(&about["pending"][0], "what", what)
        });
        let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
        let until = about["pending"][0]["until"].as_i64().unwrap();
        let left = until - i64::try_from(now.as_millis()).unwrap();
        assert!(left <= 4000, "{about}");
    }
    let folder = site.folder().join("rules.d");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("other.toml"), OTHER).unwrap();
    let status = told(&mqtt, "hearth/rules/status", "of another rule", |status| {
        status["added"][0] == "Other"
    });
    assert_eq!(status["untouched"], 2, "{status}");
    // A file that is broken changes nothing, and is named.
    std::fs::write(folder.join("broken.toml"), "[[rule]]\nname = \"B\n").unwrap();
    told(
        &mqtt,
        "hearth/rules/status",
        "of the broken file",
        |status| status["outcome"] == "refused" && says(status, "because", "rules.d/broken.toml:"),
    );
    mqtt.wait_for("lamp", "off");
    mqtt.wait_for("alarm", "low");
    assert!(began.elapsed() >= Duration::from_secs(4), "too early");
    assert_eq!(mqtt.payloads("lamp"), ["on", "off"]);
    assert_eq!(mqtt.payloads("alarm"), ["low"]);
    mqtt.publish("x", "1");
    mqtt.wait_for("y", "1");
}

fn copies(name: &str, from: &str, to: &str, more: &str) -> String {
    format!(
        "[[rule]]\nname = \"{name}\"\n{more}\nwhen = {{ topic = \"{from}\", comes = true }}\n\
         then = [{{ publish = \"{to}\", payload = \"{{{{ payload }}}}\", qos = 1 }}]\n"
    )
}

#[test]
fn rules_that_start_each_other_are_told_by_name_and_rest() {
    let house = Site::new().run(&format!(
        "{}{}",
        copies("Ping", "loop/a", "loop/b", "allow_cycle = 2"),
        copies("Pong", "loop/b", "loop/a", "allow_cycle = 2")
    ));
    let mqtt = house.watch("#");
    mqtt.publish("loop/a", "x");
    let tripped = eventually("a rule that tripped", || {
        ["ping", "pong"].into_iter().find_map(|rule| {
            let last: Value =
                serde_json::from_str(&mqtt.latest(&format!("hearth/rule/{rule}/last"))?).unwrap();
            let is_it = says(&last, "because", "this rule triggers itself");
            is_it.then_some((rule, last))
        })
    });
    let (rule, last) = tripped;
    assert!(
        says(&last, "because", "Ping, then Pong, then Ping"),
        "{last}"
    );
    assert!(last["chain"].as_array().unwrap().len() > 2, "{last}");
    let about = format!("hearth/rule/{rule}/about");
    let about = told(&mqtt, &about, "that it rests", |about| {
        about["state"] == "tripped"
    });
    assert!(says(&about, "note", "triggered itself"), "{about}");
    // A few rounds, as is allowed, and no more.
    let rounds = mqtt.payloads("loop/a").len();
    assert!((2..=5).contains(&rounds), "{rounds} rounds");
}

/// What somebody outside makes of a message is not known to be the same story.
#[test]
fn a_loop_over_somebody_outside_is_held_by_the_rate() {
    let house = Site::new().run(&format!(
        "{}{}",
        copies("Ping", "loop/a", "out/a", "at_most = \"5 per 1h\""),
        copies("Pong", "loop/b", "out/b", "at_most = \"5 per 1h\"")
    ));
    let (mqtt, outside) = (house.watch("#"), house.watch("out/+"));
    mqtt.publish("loop/a", "0");
    let mut passed = 0;
    let held = eventually("a rule that is held back", || {
        let came = outside.messages();
        for message in &came[passed..] {
            passed += 1;
            let to = match message.topic.as_str() {
                "out/a" => "loop/b",
                _ => "loop/a",
            };
            outside.publish(to, &format!("{passed}"));
        }
        let last: Value = serde_json::from_str(&mqtt.latest("hearth/rule/ping/last")?).unwrap();
        says(&last, "because", "already acted 5 times within 1h").then_some(last)
    });
    assert_eq!(held["outcome"], "error", "{held}");
    assert_eq!(mqtt.payloads("out/a").len(), 5);
    assert_eq!(mqtt.payloads("out/b").len(), 5);
}
