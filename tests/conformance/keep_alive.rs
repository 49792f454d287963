//! Keep alive: how long a client may be silent (3.1.2.10).

use std::io::Write;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::client::Broker;
use super::wire::{BOTH, PINGREQ, PINGRESP, V5, connect, publish, will};

const SILENCE: u8 = 0x8d;

/// [MQTT 3.1.1: 3.1.2-24 3.1.2-8]
/// [MQTT 5.0: 3.1.2-22 3.2.2-22 3.1.2-8]
#[test]
fn a_silent_client_is_given_up_after_one_and_a_half_times_its_keep_alive() {
    for version in BOTH {
        let broker = Broker::start();
        let mut watcher = broker.client(version, "watcher");
        watcher.subscribe("w", 0);
        let silent = connect(version, "silent").keep_alive(1);
        let started = Instant::now();
        let (mut client, connack) = broker.connect_and_see(&silent.with_will(will("w", "gone")));
        assert_eq!(
            connack.short(19),
            None,
            "no Server Keep Alive: the client's holds"
        );
        client.expect_dismissed(SILENCE);
        assert!(
            started.elapsed() >= Duration::from_millis(1500),
            "too early"
        );
        assert_eq!(watcher.payload(), "gone");
    }
}

/// [MQTT 3.1.1: 3.1.2-24 3.12.4-1]
/// [MQTT 5.0: 3.1.2-22 3.12.4-1]
#[test]
fn any_packet_is_a_sign_of_life() {
    for version in BOTH {
        let broker = Broker::start();
        let mut client = broker.connect(&connect(version, "alive").keep_alive(1));
        for _ in 0..4 {
            sleep(Duration::from_millis(600));
            client.send(&PINGREQ);
            client.expect(&PINGRESP);
            sleep(Duration::from_millis(600));
            client.publish(&publish("t", ""));
        }
        client.expect_nothing();
    }
}

/// [MQTT 3.1.1: 3.1.2-24]
/// [MQTT 5.0: 3.1.2-22]
#[test]
fn bytes_that_never_make_a_packet_are_no_sign_of_life() {
    let broker = Broker::start();
    let mut client = broker.connect(&connect(V5, "dripping").keep_alive(1));
    client.send(&[0x30, 100, 0, 90]);
    let mut tap = client.tap();
    let drip = std::thread::spawn(move || {
        // Fewer bytes than the packet needs.
        for _ in 0..60 {
            sleep(Duration::from_millis(200));
            let _ = tap.write_all(b"x");
        }
    });
    client.expect_dismissed(SILENCE);
    assert!(
        !drip.is_finished(),
        "closed only when nothing came any more"
    );
}

/// [MQTT 3.1.1: 3.1.2-24]
/// [MQTT 5.0: 3.1.2-22]
#[test]
fn a_keep_alive_of_zero_turns_it_off() {
    for version in BOTH {
        let broker = Broker::start();
        let mut client = broker.connect(&connect(version, "patient").keep_alive(0));
        sleep(Duration::from_secs(2));
        client.expect_nothing();
    }
}
