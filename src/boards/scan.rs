//! Looks which serial ports are there, and who has them open. Reads sysfs and
//! procfs, so it is called from blocking threads only.

use std::fs;
use std::path::{Path, PathBuf};

use serialport::SerialPortType;

use super::registry::{Found, Usb};

/// A process that has a port open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    pub pid: u32,
    pub name: String,
}

/// The USB serial ports, as the kernel lists them.
pub(super) fn usb_ports() -> Vec<Found> {
    // Without sysfs, as in a small container, the list would panic.
    if !Path::new("/sys/class/tty").is_dir() {
        return Vec::new();
    }
    let ports = serialport::available_ports().unwrap_or_default();
    let usb = ports.into_iter().filter_map(|port| match port.port_type {
        SerialPortType::UsbPort(info) => Some(Found {
            device: PathBuf::from(&port.port_name),
            path: PathBuf::from(port.port_name),
            usb: Some(Usb {
                vendor: info.vid,
                product: info.pid,
                serial: info.serial_number.filter(|serial| !serial.is_empty()),
                product_name: info.product,
            }),

            client: None,
        }),
        _ => None,
    });
    usb.collect()
}

/// Those of `paths` that are there, with links followed.
pub(super) fn given_ports(paths: &[PathBuf]) -> Vec<Found> {
    let found = paths.iter().filter_map(|path| {
        let device = fs::canonicalize(path).ok()?;
        Some(Found {
            device,
            path: path.clone(),
            usb: None,
            client: None,
        })
    });
    found.collect()
}

/// The kernel's driver of a port, such as `cdc_acm` or `ch341`.
pub(super) fn driver(device: &Path) -> Option<String> {
    let tty = device.file_name()?;
    let driver = Path::new("/sys/class/tty").join(tty).join("device/driver");
    let target = fs::canonicalize(driver).ok()?;
    Some(target.file_name()?.to_string_lossy().into_owned())
}

/// Who has the port open, as far as this user may see.
pub(super) fn owners(device: &Path) -> Vec<Owner> {
    let Ok(processes) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let pids = processes
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let holders = pids.filter(|pid| holds(*pid, device));
    holders
        .map(|pid| Owner {
            pid,
            name: process_name(pid),
        })
        .collect()
}

fn holds(pid: u32, device: &Path) -> bool {
    let Ok(descriptors) = fs::read_dir(format!("/proc/{pid}/fd")) else {
        return false;
    };
    descriptors
        .flatten()
        .any(|entry| fs::read_link(entry.path()).is_ok_and(|target| target == device))
}

fn process_name(pid: u32) -> String {
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    name.trim().to_owned()
}
