//! Sessions: started clean, resumed, taken over, expired (3.1.2.4, 4.1).

use std::thread::sleep;
use std::time::Duration;

use super::client::Broker;
use super::wire::{
    BOTH, Connect, V5, V311, Version, connect, lasting, packet, property, publish, will,
};

fn other(version: Version) -> Version {
    match version {
        V311 => V5,
        V5 => V311,
    }
}

/// [MQTT 3.1.1: 3.1.2-4 3.1.2-5 3.1.4-3 3.2.2-2 4.1.0-1 4.5.0-1]
/// [MQTT 5.0: 3.1.2-5 3.1.2-23 3.1.4-4 3.2.2-3 4.5.0-1]
#[test]
fn a_session_goes_on_where_it_was_left() {
    for version in BOTH {
        let broker = Broker::start();
        let mut sub = broker.connect(&lasting(version, "sub"));
        sub.subscribe("t", 2);
        sub.leave();
        let mut publisher = broker.client(version, "publisher");
        publisher.tell(publish("t", "while away"));
        let (mut sub, connack) = broker.connect_and_see(&lasting(version, "sub"));
        assert!(connack.session_present());
        assert_eq!(sub.payload(), "while away");
        publisher.tell(publish("t", "back"));
        assert_eq!(sub.payload(), "back");
    }
}

/// [MQTT 3.1.1: 3.1.2-4 3.2.2-3]
/// [MQTT 5.0: 3.1.2-6 3.2.2-3]
#[test]
fn without_a_session_there_is_a_new_one() {
    let broker = Broker::start();
    for version in BOTH {
        let (_client, connack) = broker.connect_and_see(&lasting(version, "new"));
        assert!(!connack.session_present());
        broker.client(version, "new").leave();
    }
}

/// [MQTT 3.1.1: 3.1.2-6 3.1.4-3 3.2.2-1]
/// [MQTT 5.0: 3.1.2-4 3.1.4-4 3.2.2-2]
#[test]
fn a_clean_start_forgets_everything() {
    for version in BOTH {
        let broker = Broker::start();
        let mut sub = broker.connect(&lasting(version, "sub"));
        sub.subscribe("t", 1);
        sub.leave();
        let mut publisher = broker.client(version, "publisher");
        publisher.tell(publish("t", "waits"));
        let clean = lasting(version, "sub").clean(true);
        let (mut sub, connack) = broker.connect_and_see(&clean);
        assert!(!connack.session_present());
        publisher.tell(publish("t", "nobody wants this"));
        sub.expect_nothing();
    }
}

/// [MQTT 3.1.1: 3.1.2-6]
/// [MQTT 5.0: 4.1.0-2]
#[test]
fn a_session_that_should_not_last_does_not() {
    for version in BOTH {
        let broker = Broker::start();
        let mut sub = broker.client(version, "sub");
        sub.subscribe("t", 1);
        sub.leave();
        let (mut sub, connack) = broker.connect_and_see(&lasting(version, "sub"));
        assert!(!connack.session_present());
        broker.client(version, "publisher").tell(publish("t", "x"));
        sub.expect_nothing();
    }
}

/// [MQTT 3.1.1: 3.1.2-7]
#[test]
fn retained_messages_outlive_sessions() {
    for version in BOTH {
        let broker = Broker::start();
        let mut publisher = broker.client(version, "publisher");
        publisher.tell(publish("t", "stays").retained());
        publisher.leave();
        let mut sub = broker.client(version, "sub");
        sub.subscribe("t", 0);
        assert_eq!(sub.payload(), "stays");
    }
}

/// [MQTT 3.1.1: 3.1.4-2]
/// [MQTT 5.0: 3.1.4-3]
#[test]
fn a_second_connection_takes_the_session_over() {
    for version in BOTH {
        let broker = Broker::start();
        let mut old = broker.connect(&lasting(version, "same"));
        old.subscribe("t", 1);
        let (mut new, connack) = broker.connect_and_see(&lasting(version, "same"));
        old.expect_dismissed(0x8e);
        assert!(connack.session_present());
        broker.client(version, "publisher").tell(publish("t", "x"));
        assert_eq!(new.payload(), "x");
    }
}

