//! An emulated Uno, for tests: started with the firmware that `firmware/build`
//! makes, on a serial port of its own.
//!
//! Everything that can happen to a board is a method; what the board did is
//! waited for. `tests/uno/emulator/main.c` says what is emulated, and how.

#![allow(dead_code, reason = "each test program needs a part of it")]

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// A test gives up after this; a healthy board needs a fraction of it.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Of a real Uno.
const BOOTLOADER: &str = "optiboot.hex";

/// Asks until there is an answer.
pub fn eventually<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Where bytes go.
#[derive(Clone, Copy)]
pub enum Way {
    ToBoard,
    FromBoard,
}

/// What happened to the chip since the last time it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    pub starts: u32,
    /// Cycles of a thousand in which it slept.
    pub asleep: u32,
}

/// Bytes on the line since the start; the lost ones found no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bytes {
    pub to_board: u64,
    pub lost_to_board: u64,
    pub from_board: u64,
    pub lost_from_board: u64,
}

/// A running Uno. Dropping it takes it off the line.
pub struct Uno {
    emulator: Child,
    said: Arc<Mutex<Vec<String>>>,
    folder: tempfile::TempDir,
}

impl Uno {
    /// A board with Hearth's firmware, as it comes from `hearth flash`.
    pub fn start() -> Uno {
        Uno::start_with("uno.elf")
    }

    /// A board with another program of `firmware/build`.
    pub fn start_with(program: &str) -> Uno {
        Uno::run(&[("--program", program)])
    }

    /// The same, with the Uno's bootloader before it.
    pub fn start_with_bootloader(program: &str) -> Uno {
        Uno::run(&[("--program", program), ("--bootloader", BOOTLOADER)])
    }

    /// A new Uno: nothing in it but the bootloader.
    pub fn start_empty() -> Uno {
        Uno::run(&[("--bootloader", BOOTLOADER)])
    }

