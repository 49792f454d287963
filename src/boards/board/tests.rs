//! A board's whole behaviour, on a virtual clock.

use super::*;
use crate::boards::{FoundBy, ThingSettings};
use crate::home::{About, CommandReport, Kind, Stage};

const PTY: &str = "/dev/pts/7";

/// A board with its clock, and everything it has published.
struct Bench {
    board: Board,
    now: Now,
    published: Vec<(String, String)>,
    written: String,
    logged: Vec<String>,
}

impl Bench {
    fn new(settings: Option<&BoardSettings>) -> Bench {
        let mut bench = Bench {
            board: Board::new("den", settings, true, Now::default()),
            now: Now::default(),
            published: Vec::new(),
            written: String::new(),
            logged: Vec::new(),
        };
        bench.open(PTY);
        bench.pass(1000);
        bench
    }

    fn open(&mut self, device: &str) {
        let found = Found {
            device: device.into(),
            path: device.into(),
            usb: None,
            client: None,
        };
        self.board.opened(&found, self.now);
        self.gather();
    }

    fn gather(&mut self) {
        for effect in self.board.take_effects() {
            match effect {
                Effect::Publish(p) => {
                    let payload = String::from_utf8(p.payload.to_vec()).unwrap();
                    self.published.push((p.topic.to_string(), payload));
                }
                Effect::Write(line) => self.written.push_str(&line),
                Effect::Info(line) | Effect::Warn(line) => self.logged.push(line),
                _ => {}
            }
        }
    }

    /// Lets time pass, waking the board when it asks for it.
    fn pass(&mut self, millis: u64) {
        let end = self.now + Duration::from_millis(millis);
        while let Some(at) = self.board.wake_at().filter(|at| *at <= end.moment) {
            let step = at.since(self.now.moment).max(Duration::from_millis(1));
            self.now = self.now + step;
            self.board.tick(self.now);
            self.gather();
        }
        self.now = end;
    }

    fn prints(&mut self, text: &str) {
        self.prints_bytes(text.as_bytes());
    }

    fn prints_bytes(&mut self, bytes: &[u8]) {
        self.board.received(bytes, self.now);
        self.gather();
    }

    fn set(&mut self, thing: &str, to: &str) {
        let topic = format!("home/den/{thing}/set");
        self.board.command(&topic, to.as_bytes(), false, self.now);
        self.gather();
    }

    fn all(&self, topic: &str) -> Vec<&str> {
        let on_topic = self.published.iter().filter(|(on, _)| on == topic);
        on_topic.map(|(_, payload)| payload.as_str()).collect()
    }

    fn last(&self, topic: &str) -> Option<&str> {
        self.all(topic).last().copied()
    }

    fn report(&self, thing: &str) -> CommandReport {
        let topic = format!("hearth/board/den/command/{thing}");
        serde_json::from_str(self.last(&topic).unwrap()).unwrap()
    }

    fn about(&self) -> About {
        serde_json::from_str(self.last("hearth/board/den/about").unwrap()).unwrap()
    }

    fn logged(&self, part: &str) -> usize {
        self.logged
            .iter()
            .filter(|line| line.contains(part))
            .count()
    }
}

#[test]
fn a_printed_line_becomes_readings_and_the_board_describes_itself() {
    let mut bench = Bench::new(None);
    bench.prints("Temp: 21.50 C  Fan: 0\r\n");
    assert_eq!(bench.all("home/den/temp"), ["21.5"]);
    assert_eq!(bench.all("home/den/fan"), ["off"]);
    assert_eq!(bench.last("hearth/board/den/status"), Some("online"));
    let about = bench.about();
    assert_eq!(
        (about.firmware.as_str(), about.port.as_str()),
        ("text", PTY)
    );
    let kinds: Vec<_> = about
        .things
        .iter()
        .map(|t| (t.name.as_str(), t.kind))
        .collect();
    assert_eq!(kinds, [("Fan", Kind::Switch), ("Temp", Kind::Sensor)]);
}