/// [MQTT 3.1.1: 4.1.0-1 4.1.0-2]
/// [MQTT 5.0: 4.1.0-1]
#[test]
fn a_session_lasts_as_long_as_its_connection() {
    let broker = Broker::start();
    let short = connect(V5, "short").with(property::session_expiry(1));
    let mut clients = [broker.connect(&short), broker.client(V311, "clean")];
    clients
        .iter_mut()
        .for_each(|client| client.subscribe("t", 1));
    sleep(Duration::from_millis(1300));
    broker.client(V5, "publisher").tell(publish("t", "x"));
    clients
        .iter_mut()
        .for_each(|client| assert_eq!(client.payload(), "x"));
}

/// The will that waits longer than its session tells the moment of the end.
///
/// [MQTT 5.0: 3.1.2-8 3.1.2-23 4.1.0-2]
#[test]
fn a_session_ends_when_its_expiry_has_passed() {
    let broker = Broker::start();
    let mut watcher = broker.client(V5, "watcher");
    watcher.subscribe("ended", 0);
    let mut last_word = will("ended", "x");
    last_word.properties.push(property::will_delay(600));
    let mut connect = connect(V5, "short").clean(false).with_will(last_word);
    connect.properties.push(property::session_expiry(1));
    broker.connect(&connect).subscribe("t", 1);
    let (client, connack) = broker.connect_and_see(&connect);
    assert!(connack.session_present());
    drop(client);
    assert_eq!(watcher.payload(), "x");
    let (_client, connack) = broker.connect_and_see(&connect);
    assert!(!connack.session_present());
}

/// A DISCONNECT may change how long the session lasts, but not make one last
/// that was to end with its connection (MQTT 5.0, 3.14.2.2.2).
#[test]
fn disconnect_sets_the_expiry() {
    let broker = Broker::start();
    let goodbye = |seconds: u32| {
        let mut body = vec![0, 5, 17];
        body.extend(seconds.to_be_bytes());
        packet(0xe0, &body)
    };
    let mut client = broker.connect(&lasting(V5, "client"));
    client.send(&goodbye(0));
    client.expect_closed();
    let (mut client, connack) = broker.connect_and_see(&connect(V5, "client").clean(false));
    assert!(!connack.session_present());
    client.send(&goodbye(60));
    client.expect_dismissed(0x82);
}

/// A session belongs to its client id, whatever the version of the connection.
#[test]
fn a_session_may_change_its_version() {
    for version in BOTH {
        let broker = Broker::start();
        let mut sub = broker.connect(&lasting(version, "sub"));
        sub.subscribe("t", 1);
        sub.leave();
        let mut publisher = broker.client(V5, "publisher");
        let message = publish("t", "x").with(property::user("a", "b"));
        publisher.tell(message.clone());
        let resumed = lasting(other(version), "sub");
        let (mut sub, connack) = broker.connect_and_see(&resumed);
        assert!(connack.session_present());
        let arrived = sub.message();
        assert_eq!(arrived.payload, b"x");
        let expected = match resumed.version {
            V311 => Vec::new(),
            V5 => message.properties,
        };
        assert_eq!(arrived.properties, expected);
    }
}

/// Clean start is about the past alone: the new session lasts as asked.
#[test]
fn a_clean_start_may_begin_a_session_that_lasts() {
    let broker = Broker::start();
    let clean: Connect = lasting(V5, "sub").clean(true);
    let mut sub = broker.connect(&clean);
    sub.subscribe("t", 1);
    sub.leave();
    let (_sub, connack) = broker.connect_and_see(&lasting(V5, "sub"));
    assert!(connack.session_present());
}
