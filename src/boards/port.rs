//! An open serial port: raw bytes, eight bits, no parity, one stop bit.
//!
//! Opened through rustix and not through a serial port crate, because those
//! give no safe access to the descriptor, which clearing HUPCL takes.
//!
//! * HUPCL is cleared: a close then leaves DTR up, and a restart of the
//!   gateway does not reset the board. The first open after plugging in does.
//! * A device is opened exclusively: of two readers each would get half of the
//!   bytes. A pty is not, for its mark would outlive a killed gateway.
//! * A line that was never used echoes what comes, until it is made raw: the
//!   board's own words are then in its input, perhaps without an end. The first
//!   that is written after such an open ends them.
//! * Whatever may wait for a device that does not answer runs on a thread for
//!   blocking work.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::termios::{
    ControlModes, InputModes, LocalModes, OptionalActions, QueueSelector, Termios, ioctl_tiocexcl,
    isatty, tcflush, tcgetattr, tcsetattr,
};
use tokio::io::unix::AsyncFd;
use tokio::task::spawn_blocking;

use super::registry::Found;

#[derive(Debug)]
pub(super) struct Port {
    tty: AsyncFd<Tty>,
    /// What the board printed may have been sent back to it.
    echoed: AtomicBool,
}

/// Throws away on close what the board does not take: the kernel would wait
/// for it for half a minute.
#[derive(Debug)]
struct Tty(OwnedFd);

impl Drop for Tty {
    fn drop(&mut self) {
        let _ = tcflush(&self.0, QueueSelector::OFlush);
    }
}

impl std::os::fd::AsRawFd for Tty {
    fn as_raw_fd(&self) -> std::os::fd::RawFd {
        self.0.as_raw_fd()
    }
}

impl Port {
    /// Opens the port; what the board sent before is thrown away.
    pub async fn open(found: &Found, baud: u32) -> io::Result<Port> {
        let (device, exclusive) = (found.device.clone(), !found.is_pty());
        let (tty, echoed) = spawn_blocking(move || open_tty(&device, baud, exclusive)).await??;
        Port::register(tty, echoed)
    }

    #[expect(
        deprecated,
        reason = "the new way is an unsafe function; what it asks for holds: a Tty owns its \
                  descriptor as long as it lives"
    )]
    fn register(tty: Tty, echoed: bool) -> io::Result<Port> {
        Ok(Port {
            tty: AsyncFd::new(tty)?,
            echoed: echoed.into(),
        })
    }

    /// Reads what is there, waiting for some. 0 bytes mean that the board was
    /// unplugged. Cancel-safe.
    pub async fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let mut ready = self.tty.readable().await?;
            let read = |tty: &AsyncFd<Tty>| Ok(rustix::io::read(&tty.get_ref().0, &mut *buffer)?);
            if let Ok(outcome) = ready.try_io(read) {
                return outcome;
            }
        }
    }

    /// Writes all of it; the caller sets the time limit.
    pub async fn write_all(&self, bytes: &[u8]) -> io::Result<()> {
        if self.echoed.swap(false, Ordering::Relaxed) {
            self.write_bytes(b"\n").await?;
        }
        self.write_bytes(bytes).await
    }

    async fn write_bytes(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let mut ready = self.tty.writable().await?;
            let write = |tty: &AsyncFd<Tty>| Ok(rustix::io::write(&tty.get_ref().0, bytes)?);
            match ready.try_io(write) {
                Ok(written) => bytes = bytes.get(written?..).unwrap_or_default(),
                Err(_would_block) => {}
            }
        }
        Ok(())
    }

    /// Changes the speed; what was received at the old one is thrown away.
    pub async fn set_baud(&self, baud: u32) -> io::Result<()> {
        let tty = self.tty.get_ref().0.try_clone()?;
        spawn_blocking(move || {
            let mut termios = tcgetattr(&tty)?;
            termios.set_speed(baud)?;
            tcsetattr(&tty, OptionalActions::Now, &termios)?;
            Ok(tcflush(&tty, QueueSelector::IFlush)?)
        })
        .await?
    }
}

/// The open port, and whether it echoed until now.
fn open_tty(device: &Path, baud: u32, exclusive: bool) -> io::Result<(Tty, bool)> {
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let tty = Tty(rustix::fs::open(device, flags, Mode::empty())?);
    if !isatty(&tty.0) {
        return Err(Errno::NOTTY.into());
    }
    if exclusive {
        ioctl_tiocexcl(&tty.0)?;
    }
    let mut termios = tcgetattr(&tty.0)?;
    let echoed = termios.local_modes.contains(LocalModes::ECHO);
    make_8n1(&mut termios);
    termios.set_speed(baud)?;
    tcsetattr(&tty.0, OptionalActions::Now, &termios)?;
    tcflush(&tty.0, QueueSelector::IFlush)?;
    Ok((tty, echoed))
}