#[test]
fn the_config_gives_place_and_names() {
    let renamed = ThingSettings {
        name: Some("air".into()),
        room: Some("attic".into()),
        unit: Some("K".into()),
        ..ThingSettings::default()
    };
    let settings = BoardSettings {
        name: "den".into(),
        found_by: FoundBy::Port(PTY.into()),
        room: Some("cellar".into()),
        baud: None,
        things: [("temp".to_owned(), renamed)].into(),
    };
    let mut bench = Bench::new(Some(&settings));
    bench.prints("temp:294 hum:40\n");
    assert_eq!(bench.all("home/attic/air"), ["294"]);
    assert_eq!(bench.all("home/cellar/hum"), ["40"]);
    assert_eq!(bench.about().things[1].unit.as_deref(), Some("K"));
    assert_eq!(
        bench.board.filters(),
        ["home/attic/+/set", "home/cellar/+/set"]
    );
}

#[test]
fn a_command_goes_down_in_the_boards_own_words_and_comes_back() {
    let mut bench = Bench::new(None);
    bench.prints("Fan: OFF\n");
    bench.set("fan", "on");
    assert_eq!(bench.written, "Fan on\n");
    assert_eq!(bench.report("fan").stage, Stage::Sent);
    bench.pass(120);
    bench.prints("Fan: ON\n");
    let report = bench.report("fan");
    assert_eq!((report.stage, report.ms), (Stage::Reported, 120));
    assert_eq!(
        (report.topic.as_str(), report.to.as_str()),
        ("home/den/fan", "on")
    );
}

#[test]
fn a_board_that_does_not_obey_is_named() {
    let mut bench = Bench::new(None);
    bench.prints("fan:off\n");
    bench.set("fan", "on");
    for _ in 0..6 {
        bench.pass(1000);
        bench.prints("fan:off\n");
    }
    let report = bench.report("fan");
    assert_eq!((report.stage, report.ms), (Stage::Ignored, 5000));
    assert_eq!(bench.logged("did not obey"), 1);
}

#[test]
fn a_board_that_prints_a_state_only_when_it_changes_obeys_too() {
    let mut bench = Bench::new(None);
    bench.prints("fan:on\n");
    bench.set("fan", "on");
    bench.pass(6000);
    assert_eq!(bench.report("fan").stage, Stage::Reported);
}

#[test]
fn a_payload_that_is_no_state_is_refused_and_not_sent() {
    let mut bench = Bench::new(None);
    bench.prints("fan:off temp:20\n");
    for (thing, payload) in [("fan", "faster"), ("temp", "25"), ("fan", "")] {
        bench.set(thing, payload);
        let report = bench.report(thing);
        assert_eq!(report.stage, Stage::Refused, "{thing}");
        assert!(report.reason.is_some());
    }
    assert_eq!(bench.written, "");
}

#[test]
fn an_actuator_that_never_reports_is_still_commanded_in_its_own_room() {
    let mut bench = Bench::new(None);
    bench.set("relay", "on");
    assert_eq!(bench.written, "relay on\n");
    bench.set("relay", "on\nreset");
    bench.set("relay", &"x".repeat(60));
    assert_eq!(bench.report("relay").stage, Stage::Refused);
    assert_eq!(bench.written, "relay on\n");
    bench.board.alone = false;
    bench.pass(2000);
    bench.set("pump", "on");
    assert_eq!(bench.written, "relay on\n");
}

#[test]
fn a_retained_command_is_not_carried_out() {
    let mut bench = Bench::new(None);
    bench.prints("fan:off\n");
    bench
        .board
        .command("home/den/fan/set", b"on", true, bench.now);
    bench.gather();
    assert_eq!(bench.written, "");
    assert_eq!(bench.all("hearth/board/den/log").len(), 1);
}

#[test]
fn a_resetting_board_gets_its_command_after_its_first_line() {
    let mut bench = Bench::new(None);
    bench.prints("fan:off\n");
    bench.board.unplugged(bench.now);
    bench.open("/dev/ttyACM0");
    bench.set("fan", "on");
    assert_eq!(bench.written, "");
    bench.pass(2000);
    assert_eq!(bench.written, "fan on\n");
}

