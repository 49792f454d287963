//! A board on USB: a gadget of the kernel that looks like an Arduino Uno,
//! plugged into a controller that is memory.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{OpenOptionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::fs::OFlags;
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};

use crate::harness::eventually;
use crate::machine::{self, set};

const GADGETS: &str = "/sys/kernel/config/usb_gadget";

/// A board. Dropping it unplugs it and takes it apart.
pub struct Gadget {
    folder: PathBuf,
    /// The board's end of the line, while it is plugged in.
    line: Option<File>,
}

impl Gadget {
    /// An Uno with a serial number, or a clone without one; not plugged in.
    pub fn uno(serial: Option<&str>) -> Gadget {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        machine::needed();
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let folder = Path::new(GADGETS).join(format!("uno{number}"));
        for part in ["", "configs/c.1", "functions/acm.0", "strings/0x409"] {
            fs::create_dir(folder.join(part)).unwrap();
        }
        set(folder.join("idVendor"), "0x2341");
        set(folder.join("idProduct"), "0x0043");
        set(folder.join("bDeviceClass"), "2");
        set(folder.join("strings/0x409/product"), "Arduino Uno");
        if let Some(serial) = serial {
            set(folder.join("strings/0x409/serialnumber"), serial);
        }
        symlink(
            folder.join("functions/acm.0"),
            folder.join("configs/c.1/acm.0"),
        )
        .unwrap();
        Gadget { folder, line: None }
    }

    /// Plugs it into port 0 or 1.
    pub fn plug(&mut self, port: usize) {
        set(self.folder.join("UDC"), &format!("dummy_udc.{port}"));
        let number = fs::read_to_string(self.folder.join("functions/acm.0/port_num")).unwrap();
        self.line = Some(open_raw(&format!("/dev/ttyGS{}", number.trim())));
    }

    /// Pulls the plug.
    pub fn unplug(&mut self) {
        set(self.folder.join("UDC"), "\n");
        self.line = None;
    }

    /// Prints a line, as `Serial.println` does.
    pub fn print(&mut self, line: &str) {
        let mut end = self.line.as_ref().expect("plugged in");
        end.write_all(format!("{line}\r\n").as_bytes()).unwrap();
    }

    /// What has come from the gateway; nothing while it is not plugged in.
    pub fn receive(&mut self) -> Vec<u8> {
        let mut buffer = [0; 512];
        let read = self.line.as_mut().map(|line| line.read(&mut buffer));
        match read {
            Some(Ok(length)) => buffer[..length].to_vec(),
            _ => Vec::new(),
        }
    }

    /// What the line does not take is lost, as on a real one.
    pub fn send(&mut self, bytes: &[u8]) {
        if let Some(line) = &mut self.line {
            let _ = line.write(bytes);
        }
    }

    /// Prints a line again and again until it has had its effect: the gateway
    /// throws away what was printed before it had opened the port.
    pub fn print_until(&mut self, line: &str, mut done: impl FnMut() -> bool) {
        eventually(&format!("the effect of `{line}`"), || {
            self.print(line);
            std::thread::sleep(std::time::Duration::from_millis(50));
            done().then_some(())
        });
    }

    /// Waits for a line from the gateway. Others may come before it: until the
    /// gateway has made its end raw, the kernel there echoes what was printed.
    pub fn wait_for_line(&mut self, line: &str) {
        let mut received = Vec::new();
        let mut end = self.line.as_ref().expect("plugged in");
        eventually(&format!("the line `{line}`"), || {
            let mut buffer = [0; 512];
            if let Ok(count) = end.read(&mut buffer) {
                received.extend_from_slice(&buffer[..count]);
            }
            let text = String::from_utf8_lossy(&received);
            text.lines().any(|came| came == line).then_some(())
        });
    }
}

impl Drop for Gadget {
    fn drop(&mut self) {
        if self.line.is_some() {
            self.unplug();
        }
        let _ = fs::remove_file(self.folder.join("configs/c.1/acm.0"));
        for part in ["configs/c.1", "functions/acm.0", "strings/0x409", ""] {
            let _ = fs::remove_dir(self.folder.join(part));
        }
    }
}

/// Without echo and line editing: the board is no terminal.
fn open_raw(path: &str) -> File {
    let flags = OFlags::NOCTTY | OFlags::NONBLOCK;
    let mut options = OpenOptions::new();
    options
        .read(true)
        .write(true)
        .custom_flags(flags.bits().cast_signed());
    let line = eventually(path, || options.open(path).ok());
    let mut settings = tcgetattr(&line).unwrap();
    settings.make_raw();
    tcsetattr(&line, OptionalActions::Now, &settings).unwrap();
    line
}
