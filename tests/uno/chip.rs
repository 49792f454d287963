//! What the firmware makes of the chip, part by part: a program on the board does
//! what it is told (`firmware/uno/examples/probe.rs`), and the emulator looks.

use crate::board::{Bytes, Uno, eventually};
use crate::line::Line;

/// Why the board started, as its vitals say it.
const POWER_ON: u8 = 1;
const EXTERNAL: u8 = 2;
const BROWN_OUT: u8 = 3;
const WATCHDOG: u8 = 4;

const A0: u8 = 0;

/// A board with the probe, on an open line.
struct Probe {
    uno: Uno,
    line: Line,
}

impl Probe {
    fn start() -> Probe {
        Probe::on(Uno::start_with("probe.elf"))
    }

    fn on(uno: Uno) -> Probe {
        let line = Line::open(&uno);
        let mut probe = Probe { uno, line };
        eventually("the reset that opening the port brings", || {
            (probe.uno.starts("external") > 0).then_some(())
        });
        probe.wait();
        probe
    }

    /// Asks until it answers: what comes while it starts is lost. Then a command
    /// that it does not know has the last answer.
    fn wait(&mut self) {
        eventually("a probe that answers", || {
            self.line.send(b"?");
            self.line.read().unwrap().contains(&b'!').then_some(())
        });
        self.line.send(b"z\0");
        let mut last = || self.line.read().unwrap().contains(&b'-').then_some(());
        eventually("the last answer", &mut last);
    }

    fn ask<const LENGTH: usize>(&mut self, command: &[u8]) -> [u8; LENGTH] {
        self.line.send(command);
        self.line.expect()
    }

    fn tell(&mut self, command: &[u8]) {
        assert_eq!(self.ask(command), *b"k");
    }

    fn analog(&mut self, channel: u8) -> u16 {
        u16::from_le_bytes(self.ask(&[b'a', channel]))
    }

    fn level(&mut self, pin: u8) -> bool {
        self.ask(&[b'r', pin]) == [1]
    }

    /// The reason of the start that comes when something is done to the board.
    fn cause_after(&mut self, what: &str, done: impl Fn(&Uno)) -> u8 {
        let before = self.uno.starts(what);
        done(&self.uno);
        eventually(what, || (self.uno.starts(what) > before).then_some(()));
        self.wait();
        let [cause] = self.ask(b"c");
        cause
    }
}

#[test]
fn voltages_are_counts_of_five_volts() {
    let mut probe = Probe::start();
    for (millivolts, counts) in [(0, 0), (750, 153), (2500, 511), (5000, 1023)] {
        probe.uno.set_millivolts(A0, millivolts);
        assert_eq!(probe.analog(A0), counts, "{millivolts} mV");
    }
    probe.uno.set_millivolts(5, 2500);
    assert_eq!(probe.analog(5), 511);
}

#[test]
fn outputs_drive_and_are_read_back() {
    let mut probe = Probe::start();
    for (pin, name) in [
        (2, "D2"),
        (7, "D7"),
        (8, "D8"),
        (13, "D13"),
        (14, "A0"),
        (19, "A5"),
    ] {
        assert_eq!(probe.uno.pin(name), "z", "{name} before");
        probe.tell(&[b'o', pin, 1]);
        probe.uno.wait_for_pin(name, "1");
        assert!(probe.level(pin), "{name}");
        probe.tell(&[b'o', pin, 0]);
        probe.uno.wait_for_pin(name, "0");
        assert!(!probe.level(pin), "{name}");
        probe.tell(&[b'i', pin, 0]);
        probe.uno.wait_for_pin(name, "z");
    }
}

#[test]
fn inputs_follow_what_is_connected_and_else_their_pull_up() {
    let mut probe = Probe::start();
    probe.tell(&[b'i', 4, 1]);
    assert!(probe.level(4), "the pull-up");
    for high in [false, true, false] {
        probe.uno.drive("D4", Some(high));
        let follows = || (probe.level(4) == high).then_some(());
        eventually("a level at D4", follows);
    }
    probe.uno.drive("D4", None);
    eventually("the pull-up again", || probe.level(4).then_some(()));
}

#[test]
fn duty_is_kept_on_every_pwm_pin() {
    let mut probe = Probe::start();
    for (pin, duty) in [(3, 1), (5, 64), (6, 127), (9, 128), (10, 200), (11, 254)] {
        let name = format!("D{pin}");
        probe.tell(&[b'p', pin, duty]);
        probe.uno.wait_for_pin(&name, "~");
        assert_eq!(probe.uno.duty(&name), Some(duty), "{name}");
        probe.tell(&[b'p', pin, 255]);
        probe.uno.wait_for_pin(&name, "1");
        probe.tell(&[b'p', pin, 0]);
        probe.uno.wait_for_pin(&name, "0");
    }
}

/// Pulses of servos on any pin, ± what other interrupts delay them.
#[test]
fn servos_get_their_pulses() {
    let mut probe = Probe::start();
    probe.tell(&[b's', 7, 0]);
    probe.tell(&[b's', 9, 90]);
    probe.tell(&[b's', 19, 180]);
    for (pin, wanted) in [("D7", 544), ("D9", 1472), ("A5", 2400)] {
        eventually(&format!("{wanted} µs on {pin}"), || {
            let (high, period) = probe.uno.pulse(pin);
            (high.abs_diff(wanted) <= 15 && period.abs_diff(20_000) <= 100).then_some(())
        });
    }
    probe.tell(&[b's', 7, 180]);
    eventually("a moved servo", || {
        (probe.uno.pulse("D7").0 > 2380).then_some(())
    });
    probe.tell(&[b'S', 7]);
    eventually("a released servo", || {
        (probe.uno.pulse("D7") == (0, 0)).then_some(())
    });
}

