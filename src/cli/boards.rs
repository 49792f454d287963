//! `hearth boards`: the serial ports and what sits on them.

use std::io::Write;

use crate::boards::{PortListing, list};

const NONE_FOUND: &str = "\
No board found on USB. Look for:
  * a cable with data wires; many only charge
  * what the kernel says when you plug it in: dmesg | tail
  * a clone board with a driver missing: lsusb shows it, but no /dev/ttyUSB0 appears
";
const HEAD: [&str; 6] = ["PORT", "BOARD", "USB", "SERIAL", "PRODUCT", "DRIVER"];

/// Prints the table to standard output.
pub fn run() -> anyhow::Result<()> {
    std::io::stdout()
        .lock()
        .write_all(table(&list()).as_bytes())?;
    Ok(())
}

/// The table, its problems below it.
fn table(ports: &[PortListing]) -> String {
    if ports.is_empty() {
        return NONE_FOUND.into();
    }
    let rows: Vec<[String; 6]> = ports.iter().map(row).collect();
    let mut text = line(&HEAD.map(String::from), &rows);
    for row in &rows {
        text += &line(row, &rows);
    }
    for problem in ports.iter().flat_map(problems) {
        text += &problem;
        text.push('\n');
    }
    text
}

fn row(port: &PortListing) -> [String; 6] {
    let usb = port.usb.as_ref();
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".into());
    [
        port.device.display().to_string(),
        port.name.clone(),
        or_dash(usb.map(|usb| usb.id())),
        or_dash(usb.and_then(|usb| usb.serial.clone())),
        or_dash(usb.and_then(|usb| usb.product_name.clone())),
        or_dash(port.driver.clone()),
    ]
}

fn line(cells: &[String; 6], rows: &[[String; 6]]) -> String {
    let mut line = String::new();
    for (column, cell) in cells.iter().enumerate() {
        let widths = rows.iter().map(|row| row[column].chars().count());
        let width = widths.chain([HEAD[column].len()]).max().unwrap_or(0);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boards::{Owner, Usb};

    fn port(device: &str, usb: Option<Usb>) -> PortListing {
        PortListing {
            device: device.into(),
            name: "uno-c1a2".into(),
            usb,
            driver: Some("cdc_acm".into()),
            owners: vec![],
            permitted: true,
        }
    }

    #[test]
    fn columns_are_aligned_and_problems_follow() {
        let usb = Usb {
            vendor: 0x2341,
            product: 0x43,
            serial: Some("8573C1A2".into()),
            product_name: None,
        };
        let mut ports = [port("/dev/ttyACM0", Some(usb)), port("/dev/ttyUSB10", None)];
        ports[0].permitted = false;
        let owner = Owner {
            pid: 7,
            name: "screen".into(),
        };
        ports[1].owners.push(owner);
        let table = table(&ports);
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines.len(), 5, "{table}");
        let columns = |line: &str| line.find("uno-c1a2");
        assert_eq!(columns(lines[1]), lines[0].find("BOARD"), "{table}");
        assert_eq!(columns(lines[2]), lines[0].find("BOARD"), "{table}");
        assert!(lines[3].contains("usermod -aG dialout"), "{table}");
        assert_eq!(lines[4], "/dev/ttyUSB10 is open in screen (process 7)");
    }

    #[test]
    fn an_empty_list_teaches_what_to_check() {
        assert!(table(&[]).contains("dmesg | tail"));
    }
}
