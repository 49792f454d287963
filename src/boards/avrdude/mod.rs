//! Putting a program on an Uno, through `avrdude` and the Uno's bootloader.
//!
//! Runs the command and passes on how far it is; `output` understands what it
//! says. What stands in the way is said before anything is tried.

mod output;

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{port, scan};
use output::Output;
pub use output::{Failure, Progress, Stage};

const PROGRAM: &str = "avrdude";
/// What `firmware/build --keep` has kept: whoever has the gateway has the firmware.
const FIRMWARE: &[u8] = include_bytes!("../../../firmware/uno.hex");

/// A program for a board.
#[derive(Clone, Debug)]
pub struct Job {
    /// Device of the serial port.
    pub port: PathBuf,
    /// Intel HEX file; Hearth's own firmware where absent.
    pub hex: Option<PathBuf>,
    /// Bits per second of the bootloader: 115,200 on an Uno.
    pub baud: u32,
}

/// Why there is no new program on the board.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    #[error("avrdude is missing, which talks to the bootloader: sudo apt-get install avrdude")]
    NoAvrdude,
    #[error("there is no port {}: `hearth boards` lists those that are there", .0.display())]
    NoPort(PathBuf),
    #[error("this user may not open {}: run `sudo usermod -aG dialout $USER`, then log out and in again", .0.display())]
    NotPermitted(PathBuf),
    #[error("{}", busy(.0))]
    Busy(PathBuf),
    #[error("{1} (board on {port})", port = .0.display())]
    Failed(PathBuf, Failure),
    #[error("avrdude cannot be run: {0}")]
    Run(#[from] io::Error),
}

/// Who has the port, and how to get it free. Programs of other users cannot be seen.
fn busy(device: &Path) -> String {
    let port = device.display();
    let owners = scan::owners(device);
    let way_out = format!(
        "Stop it, flash, start it again: sudo systemctl stop hearth; hearth flash {port}; sudo \
         systemctl start hearth"
    );
    match owners.iter().find(|owner| owner.name == "hearth") {
        Some(house) => {
            let pid = house.pid;
            format!("the house (hearth, process {pid}) has {port} open. {way_out}")
        }
        None if owners.is_empty() => {
            format!("{port} is in use by another user's program, perhaps the house. {way_out}")
        }
        None => format!(
            "{port} is in use{}: close it there",
            port::in_use_by(device)
        ),
    }
}

impl Job {
    /// The command as one would type it.
    pub fn command_line(&self) -> String {
        let words = self.arguments().into_iter().map(quoted);
        let command: Vec<String> = [PROGRAM.to_owned()].into_iter().chain(words).collect();
        command.join(" ")
    }

    fn arguments(&self) -> Vec<String> {
        // What it reads from its standard input is called `-`.
        let hex = self.hex.as_deref().unwrap_or(Path::new("-"));
        let write = format!("flash:w:{}:i", hex.display());
        let port = self.port.display().to_string();
        let baud = self.baud.to_string();
        let fixed = ["-p", "atmega328p", "-c", "arduino", "-D"];
        let given = ["-P", &port, "-b", &baud, "-U", &write];
        fixed
            .iter()
            .chain(&given)
            .map(ToString::to_string)
            .collect()
    }

    /// Writes and verifies, and tells how far it is. Takes about five seconds;
    /// fifteen when nothing answers.
    ///
    /// # Errors
    ///
    /// What stood in the way, with what to do about it.
    pub fn run(&self, mut tell: impl FnMut(Progress)) -> Result<(), Trouble> {
        self.look_ahead()?;
        let mut avrdude = Command::new(PROGRAM)
            .args(self.arguments())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(cannot_start)?;
        if let (Some(mut stdin), None) = (avrdude.stdin.take(), &self.hex) {
            // If it has ended already, it has said why.
            let _ = stdin.write_all(FIRMWARE);
        }
        let output = match avrdude.stderr.take() {
            Some(said) => follow(said, &mut tell)?,
            None => Output::default(),
        };
        match avrdude.wait()?.success() {
            true => Ok(()),
            false => Err(self.explain(output.failure())),
        }
    }

    fn look_ahead(&self) -> Result<(), Trouble> {
        if !self.port.exists() {
            return Err(Trouble::NoPort(self.port.clone()));
        }
        if !port::may_open(&self.port) {
            return Err(Trouble::NotPermitted(self.port.clone()));
        }
        // Links under /dev/serial are followed: processes have the device itself open.
        let device = self.port.canonicalize()?;
        match scan::owners(&device).is_empty() {
            true => Ok(()),
            false => Err(Trouble::Busy(device)),
        }
    }

    fn explain(&self, failure: Failure) -> Trouble {
        match failure {
            Failure::Busy => Trouble::Busy(self.port.clone()),
            other => Trouble::Failed(self.port.clone(), other),
        }
    }
}

/// Reads to the end what it says.
fn follow(mut said: impl Read, tell: &mut impl FnMut(Progress)) -> io::Result<Output> {
    let (mut output, mut buffer) = (Output::default(), [0; 256]);
    loop {
        let length = said.read(&mut buffer)?;
        if length == 0 {
            return Ok(output);
        }
        let bytes = buffer.get(..length).unwrap_or_default();
        output.read(bytes).into_iter().for_each(&mut *tell);
    }
}

fn cannot_start(error: io::Error) -> Trouble {
    match error.kind() {
        io::ErrorKind::NotFound => Trouble::NoAvrdude,
        _ => Trouble::Run(error),
    }
}

/// A word as a shell wants it.
fn quoted(word: String) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=+,@%".contains(c);
    match word.chars().all(plain) {
        true => word,
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(port: &str) -> Job {
        Job {
            port: port.into(),
            hex: Some("/tmp/my program.hex".into()),
            baud: 115_200,
        }
    }

    #[test]
    fn the_command_can_be_pasted() {
        assert_eq!(
            job("/dev/ttyACM0").command_line(),
            "avrdude -p atmega328p -c arduino -D -P /dev/ttyACM0 -b 115200 -U \
             'flash:w:/tmp/my program.hex:i'"
        );
    }

    #[test]
    fn a_port_that_is_not_there_is_said_before_anything_is_run() {
        let error = job("/dev/ttyNONE").run(|_| ()).unwrap_err().to_string();
        assert!(error.contains("`hearth boards`"), "{error}");
    }

    #[test]
    fn who_has_the_port_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let job = job(file.path().to_str().unwrap());
        let error = job.run(|_| ()).unwrap_err().to_string();
        let me = format!("process {}", std::process::id());
        assert!(error.contains(&me), "{error}");
    }
}
