//! Wills of clients that were connected when the program ended: they are sent
//! after the next start (MQTT 3.1.1 and 5.0, 3.1.2.5).

use super::house::{BOTH_ENDS, House, take};
use super::wire::{BOTH, Connect, V5, Will, connect, lasting, property, will};

/// SUBSCRIBE option: QoS 1, and nothing that is retained now.
const ONLY_NEW: u8 = 0x21;

fn last_word(id: &str) -> Will {
    Will {
        qos: 1,
        retain: true,
        ..will(&format!("will/{id}"), "gone")
    }
}

fn with_delay(seconds: u32, id: &str) -> Connect {
    let mut will = last_word(id);
    will.properties.push(property::will_delay(seconds));
    lasting(V5, id).with_will(will)
}

/// A session that waits for wills from now on, without a connection.
fn watch(house: &House, watcher: &str) {
    let mut sub = house.begin(&lasting(V5, watcher));
    sub.subscribe_with(&[], "will/+", ONLY_NEW);
    sub.leave();
}

/// The watcher hears exactly this of wills.
fn expect_wills(house: &House, watcher: &str, topics: &[&str]) {
    let mut sub = house.resume(&lasting(V5, watcher));
    let mut heard = Vec::new();
    for _ in topics {
        let message = sub.message();
        assert_eq!(message.payload, b"gone");
        take(&mut sub, &message);
        heard.push(message.topic);
    }
    heard.sort();
    assert_eq!(heard, topics);
    house.expect_nothing_before(&mut sub, "will/nobody");
    sub.leave();
}

#[test]
fn a_will_is_sent_after_the_next_start() {
    for end in BOTH_ENDS {
        let mut house = House::new();
        watch(&house, "first");
        let _clean = BOTH.map(|version| {
            let id = format!("{version:?}");
            house.connect(&connect(version, &id).with_will(last_word(&id)))
        });
        let _stays = house.connect(&lasting(V5, "stays").with_will(last_word("stays")));
        house.restart(end);
        expect_wills(&house, "first", &["will/V311", "will/V5", "will/stays"]);
        let mut other = house.client(V5, "other");
        other.subscribe("will/V5", 0);
        assert_eq!(other.payload(), "gone", "it is retained");
        // Once, and not after every start.
        watch(&house, "second");
        house.restart(end);
        expect_wills(&house, "second", &[]);
    }
}

#[test]
fn who_said_goodbye_has_no_will() {
    for end in BOTH_ENDS {
        let mut house = House::new();
        watch(&house, "watcher");
        house
            .connect(&lasting(V5, "polite").with_will(last_word("polite")))
            .leave();
        house.restart(end);
        expect_wills(&house, "watcher", &[]);
    }
}

#[test]
fn a_will_that_is_delayed_waits_on() {
    for end in BOTH_ENDS {
        let mut house = House::new();
        watch(&house, "first");
        let _soon = house.connect(&with_delay(1, "soon"));
        let _later = house.connect(&with_delay(600, "later"));
        house.restart(end);
        expect_wills(&house, "first", &["will/soon"]);
        // Who comes back in time has none [MQTT-3.1.3-9].
        let _later = house.resume(&lasting(V5, "later"));
        watch(&house, "second");
        house.restart(end);
        expect_wills(&house, "second", &[]);
    }
}
