//! An emulated Arduino Uno that runs a compiled sketch.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::log::Log;
use super::{eventually, repository, run};

/// A running Uno. Dropping it takes it off the line.
pub struct Uno {
    host: Child,
    said: Log,
}

impl Uno {
    /// Builds what is out of date and powers the board.
    pub fn start(sketch: &str) -> Uno {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
        run(Command::new(repository("tests/sketch/build")).env("CARGO_TARGET_DIR", target));
        let mut host = Command::new(target.join("emulator/uno"))
            .arg("--program")
            .arg(target.join("sketch").join(sketch).with_extension("elf"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let said = Log::default();
        said.collect(host.stdout.take().unwrap());
        Uno { host, said }
    }

    /// The serial port it is on.
    pub fn port(&self) -> PathBuf {
        eventually("the emulator's port", || self.said.lines().first().cloned()).into()
    }

    /// Puts a voltage on an analog input.
    pub fn set_millivolts(&mut self, input: u8, millivolts: u32) {
        writeln!(
            self.host.stdin.as_ref().unwrap(),
            "adc {input} {millivolts}"
        )
        .unwrap();
    }

    /// Waits until an output has the level.
    pub fn wait_for_pin(&self, pin: &str, level: u8) {
        let mine = format!("pin {pin} ");
        eventually(&format!("{pin} = {level}"), || {
            let changes = self.said.lines();
            let last = changes
                .iter()
                .rev()
                .find_map(|line| line.strip_prefix(&mine))?;
            (last == level.to_string()).then_some(())
        });
    }
}

impl Drop for Uno {
    fn drop(&mut self) {
        let _ = self.host.kill();
        let _ = self.host.wait();
    }
}
