//! The other side is away for a while, in every way: nothing is lost below the
//! bound, and the order holds.

use std::process::Command;

use rumqttc::QoS;

use super::other::{Cable, Mosquitto};
use super::{STATUS, VERSIONS, bridge, connected, figure};
use crate::harness::{Site, eventually};

const WAITING: &str = "hearth_bridge_waiting_messages{bridge=\"there\"}";

pub fn numbers(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|number| number.to_string()).collect()
}

/// Without what came twice, as it may at QoS 1.
pub fn once(mut payloads: Vec<String>) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    payloads.retain(|payload| seen.insert(payload.clone()));
    payloads
}

/// mosquitto 2.0.11 sends what is published while we come back ahead of what it
/// has in its queue: there, only the numbers themselves can be held.
pub fn sort(payloads: &mut [String]) {
    payloads.sort_by_key(|payload| payload.parse::<usize>().unwrap());
}

pub const BOTH: &[&str] = &[
    "pattern = 'out/#'\ndirection = 'out'\nqos = 2",
    "pattern = 'in/#'\ndirection = 'in'\nqos = 2",
];

#[test]
fn what_happens_while_the_way_is_cut_crosses_afterwards() {
    for version in VERSIONS {
        let mosquitto = Mosquitto::start();
        let cable = Cable::to(mosquitto.address());
        let there = mosquitto.watch("#");
        let site = Site::new();
        let config = bridge(cable.port, version, "", BOTH);
        let (house, here) = connected(&site, &config);
        cable.cut();
        here.wait_for(STATUS, "offline");
        here.publish_all("out/1", QoS::AtLeastOnce, numbers(0..500));
        here.publish_all("out/2", QoS::ExactlyOnce, numbers(0..100));
        there.publish_all("in/1", QoS::AtLeastOnce, numbers(0..90));
        assert_eq!(figure(&house, WAITING), 600);
        cable.mend();
        there.wait_for("out/1", "499");
        there.wait_for("out/2", "99");
        here.wait_for("in/1", "89");
        assert_same(&there.payloads("out/1"), &numbers(0..500));
        assert_same(&there.payloads("out/2"), &numbers(0..100));
        assert_same(&here.payloads("in/1"), &numbers(0..90));
        here.wait_for(STATUS, "online");
    }
}

#[test]
fn cuts_in_the_middle_of_traffic_lose_nothing() {
    for version in VERSIONS {
        let mosquitto = Mosquitto::start();
        let cable = Cable::to(mosquitto.address());
        let there = mosquitto.watch("#");
        let site = Site::new();
        let config = bridge(cable.port, version, "", BOTH);
        let (_house, here) = connected(&site, &config);
        for round in 0..5 {
            let some = || numbers(round * 100..(round + 1) * 100);
            here.publish_all("out/1", QoS::AtLeastOnce, some());
            there.publish_all("in/1", QoS::AtLeastOnce, some());
            cable.cut();
            here.publish_all("out/2", QoS::ExactlyOnce, some());
            there.publish_all("in/2", QoS::ExactlyOnce, some());
            cable.mend();
        }
        for (client, direction) in [(&there, "out"), (&here, "in")] {
            for topic in [1, 2] {
                let topic = format!("{direction}/{topic}");
                eventually(&topic, || {
                    (once(client.payloads(&topic)).len() == 500).then_some(())
                });
            }
            let mut at_least_once = once(client.payloads(&format!("{direction}/1")));
            let mut exactly_once = client.payloads(&format!("{direction}/2"));
            if direction == "in" {
                sort(&mut at_least_once);
                sort(&mut exactly_once);
            }
            assert_same(&at_least_once, &numbers(0..500));
            assert_same(&exactly_once, &numbers(0..500));
        }
    }
}

#[test]
fn a_broker_that_forgets_everything_is_told_the_state_of_the_house_again() {
    for version in VERSIONS {
        let mut mosquitto = Mosquitto::start();
        let site = Site::new();
        let config = bridge(mosquitto.port, version, "", BOTH);
        let (_house, here) = connected(&site, &config);
        here.retain("out/state", "before");
        let there = mosquitto.watch("#");
        there.wait_for("out/state", "before");
        mosquitto.kill();
        here.wait_for(STATUS, "offline");
        here.publish_all("out/1", QoS::AtLeastOnce, numbers(0..200));
        mosquitto.start_again();
        let there = mosquitto.watch("#");
        // What was published at once after the start may have come before we watch.
        here.publish("out/1", "end");
        there.wait_for("out/1", "end");
        there.wait_for("out/state", "before");
        there.publish("in/1", "hello");
        here.wait_for("in/1", "hello");
    }
}

#[test]
fn a_broker_that_remembers_has_every_message_once() {
    for version in VERSIONS {
        let mut mosquitto = Mosquitto::that_remembers();
        let site = Site::new();
        let config = bridge(mosquitto.port, version, "", BOTH);
        let (house, here) = connected(&site, &config);
        // Somebody there whose mail is kept.
        let keeper = ["-i", "keeper", "-t", "out/#"];
        fetch(mosquitto.port, &keeper, &["-E"]);
        here.publish_all("out/1", QoS::ExactlyOnce, numbers(0..50));
        eventually("everything to be acknowledged", || {
            (figure(&house, WAITING) == 0).then_some(())
        });
        mosquitto.save();
        mosquitto.kill();
        here.wait_for(STATUS, "offline");
        here.publish_all("out/1", QoS::ExactlyOnce, numbers(50..250));
        mosquitto.start_again();
        let mail = fetch(mosquitto.port, &keeper, &["-C", "250", "-W", "60"]);
        assert_same(&mail, &numbers(0..250));
    }
}

/// The payloads of the mail of a client whose session is kept.
pub fn fetch(port: u16, who: &[&str], more: &[&str]) -> Vec<String> {
    let output = Command::new("mosquitto_sub")
        .args(["-p", &port.to_string(), "-c", "-q", "2"])
        .args(who)
        .args(more)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(str::to_owned).collect()
}

/// Shows where two long lists part.
pub fn assert_same(found: &[String], expected: &[String]) {
    let pairs = found.iter().zip(expected);
    let same = pairs
        .take_while(|(found, expected)| found == expected)
        .count();
    let next = |list: &[String]| list.iter().skip(same).take(10).cloned().collect::<Vec<_>>();
    assert!(
        found.len() == expected.len() && same == found.len(),
        "{} of {} came; after {same}: {:?} instead of {:?}",
        found.len(),
        expected.len(),
        next(found),
        next(expected),
    );
}

#[test]
fn a_full_queue_drops_what_the_config_says() {
    let cases = [("drop-oldest", 15..25), ("drop-newest", 0..10)];
    for (policy, kept) in cases {
        let mosquitto = Mosquitto::start();
        let cable = Cable::to(mosquitto.address());
        let there = mosquitto.watch("#");
        let site = Site::new();
        let bounds = format!("queue_messages = 10\nwhen_full = \"{policy}\"");
        let config = bridge(cable.port, "5.0", &bounds, BOTH);
        let (house, here) = connected(&site, &config);
        cable.cut();
        here.wait_for(STATUS, "offline");
        here.publish_all("out/1", QoS::AtLeastOnce, numbers(0..25));
        let lost = "hearth_bridge_lost_total{bridge=\"there\",reason=\"queue-full\"}";
        assert_eq!(figure(&house, lost), 15);
        cable.mend();
        here.wait_for(STATUS, "online");
        here.publish("out/end", "1");
        there.wait_for("out/end", "1");
        assert_same(&there.payloads("out/1"), &numbers(kept));
    }
}
