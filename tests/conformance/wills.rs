//! Wills: when they are published, when not, and how (3.1.2.5, 3.1.3).

use super::client::{Broker, Client};
use super::wire::{
    BOTH, Connect, DISCONNECT, V5, Version, connect, lasting, packet, property, publish, will,
};

fn watcher(broker: &Broker, version: Version) -> Client {
    let mut watcher = broker.client(version, "watcher");
    watcher.subscribe("w", 2);
    watcher
}

fn mortal(version: Version) -> Connect {
    connect(version, "mortal").with_will(will("w", "gone"))
}

/// [MQTT 3.1.1: 3.1.2-8]
/// [MQTT 5.0: 3.1.2-7 3.1.2-8]
#[test]
fn a_client_that_goes_without_a_word_leaves_its_will() {
    for version in BOTH {
        let broker = Broker::start();
        let mut watcher = watcher(&broker, version);
        let mut client = broker.connect(&mortal(version));
        client.expect_nothing();
        watcher.expect_nothing();
        drop(client);
        assert_eq!(watcher.payload(), "gone");
        watcher.expect_nothing();
    }
}

/// [MQTT 3.1.1: 3.1.2-8]
/// [MQTT 5.0: 3.1.2-8]
#[test]
fn a_fault_and_a_takeover_are_going_without_a_word() {
    for version in BOTH {
        let broker = Broker::start();
        let mut watcher = watcher(&broker, version);
        broker.connect(&mortal(version)).send(&packet(0, &[]));
        assert_eq!(watcher.payload(), "gone");
        let _old = broker.connect(&mortal(version));
        let _new = broker.client(version, "mortal");
        assert_eq!(watcher.payload(), "gone");
        watcher.expect_nothing();
    }
}

/// [MQTT 3.1.1: 3.1.2-10 3.14.4-3]
/// [MQTT 5.0: 3.1.2-10 3.14.4-3]
#[test]
fn disconnect_takes_the_will_back() {
    for version in BOTH {
        let broker = Broker::start();
        let mut watcher = watcher(&broker, version);
        broker.connect(&mortal(version)).leave();
        watcher.expect_nothing();
        // It is gone for good, and not only for that connection's end.
        drop(broker.connect(&lasting(version, "mortal")));
        broker.client(version, "mortal").leave();
        watcher.expect_nothing();
    }
}

/// [MQTT 5.0: 3.1.2-8]
#[test]
fn disconnect_may_ask_for_the_will() {
    let broker = Broker::start();
    let mut watcher = watcher(&broker, V5);
    let mut client = broker.connect(&mortal(V5));
    client.send(&packet(0xe0, &[0x04]));
    client.expect_closed();
    assert_eq!(watcher.payload(), "gone");
}

/// [MQTT 3.1.1: 3.1.2-12]
/// [MQTT 5.0: 3.1.2-10]
#[test]
fn without_a_will_nothing_is_published() {
    for version in BOTH {
        let broker = Broker::start();
        let mut watcher = watcher(&broker, version);
        // The will of an earlier connection says nothing about this one.
        broker.connect(&mortal(version)).leave();
        let mut old = broker.client(version, "mortal");
        broker.client(version, "mortal").leave();
        old.expect_dismissed(0x8e);
        watcher.expect_nothing();
    }
}

/// [MQTT 3.1.1: 3.1.2-9 3.1.2-14 3.1.2-16 3.1.2-17]
/// [MQTT 5.0: 3.1.2-9 3.1.2-12 3.1.2-14 3.1.2-15]
#[test]
fn a_will_has_its_qos_and_its_retain_flag() {
    for version in BOTH {
        for (qos, retain) in [(0, false), (1, true), (2, false), (2, true)] {
            let broker = Broker::start();
            let mut watcher = watcher(&broker, version);
            let mut mortal = mortal(version);
            let will = mortal.will.as_mut().unwrap();
            (will.qos, will.retain) = (qos, retain);
            drop(broker.connect(&mortal));
            let arrived = watcher.message();
            assert_eq!((arrived.qos, arrived.retain), (qos, false));
            let mut late = broker.client(version, "late");
            late.subscribe("w", 2);
            match retain {
                true => assert_eq!(late.message().qos, qos),
                false => late.expect_nothing(),
            }
        }
    }
}

/// [MQTT 5.0: 3.1.3-9 3.1.2-8]
#[test]
fn who_comes_back_in_time_leaves_no_will() {
    let broker = Broker::start();
    let mut watcher = watcher(&broker, V5);
    let delayed = |seconds| {
        let mut mortal = lasting(V5, "mortal").with_will(will("w", "gone"));
        let will = mortal.will.as_mut().unwrap();
        will.properties.push(property::will_delay(seconds));
        mortal
    };
    drop(broker.connect(&delayed(1)));
    let mut back = broker.connect(&delayed(600));
    std::thread::sleep(std::time::Duration::from_millis(1200));
    watcher.expect_nothing();
    back.send(&DISCONNECT);
    back.expect_closed();
    watcher.expect_nothing();
    drop(broker.connect(&delayed(1)));
    assert_eq!(watcher.payload(), "gone");
}

/// [MQTT 5.0: 3.1.3-10 3.3.2-18]
#[test]
fn a_will_keeps_its_properties_in_order() {
    let broker = Broker::start();
    let mut watcher = watcher(&broker, V5);
    let mut mortal = mortal(V5);
    let properties = vec![
        property::byte(1, 1),
        property::string(3, "text/plain"),
        property::string(8, "answers"),
        property::correlation(&[7]),
        property::user("z", "1"),
        property::user("a", "2"),
        property::user("z", "3"),
    ];
    mortal
        .will
        .as_mut()
        .unwrap()
        .properties
        .clone_from(&properties);
    drop(broker.connect(&mortal));
    let expected = properties
        .into_iter()
        .fold(publish("w", "gone"), |will, one| will.with(one));
    assert_eq!(watcher.message(), expected);
}
