//! Other people's MQTT clients against the running broker. The scripts
//! in `tests/clients` can be run against any broker.

use std::process::Command;

use crate::harness::{Site, repository, run};
use crate::rumqttc_exchange;

fn address(port: u16) -> [String; 2] {
    ["127.0.0.1".to_owned(), port.to_string()]
}

#[test]
fn paho_mqtt_is_served() {
    let house = Site::new().run("");
    let script = repository("tests/clients/paho_exchange.py");
    // Debian's Python, because the client is a Debian package.
    run(Command::new("/usr/bin/python3")
        .arg(script)
        .args(address(house.mqtt)));
}

#[test]
fn mosquittos_clients_are_served() {
    let house = Site::new().run("");
    let script = repository("tests/clients/mosquitto_exchange.sh");
    run(Command::new(script).args(address(house.mqtt)));
}

#[tokio::test(flavor = "multi_thread")]
async fn rumqttc_is_served() {
    let house = tokio::task::spawn_blocking(|| Site::new().run(""))
        .await
        .unwrap();
    rumqttc_exchange::exchange(([127, 0, 0, 1], house.mqtt).into()).await;
}
