//! Sessions that outlive the program, and those that must not.

use std::thread::sleep;
use std::time::Duration;

use super::house::{BOTH_ENDS, House, take};
use super::rounds::End;
use super::wire::{
    BOTH, Connect, DISCONNECT, V5, V311, Version, connect, lasting, packet, property, publish,
    unsuback, unsubscribe,
};

/// A session of 5.0 that outlives its connection by so many seconds.
fn expires_in(seconds: u32, id: &str) -> Connect {
    let expiry = property::session_expiry(seconds);
    connect(V5, id).clean(false).with(expiry)
}

/// QoS, No Local, Retain As Published and the identifier (3.8.2, 3.8.3).
#[test]
fn subscriptions_keep_their_options() {
    for end in BOTH_ENDS {
        let mut house = House::new();
        let mut sub = house.begin(&lasting(V5, "sub"));
        let named = [property::subscription_id(300)];
        sub.subscribe_with(&named, "named/+", 1);
        sub.subscribe("not/mine", 1 | 0x04);
        sub.subscribe("as/it/was", 8);
        (0..2).for_each(|_| house.restart(end));
        let mut sub = house.resume(&lasting(V5, "sub"));
        sub.publish(&publish("not/mine", "own"));
        house.tell(publish("not/mine", "other"));
        let message = sub.message();
        assert_eq!(message.payload, b"other");
        take(&mut sub, &message);
        house.tell(publish("as/it/was", "x").retained());
        assert_eq!(sub.message(), publish("as/it/was", "x").retained());
        house.tell(publish("named/a", "x").retained());
        let message = sub.message();
        let expected = publish("named/a", "x").qos(1, message.id);
        assert_eq!(message, expected.with(property::subscription_id(300)));
        take(&mut sub, &message);
    }
}

#[test]
fn an_ended_subscription_stays_ended() {
    for end in BOTH_ENDS {
        for version in BOTH {
            let mut house = House::new();
            let mut sub = house.begin(&lasting(version, "sub"));
            sub.subscribe("gone", 1);
            sub.subscribe("stays", 1);
            house.restart(end);
            let mut sub = house.resume(&lasting(version, "sub"));
            sub.send(&unsubscribe(version, 9, &["gone"]));
            sub.expect(&unsuback(version, 9, &[0]));
            house.restart(end);
            house.tell(publish("gone", "x"));
            let mut sub = house.resume(&lasting(version, "sub"));
            house.tell(publish("gone", "x"));
            house.expect_nothing_before(&mut sub, "stays");
        }
    }
}

/// A session goes on under the other version of MQTT, too.
#[test]
fn a_session_may_change_its_version_in_between() {
    for end in BOTH_ENDS {
        for (before, after) in [(V5, V311), (V311, V5)] {
            let mut house = House::new();
            let mut sub = house.begin(&lasting(before, "sub"));
            sub.subscribe("t", 1);
            sub.leave();
            house.tell(publish("t", "1"));
            house.restart(end);
            let mut sub = house.resume(&lasting(after, "sub"));
            assert_eq!(sub.payload(), "1");
        }
    }
}

/// The time that the program is away counts.
#[test]
fn sessions_expire_while_the_program_is_away() {
    for end in BOTH_ENDS {
        let mut house = House::new();
        for (seconds, id) in [(1, "short"), (600, "long"), (u32::MAX, "for ever")] {
            let mut client = house.begin(&expires_in(seconds, id));
            client.subscribe("t", 1);
            client.leave();
        }
        house.begin(&lasting(V311, "old")).leave();
        // What the latest CONNECT or DISCONNECT says holds.
        house.begin(&expires_in(1, "longer")).leave();
        house.resume(&expires_in(600, "longer")).leave();
        let mut shorter = house.begin(&expires_in(600, "shorter"));
        shorter.send(&packet(0xe0, &[0, 5, 17, 0, 0, 0, 1]));
        shorter.expect_closed();
        house.end(end);
        sleep(Duration::from_millis(1500));
        house.start();
        let mut short = house.begin(&expires_in(600, "short"));
        house.tell(publish("t", "x"));
        short.subscribe("u", 1);
        house.expect_nothing_before(&mut short, "u");
        house.begin(&expires_in(600, "shorter"));
        for id in ["long", "for ever", "longer"] {
            house.resume(&expires_in(600, id));
        }
        house.resume(&lasting(V311, "old"));
    }
}

