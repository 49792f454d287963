//! What a bridge says of itself, and of what is wrong.

use std::fs;

use serde_json::Value;

use super::other::Mosquitto;
use super::{STATUS, bridge, connected};
use crate::harness::{Mqtt, Site, eventually, free_port, hearth, run};

const OUT: &[&str] = &["pattern = 'home/#'\ndirection = 'out'"];
const ABOUT: &str = "hearth/bridge/there/about";

/// Waits until the bridge tells of this trouble.
fn wait_for_trouble(here: &Mqtt, words: &str) -> Value {
    eventually(words, || {
        let about: Value = serde_json::from_str(&here.latest(ABOUT)?).unwrap();
        let is_it = about["trouble"].as_str()?.contains(words);
        is_it.then_some(about)
    })
}

#[test]
fn a_bridge_tells_where_it_leads_and_why_it_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let users = folder.path().join("users");
    run(std::process::Command::new("mosquitto_passwd")
        .args(["-c", "-b"])
        .arg(&users)
        .args(["house7", "right secret"]));
    let mosquitto = Mosquitto::in_folder(folder, "allow_anonymous false\npassword_file %/users\n");
    let site = Site::new();
    fs::write(site.folder().join("password"), "wrong secret\n").unwrap();
    let login = "user = 'house7'\npassword_file = 'password'";
    let house = site.run(&bridge(mosquitto.port, "5.0", login, OUT));
    let here = house.watch("hearth/bridge/#");
    let about = wait_for_trouble(&here, "not authorized as \"house7\"");
    assert_eq!(
        about["address"],
        format!("mqtt://127.0.0.1:{}", mosquitto.port)
    );
    assert_eq!(about["status"], "offline");
    assert!(!house.log.with(&["not authorized", "there"]).is_empty());

    // The file is read anew at each attempt.
    fs::write(site.folder().join("password"), "right secret\n").unwrap();
    here.wait_for(STATUS, "online");
    eventually("the trouble to be over", || {
        let about: Value = serde_json::from_str(&here.latest(ABOUT)?).unwrap();
        (about["status"] == "online" && about["trouble"].is_null()).then_some(())
    });
    let said = house.log.text();
    assert!(!said.contains("secret"), "{said}");
}

#[test]
fn nobody_there_is_told_as_such() {
    let site = Site::new();
    let port = free_port();
    let house = site.run(&bridge(port, "3.1.1", "", OUT));
    let here = house.watch("hearth/bridge/#");
    wait_for_trouble(&here, "nobody listens there");
    assert_eq!(here.latest(STATUS).as_deref(), Some("offline"));
}

/// A folder with `hearth certs`' files for this computer and a client.
fn certificates() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    run(hearth()
        .arg("certs")
        .arg(folder.path().join("tls"))
        .args(["--client", "house7"]));
    folder
}

#[test]
fn tls_is_spoken_with_certificates_of_both_sides() {
    let tls = "allow_anonymous true\nrequire_certificate true\ncafile %/tls/ca.pem\n\
               certfile %/tls/server.pem\nkeyfile %/tls/server.key\n";
    // A second address, which the certificate does not hold.
    let tls = format!("{tls}listener PORT 127.0.0.2\n{tls}");
    let folder = certificates();
    let ours = folder.path().join("tls");
    let theirs = certificates();
    let site = Site::new();
    for name in ["ca.pem", "house7.pem", "house7.key"] {
        fs::copy(ours.join(name), site.folder().join(name)).unwrap();
    }
    let mosquitto = Mosquitto::in_folder(folder, &tls);
    let config = |host: &str, more: &str| {
        bridge(mosquitto.port, "5.0", more, OUT)
            .replace("mqtt://127.0.0.1", &format!("mqtts://{host}"))
    };
    let full = "ca = 'ca.pem'\ncertificate = 'house7.pem'\nkey = 'house7.key'";
    {
        let (_house, here) = connected(&site, &config("localhost", full));
        here.publish("home/a/t", "21");
        eventually("it to cross", || {
            let about: Value = serde_json::from_str(&here.latest(ABOUT)?).unwrap();
            (about["status"] == "online").then_some(())
        });
    }
    let trouble = |config: String, words: &str| {
        let house = site.run(&config);
        let here = house.watch("hearth/bridge/#");
        wait_for_trouble(&here, words);
    };
    trouble(
        config("localhost", "ca = 'ca.pem'"),
        "asks for a certificate of ours",
    );
    trouble(config("127.0.0.2", full), "is for another host");
    trouble(config("localhost", ""), "name its CA with `ca`");
    let stranger = theirs.path().join("tls/ca.pem");
    fs::copy(stranger, site.folder().join("ca.pem")).unwrap();
    trouble(config("localhost", full), "name its CA with `ca`");
    let plain = Mosquitto::start();
    let wrong_port = bridge(plain.port, "5.0", "", OUT).replace("mqtt://", "mqtts://");
    trouble(wrong_port, "does not speak TLS");
}

#[test]
fn the_other_side_is_told_whether_the_house_is_there() {
    let mosquitto = Mosquitto::start();
    let there = mosquitto.watch("#");
    let site = Site::new();
    let config = bridge(mosquitto.port, "5.0", "presence = 'house7/presence'", OUT);
    let (house, _) = connected(&site, &config);
    there.wait_for("house7/presence", "online");
    drop(house); // kill -9
    there.wait_for("house7/presence", "offline");
    let (house, here) = connected(&site, &config);
    there.wait_for("house7/presence", "online");
    assert!(house.stop().status.success());
    there.wait_for("house7/presence", "offline");
    here.wait_for(STATUS, "offline");
}

#[test]
fn a_bridge_that_the_config_has_no_more_leaves_nothing() {
    let mosquitto = Mosquitto::start();
    let site = Site::new();
    let (house, _) = connected(&site, &bridge(mosquitto.port, "5.0", "", OUT));
    assert!(house.stop().status.success());
    let house = site.run("");
    let here = house.watch("hearth/#");
    here.wait_for("hearth/status", "online");
    assert!(
        here.messages()
            .iter()
            .all(|seen| !seen.topic.contains("bridge"))
    );
}
