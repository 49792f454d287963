//! Disks that fail, tear or are full: the house works on, the history pauses and says so, and
//! what waited is recorded once the disk takes it again.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::life::{CONFIG, Life};
use crate::PATIENCE;
use crate::chance::Chance;
use crate::line::{Heard, Line};
use crate::wire::{V5, connect, publish, subscribe};

/// The disk between the program and the system; see `faults.c`.
struct Disk {
    shim: PathBuf,
    orders: PathBuf,
}

impl Disk {
    fn build(folder: &Path) -> Disk {
        let source = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/durability/history/faults.c"
        );
        let shim = folder.join("faults.so");
        let built = Command::new("cc")
            .args(["-O2", "-shared", "-fPIC", "-o"])
            .arg(&shim)
            .args([source, "-ldl"])
            .status()
            .unwrap();
        assert!(built.success(), "{source} does not compile");
        let disk = Disk {
            shim,
            orders: folder.join("faults"),
        };
        disk.be("none");
        disk
    }

    fn be(&self, what: &str) {
        // Whole or not at all: the program may read it now.
        let new = self.orders.with_extension("new");
        fs::write(&new, what).unwrap();
        fs::rename(new, &self.orders).unwrap();
    }

    fn under(&self, life: &mut Life) {
        life.site.environment = vec![
            ("LD_PRELOAD", self.shim.clone()),
            ("HEARTH_FAULTS", self.orders.clone()),
        ];
    }
}

fn wait_for_log(life: &Life, text: &str, times: usize) {
    let began = Instant::now();
    while life.site.log().matches(text).count() < times {
        assert!(
            began.elapsed() < PATIENCE,
            "the log does not say {text:?}\n{}",
            life.site.log()
        );
        sleep(Duration::from_millis(20));
    }
}

/// A command gets to its board.
fn switching_works(life: &Life) {
    let at = life.address();
    let mut board = Line::open(at).unwrap();
    board.send(&connect(V5, "board").bytes());
    assert!(matches!(board.hear(PATIENCE), Heard::Packet(_)));
    board.send(&subscribe(V5, 1, &[], &[("home/hall/lamp/set", 0)]));
    assert!(matches!(board.hear(PATIENCE), Heard::Packet(_)));
    board.send(&publish("home/hall/lamp/set", "on").bytes(V5));
    match board.hear(PATIENCE) {
        Heard::Packet(packet) => assert_eq!(packet.first & 0xf0, 0x30),
        _ => panic!("the command does not arrive"),
    }
}

/// Says numbers for so long, a few at a time.
fn say_for(life: &mut Life, line: &mut Line, length: Duration) {
    let end = Instant::now() + length;
    while Instant::now() < end {
        life.say(line, 6, end + PATIENCE);
        sleep(Duration::from_millis(5));
    }
}

const PAUSED: &str = "history is not recorded";
const AGAIN: &str = "history is recorded again";

/// All that was acknowledged is in the file, though the disk failed in between.
fn nothing_is_missing(life: &mut Life, killed: Instant) {
    let cost = life.look(killed).unwrap_or_else(|says| panic!("{says}"));
    assert_eq!(cost.gone, [0; 3], "{cost:?}");
    assert_eq!(life.inspect().0, "ok");
}

#[test]
fn a_full_disk_pauses_the_history_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::build(folder.path());
    let mut life = Life::begin(CONFIG, 0);
    disk.under(&mut life);
    let mut line = life.connect();
    say_for(&mut life, &mut line, Duration::from_secs(2));
    for nth in 1..3 {
        disk.be("full");
        say_for(&mut life, &mut line, Duration::from_secs(3));
        wait_for_log(&life, PAUSED, nth);
        switching_works(&life);
        disk.be("none");
        wait_for_log(&life, AGAIN, nth);
        say_for(&mut life, &mut line, Duration::from_millis(300));
    }
    life.site.stop();
    nothing_is_missing(&mut life, Instant::now());
}

