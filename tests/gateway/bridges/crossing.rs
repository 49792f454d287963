//! What crosses, under which name, and that nothing goes round.

use rumqttc::QoS;

use super::other::Mosquitto;
use super::{VERSIONS, bridge, connected, figure};
use crate::harness::{Mqtt, Site, eventually};

/// Everything that a client saw on one topic, in order.
fn numbers(from: &str, count: usize) -> Vec<String> {
    (0..count)
        .map(|number| format!("{from} {number}"))
        .collect()
}

#[test]
fn topics_cross_under_their_other_names() {
    for version in VERSIONS {
        let mosquitto = Mosquitto::start();
        let there = mosquitto.watch("#");
        there.retain("house7/lamp/set", "kept before");
        let topics = [
            "pattern = 'home/+/temperature'\ndirection = 'out'\nremote_prefix = 'house7/'",
            "pattern = '+/set'\ndirection = 'in'\nlocal_prefix = 'home/hall/'\nremote_prefix = 'house7/'",
            "pattern = 'shared/#'\ndirection = 'both'\nqos = 2",
        ];
        let site = Site::new();
        let config = bridge(mosquitto.port, version, "", &topics);
        let (house, here) = connected(&site, &config);
        here.wait_for("home/hall/lamp/set", "kept before");

        here.retain("home/a/temperature", "21.5");
        here.publish("home/a/humidity", "60");
        there.publish("house7/fan/set", "on");
        here.publish_all("shared/x", QoS::ExactlyOnce, numbers("here", 20));
        there.publish_all("shared/y", QoS::ExactlyOnce, numbers("there", 20));
        there.wait_for("house7/home/a/temperature", "21.5");
        here.wait_for("home/hall/fan/set", "on");
        there.wait_for("shared/x", "here 19");
        here.wait_for("shared/y", "there 19");
        assert_eq!(there.payloads("shared/x"), numbers("here", 20));
        assert_eq!(here.payloads("shared/y"), numbers("there", 20));
        assert!(
            there
                .messages()
                .iter()
                .all(|seen| !seen.topic.ends_with("humidity"))
        );

        let late = mosquitto.watch("house7/home/#");
        late.wait_for("house7/home/a/temperature", "21.5");
        assert!(late.messages()[0].retain, "it is retained there, too");
        eventually("the figures to tell it", || {
            let sent = figure(
                &house,
                "hearth_bridge_messages_total{bridge=\"there\",direction=\"sent\"}",
            );
            let received = figure(
                &house,
                "hearth_bridge_messages_total{bridge=\"there\",direction=\"received\"}",
            );
            ((sent, received) == (21, 22)).then_some(())
        });
        assert_eq!(
            figure(&house, "hearth_bridge_waiting_messages{bridge=\"there\"}"),
            0
        );
    }
}

#[test]
fn nothing_goes_round() {
    for version in VERSIONS {
        let mosquitto = Mosquitto::start();
        let site = Site::new();
        let topics = ["pattern = '#'\ndirection = 'both'\nqos = 2"];
        let config = bridge(mosquitto.port, version, "", &topics);
        let (_house, here) = connected(&site, &config);
        let there = mosquitto.watch("#");
        for (from, client) in [("here", &here), ("there", &there)] {
            for qos in [QoS::AtLeastOnce, QoS::ExactlyOnce] {
                client.publish_all("t/a", qos, vec!["the same".to_owned(); 5]);
                client.publish_all("t/a", qos, numbers(from, 5));
            }
        }
        // Whatever went round would come before this has gone both ways.
        for (from, to) in [(&here, &there), (&there, &here), (&here, &there)] {
            let end = format!("end {}", from.payloads("t/end").len());
            from.publish("t/end", &end);
            to.wait_for("t/end", &end);
        }
        for client in [&here, &there] {
            let seen = client.payloads("t/a");
            assert_eq!(seen.len(), 40, "{version}: {seen:?}");
        }
    }
}

#[test]
fn two_houses_that_bridge_to_each_other_do_not_go_round() {
    let (one, other) = (Site::new(), Site::new());
    let topics = ["pattern = 't/#'\ndirection = 'both'"];
    let house = one.run(&bridge(other.mqtt, "5.0", "", &topics));
    let second = other.run(&bridge(one.mqtt, "5.0", "", &topics));
    let (here, there) = (house.watch("#"), second.watch("#"));
    here.wait_for(super::STATUS, "online");
    there.wait_for(super::STATUS, "online");
    let send = |from: &Mqtt, to: &Mqtt, payload: &str| {
        from.publish("t/a", payload);
        to.wait_for("t/a", payload);
    };
    for number in 0..5 {
        send(&here, &there, &format!("here {number}"));
        send(&there, &here, &format!("there {number}"));
    }
    // Each house sees its own message and a copy by either bridge, and two of the
    // other's; what would come after these is left out, once by each house.
    eventually("all that was left out to be counted", || {
        let loops = |house| figure(house, "hearth_bridge_loops_total{bridge=\"there\"}");
        (loops(&house) + loops(&second) >= 20).then_some(())
    });
    for client in [&here, &there] {
        let seen = client.payloads("t/a").len();
        assert!(seen <= 25, "{seen}");
    }
}

#[test]
fn a_message_keeps_what_mqtt_5_says_of_it() {
    let mosquitto = Mosquitto::start();
    let site = Site::new();
    let topics = ["pattern = 't'\ndirection = 'out'"];
    let config = bridge(mosquitto.port, "5.0", "", &topics);
    let (house, _here) = connected(&site, &config);
    let port = mosquitto.port.to_string();
    let mut watcher = std::process::Command::new("mosquitto_sub")
        .args([
            "-V",
            "5",
            "-p",
            &port,
            "-t",
            "t",
            "-t",
            "ready",
            "-C",
            "2",
            "-F",
            "%t %p %C %P %E",
        ])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let there = mosquitto.watch("none");
    there.retain("ready", "yes");
    let house_port = house.mqtt.to_string();
    // The watcher has subscribed once it sees what is retained: it ends at the second.
    crate::harness::run(
        std::process::Command::new("mosquitto_pub")
            .args([
                "-V",
                "5",
                "-p",
                &house_port,
                "-t",
                "t",
                "-m",
                "21",
                "-q",
                "1",
                "-r",
            ])
            .args(["-D", "publish", "content-type", "text/plain"])
            .args(["-D", "publish", "message-expiry-interval", "600"])
            .args(["-D", "publish", "user-property", "room", "hall"]),
    );
    let output = {
        use std::io::Read;
        let mut text = String::new();
        watcher
            .stdout
            .take()
            .unwrap()
            .read_to_string(&mut text)
            .unwrap();
        watcher.wait().unwrap();
        text
    };
    let line = output
        .lines()
        .find(|line| line.starts_with("t 21"))
        .unwrap();
    assert!(
        line.contains("text/plain") && line.contains("room:hall"),
        "{line}"
    );
    assert!(line.contains("hearth-bridge:"), "{line}");
    let expiry: u32 = line.rsplit(' ').next().unwrap().parse().unwrap();
    assert!((1..=600).contains(&expiry), "{line}");
}
