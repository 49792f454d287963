//! Messages that wait, are on their way, or are retained when the program ends.

use std::thread::sleep;
use std::time::Duration;

use super::house::{BOTH_ENDS, House, take, tell_exactly_once};
use super::rounds::End;
use super::wire::{
    BOTH, PUBACK, PUBCOMP, PUBREC, PUBREL, Publish, V5, V311, ack, lasting, property, publish,
};

/// One with everything that 5.0 lets it carry.
fn full(topic: &str, payload: &str) -> Publish {
    publish(topic, payload)
        .with(property::byte(1, 1))
        .with(property::string(3, "text/plain"))
        .with(property::string(8, "answers/here"))
        .with(property::correlation(b"\0\x01\xff"))
        .with(property::user("a", "1"))
        .with(property::user("a", "2"))
}

#[test]
fn what_waits_for_a_session_waits_on() {
    for end in BOTH_ENDS {
        for version in BOTH {
            let mut house = House::new();
            let connect = lasting(version, "étage/+#$");
            let mut sub = house.begin(&connect);
            sub.subscribe("t/#", 2);
            sub.leave();
            let mut publisher = house.client(V5, "publisher");
            for number in 1..=300 {
                publisher.tell(full(&format!("t/{}", number % 3), &number.to_string()));
            }
            publisher.send(&full("t/2", "last").qos(2, 999).bytes(V5));
            publisher.expect(&ack(PUBREC, 999));
            house.restart(end);
            let mut sub = house.resume(&connect);
            for number in 1..=300 {
                let message = sub.message();
                assert_eq!(message.payload, number.to_string().into_bytes());
                let expected = match version {
                    V5 => full(&format!("t/{}", number % 3), &number.to_string()),
                    V311 => publish(&format!("t/{}", number % 3), &number.to_string()),
                };
                assert_eq!(message, expected.qos(1, message.id));
                take(&mut sub, &message);
            }
            let last = sub.message();
            assert_eq!((&last.payload[..], last.qos), (&b"last"[..], 2));
        }
    }
}

/// Under their ids, with DUP, in their order [MQTT-4.4.0-1, MQTT-4.6.0-1].
#[test]
fn what_is_on_its_way_comes_again() {
    for end in BOTH_ENDS {
        for version in BOTH {
            let mut house = House::new();
            let mut sub = house.begin(&lasting(version, "sub"));
            sub.subscribe("t", 2);
            let mut publisher = house.client(V5, "publisher");
            for number in 1..=5 {
                tell_exactly_once(&mut publisher, publish("t", &number.to_string()), number);
                publisher.tell(publish("t", &format!("{number} and a half")));
            }
            let first: Vec<Publish> = (0..10).map(|_| sub.message()).collect();
            house.restart(end);
            let mut sub = house.resume(&lasting(version, "sub"));
            for message in &first {
                assert_eq!(sub.message(), message.clone().again());
            }
            first.iter().for_each(|message| take(&mut sub, message));
            house.expect_nothing_before(&mut sub, "t");
        }
    }
}

/// A message that was received is not sent again: its PUBREL is.
#[test]
fn a_release_is_repeated() {
    for end in BOTH_ENDS {
        for version in BOTH {
            let mut house = House::new();
            let mut sub = house.begin(&lasting(version, "sub"));
            sub.subscribe("t", 2);
            let mut publisher = house.client(V5, "publisher");
            for number in 1..=3 {
                tell_exactly_once(&mut publisher, publish("t", "x"), number);
            }
            let ids = [0; 3].map(|_| sub.message().id);
            ids.iter().for_each(|id| sub.send(&ack(PUBREC, *id)));
            ids.iter().for_each(|id| sub.expect(&ack(PUBREL, *id)));
            house.restart(end);
            let mut sub = house.resume(&lasting(version, "sub"));
            ids.iter().for_each(|id| sub.expect(&ack(PUBREL, *id)));
            ids.iter().for_each(|id| sub.send(&ack(PUBCOMP, *id)));
            house.expect_nothing_before(&mut sub, "t");
        }
    }
}

/// What is over when the program stops is over when it starts again.
#[test]
fn what_was_acknowledged_before_a_stop_does_not_come_again() {
    let mut house = House::new();
    let mut sub = house.begin(&lasting(V5, "sub"));
    sub.subscribe("t", 2);
    let mut publisher = house.client(V5, "publisher");
    publisher.tell(publish("t", "1"));
    tell_exactly_once(&mut publisher, publish("t", "2"), 7);
    for _ in 0..2 {
        let message = sub.message();
        take(&mut sub, &message);
    }
    sub.expect_nothing();
    house.restart(End::Stop);
    let mut sub = house.resume(&lasting(V5, "sub"));
    house.expect_nothing_before(&mut sub, "t");
}

