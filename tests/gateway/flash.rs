//! `hearth flash` while the house has the board.

use crate::harness::{Site, eventually, hearth};

#[test]
fn flashing_beside_a_running_house_says_how_to_stop_it() {
    let site = Site::new();
    let board = site.board("bench");
    let house = site.run(&site.board_config("bench", "lab"));
    let mqtt = house.watch("#");
    let there = || mqtt.latest("home/lab/count").map(|_| ());
    board.print_until("count:1", || there().is_some());
    eventually("the board in the house", there);
    let hex = site.folder().join("any.hex");
    std::fs::write(&hex, ":00000001FF\n").unwrap();
    let output = hearth()
        .arg("flash")
        .arg(site.port("bench"))
        .arg("--hex")
        .arg(hex)
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(error.contains("sudo systemctl stop hearth"), "{error}");
    assert!(error.contains("the house (hearth, process"), "{error}");
}
