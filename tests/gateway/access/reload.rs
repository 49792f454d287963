//! New permissions take effect while the house runs.

use std::fs;

use super::{ANNA, wait_for_log};
use crate::harness::{House, Site, eventually};

const GARDEN: &str = "[access.user.anna]\nread = ['hearth/status']\nwrite = ['garden/#']\n";
const HOUSE: &str = "[access.user.anna]\nread = ['hearth/status', 'home/#']\nwrite = ['home/#']\n";

fn house(access: &str) -> (Site, House) {
    let site = Site::new();
    fs::create_dir(site.data()).unwrap();
    ANNA.join(&site.data());
    let house = site.run(access);
    (site, house)
}

#[test]
fn changed_files_are_noticed_and_connections_stay() {
    let (site, house) = house(HOUSE);
    let watcher = ANNA.watch(&house, "#");
    assert!(ANNA.publish(&house, "garden/gate", "x").is_err());
    assert_eq!(ANNA.publish(&house, "home/hall", "before"), Ok(()));
    watcher.wait_for("home/hall before");

    site.write_config(GARDEN);
    eventually("the garden to be hers", || {
        ANNA.publish(&house, "garden/gate", "x").ok()
    });
    assert!(ANNA.publish(&house, "home/hall", "x").is_err());
    let outsider = crate::harness::ANYBODY;
    assert_eq!(outsider.publish(&house, "home/hall", "hidden"), Ok(()));
    wait_for_log(&house, &["the new [access] holds"]);

    site.write_config(HOUSE);
    eventually("the house to be hers again", || {
        ANNA.publish(&house, "home/hall", "after").ok()
    });
    watcher.wait_for("home/hall after");
    let lines = watcher.lines();
    assert!(!lines.contains(&"home/hall hidden".to_owned()), "{lines:?}");
}

#[test]
fn a_hangup_reads_the_config_at_once_and_a_wrong_one_changes_nothing() {
    let (site, house) = house(HOUSE);
    site.write_config("[access.user.anna]\nwrite = ['garden/#/gate']\n");
    house.hang_up();
    wait_for_log(&house, &["`garden/#/gate` fits no topics"]);
    wait_for_log(&house, &["is not taken over", "hearth check"]);
    assert_eq!(ANNA.publish(&house, "home/hall", "x"), Ok(()));

    site.write_config(&format!("{GARDEN}[broker.limits]\nsubscriptions = 7\n"));
    house.hang_up();
    wait_for_log(&house, &["the new [access] holds"]);
    wait_for_log(&house, &["[broker]", "holds after a restart"]);
    assert_eq!(ANNA.publish(&house, "garden/gate", "x"), Ok(()));
}

#[test]
fn a_hangup_without_a_change_changes_nothing() {
    let (_site, house) = house("");
    house.hang_up();
    wait_for_log(&house, &["[access] is as it was"]);
    assert_eq!(ANNA.enter(&house), Ok(()));
}
