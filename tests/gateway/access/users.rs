//! `hearth user`, beside a running house and without one.

use std::process::Command;

use super::{ANNA, BEN, wait_for_log};
use crate::harness::{ANYBODY, Person, Site, eventually, hearth, http, person};

#[test]
fn a_user_comes_in_without_a_restart_and_goes_likewise() {
    let site = Site::new();
    let house = site.run("");
    let data = site.data();
    let stranger = ANNA.enter(&house).unwrap_err();
    assert!(stranger.contains("bad user name password"), "{stranger}");
    wait_for_log(&house, &["no user \"anna\"", "hearth user list"]);

    ANNA.join(&data);
    eventually("anna to be let in", || ANNA.enter(&house).ok());
    let watcher = ANNA.watch(&house, "hearth/status");
    let other = Person {
        password: "another one",
        ..ANNA
    };
    assert!(other.user("passwd", &data).status.success());
    let end = watcher.wait_for_end();
    assert!(end.contains("administrative action"), "{end}");
    assert!(ANNA.enter(&house).is_err());
    wait_for_log(&house, &["not that of the user \"anna\""]);

    let watcher = other.watch(&house, "hearth/status");
    assert!(ANNA.user("remove", &data).status.success());
    let end = watcher.wait_for_end();
    assert!(end.contains("administrative action"), "{end}");
    assert!(other.enter(&house).is_err());
    assert!(ANYBODY.enter(&house).is_ok(), "this computer alone");
    let log = house.log.text();
    for password in [ANNA.password, other.password] {
        assert!(!log.contains(password), "{log}");
    }
}

#[test]
fn users_are_listed_and_slips_are_explained() {
    let site = Site::new();
    std::fs::create_dir(site.data()).unwrap();
    let data = site.data();
    let says = |output: std::process::Output, words: &str| {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(words), "{said}");
    };
    says(ANNA.user("passwd", &data), "no user \"anna\"");
    ANNA.join(&data);
    BEN.join(&data);
    says(ANNA.user("add", &data), "already");
    let short = Person {
        name: "carl",
        password: "1234",
    };
    says(short.user("add", &data), "too short");
    let wild = Person {
        name: "a/#",
        ..ANNA
    };
    says(wild.user("add", &data), "cannot be a user");
    says(wild.user("remove", &data), "no user");
    // The config names the folder, too.
    let list = hearth()
        .args(["user", "list", "--config"])
        .arg(site.write_config(""))
        .output();
    assert_eq!(
        String::from_utf8_lossy(&list.unwrap().stdout),
        "anna\nben\n"
    );
}

#[test]
fn a_password_is_asked_for_twice_on_a_terminal() {
    let site = Site::new();
    std::fs::create_dir(site.data()).unwrap();
    // script(1) gives the command a terminal, and passes on what it shows.
    let on_a_terminal = |answers: &str| {
        let command = format!(
            "{} user add anna --data {}",
            env!("CARGO_BIN_EXE_hearth"),
            site.data().display()
        );
        let mut script = Command::new("script");
        script.args(["--quiet", "--return", "--command", &command, "/dev/null"]);
        let output = person::finish(&mut script, answers);
        let shown = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            shown.contains("password for anna") && shown.contains("again"),
            "{shown}"
        );
        (output.status.success(), shown)
    };
    let (added, shown) = on_a_terminal("correct horse\nwrong horse!\n");
    assert!(!added && shown.contains("differ"), "{shown}");
    let (added, shown) = on_a_terminal("correct horse\ncorrect horse\n");
    assert!(added && shown.contains("anna may come in"), "{shown}");
    let house = site.run("");
    assert_eq!(ANNA.enter(&house), Ok(()));
}

#[test]
fn wrong_passwords_are_counted_and_slow_nobody_down_for_ever() {
    let site = Site::new();
    std::fs::create_dir(site.data()).unwrap();
    ANNA.join(&site.data());
    let house = site.run("");
    let guess = Person {
        password: "a wrong guess",
        ..ANNA
    };
    for _ in 0..4 {
        assert!(guess.enter(&house).is_err());
    }
    assert_eq!(ANNA.enter(&house), Ok(()), "late, but let in");
    let metrics = http::get(house.http, "/metrics").unwrap().body;
    let counted = "hearth_broker_connections_refused_total{limit=\"password\"} 4";
    assert!(metrics.contains(counted), "{metrics}");
    assert!(!house.log.text().contains(guess.password));
}
