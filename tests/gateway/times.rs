//! Rules that wait for the house's clock.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::harness::{Site, eventually};

/// So many seconds from now, as a clock in UTC shows it.
fn time_in(seconds: u64) -> (u64, String) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let due = now.as_secs() + seconds;
    let of_day = due % 86_400;
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    (due, format!("{hour:02}:{minute:02}:{second:02}"))
}

#[test]
fn a_rule_acts_at_its_time_and_not_before() {
    let (due, time) = time_in(4);
    let house = Site::new().run(&format!(
        "[[rule]]\nname = \"Bell\"\nwhen = {{ at = \"{time}\" }}\n\
         then = [{{ publish = \"bell\", payload = \"rings\" }}]\n"
    ));
    let mqtt = house.watch("#");
    let last = || mqtt.latest("hearth/rule/bell/last");
    eventually("the rule to wait", || {
        last()?.contains("waiting for").then_some(())
    });
    mqtt.wait_for("bell", "rings");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    assert!(now.as_secs() >= due, "too early");
    eventually("why it acted", || {
        last()?.contains(&format!("it is {time}")).then_some(())
    });
    assert_eq!(mqtt.payloads("bell").len(), 1);
}