#[test]
fn a_thermometer_is_asked_bit_by_bit() {
    const PIN: u8 = 4;
    let mut probe = Probe::start();
    assert_eq!(probe.ask(&[b'1', PIN]), [0], "nobody is there");
    probe.uno.set_thermometer("D4", -1050);
    eventually("a thermometer", || {
        (probe.ask(&[b'1', PIN]) == [1]).then_some(())
    });
    for command in [0xcc, 0x44] {
        probe.tell(&[b'w', PIN, command]);
    }
    eventually("a conversion", || {
        (probe.ask(&[b'R', PIN]) == [0xff]).then_some(())
    });
    assert_eq!(probe.ask(&[b'1', PIN]), [1]);
    for command in [0xcc, 0xbe] {
        probe.tell(&[b'w', PIN, command]);
    }
    let [low] = probe.ask(&[b'R', PIN]);
    let [high] = probe.ask(&[b'R', PIN]);
    assert_eq!(
        i16::from_le_bytes([low, high]),
        -168,
        "-10.5 °C in sixteenths"
    );
}

#[test]
fn the_eeprom_outlasts_the_power() {
    let mut probe = Probe::start();
    assert_eq!(probe.ask(&[b'E', 7]), [0xff], "erased");
    probe.tell(&[b'e', 7, 42]);
    // Nobody waits for the 3.4 ms that a write takes: one byte after another arrives in less.
    let [written, busy] = probe.ask(&[b'e', 8, 43, b'y']);
    assert_eq!((written, busy), (b'k', 1));
    let idle = || (probe.ask(b"y") == [0]).then_some(());
    eventually("an idle EEPROM", idle);
    probe.cause_after("power-on", Uno::power_cycle);
    assert_eq!(probe.ask(&[b'E', 7]), [42]);
    assert_eq!(probe.ask(&[b'E', 8]), [43]);
}

#[test]
fn an_id_is_drawn_once_and_differs_from_board_to_board() {
    let mut probe = Probe::start();
    let id: [u8; 4] = probe.ask(b"n");
    probe.cause_after("power-on", Uno::power_cycle);
    assert_eq!(probe.ask(b"n"), id);
    let mut other = Probe::start();
    assert_ne!(other.ask(b"n"), id);
}

#[test]
fn the_reason_of_a_start_is_known() {
    let mut probe = Probe::start();
    assert_eq!(probe.ask(b"c"), [EXTERNAL], "the port was opened");
    assert_eq!(probe.cause_after("power-on", Uno::power_cycle), POWER_ON);
    assert_eq!(probe.cause_after("external", Uno::reset), EXTERNAL);
    assert_eq!(probe.cause_after("brown-out", Uno::brown_out), BROWN_OUT);
    assert_eq!(probe.cause_after("watchdog", Uno::hang), WATCHDOG);
    assert_eq!(probe.cause_after("watchdog", Uno::hang_deaf), WATCHDOG);
}

/// The bootloader clears the chip's flags and starts the program by the watchdog.
#[test]
fn a_hang_is_known_behind_a_bootloader_too() {
    let mut probe = Probe::on(Uno::start_with_bootloader("probe.elf"));
    assert_eq!(probe.ask(b"c"), [EXTERNAL]);
    assert_eq!(probe.cause_after("watchdog", Uno::hang), WATCHDOG);
    assert_eq!(probe.cause_after("power-on", Uno::power_cycle), POWER_ON);
}

#[test]
fn bytes_that_find_no_place_are_counted() {
    let mut probe = Probe::start();
    assert_eq!(probe.ask(b"v"), [0, 0]);
    // 20 ms without interrupts: the chip keeps three bytes of those that come.
    probe.line.send(b"b\x14");
    probe.line.send(&[b'?'; 40]);
    eventually("lost bytes", || {
        let Bytes { lost_to_board, .. } = probe.uno.bytes();
        (lost_to_board > 0).then_some(())
    });
    probe.wait();
    eventually("a quiet line", || {
        probe.line.read().unwrap().is_empty().then_some(())
    });
    let overruns = u16::from_le_bytes(probe.ask(b"v"));
    assert!(overruns > 0, "the board has not noticed");
}

/// Between two looks at the emulator's clock lies the board's answer.
#[test]
fn the_clock_goes_right() {
    let mut probe = Probe::start();
    let mut look = || {
        let before = probe.uno.time();
        let millis = u64::from(u32::from_le_bytes(probe.ask(b"m")));
        (before, millis, probe.uno.time())
    };
    let first = look();
    let last = eventually("two seconds of the board's time", || {
        Some(look()).filter(|now| now.0 > first.2 + 2000)
    });
    let passed = last.1 - first.1;
    assert!(
        passed + 3 >= last.0 - first.2,
        "too slow: {first:?} {last:?}"
    );
    assert!(
        passed <= last.2 - first.0 + 3,
        "too fast: {first:?} {last:?}"
    );
}

#[test]
fn an_idle_board_sleeps() {
    let probe = Probe::start();
    eventually("an idle board", || {
        (probe.uno.counts().asleep > 900).then_some(())
    });
}
