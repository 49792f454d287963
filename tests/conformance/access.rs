//! Who is let in and what each may do, as the standards answer it.

use hearth::broker::access::pattern::Pattern;
use hearth::broker::access::{Access, Grants, Section};

use crate::client::{Broker, PASSWORD, USER};
use crate::connect::refused;
use crate::wire::*;

/// The user reads all but one topic, and writes under its own name.
fn access() -> Access {
    let list = |text: &str| vec![Pattern::parse(text).unwrap()];
    let grants = Grants {
        read: list("#"),
        write: list("home/%u/#"),
    };
    let section = Section::new(Some(grants), list("secret/#"));
    Access {
        users: [(USER.to_owned(), section)].into(),
        ..Access::default()
    }
}

fn user(version: Version, id: &str) -> Connect {
    connect(version, id).login(USER, PASSWORD)
}

/// [MQTT 3.1.1: 3.2.2-4 3.2.2-5]
/// [MQTT 5.0: 3.1.4-2 3.2.2-6 3.2.2-7]
#[test]
fn who_is_not_let_in_is_told_and_closed() {
    for version in BOTH {
        let broker = Broker::guarded(access());
        let wrong = connect(version, "a").login(USER, "a wrong one");
        refused(&broker, &wrong, Some(if version == V5 { 0x86 } else { 4 }));
        // A will that it may not send, and another's session.
        let will = user(version, "a").with_will(will("secret", "x"));
        refused(&broker, &will, Some(if version == V5 { 0x87 } else { 5 }));
        let _owner = broker.client(version, "a");
        let taken = user(version, "a");
        refused(&broker, &taken, Some(if version == V5 { 0x85 } else { 2 }));
        broker.connect(&user(version, "b")).expect_nothing();
    }
}

/// [MQTT 3.1.1: 3.3.5-2]
/// [MQTT 5.0: 3.4.2-1 3.5.2-1]
#[test]
fn a_message_without_permission_is_answered_and_delivered_to_nobody() {
    for version in BOTH {
        let broker = Broker::guarded(access());
        let mut watcher = broker.client(version, "watcher");
        watcher.subscribe("#", 0);
        let mut writer = broker.connect(&user(version, "writer"));
        writer.publish(&publish("garden", "x").qos(1, 1));
        writer.publish(&publish("garden", "x").qos(2, 2));
        for (first, id) in [(PUBACK, 1), (PUBREC, 2)] {
            match version {
                V311 => writer.expect(&ack(first, id)),
                V5 => writer.expect(&ack_because(first, id, 0x87)),
            }
        }
        writer.publish(&publish("garden", "x"));
        writer.tell(publish(&format!("home/{USER}/lamp"), "on"));
        assert_eq!(watcher.payload(), "on");
        watcher.expect_nothing();
    }
}

/// [MQTT 3.1.1: 3.8.4-5 3.9.3-2]
/// [MQTT 5.0: 3.8.4-7 3.9.3-2]
#[test]
fn a_filter_without_permission_is_refused_in_its_place() {
    for version in BOTH {
        let broker = Broker::guarded(access());
        let mut writer = broker.client(version, "writer");
        let mut reader = broker.connect(&user(version, "reader"));
        let filters = [("secret/a", 1), ("#", 1), ("secret/#", 2)];
        reader.send(&subscribe(version, 7, &[], &filters));
        let no = if version == V5 { 0x87 } else { 0x80 };
        reader.expect(&suback(version, 7, &[no, 1, no]));
        writer.tell(publish("secret/a", "hidden"));
        writer.tell(publish("garden", "shown"));
        assert_eq!(reader.payload(), "shown");
    }
}
