//! What one board does must not harm another, and must be told once, clearly,
//! in the log and on the page.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::harness::{Board, House, Mqtt, Site, eventually, within};

/// A house with a board that misbehaves and one that does not.
struct Neighbours {
    house: House,
    mqtt: Mqtt,
    rude: Board,
    good: Board,
}

impl Neighbours {
    fn new() -> Neighbours {
        let site = Site::new();
        let (rude, good) = (site.board("rude"), site.board("good"));
        let boards = ["rude", "good"].map(|board| site.board_config(board, "hall"));
        let house = site.run(&boards.concat());
        let mqtt = house.watch("#");
        rude.print_until("rain:0", || mqtt.latest("home/hall/rain").is_some());
        good.print_until("count:0", || mqtt.latest("home/hall/count").is_some());
        Neighbours {
            house,
            mqtt,
            rude,
            good,
        }
    }

    /// The good board counts, each number after the one before has arrived.
    fn count(&self, numbers: std::ops::RangeInclusive<u32>) {
        for number in numbers {
            self.good.print(&format!("count:{number}"));
            let arrived = || {
                let latest = self.mqtt.latest("home/hall/count");
                (latest == Some(number.to_string())).then_some(())
            };
            // Generous: a house with a starving board takes for ever.
            within(Duration::from_secs(5), &format!("count:{number}"), arrived);
            thread::sleep(Duration::from_millis(60)); // ten to twenty lines a second
        }
    }

    /// The good board counts while the other one is rude without pause.
    fn count_beside(&self, be_rude: impl Fn(&Board) + Sync) {
        let enough = AtomicBool::new(false);
        thread::scope(|scope| {
            let rude = scope.spawn(|| {
                while !enough.load(Ordering::Relaxed) {
                    be_rude(&self.rude);
                }
            });
            // A count that fails must end the other thread, too.
            let stop = OnDrop(|| enough.store(true, Ordering::Relaxed));
            self.count(1..=40);
            self.fault_is_told_once();
            drop(stop);
            rude.join().unwrap();
        });
        let counted = self.mqtt.payloads("home/hall/count");
        let distinct: Vec<u32> = dedup(counted.iter().map(|count| count.parse().unwrap()));
        assert_eq!(
            distinct,
            (0..=40).collect::<Vec<u32>>(),
            "in order and complete"
        );
    }

    fn fault_is_told_once(&self) -> String {
        let fault = eventually("the fault's sentence", || {
            let fault = self.mqtt.latest("hearth/board/rude/fault")?;
            (!fault.is_empty()).then_some(fault)
        });
        eventually("the fault on the page", || {
            self.house.page("/boards").contains(&fault).then_some(())
        });
        let warnings = self.house.log.with(&["warn", "rude"]);
        assert_eq!(warnings.len(), 1, "{warnings:#?}");
        fault
    }
}

struct OnDrop<F: Fn()>(F);

impl<F: Fn()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

fn dedup(numbers: impl Iterator<Item = u32>) -> Vec<u32> {
    let mut numbers: Vec<u32> = numbers.collect();
    numbers.dedup();
    numbers
}

#[test]
fn a_megabyte_without_a_newline() {
    let neighbours = Neighbours::new();
    let text = vec![b'x'; 1 << 20];
    neighbours.count_beside(|rude| rude.send(&text));
    assert!(
        neighbours
            .mqtt
            .payloads("home/hall/rain")
            .iter()
            .all(|rain| rain == "0")
    );
}

#[test]
fn binary_garbage() {
    let neighbours = Neighbours::new();
    // Every byte value in a stubborn order, newlines included; a multiplicative
    // generator (Lehmer's, modulus 2^31 - 1) keeps the run repeatable.
    let mut state: u64 = 42;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state = state * 48_271 % 0x7fff_ffff;
        state.to_le_bytes()[1]
    })
    .take(64 << 10)
    .collect();
    neighbours.count_beside(|rude| {
        rude.send(&noise);
        thread::sleep(Duration::from_millis(200));
    });
}

#[test]
fn one_line_at_full_speed() {
    let neighbours = Neighbours::new();
    let lines = "rain:1\r\n".repeat(512);
    neighbours.count_beside(|rude| rude.send(lines.as_bytes()));
    neighbours.mqtt.wait_for("home/hall/rain", "1");
}

#[test]
fn unplugged_and_plugged_in_again() {
    let mut neighbours = Neighbours::new();
    neighbours
        .mqtt
        .wait_for("hearth/board/rude/status", "online");

    neighbours.rude.unplug();
    neighbours
        .mqtt
        .wait_for("hearth/board/rude/status", "offline");
    neighbours.fault_is_told_once();
    assert!(neighbours.house.page("/").contains("rude is offline"));
    neighbours.count(1..=10);

    neighbours.rude.replug();
    neighbours
        .mqtt
        .wait_for("hearth/board/rude/status", "online");
    neighbours.rude.print_until("rain:7", || {
        neighbours.mqtt.latest("home/hall/rain").as_deref() == Some("7")
    });
    eventually("the fault to be over", || {
        let fault = neighbours.mqtt.latest("hearth/board/rude/fault")?;
        fault.is_empty().then_some(())
    });
}
