//! Topics and filters: what matches what (4.7).

use super::client::Broker;
use super::wire::{BOTH, V5, publish};

/// [MQTT 3.1.1: 3.3.2-3 4.7.1-2 4.7.1-3]
/// [MQTT 5.0: 3.3.2-3 4.7.1-1 4.7.1-2]
#[test]
fn filters_bring_the_topics_that_match() {
    let cases = [
        ("sport/#", vec!["sport", "sport/a", "sport/a/b", "sport/"]),
        ("sport/+", vec!["sport/a", "sport/"]),
        ("+/+", vec!["/finance", "sport/a", "sport/"]),
        ("/+", vec!["/finance"]),
        ("+", vec!["sport", "é", "Sport"]),
        ("sport/+/b", vec!["sport/a/b"]),
        (
            "#",
            vec![
                "sport",
                "sport/a",
                "sport/a/b",
                "sport/",
                "/finance",
                "é",
                "Sport",
            ],
        ),
    ];
    let all = [
        "sport",
        "sport/a",
        "sport/a/b",
        "sport/",
        "/finance",
        "é",
        "Sport",
        "$dollar",
    ];
    for version in BOTH {
        let broker = Broker::start();
        for (filter, expected) in &cases {
            let mut client = broker.client(version, "client");
            client.subscribe(filter, 0);
            all.iter()
                .for_each(|topic| client.publish(&publish(topic, "")));
            let came: Vec<String> = expected.iter().map(|_| client.message().topic).collect();
            client.expect_nothing();
            let wanted = |topic: &&&str| expected.contains(*topic);
            let wanted: Vec<_> = all.iter().filter(wanted).collect();
            assert!(came.iter().eq(wanted), "{filter} brought {came:?}");
        }
    }
}

/// [MQTT 3.1.1: 4.7.2-1]
/// [MQTT 5.0: 4.7.2-1]
#[test]
fn leading_wildcards_do_not_match_a_leading_dollar() {
    for version in BOTH {
        let broker = Broker::start();
        let mut client = broker.client(version, "client");
        for filter in ["#", "+/x", "+/#", "$dollar/#", "$dollar/+"] {
            client.subscribe(filter, 0);
        }
        client.publish(&publish("$dollar/x", "x").retained());
        client.message();
        client.expect_nothing();
        let mut late = broker.client(version, "late");
        late.subscribe("#", 0);
        late.expect_nothing();
        late.subscribe("$dollar/#", 0);
        assert_eq!(late.payload(), "x");
    }
}

/// [MQTT 3.1.1: 1.5.3-3 4.7.3-4]
/// [MQTT 5.0: 1.5.4-3 4.7.3-4]
#[test]
fn topics_are_compared_as_they_are() {
    // A byte order mark; é in one and in two code points; letter case; spaces.
    let distinct = [
        "\u{feff}t",
        "t",
        "\u{e9}",
        "e\u{301}",
        "T",
        " t",
        "t ",
        "\u{1f600}",
        "t\u{1}",
    ];
    for version in BOTH {
        let broker = Broker::start();
        let mut client = broker.client(version, "client");
        for topic in distinct {
            client.subscribe(topic, 0);
        }
        for topic in distinct {
            client.publish(&publish(topic, "x"));
            assert_eq!(client.message(), publish(topic, "x"));
            client.expect_nothing();
        }
    }
}

/// [MQTT 3.1.1: 4.7.3-3]
/// [MQTT 5.0: 4.7.3-3]
#[test]
fn a_topic_may_be_as_long_as_its_length_can_say() {
    let longest = "x".repeat(65_535);
    for version in BOTH {
        let broker = Broker::start();
        let mut client = broker.client(version, "client");
        client.subscribe(&longest, 0);
        client.publish(&publish(&longest, "x"));
        assert_eq!(client.message(), publish(&longest, "x"));
    }
}

/// [MQTT 5.0: 4.7.3-3]
#[test]
fn levels_may_be_empty() {
    let broker = Broker::start();
    let mut client = broker.client(V5, "client");
    client.subscribe("//+/", 0);
    client.publish(&publish("//a/", "x"));
    assert_eq!(client.message().topic, "//a/");
}
