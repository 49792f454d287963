//! A simulated board: a pseudo terminal that a test writes and reads, found
//! by the gateway through a link, as udev makes one for a real board.

use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags, open};
use rustix::io::{Errno, read, write};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};

use super::PATIENCE;

/// A board. Dropping it unplugs it.
pub struct Board {
    link: PathBuf,
    line: Line,
    received: Vec<u8>,
}

/// Both sides of a serial line.
struct Line {
    board: OwnedFd,
    /// The gateway's side.
    path: String,
    // Held open so that the line keeps its settings while the gateway is away.
    _gateway: OwnedFd,
}

impl Board {
    /// Plugs a board in at `link`.
    pub fn plug(link: &Path) -> Board {
        let line = Line::open();
        symlink(&line.path, link).unwrap();
        Board {
            link: link.to_owned(),
            line,
            received: Vec::new(),
        }
    }

    /// Pulls the plug.
    pub fn unplug(&mut self) {
        fs::remove_file(&self.link).unwrap();
        self.line = Line::open(); // and so closes the line it had
        self.received.clear();
    }

    /// Plugs the board in again, after [`Board::unplug`].
    pub fn replug(&mut self) {
        symlink(&self.line.path, &self.link).unwrap();
    }

    /// Prints a line, as `Serial.println` does.
    pub fn print(&self, line: &str) {
        self.send(format!("{line}\r\n").as_bytes());
    }

    /// Prints a line five times a second until it has had its effect. The
    /// gateway leaves out what it cannot know to be a whole line.
    pub fn print_until(&self, line: &str, mut done: impl FnMut() -> bool) {
        super::eventually(&format!("the effect of `{line}`"), || {
            self.print(line);
            thread::sleep(Duration::from_millis(200));
            done().then_some(())
        });
    }

    /// Sends bytes, as fast as they are taken.
    pub fn send(&self, mut bytes: &[u8]) {
        let deadline = Instant::now() + PATIENCE;
        while !bytes.is_empty() {
            match write(&self.line.board, bytes) {
                Ok(sent) => bytes = &bytes[sent..],
                Err(Errno::AGAIN) => wait(&self.line.board, PollFlags::OUT),
                Err(error) => panic!("cannot write to the line: {error}"),
            }
            assert!(Instant::now() < deadline, "nobody reads the line");
        }
    }

    /// The next line that the gateway sent.
    pub fn next_line(&mut self) -> String {
        super::eventually("a line from the gateway", || {
            self.receive();
            self.take_line()
        })
    }

    fn receive(&mut self) {
        let mut buffer = [0; 512];
        while let Ok(count @ 1..) = read(&self.line.board, &mut buffer) {
            self.received.extend_from_slice(&buffer[..count]);
        }
    }

    fn take_line(&mut self) -> Option<String> {
        let end = self.received.iter().position(|byte| *byte == b'\n')?;
        let line: Vec<u8> = self.received.drain(..=end).collect();
        Some(String::from_utf8_lossy(&line).trim_end().to_owned())
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.link);
    }
}

impl Line {
    /// A new pseudo terminal.
    fn open() -> Line {
        let board = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&board).unwrap();
        unlockpt(&board).unwrap();
        rustix::io::ioctl_fionbio(&board, true).unwrap();
        let path = ptsname(&board, Vec::new()).unwrap().into_string().unwrap();
        Line {
            _gateway: open_raw(&path),
            board,
            path,
        }
    }
}

/// Opens the gateway's side without echo and line editing.
fn open_raw(path: &str) -> OwnedFd {
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let other_side = open(path, flags, Mode::empty()).unwrap();
    let mut settings = tcgetattr(&other_side).unwrap();
    settings.make_raw();
    tcsetattr(&other_side, OptionalActions::Now, &settings).unwrap();
    other_side
}

fn wait(line: &OwnedFd, for_what: PollFlags) {
    let timeout = Timespec::try_from(Duration::from_millis(100)).unwrap();
    let _ = poll(&mut [PollFd::new(line, for_what)], Some(&timeout));
}