#[test]
fn an_unplugged_board_is_offline_and_refuses() {
    let mut bench = Bench::new(None);
    bench.prints("fan:off\n");
    bench.board.unplugged(bench.now);
    bench.set("fan", "on");
    assert_eq!(bench.last("hearth/board/den/status"), Some("offline"));
    assert_eq!(bench.report("fan").stage, Stage::Refused);
    let fault = bench.last("hearth/board/den/fault").unwrap();
    assert!(fault.starts_with("unplugged from /dev/pts/7"), "{fault}");
    bench.open(PTY);
    assert_eq!(bench.last("hearth/board/den/status"), Some("online"));
    assert_eq!(bench.last("hearth/board/den/fault"), Some(""));
    assert_eq!(
        (bench.logged("unplugged"), bench.logged("plugged in again")),
        (1, 1)
    );
}

/// Feeds the board for a while, then lets it calm down; the fault must have
/// been told once, at once, and be over.
fn one_fault(bytes: &[u8], pieces: usize, part: &str) -> Bench {
    let mut bench = Bench::new(None);
    bench.prints("start:1\n");
    for _ in 0..pieces {
        bench.prints_bytes(bytes);
        bench.pass(10);
    }
    let faults = bench.all("hearth/board/den/fault");
    assert!(faults.last().unwrap().contains(part), "{faults:?}");
    bench.pass(10_000);
    assert_eq!(bench.last("hearth/board/den/fault"), Some(""));
    assert_eq!(bench.logged(part), 1, "{:?}", bench.logged);
    bench.prints("\nstart:2\n");
    assert_eq!(bench.last("home/den/start"), Some("2"));
    bench
}

#[test]
fn a_megabyte_without_a_newline_is_one_fault() {
    let bench = one_fault(&[b'x'; 4096], 256, "without a newline");
    assert_eq!(bench.logged("1048576 bytes were thrown away"), 1);
    assert_eq!(bench.all("hearth/board/den/log"), [""; 0]);
}

#[test]
fn binary_garbage_is_one_fault_and_no_reading() {
    let bench = one_fault(b"\x00\x01\xfe:12\n", 100, "no text");
    assert_eq!(bench.about().things.len(), 1);
}

#[test]
fn the_noise_of_a_reset_is_no_fault() {
    let mut bench = Bench::new(None);
    bench.prints_bytes(b"\xf8\x00\xfc\x80\r\ntemp:21\n");
    assert_eq!(bench.all("hearth/board/den/fault"), [""; 0]);
    assert_eq!(bench.all("home/den/temp"), ["21"]);
}

#[test]
fn one_line_at_full_speed_is_one_fault_and_few_publications() {
    let bench = one_fault(&b"temp:21.5\n".repeat(20), 500, "lines a second");
    assert_eq!(bench.all("home/den/temp").len(), 6);
}

#[test]
fn quick_changes_end_with_the_latest_value() {
    let mut bench = Bench::new(None);
    for value in 0..1000 {
        bench.prints(&format!("n:{value}\n"));
        bench.pass(1);
    }
    bench.pass(100);
    let published = bench.all("home/den/n");
    assert_eq!(published.last(), Some(&"999"));
    assert!((15..=22).contains(&published.len()), "{}", published.len());
}

#[test]
fn a_sketch_with_endless_names_fills_nothing() {
    let mut bench = Bench::new(None);
    for name in 0..10_000 {
        bench.prints(&format!("x{name}: 1\n"));
        bench.pass(20);
    }
    assert_eq!(bench.about().things.len(), 64);
    assert_eq!(bench.logged("more than 64 names"), 1);
}

#[test]
fn a_sensor_that_is_not_connected_is_said_in_the_log() {
    let mut bench = Bench::new(None);
    bench.prints("temp: nan\n");
    assert_eq!(bench.all("home/den/temp"), [""; 0]);
    let log = bench.last("hearth/board/den/log");
    assert_eq!(log, Some("temp has no number: is its sensor connected?"));
}

#[test]
fn a_port_that_cannot_be_opened_is_told_once() {
    let mut bench = Bench::new(None);
    for _ in 0..100 {
        bench
            .board
            .cannot_open("this user may not open it", bench.now);
        bench.gather();
    }
    assert_eq!(bench.logged("may not open"), 1);
    assert_eq!(
        bench.last("hearth/board/den/fault"),
        Some("this user may not open it")
    );
}
