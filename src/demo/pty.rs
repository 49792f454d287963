//! A serial port without hardware: the board's end of a pseudoterminal.
//!
//! Programs open the other end as they would open `/dev/ttyACM0`. Dropping
//! this end is an unplug.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{ControlModes, OptionalActions, tcgetattr, tcsetattr};
use tokio::time::sleep;

/// A pseudoterminal whose other end is closed stays readable for ever in the
/// eyes of epoll, so the board looks by itself, this often.
const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// The board's end.
#[derive(Debug)]
pub struct Pty {
    master: OwnedFd,
    path: PathBuf,
    link: Option<PathBuf>,
}

impl Pty {
    /// Makes a port; nobody has opened it yet. Call it within a tokio runtime.
    ///
    /// # Errors
    /// The system has no free pseudoterminals.
    pub fn open() -> io::Result<Pty> {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
        grantpt(&master)?;
        unlockpt(&master)?;
        rustix::io::ioctl_fionbio(&master, true)?;
        make_raw(&master)?;
        let name = ptsname(&master, Vec::new())?;
        let path = PathBuf::from(OsStr::from_bytes(name.as_bytes()));
        open_and_close(&path)?;
        Ok(Pty {
            master,
            path,
            link: None,
        })
    }

    /// Makes a port that is found at `link`, whichever number it got, until it
    /// is dropped; as a link in `/dev/serial/by-id` does. A link that is there
    /// already is replaced.
    ///
    /// # Errors
    /// As [`Pty::open`], or the link cannot be made.
    pub fn open_at(link: &Path) -> io::Result<Pty> {
        let mut pty = Pty::open()?;
        match fs::remove_file(link) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => std::os::unix::fs::symlink(&pty.path, link)?,
        }
        pty.link = Some(link.to_owned());
        Ok(pty)
    }

    /// The other end's device path, `/dev/pts/N`.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether somebody has the port open.
    ///
    /// # Errors
    /// The system's.
    pub fn is_open(&self) -> io::Result<bool> {
        let mut fds = [PollFd::new(&self.master, PollFlags::empty())];
        poll(&mut fds, Some(&Timespec::default()))?;
        Ok(!fds[0].revents().contains(PollFlags::HUP))
    }

    /// Whether a program that closes the port lets go of DTR, and so resets an
    /// Uno when it opens it again (`stty hupcl`).
    ///
    /// # Errors
    /// The system's.
    pub fn hangs_up_on_close(&self) -> io::Result<bool> {
        let termios = tcgetattr(&self.master)?;
        Ok(termios.control_modes.contains(ControlModes::HUPCL))
    }

    /// Waits for bytes from the other end, as long as it takes. Cancel-safe.
    ///
    /// # Errors
    /// The system's; that nobody has the port open is none.
    pub async fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match rustix::io::read(&self.master, &mut *buffer) {
                // Nothing came, or the other end is closed.
                Err(Errno::AGAIN | Errno::IO) => sleep(LOOK_AGAIN).await,
                outcome => return Ok(outcome?),
            }
        }
    }

    /// Writes what the other end has room for and drops the rest, as a serial
    /// port without flow control does. Returns how much was written.
    ///
    /// # Errors
    /// The system's.
    pub fn print(&self, bytes: &[u8]) -> io::Result<usize> {
        match rustix::io::write(&self.master, bytes) {
            Err(Errno::AGAIN) => Ok(0),
            outcome => Ok(outcome?),
        }
    }

    /// Writes everything, waiting for the other end to read.
    ///
    /// # Errors
    /// The system's.
    pub async fn write_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.print(bytes)? {
                0 => sleep(LOOK_AGAIN).await,
                written => bytes = &bytes[written..],
            }
        }
        Ok(())
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        // The link may belong to another port by now.
        if let Some(link) = &self.link
            && fs::read_link(link).is_ok_and(|target| target == self.path)
        {
            let _ = fs::remove_file(link);
        }
    }
}

/// Neither echo nor line editing: bytes pass as on a serial line.
fn make_raw(fd: impl AsFd) -> io::Result<()> {
    let mut termios = tcgetattr(&fd)?;
    termios.make_raw();
    Ok(tcsetattr(&fd, OptionalActions::Now, &termios)?)
}

/// Before its first open, a pseudoterminal looks as if somebody had it open.
fn open_and_close(path: &Path) -> io::Result<()> {
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    rustix::fs::open(path, flags, Mode::empty())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    fn open(path: &Path) -> fs::File {
        fs::File::options()
            .read(true)
            .write(true)
            .open(path)
            .unwrap()
    }

    #[tokio::test]
    async fn bytes_pass_both_ways_unchanged() {
        let pty = Pty::open().unwrap();
        let mut port = open(pty.path());
        let every: Vec<u8> = (0..=255).collect();
        pty.write_all(&every).await.unwrap();
        let mut got = vec![0; 256];
        port.read_exact(&mut got).unwrap();
        assert_eq!(got, every);

        port.write_all(&every).unwrap();
        let (mut back, mut buffer) = (Vec::new(), [0; 300]);
        while back.len() < 256 {
            let read = pty.read(&mut buffer).await.unwrap();
            back.extend_from_slice(&buffer[..read]);
        }
        assert_eq!(back, every);
    }

    #[tokio::test]
    async fn a_port_is_open_while_somebody_has_it_open() {
        let pty = Pty::open().unwrap();
        assert!(!pty.is_open().unwrap());
        let port = open(pty.path());
        assert!(pty.is_open().unwrap());
        drop(port);
        assert!(!pty.is_open().unwrap());
    }

    #[tokio::test]
    async fn a_reader_waits_through_a_close_and_hears_the_next_program() {
        let pty = Pty::open().unwrap();
        drop(open(pty.path()));
        let mut buffer = [0; 8];
        let reader = pty.read(&mut buffer);
        let writer = async {
            tokio::task::yield_now().await;
            let mut port = open(pty.path());
            port.write_all(b"hi").unwrap();
            port
        };
        let (read, _port) = tokio::join!(reader, writer);
        assert_eq!(&buffer[..read.unwrap()], b"hi");
    }

    #[tokio::test]
    async fn an_unplug_ends_the_other_side_and_takes_the_link_away() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("board");
        let pty = Pty::open_at(&link).unwrap();
        let mut port = open(&link);
        drop(pty);
        assert_eq!(port.read(&mut [0; 8]).unwrap(), 0);
        assert!(!link.is_symlink());
    }

    #[tokio::test]
    async fn a_replug_takes_the_link_over() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("board");
        let first = Pty::open_at(&link).unwrap();
        let second = Pty::open_at(&link).unwrap();
        drop(first);
        assert_eq!(fs::read_link(&link).unwrap(), second.path());
    }

    #[tokio::test]
    async fn printing_to_a_reader_that_does_not_read_never_waits() {
        let pty = Pty::open().unwrap();
        let _port = open(pty.path());
        let mut written = 0;
        for _ in 0..1000 {
            written += pty.print(&[b'x'; 1000]).unwrap();
        }
        assert!(written < 1_000_000, "{written}");
    }
}
