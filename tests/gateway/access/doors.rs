//! Which listeners ask for credentials, and what `hearth check` says of them.

use std::process::Output;

use super::{ANNA, wait_for_log};
use crate::harness::{ANYBODY, Site, free_port, hearth};

fn site(host: &'static str, broker: &'static str) -> Site {
    let mut site = Site::new();
    (site.host, site.broker) = (host, broker);
    std::fs::create_dir(site.data()).unwrap();
    site
}

fn check(site: &Site, config: &str) -> (String, String) {
    let file = site.write_config(config);
    let Output { stdout, stderr, .. } = hearth()
        .args(["check", "--config"])
        .arg(file)
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(stdout), text(stderr))
}

#[test]
fn a_door_that_others_reach_asks_for_credentials() {
    let site = site("0.0.0.0", "");
    let (said, warned) = check(&site, "");
    assert!(
        said.contains("asks for a user name and a password"),
        "{said}"
    );
    assert!(warned.contains("there are no users"), "{warned}");
    ANNA.join(&site.data());
    let house = site.run("");
    let refused = ANYBODY.enter(&house).unwrap_err();
    assert!(refused.contains("not authorized"), "{refused}");
    wait_for_log(&house, &["no user name and password", "hearth user add"]);
    assert_eq!(ANNA.enter(&house), Ok(()));
}

#[test]
fn a_house_without_users_says_that_nobody_can_come_in() {
    let house = site("0.0.0.0", "").run("");
    wait_for_log(&house, &["there are no users", "hearth user add"]);
}

#[test]
fn the_config_may_open_the_house_and_is_told_what_that_means() {
    let site = site("0.0.0.0", "anonymous = true");
    let (said, warned) = check(&site, "");
    assert!(said.contains("is open to whoever reaches it"), "{said}");
    assert!(
        warned.contains("can switch things, without a password"),
        "{warned}"
    );
    let house = site.run("");
    assert_eq!(ANYBODY.enter(&house), Ok(()));
    assert!(
        ANNA.enter(&house).is_err(),
        "a name must be proved all the same"
    );
}

#[test]
fn the_config_may_close_every_door() {
    let site = site("127.0.0.1", "anonymous = false");
    ANNA.join(&site.data());
    let port = free_port();
    let house = site.run(&format!(
        "[broker.websocket]\nlisten = \"127.0.0.1:{port}\"\n"
    ));
    assert!(ANYBODY.enter(&house).is_err());
    assert_eq!(ANNA.enter(&house), Ok(()));
    for port in [port, house.http] {
        assert_eq!(websocket_answer(port), [0x20, 2, 0, 5], "not authorized");
    }
}

#[test]
fn this_computer_comes_in_through_websockets_without_a_name() {
    let house = Site::new().run("");
    assert_eq!(websocket_answer(house.http), [0x20, 2, 0, 0]);
}

/// The CONNACK that an anonymous client of 3.1.1 gets over WebSocket.
fn websocket_answer(port: u16) -> Vec<u8> {
    use tokio_tungstenite::tungstenite::client::IntoClientRequest;
    use tokio_tungstenite::tungstenite::{Bytes, Message, connect};
    let address = format!("ws://127.0.0.1:{port}/mqtt");
    let mut request = address.into_client_request().unwrap();
    let headers = request.headers_mut();
    headers.insert("sec-websocket-protocol", "mqtt".parse().unwrap());
    let (mut socket, _) = connect(request).unwrap();
    let hello = b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00";
    socket
        .send(Message::Binary(Bytes::from_static(hello)))
        .unwrap();
    match socket.read().unwrap() {
        Message::Binary(answer) => answer.to_vec(),
        other => panic!("{other:?}"),
    }
}