/// Its connection ended with the program; it expires after the next start at
/// the latest.
#[test]
fn a_session_that_was_connected_expires() {
    for end in BOTH_ENDS {
        let mut house = House::new();
        let _short = house.begin(&expires_in(1, "short"));
        let _long = house.begin(&expires_in(600, "long"));
        house.restart(end);
        sleep(Duration::from_millis(1500));
        house.begin(&expires_in(1, "short"));
        house.resume(&expires_in(600, "long"));
    }
}

/// A session that ends with its connection ends with the program.
#[test]
fn a_session_that_should_not_last_does_not() {
    for end in BOTH_ENDS {
        for version in BOTH {
            let mut house = House::new();
            let mut sub = house.client(version, "sub");
            sub.subscribe("t", 1);
            house.restart(end);
            let mut sub = house.begin(&lasting(version, "sub"));
            house.tell(publish("t", "x"));
            sub.subscribe("u", 1);
            house.expect_nothing_before(&mut sub, "u");
        }
    }
}

/// A clean start ends what was there before, for good.
#[test]
fn a_clean_start_is_not_undone() {
    for end in BOTH_ENDS {
        for version in BOTH {
            let mut house = House::new();
            let mut sub = house.begin(&lasting(version, "sub"));
            sub.subscribe("t", 1);
            sub.leave();
            house.tell(publish("t", "old"));
            house.restart(end);
            let _clean = house.begin(&lasting(version, "sub").clean(true));
            house.restart(end);
            // 3.1.1 has no session that begins clean and lasts.
            let (mut sub, connack) = house.connect_and_see(&lasting(version, "sub"));
            assert_eq!(connack.session_present(), version == V5);
            house.tell(publish("t", "x"));
            sub.subscribe("u", 1);
            house.expect_nothing_before(&mut sub, "u");
        }
    }
}

/// Each message goes to one member, whichever is there.
#[test]
fn a_shared_subscription_stays_shared() {
    for end in BOTH_ENDS {
        let mut house = House::new();
        let members = [lasting(V5, "one"), lasting(V311, "two")];
        for member in &members {
            house.begin(member).subscribe("$share/crew/t", 1);
        }
        house.restart(end);
        let mut members = members.map(|member| house.resume(&member));
        for number in 1..=4 {
            house.tell(publish("t", &number.to_string()));
        }
        let mut heard = Vec::new();
        for member in &mut members {
            for _ in 0..2 {
                let message = member.message();
                take(member, &message);
                heard.push(message.payload);
            }
        }
        heard.sort();
        assert_eq!(
            heard,
            ["1", "2", "3", "4"].map(|number| number.as_bytes().to_vec())
        );
    }
}

/// What was left of a session before the last end but one is still there.
#[test]
fn a_session_that_nobody_asks_for_waits() {
    let mut house = House::new();
    let version: Version = V311;
    let mut sub = house.begin(&lasting(version, "sub"));
    sub.subscribe("t", 1);
    sub.send(&DISCONNECT);
    sub.expect_closed();
    for (number, end) in [End::Kill, End::Stop, End::Kill, End::Kill]
        .into_iter()
        .enumerate()
    {
        house.tell(publish("t", &number.to_string()));
        house.restart(end);
    }
    let mut sub = house.resume(&lasting(version, "sub"));
    for number in 0..4 {
        let message = sub.message();
        assert_eq!(message.payload, number.to_string().into_bytes());
        take(&mut sub, &message);
    }
    house.expect_nothing_before(&mut sub, "t");
}
