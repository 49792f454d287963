//! Bridges to a real mosquitto.

mod crossing;
mod cuts;
mod other;
mod restart;
mod words;

use crate::harness::{House, Mqtt, Site};

const VERSIONS: [&str; 2] = ["3.1.1", "5.0"];

/// `[bridge.there]` to a port of this computer.
fn bridge(port: u16, version: &str, more: &str, topics: &[&str]) -> String {
    let mut config = format!(
        "[bridge.there]\naddress = \"mqtt://127.0.0.1:{port}\"\nversion = \"{version}\"\n{more}\n"
    );
    for topic in topics {
        config += &format!("[[bridge.there.topic]]\n{topic}\n");
    }
    config
}

const STATUS: &str = "hearth/bridge/there/status";

/// A house whose bridge is through, and a client that sees everything in it.
fn connected(site: &Site, config: &str) -> (House, Mqtt) {
    let house = site.run(config);
    let here = house.watch("#");
    here.wait_for(STATUS, "online");
    (house, here)
}

/// The value of a figure at /metrics.
fn figure(house: &House, name: &str) -> u64 {
    let metrics = house.page("/metrics");
    let line = metrics.lines().find_map(|line| line.strip_prefix(name));
    let value = line.unwrap_or_else(|| panic!("{name} is missing:\n{metrics}"));
    value.trim().parse().unwrap()
}
