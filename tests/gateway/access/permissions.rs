//! Permissions at every place where a message passes.

use super::{ANNA, BEN, wait_for_log};
use crate::harness::{ANYBODY, Site, http};

const ACCESS: &str = r##"
[access.user.anna]
read = ["home/#", "hearth/status"]
write = ["home/+/+/set", "home/%u/#"]
deny = ["home/vault/#"]
"##;

fn house() -> (Site, crate::harness::House) {
    let site = Site::new();
    std::fs::create_dir(site.data()).unwrap();
    ANNA.join(&site.data());
    BEN.join(&site.data());
    let house = site.run(ACCESS);
    (site, house)
}

#[test]
fn who_is_listed_does_what_is_listed() {
    let (_site, house) = house();
    let all = ANYBODY.watch(&house, "#");
    for topic in ["home/hall/lamp/set", "home/anna/mood"] {
        assert_eq!(ANNA.publish(&house, topic, "on"), Ok(()));
        all.wait_for(&format!("{topic} on"));
    }
    for topic in [
        "home/hall/lamp",
        "home/vault/door/set",
        "garden",
        "hearth/status",
    ] {
        let refused = ANNA.publish(&house, topic, "forged").unwrap_err();
        assert!(refused.contains("not authorized"), "{topic}: {refused}");
    }
    wait_for_log(&house, &["anna", "may not write", "home/hall/lamp"]);
    let refused = ANNA.subscribe_in_vain(&house, "garden/#");
    assert!(refused.contains("not authorized"), "{refused}");
    wait_for_log(&house, &["anna", "may read nothing", "garden/#"]);
    // Ben is not listed, so he may do anything but speak for the house.
    assert_eq!(BEN.publish(&house, "garden", "rain"), Ok(()));
    assert!(BEN.publish(&house, "hearth/status", "offline").is_err());
    all.wait_for("garden rain");
    assert!(
        all.lines().iter().all(|line| !line.ends_with("forged")),
        "{:?}",
        all.lines()
    );
    let metrics = http::get(house.http, "/metrics").unwrap().body;
    assert!(
        metrics.contains("hearth_broker_forbidden_total{packet=\"publish\"} 5"),
        "{metrics}"
    );
    assert!(metrics.contains("hearth_broker_forbidden_total{packet=\"subscribe\"} 1"));
}

#[test]
fn a_wide_subscription_brings_what_may_be_read() {
    let (_site, house) = house();
    for topic in ["home/hall/lamp", "home/vault/code", "garden/gate"] {
        assert_eq!(ANYBODY.retain(&house, topic, "kept"), Ok(()));
    }
    let watcher = ANNA.watch(&house, "#");
    watcher.wait_for("home/hall/lamp kept");
    for topic in ["home/vault/code", "garden/gate", "home/hall/lamp"] {
        assert_eq!(ANYBODY.publish(&house, topic, "new"), Ok(()));
    }
    watcher.wait_for("home/hall/lamp new");
    let expected =
        |line: &String| line.starts_with("home/hall/lamp ") || line.starts_with("hearth/status ");
    let lines = watcher.lines();
    assert!(lines.iter().all(expected), "{lines:?}");
}
