//! A reading's journey, from a board's line to everything that it leads to.

use serde_json::Value;

use crate::harness::{Site, eventually};

const RULE: &str = r#"
[[rule]]
name = "Fan on when the greenhouse is hot"
when = { topic = "home/greenhouse/temperature", above = 28, until_below = 26.5 }
then = [{ set = "home/greenhouse/fan", to = "on" }]
"#;

#[test]
fn a_reading_becomes_a_state_a_command_a_series_and_a_page() {
    let site = Site::new();
    let thermometer = site.board("thermometer");
    let mut relay = site.board("relay");
    let boards = ["thermometer", "relay"].map(|board| site.board_config(board, "greenhouse"));
    let house = site.run(&format!("{}{RULE}", boards.concat()));
    let mqtt = house.watch("#");

    // Two boards print; their lines are retained states.
    relay.print_until("fan=off", || mqtt.latest("home/greenhouse/fan").is_some());
    let topic = "home/greenhouse/temperature";
    thermometer.print_until("temperature: 21.5 C", || mqtt.latest(topic).is_some());
    assert_eq!(mqtt.latest(topic).as_deref(), Some("21.5"));

    // It gets hot: the rule commands, the other board is told, and reports.
    thermometer.print("temperature: 29.5 C");
    mqtt.wait_for(topic, "29.5");
    mqtt.wait_for("home/greenhouse/fan/set", "on");
    assert_eq!(relay.next_line(), "fan on");
    relay.print("fan=on");
    mqtt.wait_for("home/greenhouse/fan", "on");
    let trace = eventually("the rule's trace", || {
        let traces = mqtt.payloads("hearth/rule/fan-on-when-the-greenhouse-is-hot/last");
        traces.into_iter().find(|trace| trace.contains("\"fired\""))
    });
    assert!(trace.contains("29.5"), "{trace}");

    // A newcomer sees how things are, and only that.
    let newcomer = house.watch("home/+/+");
    newcomer.wait_for("home/greenhouse/fan", "on");
    assert_eq!(newcomer.payloads(topic), ["29.5"]);

    // The series has both readings, with their extremes.
    eventually("both readings in history", || {
        let history = house.json("/api/history/greenhouse/temperature");
        let numbers = numbers(&history);
        (numbers.contains(&21.5) && numbers.contains(&29.5)).then_some(())
    });

    // The page is complete without a script.
    let page = house.page("/");
    for shown in ["29.5", "°C", "Greenhouse", "Fan"] {
        assert!(page.contains(shown), "{shown} is not on the page:\n{page}");
    }
    assert!(
        house
            .page("/rules")
            .contains("Fan on when the greenhouse is hot")
    );
    assert!(house.page("/boards").contains("thermometer"));
    assert!(house.page("/thing/greenhouse/temperature").contains("<svg"));
}

/// Every number anywhere in a JSON value.
fn numbers(json: &Value) -> Vec<f64> {
    match json {
        Value::Number(number) => number.as_f64().into_iter().collect(),
        Value::Array(items) => items.iter().flat_map(numbers).collect(),
        Value::Object(fields) => fields.values().flat_map(numbers).collect(),
        _ => Vec::new(),
    }
}