#[test]
fn a_qos_2_message_is_taken_once() {
    for end in BOTH_ENDS {
        for version in BOTH {
            let mut house = House::new();
            let mut sub = house.begin(&lasting(V5, "sub"));
            sub.subscribe("t", 2);
            let mut publisher = house.begin(&lasting(version, "publisher"));
            let message = publish("t", "once").qos(2, 7);
            publisher.publish(&message);
            publisher.expect(&ack(PUBREC, 7));
            house.restart(end);
            let mut publisher = house.resume(&lasting(version, "publisher"));
            publisher.publish(&message.clone().again());
            publisher.expect(&ack(PUBREC, 7));
            house.restart(end);
            let mut publisher = house.resume(&lasting(version, "publisher"));
            publisher.send(&ack(PUBREL, 7));
            publisher.expect(&ack(PUBCOMP, 7));
            let mut sub = house.resume(&lasting(V5, "sub"));
            let arrived = sub.message();
            assert_eq!(arrived.payload, b"once");
            take(&mut sub, &arrived);
            house.expect_nothing_before(&mut sub, "t");
        }
    }
}

/// PUBCOMP means that the id is free: the next message under it is a new one,
/// even if the program was killed in between (MQTT 5.0, 4.3.3).
#[test]
fn a_released_id_is_free() {
    for end in BOTH_ENDS {
        for version in BOTH {
            let mut house = House::new();
            let mut sub = house.begin(&lasting(V5, "sub"));
            sub.subscribe("t", 1);
            let mut publisher = house.begin(&lasting(version, "publisher"));
            tell_exactly_once(&mut publisher, publish("t", "one"), 7);
            house.restart(end);
            let mut publisher = house.resume(&lasting(version, "publisher"));
            tell_exactly_once(&mut publisher, publish("t", "two"), 7);
            let mut sub = house.resume(&lasting(V5, "sub"));
            for payload in ["one", "two"] {
                let message = sub.message();
                assert_eq!(String::from_utf8_lossy(&message.payload), payload);
                sub.send(&ack(PUBACK, message.id));
            }
        }
    }
}

/// The time that the program is away counts.
#[test]
fn messages_expire_while_the_program_is_away() {
    for end in BOTH_ENDS {
        let mut house = House::new();
        let mut sub = house.begin(&lasting(V5, "sub"));
        sub.subscribe("t", 1);
        sub.leave();
        for topic in ["t", "kept/short"] {
            let retain = topic == "kept/short";
            let short = publish(topic, "short").with(property::message_expiry(1));
            house.tell(Publish { retain, ..short });
        }
        let long = || publish("t", "long").with(property::message_expiry(600));
        house.tell(long());
        house.tell(
            Publish {
                topic: "kept/long".to_owned(),
                ..long()
            }
            .retained(),
        );
        house.end(end);
        sleep(Duration::from_millis(1500));
        house.start();
        let mut sub = house.resume(&lasting(V5, "sub"));
        let message = sub.message();
        assert_eq!(message.payload, b"long");
        assert!((500..600).contains(&expiry_of(&message)), "{message:?}");
        take(&mut sub, &message);
        sub.subscribe("kept/+", 0);
        let message = sub.message();
        assert_eq!(message.payload, b"long");
        assert!((500..600).contains(&expiry_of(&message)), "{message:?}");
        house.expect_nothing_before(&mut sub, "t");
    }
}

fn expiry_of(message: &Publish) -> u32 {
    let (id, value) = &message.properties[0];
    assert_eq!(*id, 2, "a Message Expiry Interval in {message:?}");
    u32::from_be_bytes(value[..].try_into().unwrap())
}

#[test]
fn retained_messages_stay() {
    for end in BOTH_ENDS {
        let mut house = House::new();
        let mut publisher = house.client(V5, "publisher");
        // At QoS 0 nothing is promised to those who are not asked to wait.
        if end == End::Stop {
            publisher.publish(&full("kept/0", "zero").retained());
        }
        publisher.tell(full("kept/1", "old").retained());
        publisher.tell(full("kept/1", "one").retained());
        tell_exactly_once(&mut publisher, full("kept/2", "two").retained(), 7);
        for _ in 0..2 {
            house.restart(end);
            let mut sub = house.client(V5, "sub");
            sub.subscribe("kept/#", 0);
            if end == End::Stop {
                assert_eq!(sub.message(), full("kept/0", "zero").retained());
            }
            assert_eq!(sub.message(), full("kept/1", "one").retained());
            assert_eq!(sub.message(), full("kept/2", "two").retained());
        }
    }
}

#[test]
fn what_was_cleared_stays_cleared() {
    for end in BOTH_ENDS {
        let mut house = House::new();
        house.tell(publish("kept/a", "on").retained());
        house.tell(publish("kept/b", "on").retained());
        house.restart(end);
        house.tell(publish("kept/a", "").retained());
        house.restart(end);
        let mut sub = house.client(V311, "sub");
        sub.subscribe("kept/+", 1);
        let message = sub.message();
        assert_eq!(message.topic, "kept/b");
        take(&mut sub, &message);
        house.expect_nothing_before(&mut sub, "kept/a");
    }
}
