//! Hearth's own firmware on a simulated board: the very logic that runs on an
//! Uno, on a [`Chip`]. Pure: bytes and the time come in, bytes go out, and the
//! house around it is measured and switched.

use std::time::Duration;

use hearth_logic::Station;
use hearth_wire::board::ResetCause;

use super::chip::Chip;
use super::physics::House;
use super::program::BOOT;
use super::wiring::Wiring;
use crate::clock::Moment;

/// An Uno looks round each millisecond. A computer that simulates some need not, as long
/// as nothing goes on: contacts and reports are no later than this.
const IDLE: Duration = Duration::from_millis(10);
const AT_WORK: Duration = Duration::from_millis(1);
/// The firmware looks at one of its things at a time: so often until nothing goes on.
const ALL_THINGS: u8 = 8;

/// A board with the firmware.
#[derive(Debug)]
pub struct Firmware {
    wiring: Wiring,
    chip: Chip,
    state: State,
    /// So often it looks round at once.
    at_work: u8,
}

#[derive(Debug)]
enum State {
    /// The firmware starts at this time.
    Booting(Moment, ResetCause),
    /// It looks round at this time.
    Running(Box<Station>, Moment),
}

impl Firmware {
    /// A new board, with nothing in its EEPROM, that gets its power now.
    pub fn new(wiring: Wiring, now: Moment) -> Firmware {
        Firmware {
            wiring,
            chip: Chip::default(),
            state: State::Booting(now + BOOT, ResetCause::PowerOn),
            at_work: 0,
        }
    }

    /// The reset button, or a computer that raises DTR: all pins are let go
    /// until the firmware starts again; the map in the EEPROM stays.
    pub fn reset(&mut self, now: Moment, house: &mut House) {
        self.chip.reset(self.wiring, house);
        self.state = State::Booting(now + BOOT, ResetCause::External);
    }

    /// Bytes arrive; the bootloader takes those that come too early.
    pub fn receive(&mut self, bytes: &[u8], now: Moment, house: &mut House) {
        let State::Running(station, next) = &mut self.state else {
            return;
        };
        let mut wired = self.chip.wired(self.wiring, house);
        for byte in bytes {
            station.receive(*byte, milliseconds(now), &mut wired);
        }
        *next = now;
        self.at_work = ALL_THINGS;
    }

    /// When [`Firmware::run`] is to be called next.
    pub fn next_wake(&self) -> Moment {
        match self.state {
            State::Booting(at, _) | State::Running(_, at) => at,
        }
    }

    /// Does what is due; what goes out on the line.
    pub fn run(&mut self, now: Moment, house: &mut House) -> Vec<u8> {
        let mut wired = self.chip.wired(self.wiring, house);
        match &mut self.state {
            State::Booting(at, cause) if *at <= now => {
                let id = self.wiring.id();
                let station = Station::new(id, *cause, milliseconds(now), &mut wired);
                self.state = State::Running(Box::new(station), now);
            }
            State::Booting(..) => {}
            State::Running(station, next) => {
                station.poll(milliseconds(now), &mut wired);
                self.at_work = match self.chip.take_at_work() {
                    true => ALL_THINGS,
                    false => self.at_work.saturating_sub(1),
                };
                *next = now + if self.at_work > 0 { AT_WORK } else { IDLE };
            }
        }
        self.chip.take_sent()
    }
}

