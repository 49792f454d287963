//! The serial ports of this machine, for `hearth boards`.

use std::path::PathBuf;

use super::port;
use super::registry::{Found, Registry, Usb};
use super::scan::{self, Owner};

/// A serial port and what sits on it.
#[derive(Clone, Debug, PartialEq)]
pub struct PortListing {
    pub device: PathBuf,
    /// The name that the gateway gives a board that the config does not name.
    pub name: String,
    pub usb: Option<Usb>,
    /// The kernel's driver, such as `cdc_acm`.
    pub driver: Option<String>,
    /// Programs that have it open, as far as this user may see.
    pub owners: Vec<Owner>,
    /// Whether this user may open it.
    pub permitted: bool,
}

/// Lists the USB serial ports. Blocks for some milliseconds.
pub fn list() -> Vec<PortListing> {
    let mut registry = Registry::new(Vec::new());
    let named = registry.update(scan::usb_ports());
    named
        .iter()
        .map(|(name, found)| listing(name, found))
        .collect()
}

fn listing(name: &str, found: &Found) -> PortListing {
    PortListing {
        device: found.device.clone(),
        name: name.to_owned(),
        usb: found.usb.clone(),
        driver: scan::driver(&found.device),
        owners: scan::owners(&found.device),
        permitted: port::may_open(&found.device),
    }
}