fn make_8n1(termios: &mut Termios) {
    termios.make_raw();
    termios.input_modes -= InputModes::IXOFF | InputModes::IXANY;
    let off = ControlModes::HUPCL | ControlModes::CSTOPB | ControlModes::CRTSCTS;
    termios.control_modes -= off | ControlModes::PARENB;
    termios.control_modes |= ControlModes::CREAD | ControlModes::CLOCAL | ControlModes::CS8;
}

/// Whether this user may open the port, tried without opening it: an open
/// would reset the board.
pub(super) fn may_open(device: &Path) -> bool {
    let wanted = rustix::fs::Access::READ_OK | rustix::fs::Access::WRITE_OK;
    rustix::fs::access(device, wanted).is_ok()
}

/// Why a port cannot be opened, and what to do.
pub(super) fn open_problem(device: &Path, error: &io::Error) -> String {
    let path = device.display();
    match Errno::from_io_error(error) {
        Some(Errno::ACCESS | Errno::PERM) => format!(
            "this user may not open {path}: run `sudo usermod -aG dialout $USER`, then log out \
             and in again"
        ),
        Some(Errno::BUSY) => format!("{path} is in use{}: close it there", in_use_by(device)),
        Some(Errno::NOTTY) => format!("{path} is no serial port: correct `port` in the config"),
        _ => format!("{path} cannot be opened: {error}"),
    }
}

/// ` by screen (process 7)`: who has a port open.
pub(super) fn in_use_by(device: &Path) -> String {
    let owners = super::scan::owners(device);
    let named = owners
        .iter()
        .map(|owner| format!("{} (process {})", owner.name, owner.pid));
    match named.collect::<Vec<_>>().join(", ") {
        none if none.is_empty() => " by another program".into(),
        names => format!(" by {names}"),
    }
}

/// Opens the far end of a new pty, for tests; returns it and the near end.
#[cfg(test)]
pub(super) fn pty() -> (std::fs::File, Found) {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    let far = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&far).unwrap();
    unlockpt(&far).unwrap();
    let path = std::path::PathBuf::from(ptsname(&far, Vec::new()).unwrap().into_string().unwrap());
    (
        std::fs::File::from(far),
        Found {
            device: path.clone(),
            path,
            usb: None,
            client: None,
        },
    )
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    #[tokio::test]
    async fn bytes_pass_both_ways_unchanged() {
        let (mut board, found) = pty();
        let port = Port::open(&found, 9600).await.unwrap();
        board.write_all(b"a\r\n\x03\x00").unwrap();
        let mut buffer = [0; 16];
        let mut got = Vec::new();
        while got.len() < 5 {
            let length = port.read(&mut buffer).await.unwrap();
            got.extend_from_slice(&buffer[..length]);
        }
        assert_eq!(got, b"a\r\n\x03\x00");
        // The far end of a new pty is a line that echoed.
        port.write_all(b"fan on\n").await.unwrap();
        port.write_all(b"fan off\n").await.unwrap();
        board.read_exact(&mut buffer).unwrap();
        assert_eq!(&buffer, b"\nfan on\nfan off\n");
    }

    #[tokio::test]
    async fn a_line_that_was_raw_already_begins_with_the_first_command() {
        let (mut board, found) = pty();
        drop(Port::open(&found, 9600).await.unwrap());
        let port = Port::open(&found, 9600).await.unwrap();
        port.write_all(b"fan on\n").await.unwrap();
        let mut buffer = [0; 7];
        board.read_exact(&mut buffer).unwrap();
        assert_eq!(&buffer, b"fan on\n");
    }

    #[tokio::test]
    async fn the_line_keeps_dtr_when_it_is_closed() {
        let (_board, found) = pty();
        let port = Port::open(&found, 9600).await.unwrap();
        port.set_baud(57_600).await.unwrap();
        let termios = tcgetattr(&port.tty.get_ref().0).unwrap();
        assert!(!termios.control_modes.contains(ControlModes::HUPCL));
        assert_eq!(termios.input_speed(), 57_600);
    }

    #[tokio::test]
    async fn an_unplugged_board_is_noticed() {
        let (board, found) = pty();
        let port = Port::open(&found, 9600).await.unwrap();
        drop(board);
        let outcome = port.read(&mut [0; 16]).await;
        assert!(matches!(outcome, Ok(0) | Err(_)), "{outcome:?}");
    }

    #[tokio::test]
    async fn what_is_no_serial_port_is_refused_with_a_reason() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let device = file.path().to_path_buf();
        let found = Found {
            device: device.clone(),
            path: device.clone(),
            usb: None,
            client: None,
        };
        let error = Port::open(&found, 9600).await.unwrap_err();
        assert!(open_problem(&device, &error).contains("is no serial port"));
    }

    #[test]
    fn a_missing_permission_teaches_the_group() {
        let error = io::Error::from(Errno::ACCESS);
        let problem = open_problem(Path::new("/dev/ttyACM0"), &error);
        assert!(problem.contains("usermod -aG dialout"), "{problem}");
    }

    #[test]
    fn the_program_that_has_a_port_open_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = io::Error::from(Errno::BUSY);
        let problem = open_problem(file.path(), &error);
        assert!(
            problem.contains(&format!("process {}", std::process::id())),
            "{problem}"
        );
    }
}
