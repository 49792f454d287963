//! How the gateway ends: in order when asked to, and with a clear word and the
//! right exit code when it cannot start.

use std::process::Output;

use crate::harness::{Site, hearth};

const PIN: &str = r#"
[gpio]
driver = "simulated"

[pin.lamp]
gpio = 17
room = "porch"
direction = "output"
safe = "off"
"#;

#[test]
fn a_stop_makes_outputs_safe_and_says_goodbye() {
    let house = Site::new().run(PIN);
    let mqtt = house.watch("#");
    mqtt.wait_for("hearth/status", "online");
    mqtt.publish("home/porch/lamp/set", "on");
    mqtt.wait_for("home/porch/lamp", "on");

    let ended = house.stop();
    assert!(
        ended.status.success(),
        "{}\n{}",
        ended.status,
        ended.log.text()
    );
    assert!(
        ended.took.as_secs() < 5,
        "took {:?}\n{}",
        ended.took,
        ended.log.text()
    );
    mqtt.wait_for("home/porch/lamp", "off");
    mqtt.wait_for("hearth/status", "offline");
}

#[test]
fn a_taken_address_is_named() {
    let site = Site::new();
    let first = site.run("");
    let mut other = Site::new();
    other.mqtt = first.mqtt;
    let config = other.write_config("");
    let output = hearth()
        .arg("run")
        .arg("--config")
        .arg(config)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(
        said(&output).contains(&format!("127.0.0.1:{}", first.mqtt)),
        "{}",
        said(&output)
    );
    assert!(
        first.page("/healthz").contains("ok"),
        "the first one goes on"
    );
}

#[test]
fn a_wrong_config_is_shown_with_its_line() {
    let site = Site::new();
    let config = site.write_config("scam = true\n[wed]\n");
    for command in ["run", "check"] {
        let output = hearth()
            .arg(command)
            .arg("--config")
            .arg(&config)
            .output()
            .unwrap();
        let said = said(&output);
        assert_eq!(output.status.code(), Some(78), "{said}");
        for shown in ["scam", "scan", "wed", "web", "hearth.toml:"] {
            assert!(said.contains(shown), "`{shown}` is missing in:\n{said}");
        }
    }
}

#[test]
fn a_wrong_command_line_is_a_usage_error() {
    let output = hearth().arg("rum").output().unwrap();
    assert_eq!(output.status.code(), Some(64), "{}", said(&output));
    assert!(said(&output).contains("run"), "{}", said(&output));
}

fn said(output: &Output) -> String {
    let streams = [&output.stdout, &output.stderr].map(|stream| String::from_utf8_lossy(stream));
    streams.concat()
}