#[test]
fn writes_that_fail_or_tear_cost_nothing_that_waits() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::build(folder.path());
    let mut life = Life::begin(CONFIG, 0);
    disk.under(&mut life);
    let mut line = life.connect();
    for faults in ["short 50", "fail 30", "torn 30", "fail 100"] {
        disk.be(faults);
        let end = Instant::now() + PATIENCE;
        life.say(&mut line, 30_000, end);
        say_for(&mut life, &mut line, Duration::from_secs(2));
        switching_works(&life);
        let outages = life.site.log().matches(PAUSED).count();
        disk.be("none");
        wait_for_log(&life, AGAIN, outages);
    }
    assert!(life.site.log().contains(PAUSED), "the faults met nothing");
    life.site.stop();
    nothing_is_missing(&mut life, Instant::now());
}

/// What is on the disk when the program is killed in the middle of faults can be read, and
/// nothing that was there once is gone.
#[test]
fn killed_on_a_failing_disk_the_file_opens() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::build(folder.path());
    let mut life = Life::begin(CONFIG, 0);
    disk.under(&mut life);
    let mut chance = Chance::new(7);
    for faults in ["short 30", "fail 20", "torn 20", "full 50", "torn 60"] {
        disk.be(faults);
        let killed = life.live_and_die(Duration::from_secs(2), &mut chance);
        disk.be("none");
        let cost = life
            .look(killed)
            .unwrap_or_else(|says| panic!("{faults}: {says}"));
        assert_eq!(life.inspect().0, "ok", "{faults}");
        eprintln!("{faults}: {cost:?}");
    }
    let killed = life.live_and_die(Duration::from_secs(4), &mut chance);
    let cost = life.look(killed).unwrap_or_else(|says| panic!("{says}"));
    assert!(cost.kept > 0);
}

/// A file system of three megabytes that fills up, as a card does.
#[test]
fn a_card_that_is_full_and_cleared_is_written_again() {
    let mut life = Life::begin(CONFIG, 0);
    let data = life.site.folder().join("data");
    fs::create_dir(&data).unwrap();
    let Some(_card) = Card::mount(&data) else {
        return in_a_namespace("history::disk::a_card_that_is_full_and_cleared_is_written_again");
    };
    let mut line = life.connect();
    say_for(&mut life, &mut line, Duration::from_secs(1));
    let ballast = data.join("ballast");
    // What is left is less than one write needs.
    fill(&ballast);
    say_for(&mut life, &mut line, Duration::from_secs(3));
    wait_for_log(&life, PAUSED, 1);
    switching_works(&life);
    fs::remove_file(&ballast).unwrap();
    wait_for_log(&life, AGAIN, 1);
    life.site.stop();
    nothing_is_missing(&mut life, Instant::now());
}

/// Runs a test once more where anybody may mount: among users and mounts of its own.
fn in_a_namespace(test: &str) {
    const WITHIN: &str = "HEARTH_IN_A_NAMESPACE";
    assert!(
        std::env::var_os(WITHIN).is_none(),
        "nothing can be mounted in a namespace of our own"
    );
    let unshare = |program: &Path| {
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "--mount"]).arg(program);
        command
    };
    let allowed = unshare(Path::new("true")).output();
    if !allowed.is_ok_and(|output| output.status.success()) {
        eprintln!(
            "NOTHING WAS JUDGED: this user may neither mount a file system nor have a namespace \
             of its own (unshare --map-root-user --mount)"
        );
        return;
    }
    let test = unshare(&std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(WITHIN, "1")
        .output()
        .unwrap();
    let said = [test.stdout, test.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    eprintln!("{said}");
    assert!(test.status.success() && said.contains("1 passed"));
}

fn fill(file: &Path) {
    use std::io::Write;
    let mut file = fs::File::create(file).unwrap();
    while file.write_all(&[0; 512]).is_ok() {}
}

/// Memory in the place of a card; gone when it is dropped.
struct Card<'a>(&'a Path);

impl Card<'_> {
    fn mount(folder: &Path) -> Option<Card<'_>> {
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=3m", "card"])
            .arg(folder)
            .output()
            .unwrap();
        mounted.status.success().then_some(Card(folder))
    }
}

impl Drop for Card<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0).status();
    }
}
