//! The Pi's pins through the kernel's GPIO device, from topic to level and back.

use std::time::Duration;

use gpiocdev::Request;
use gpiocdev::line::{Bias, Direction, EdgeDetection};

use crate::harness::{Site, eventually};
use crate::header::Header;

const LAMP: &str = r#"
[pin.lamp]
gpio = 17
room = "porch"
direction = "output"
safe = "on"
"#;

const RELAY: &str = r#"
[pin.relay]
gpio = 27
room = "porch"
direction = "output"
active_low = true
"#;

/// An input on GPIO 4.
fn door(more: &str) -> String {
    format!("[pin.door]\ngpio = 4\nroom = \"hall\"\ndirection = \"input\"\n{more}\n")
}

#[test]
#[ignore = "needs the kernel of scripts/test-pi"]
fn a_command_moves_the_level_and_a_stop_makes_it_safe() {
    let header = Header::new();
    let house = Site::new().run(&[LAMP, RELAY].concat());
    let mqtt = house.watch("#");
    mqtt.wait_for("home/porch/lamp", "on");
    mqtt.wait_for("home/porch/relay", "off");
    assert!(header.is_high(17), "safe at start");
    assert!(
        header.is_high(27),
        "off is high where the pin is active-low"
    );
    assert_eq!(header.line(17).consumer, "hearth");

    mqtt.publish("home/porch/lamp/set", "off");
    mqtt.wait_for("home/porch/lamp", "off");
    mqtt.publish("home/porch/relay/set", "on");
    mqtt.wait_for("home/porch/relay", "on");
    assert!(!header.is_high(17) && !header.is_high(27));

    // The stop reads the lines once more before it gives them back.
    let ended = house.stop();
    assert!(ended.status.success(), "{}", ended.log.text());
    mqtt.wait_for("home/porch/lamp", "on");
    mqtt.wait_for("home/porch/relay", "off");
    assert!(!header.line(17).used && !header.line(27).used);
}

#[test]
#[ignore = "needs the kernel of scripts/test-pi"]
fn an_edge_counts_at_once_where_nothing_is_debounced() {
    let header = Header::new();
    header.pull(4, false);
    let house = Site::new().run(&door("debounce = \"0s\""));
    let mqtt = house.watch("home/#");
    mqtt.wait_for("home/hall/door", "off");
    for (high, state) in [(true, "on"), (false, "off"), (true, "on")] {
        header.pull(4, high);
        mqtt.wait_for("home/hall/door", state);
    }
    assert_eq!(
        header.line(4).edge_detection,
        Some(EdgeDetection::BothEdges)
    );
    assert_eq!(header.line(4).debounce_period, None);
}

#[test]
#[ignore = "needs the kernel of scripts/test-pi"]
fn the_kernel_debounces() {
    let header = Header::new();
    header.pull(4, false);
    let house = Site::new().run(&door("debounce = \"200ms\""));
    let mqtt = house.watch("home/#");
    mqtt.wait_for("home/hall/door", "off");
    let period = header.line(4).debounce_period;
    assert_eq!(period, Some(Duration::from_millis(200)));
    for high in [true, false, true, false, true] {
        header.pull(4, high);
    }
    mqtt.wait_for("home/hall/door", "on");
    header.pull(4, false);
    mqtt.wait_for("home/hall/door", "off");
    assert_eq!(mqtt.payloads("home/hall/door"), ["off", "on", "off"]);
}

#[test]
#[ignore = "needs the kernel of scripts/test-pi"]
fn a_contact_to_ground_is_on_while_it_is_closed() {
    let header = Header::new();
    header.pull(4, false);
    let house = Site::new().run(&door("bias = \"pull-up\"\nactive_low = true"));
    let mqtt = house.watch("home/#");
    // gpio-sim pulls where the bias says.
    mqtt.wait_for("home/hall/door", "off");
    assert!(header.is_high(4));
    let line = header.line(4);
    assert_eq!((line.bias, line.active_low), (Some(Bias::PullUp), true));
    assert_eq!(line.direction, Direction::Input);
    header.pull(4, false);
    mqtt.wait_for("home/hall/door", "on");
    header.pull(4, true);
    mqtt.wait_for("home/hall/door", "off");
}

#[test]
#[ignore = "needs the kernel of scripts/test-pi"]
fn a_pin_of_another_program_is_told_with_its_name_and_had_when_it_is_free() {
    let header = Header::new();
    let other = Request::builder()
        .on_chip(header.chip().dev_path())
        .with_consumer("blinker")
        .with_line(17)
        .as_output(gpiocdev::line::Value::Inactive)
        .request()
        .unwrap();
    let house = Site::new().run(&[LAMP, RELAY].concat());
    let mqtt = house.watch("#");
    let fault = || mqtt.latest("hearth/board/pi/fault");
    let told = eventually("the fault", || fault().filter(|fault| !fault.is_empty()));
    for word in ["pin lamp", "GPIO 17", "\"blinker\""] {
        assert!(told.contains(word), "{told}");
    }
    // Its neighbour works meanwhile, and a command to it is answered.
    mqtt.publish("home/porch/relay/set", "on");
    mqtt.wait_for("home/porch/relay", "on");
    mqtt.publish("home/porch/lamp/set", "off");
    let refused = eventually("the refusal", || {
        mqtt.latest("hearth/board/pi/command/lamp")
    });
    assert!(
        refused.contains("refused") && refused.contains("blinker"),
        "{refused}"
    );
    assert!(!header.is_high(17), "the other program's level was touched");

    drop(other);
    mqtt.wait_for("home/porch/lamp", "on");
    mqtt.wait_for("hearth/board/pi/fault", "");
    assert!(header.is_high(17));
    assert_eq!(house.log.with(&["warn", "blinker", "pin lamp:"]).len(), 1);
}

#[test]
#[ignore = "needs the kernel of scripts/test-pi"]
fn a_killed_gateway_gives_its_pins_back_to_the_next() {
    let header = Header::new();
    let site = Site::new();
    let house = site.run(LAMP);
    let mqtt = house.watch("home/#");
    mqtt.publish("home/porch/lamp/set", "off");
    mqtt.wait_for("home/porch/lamp", "off");
    drop(house);
    let house = site.run(LAMP);
    house.watch("#").wait_for("home/porch/lamp", "on");
    assert!(header.is_high(17));
}
