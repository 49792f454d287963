//! A student's Arduino sketch, compiled by the Arduino core and run on an
//! emulated Uno, in a house with a rule for it.

use crate::harness::{Site, Uno, eventually};

/// The sketch's sensor gives 10 mV for each degree, and 500 mV at 0 °C.
fn millivolts(degrees: u32) -> u32 {
    500 + 10 * degrees
}

#[test]
fn a_sketch_is_read_shown_recorded_and_commanded() {
    let mut uno = Uno::start("thermostat");
    uno.set_millivolts(0, millivolts(20));
    let site = Site::new();
    let house = site.run(&format!(
        r#"
[board.bench]
port = {:?}
baud = 115200
room = "lab"

[[rule]]
name = "Relay on when the bench is warm"
when = {{ topic = "home/lab/temperature", above = 28, until_below = 26 }}
then = [{{ set = "home/lab/relay", to = "on" }}]
"#,
        uno.port()
    ));
    let mqtt = house.watch("#");
    let degrees = || mqtt.latest("home/lab/temperature")?.parse::<f64>().ok();
    let between = |low: f64, high: f64| degrees().filter(|now| (low..=high).contains(now));

    eventually("20 °C from the sketch", || between(19.0, 21.0));
    mqtt.wait_for("home/lab/relay", "off");
    assert!(
        mqtt.latest("home/lab/relay/set").is_none(),
        "nothing is warm yet"
    );

    uno.set_millivolts(0, millivolts(30));
    let warm = eventually("30 °C from the sketch", || between(29.0, 31.0));
    uno.wait_for_pin("D7", 1);
    mqtt.wait_for("home/lab/relay", "on");

    assert!(
        house.page("/").contains(&warm.to_string()),
        "{warm} is not on the page"
    );
    eventually("the reading in history", || {
        let history = house.page("/api/history/lab/temperature");
        history.contains(&warm.to_string()).then_some(())
    });

    // A person can do what the rule did.
    mqtt.publish("home/lab/relay/set", "off");
    uno.wait_for_pin("D7", 0);
    mqtt.wait_for("home/lab/relay", "off");
}
