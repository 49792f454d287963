//! The table of `hearth boards`: what is on USB and what the gateway tells, side by side.

use super::{Boards, Known};
use crate::boards::PortListing;

const NONE_FOUND: &str = "\
No board found on USB. Look for:
  * a cable with data wires; many only charge
  * what the kernel says when you plug it in: dmesg | tail
  * a clone board with a driver missing: lsusb shows it, but no /dev/ttyUSB0 appears
";
const PLUGGED: [&str; 6] = ["PORT", "BOARD", "USB", "SERIAL", "PRODUCT", "DRIVER"];
/// What stands between the board's name and the rest, once the gateway has answered.
const TOLD: [&str; 4] = ["FIRMWARE", "UPTIME", "ERRORS", "LINK"];
/// Columns in front of those.
const NAMES: usize = 2;

/// The table, below it what is wrong with ports, and why the gateway tells nothing.
pub fn text(ports: &[PortListing], told: Result<&Boards, &anyhow::Error>) -> String {
    let none = Boards::new();
    let boards = told.unwrap_or(&none);
    let mut text = if ports.is_empty() && boards.is_empty() {
        NONE_FOUND.to_owned()
    } else {
        table(ports, boards, told.is_ok())
    };
    for problem in ports.iter().flat_map(problems) {
        text += &format!("{problem}\n");
    }
    if let Err(error) = told {
        text += &format!(
            "Firmware and link quality are known to the running gateway only: {error:#}\n"
        );
    }
    text
}

fn table(ports: &[PortListing], boards: &Boards, is_told: bool) -> String {
    let mut rows = vec![row(PLUGGED.map(str::to_owned), TOLD.map(str::to_owned))];
    let mut seen = Vec::new();
    for port in ports {
        let known = board_on(port, boards);
        seen.extend(known.map(|(name, _)| name));
        let mut plugged = plugged(port);
        if let Some((name, _)) = known {
            name.clone_into(&mut plugged[1]);
        }
        rows.push(row(plugged, told(known.map(|(_, known)| known))));
    }
    let elsewhere = boards
        .iter()
        .filter(|(name, _)| !seen.contains(&name.as_str()));
    rows.extend(elsewhere.map(|(name, known)| row(unplugged(name, known), told(Some(known)))));
    if !is_told {
        for row in &mut rows {
            row.drain(NAMES..NAMES + TOLD.len());
        }
    }
    let widths = widths(&rows);
    rows.iter().map(|row| line(row, &widths)).collect()
}

fn row(plugged: [String; PLUGGED.len()], told: [String; TOLD.len()]) -> Vec<String> {
    let mut row = plugged.to_vec();
    row.splice(NAMES..NAMES, told);
    row
}

/// The board that the gateway has on this port, or that has this serial number. One that
/// was there before may still be known, so whoever is online goes first.
fn board_on<'a>(port: &PortListing, boards: &'a Boards) -> Option<(&'a str, &'a Known)> {
    let device = port.device.to_string_lossy();
    let serial = port.usb.as_ref().and_then(|usb| usb.serial.as_ref());
    let is_there = |known: &Known| {
        known.about.as_ref().is_some_and(|about| {
            about.port == device || serial.is_some() && about.usb.as_ref() == serial
        })
    };
    let mut there: Vec<_> = boards.iter().filter(|(_, known)| is_there(known)).collect();
    there.sort_by_key(|(_, known)| !known.online);
    there.first().map(|(name, known)| (name.as_str(), *known))
}

fn or_dash(text: Option<String>) -> String {
    text.filter(|text| !text.is_empty())
        .unwrap_or_else(|| "-".into())
}

fn plugged(port: &PortListing) -> [String; PLUGGED.len()] {
    let usb = port.usb.as_ref();
    [
        port.device.display().to_string(),
        port.name.clone(),
        or_dash(usb.map(|usb| usb.id())),
        or_dash(usb.and_then(|usb| usb.serial.clone())),
        or_dash(usb.and_then(|usb| usb.product_name.clone())),
        or_dash(port.driver.clone()),
    ]
}

/// A board that is not on USB, or not any more.
fn unplugged(name: &str, known: &Known) -> [String; PLUGGED.len()] {
    let about = known.about.as_ref();
    let usb = about.and_then(|about| about.usb.clone());
    let (id, serial) = match usb {
        Some(id) if id.contains(':') => (Some(id), None),
        serial => (None, serial),
    };
    [
        or_dash(about.map(|about| about.port.clone())),
        name.to_owned(),
        or_dash(id),
        or_dash(serial),
        or_dash(None),
        or_dash(None),
    ]
}

fn told(known: Option<&Known>) -> [String; TOLD.len()] {
    let about = known.and_then(|known| known.about.as_ref());
    let vitals = known.and_then(|known| known.vitals.as_ref());
    let is_away = known.is_some_and(|known| !known.online);
    let version = vitals
        .map(|vitals| vitals.firmware.as_str())
        .unwrap_or_default();
    [
        or_dash(about.map(|about| {
            format!("{} {version}", about.firmware)
                .trim_end()
                .to_owned()
        })),
        match is_away {
            true => "offline".to_owned(),
            false => or_dash(vitals.map(|vitals| vitals.up_for())),
        },
        or_dash(vitals.map(|vitals| vitals.errors().to_string())),
        or_dash(
            vitals
                .filter(|_| !is_away)
                .map(|vitals| format!("{} %", vitals.link_quality)),
        ),
    ]
}

fn widths(rows: &[Vec<String>]) -> Vec<usize> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    (0..columns).map(width).collect()
}

fn line(cells: &[String], widths: &[usize]) -> String {
    let mut line = String::new();
    for (cell, width) in cells.iter().zip(widths) {
        line += &format!("{cell:width$}  ");
    }
    format!("{}\n", line.trim_end())
}

fn problems(port: &PortListing) -> Vec<String> {
    let device = port.device.display();
    let owners = port.owners.iter().map(|owner| {
        let (name, pid) = (&owner.name, owner.pid);
        format!("{device} is open in {name} (process {pid})")
    });
    let forbidden = (!port.permitted).then(|| {
        format!(
            "{device} may not be opened by this user: run `sudo usermod -aG dialout $USER`, then \
             log out and in again"
        )
    });
    owners.chain(forbidden).collect()
}