    fn run(artefacts: &[(&str, &str)]) -> Uno {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(emulator());
        for (option, name) in artefacts {
            command.arg(option).arg(artefact(name));
        }
        let mut emulator = command
            .arg("--eeprom")
            .arg(folder.path().join("eeprom"))
            .arg("--link")
            .arg(folder.path().join("port"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let said = Arc::<Mutex<Vec<String>>>::default();
        let (lines, out) = (Arc::clone(&said), emulator.stdout.take().unwrap());
        thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                lines.lock().unwrap().push(line);
            }
        });
        let uno = Uno {
            emulator,
            said,
            folder,
        };
        eventually("the emulator's port", || uno.port().exists().then_some(()));
        uno
    }

    /// The serial port it is on; the same after it was unplugged.
    pub fn port(&self) -> PathBuf {
        self.folder.path().join("port")
    }

    // --- What is connected to it ---

    /// Puts a voltage on an analog input; 0 is A0.
    pub fn set_millivolts(&self, input: u8, millivolts: u32) {
        self.tell(&format!("adc {input} {millivolts}"));
    }

    /// Connects a pin to ground or to 5 V; `None` takes the wire away.
    pub fn drive(&self, pin: &str, level: Option<bool>) {
        let level = level.map_or("z", |high| if high { "1" } else { "0" });
        self.tell(&format!("drive {pin} {level}"));
    }

    /// Puts a DS18B20 on a pin, or warms the one that is there.
    pub fn set_thermometer(&self, pin: &str, centi_degrees: i32) {
        self.tell(&format!("thermometer {pin} {centi_degrees}"));
    }

    // --- What it does with its pins ---

    /// `0`, `1`, `z` while it does not drive the pin, `~` while a timer does.
    pub fn pin(&self, pin: &str) -> String {
        self.ask(&format!("pin? {pin}"), &format!("pin {pin} "))
    }

    /// Waits until the pin has the level.
    pub fn wait_for_pin(&self, pin: &str, level: &str) {
        eventually(&format!("{pin} = {level}"), || {
            (self.pin(pin) == level).then_some(())
        });
    }

    /// Duty of PWM, 0 to 255; `None` while the board does not drive the pin.
    pub fn duty(&self, pin: &str) -> Option<u8> {
        self.ask(&format!("duty? {pin}"), &format!("duty {pin} "))
            .parse()
            .ok()
    }

    /// Microseconds high, and from rise to rise, of the last pulse; zeros without.
    pub fn pulse(&self, pin: &str) -> (u32, u32) {
        let answer = self.ask(&format!("pulse? {pin}"), &format!("pulse {pin} "));
        let (high, period) = answer.split_once(' ').unwrap();
        (high.parse().unwrap(), period.parse().unwrap())
    }

    // --- What can happen to it ---

    /// Presses the reset button.
    pub fn reset(&self) {
        self.tell("reset");
    }

    /// Takes the power away and gives it again.
    pub fn power_cycle(&self) {
        self.tell("power-cycle");
    }

    pub fn brown_out(&self) {
        self.tell("brown-out");
    }

    /// The program comes into an endless loop.
    pub fn hang(&self) {
        self.tell("hang");
    }

    /// The same with interrupts off.
    pub fn hang_deaf(&self) {
        self.tell("hang deaf");
    }

    /// Pulls the cable.
    pub fn unplug(&self) {
        self.tell("unplug");
        eventually("an unplugged cable", || {
            (!self.port().exists()).then_some(())
        });
    }

    /// Pulls the cable after some more bytes from the board.
    pub fn unplug_after(&self, bytes: u32) {
        self.tell(&format!("unplug {bytes}"));
    }

    pub fn plug(&self) {
        self.tell("plug");
        eventually("a plugged cable", || self.port().exists().then_some(()));
    }

    /// Damages so many of a thousand bytes.
    pub fn flip(&self, way: Way, per_mille: u32) {
        self.tell(&format!("flip {} rate {per_mille}", name(way)));
    }

    /// Loses so many of a thousand bytes.
    pub fn lose(&self, way: Way, per_mille: u32) {
        self.tell(&format!("drop {} rate {per_mille}", name(way)));
    }

    /// Loses the n-th byte from now.
    pub fn lose_nth(&self, way: Way, nth: u32) {
        self.tell(&format!("drop {} at {nth}", name(way)));
    }

    // --- What the emulator knows ---

    pub fn counts(&self) -> Counts {
        let answer = self.ask("counts?", "counts ");
        let [starts, asleep] = numbers(&answer);
        Counts {
            starts: starts.try_into().unwrap(),
            asleep: asleep.try_into().unwrap(),
        }
    }

    /// Bytes of memory that were never used since the power came: between the
    /// variables and the deepest stack.
    pub fn unused(&self) -> u64 {
        let [bytes] = numbers(&self.ask("unused?", "unused "));
        bytes
    }

    /// Milliseconds of the emulator's time, in which the board lives.
    pub fn time(&self) -> u64 {
        let [milliseconds] = numbers(&self.ask("time?", "time "));
        milliseconds
    }

    pub fn bytes(&self) -> Bytes {
        let answer = self.ask("bytes?", "bytes ");
        let [to_board, lost_to_board, from_board, lost_from_board] = numbers(&answer);
        Bytes {
            to_board,
            lost_to_board,
            from_board,
            lost_from_board,
        }
    }

    /// How often the chip started for a reason: `power-on`, `external`, `brown-out`, `watchdog`.
    pub fn starts(&self, why: &str) -> usize {
        let line = format!("start {why}");
        self.said
            .lock()
            .unwrap()
            .iter()
            .filter(|said| **said == line)
            .count()
    }

    /// The whole flash, 32 KiB.
    pub fn flash(&self) -> Vec<u8> {
        let file = self.folder.path().join("flash");
        self.ask(&format!("flash? {}", file.display()), "flash ");
        std::fs::read(file).unwrap()
    }

    fn tell(&self, command: &str) {
        writeln!(self.emulator.stdin.as_ref().unwrap(), "{command}").unwrap();
    }

    fn ask(&self, question: &str, answer: &str) -> String {
        let before = self.said.lock().unwrap().len();
        self.tell(question);
        eventually(question, || {
            let said = self.said.lock().unwrap();
            said[before..]
                .iter()
                .find_map(|line| line.strip_prefix(answer))
                .map(Into::into)
        })
    }
}

impl Drop for Uno {
    fn drop(&mut self) {
        let _ = self.emulator.kill();
        let _ = self.emulator.wait();
    }
}

fn name(way: Way) -> &'static str {
    match way {
        Way::ToBoard => "to",
        Way::FromBoard => "from",
    }
}

/// The numbers among the words of a text.
fn numbers<const COUNT: usize>(text: &str) -> [u64; COUNT] {
    let numbers: Vec<u64> = text
        .split(' ')
        .filter_map(|word| word.parse().ok())
        .collect();
    numbers.try_into().unwrap()
}

fn target() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap()
}

/// Built with the artefacts.
fn emulator() -> PathBuf {
    target().join("emulator/uno")
}

/// What `tests/uno/build` makes; builds what is out of date.
pub fn artefact(name: &str) -> PathBuf {
    let target = target();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/uno/build");
    let output = Command::new(script)
        .env("CARGO_TARGET_DIR", target)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "tests/uno/build failed:\n{said}");
    target.join("firmware").join(name)
}