/// As the firmware counts them: they wrap after some weeks.
fn milliseconds(now: Moment) -> u32 {
    let [a, b, c, d, ..] = now.0.to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::demo::served::Served;

    const SECOND: Duration = Duration::from_secs(1);

    struct Bench {
        now: Moment,
        house: House,
        board: Firmware,
        served: Served,
    }

    impl Bench {
        fn new(wiring: Wiring) -> Bench {
            Bench {
                now: Moment(0),
                house: House::new(1),
                board: Firmware::new(wiring, Moment(0)),
                served: Served::new(wiring),
            }
        }

        /// The same, and the board has its map.
        fn in_force(wiring: Wiring) -> Bench {
            let mut bench = Bench::new(wiring);
            bench.live(4 * SECOND);
            assert!(bench.served.is_in_force);
            bench
        }

        fn live(&mut self, time: Duration) {
            self.now = self.now + time;
            self.house.pass(time);
            let (now, house) = (self.now, &mut self.house);
            self.served.serve(&mut self.board, now, house);
        }

        fn number(&self, thing: &str) -> f64 {
            self.served.values[thing].parse().unwrap()
        }
    }

    #[test]
    fn the_bootloader_comes_first_and_takes_what_it_gets() {
        let mut bench = Bench::new(Wiring::LivingRoom);
        assert_eq!(bench.board.next_wake(), Moment(700));
        bench
            .board
            .receive(b"\0\x03\x17", Moment(1), &mut bench.house);
        bench.live(Duration::from_millis(699));
        assert!(bench.served.connects.is_empty());
        bench.live(SECOND);
        assert_eq!(bench.served.connects, ["uno-0de30001"]);
    }

    #[test]
    fn readings_are_those_of_the_house() {
        let mut bench = Bench::in_force(Wiring::LivingRoom);
        bench.house.living_room.temperature = 24.5;
        bench.house.living_room.illuminance = 300.0;
        bench.house.living_room.presence = true;
        let (now, house) = (bench.now + 5 * SECOND, &mut bench.house);
        bench.served.serve(&mut bench.board, now, house);
        assert!((bench.number("temperature") - 24.5).abs() < 0.1);
        assert!((bench.number("illuminance") - 300.0).abs() < 8.0);
        assert_eq!(bench.served.values["presence"], "on");
    }

    #[test]
    fn commands_reach_the_house_and_are_reported() {
        let mut bench = Bench::in_force(Wiring::Greenhouse);
        assert_eq!(bench.served.values["fan"], "0");
        bench.served.command("fan", "80");
        bench.served.command("pump", "on");
        bench.live(SECOND);
        assert_eq!(bench.house.greenhouse.fan, 80);
        assert!(bench.house.greenhouse.pump);
        assert_eq!(bench.served.values["fan"], "80");
        assert_eq!(bench.served.values["pump"], "on");
        let before = bench.number("soil-moisture");
        bench.live(5 * SECOND);
        assert!(bench.number("soil-moisture") > before + 5.0);
    }

    #[test]
    fn a_reset_lets_go_of_the_outputs_and_keeps_the_map() {
        let mut bench = Bench::in_force(Wiring::LivingRoom);
        bench.served.command("heater", "on");
        bench.live(SECOND);
        assert!(bench.house.living_room.heater);
        bench.board.reset(bench.now, &mut bench.house);
        assert!(!bench.house.living_room.heater);
        // What it says of its map before it is told one.
        bench.served = Served::that_wants_nothing(Wiring::LivingRoom);
        bench.live(2 * SECOND);
        assert!(bench.served.is_in_force);
        assert_eq!(bench.served.vitals.unwrap().cause, ResetCause::External);
    }

    #[test]
    fn a_board_with_nothing_to_do_wakes_seldom() {
        let mut bench = Bench::in_force(Wiring::Greenhouse);
        let mut wakes = 0;
        let until = bench.now + 10 * SECOND;
        while bench.now < until {
            bench.now = bench.board.next_wake();
            let (now, house) = (bench.now, &mut bench.house);
            bench.served.serve(&mut bench.board, now, house);
            wakes += 1;
        }
        assert!(wakes < 2000, "{wakes} in ten seconds");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn any_bytes_leave_the_firmware_running(
            pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..20),
        ) {
            for wiring in Wiring::ALL {
                let mut bench = Bench::in_force(wiring);
                for piece in &pieces {
                    bench.board.receive(piece, bench.now, &mut bench.house);
                    bench.live(Duration::from_millis(20));
                }
                let asked = bench.served.values.len();
                bench.served.values.clear();
                bench.live(20 * SECOND);
                prop_assert!(asked > 0 && bench.served.values.contains_key("temperature"));
            }
        }
    }
}
