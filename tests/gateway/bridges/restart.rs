//! The gateway itself falls, with a bridge in the middle of its work.

use rumqttc::QoS;

use super::cuts::{BOTH, assert_same, fetch, numbers, once, sort};
use super::other::{Cable, Mosquitto};
use super::{STATUS, VERSIONS, bridge, connected};
use crate::harness::{Site, eventually};

#[test]
fn what_waited_on_the_disk_crosses_after_kill_9() {
    for version in VERSIONS {
        let mosquitto = Mosquitto::start();
        let cable = Cable::to(mosquitto.address());
        let there = mosquitto.watch("#");
        let site = Site::new();
        let config = bridge(cable.port, version, "", BOTH);
        let (house, here) = connected(&site, &config);
        cable.cut();
        here.wait_for(STATUS, "offline");
        here.publish_all("out/1", QoS::AtLeastOnce, numbers(0..300));
        here.publish_all("out/2", QoS::ExactlyOnce, numbers(0..100));
        there.publish_all("in/1", QoS::AtLeastOnce, numbers(0..50));
        drop(house);
        there.publish_all("in/1", QoS::AtLeastOnce, numbers(50..90));
        cable.mend();
        let house = site.run(&config);
        for (topic, last) in [("out/1", "299"), ("out/2", "99")] {
            there.wait_for(topic, last);
        }
        assert_same(&there.payloads("out/1"), &numbers(0..300));
        assert_same(&there.payloads("out/2"), &numbers(0..100));
        eventually("what came meanwhile", || {
            let received = "hearth_bridge_messages_total{bridge=\"there\",direction=\"received\"}";
            (super::figure(&house, received) == 90).then_some(())
        });
    }
}

#[test]
fn kill_9_in_the_middle_of_traffic_loses_nothing_and_doubles_nothing() {
    for version in VERSIONS {
        let mosquitto = Mosquitto::start();
        let there = mosquitto.watch("out/#");
        let site = Site::new();
        let config = bridge(mosquitto.port, version, "", BOTH);
        let keeper = ["-i", "keeper", "-t", "in/#"];
        for round in 0..5 {
            let (house, here) = connected(&site, &config);
            if round == 0 {
                fetch(house.mqtt, &keeper, &["-E"]);
            }
            let some = || numbers(round * 100..(round + 1) * 100);
            here.publish_all("out/1", QoS::AtLeastOnce, some());
            there.publish_all("in/1", QoS::ExactlyOnce, some());
            here.publish_all("out/2", QoS::ExactlyOnce, some());
            drop(house);
        }
        let (house, _here) = connected(&site, &config);
        let mut mail = fetch(house.mqtt, &keeper, &["-C", "500", "-W", "60"]);
        sort(&mut mail);
        assert_same(&mail, &numbers(0..500));
        for topic in ["out/1", "out/2"] {
            eventually(topic, || {
                (once(there.payloads(topic)).len() == 500).then_some(())
            });
        }
        assert_same(&once(there.payloads("out/1")), &numbers(0..500));
        assert_same(&there.payloads("out/2"), &numbers(0..500));
    }
}
