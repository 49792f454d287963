//! The sketches on some of the demo's boards: what they print and how they
//! obey. Pure: bytes and the time come in, text goes out, and the house around
//! them is measured and switched.
//!
//! Each prints in another style that students use, and none of them knows
//! anything of Hearth.

use std::time::Duration;

use super::physics::House;
use super::program::BOOT;
use crate::clock::Moment;

/// The receive buffer of an Uno's serial port; what comes while it is full is lost.
const RECEIVE_BUFFER: usize = 64;
/// How often `loop()` comes round and looks at the received bytes.
const LOOP: Duration = Duration::from_millis(10);

/// Where a board with a sketch sits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Hall,
    Porch,
}

impl Place {
    /// One board each.
    pub const ALL: [Place; 2] = [Place::Hall, Place::Porch];

    /// The board's name in the demo's config.
    pub fn name(self) -> &'static str {
        match self {
            Place::Hall => "hall",
            Place::Porch => "porch",
        }
    }

    fn every(self) -> Duration {
        match self {
            Place::Hall => Duration::from_millis(500),
            Place::Porch => Duration::from_millis(2000),
        }
    }

    fn banner(self) -> &'static str {
        match self {
            Place::Hall => "Hello from the hall!\r\n",
            Place::Porch => "[porch] setup done\r\n",
        }
    }
}

/// A running sketch.
#[derive(Debug)]
pub struct Sketch {
    place: Place,
    state: State,
    received: Vec<u8>,
    line: String,
}

#[derive(Debug)]
enum State {
    /// The sketch starts at this time.
    Booting(Moment),
    /// It looks at its input `LOOP` after `looked` and prints at `print`.
    Running { looked: Moment, print: Moment },
}

impl Sketch {
    /// A board that gets its power now.
    pub fn new(place: Place, now: Moment) -> Sketch {
        Sketch {
            place,
            state: State::Booting(now + BOOT),
            received: Vec::with_capacity(RECEIVE_BUFFER),
            line: String::new(),
        }
    }

    /// The reset button, or a computer that raises DTR: outputs go off, the
    /// bootloader waits, the sketch starts again.
    pub fn reset(&mut self, now: Moment, house: &mut House) {
        *self = Sketch::new(self.place, now);
        switch_off(self.place, house);
    }

    /// Bytes arrive. Returns how many were lost because the buffer was full or
    /// the bootloader took them.
    pub fn receive(&mut self, bytes: &[u8]) -> usize {
        if matches!(self.state, State::Booting(_)) {
            return bytes.len();
        }
        let room = RECEIVE_BUFFER - self.received.len();
        let taken = bytes.len().min(room);
        self.received.extend_from_slice(&bytes[..taken]);
        bytes.len() - taken
    }

    /// When [`Sketch::run`] is to be called next.
    pub fn next_wake(&self) -> Moment {
        match self.state {
            State::Booting(at) => at,
            State::Running { print, .. } if self.received.is_empty() => print,
            State::Running { looked, print } => print.min(looked + LOOP),
        }
    }

    /// One round of `loop()`: obeys what was received and prints what is due.
    pub fn run(&mut self, now: Moment, house: &mut House) -> String {
        match self.state {
            State::Booting(at) if at <= now => {
                self.state = State::Running {
                    looked: now,
                    print: now,
                };
                self.place.banner().to_owned()
            }
            State::Booting(_) => String::new(),
            State::Running { print, .. } => self.loop_once(print, now, house),
        }
    }

    fn loop_once(&mut self, print: Moment, now: Moment, house: &mut House) -> String {
        let mut printed = String::new();
        let mut due = print <= now;
        for byte in std::mem::take(&mut self.received) {
            if byte == b'\n' {
                let line = std::mem::take(&mut self.line);
                match obey(self.place, line.trim(), house) {
                    Some(()) => due = true,
                    None => printed += "what?\r\n",
                }
            } else if self.line.len() < RECEIVE_BUFFER {
                self.line.push(char::from(byte));
            }
        }
        let next = now + self.place.every();
        self.state = State::Running {
            looked: now,
            print: if due { next } else { print },
        };
        if due {
            printed += &readings(self.place, house);
        }
        printed
    }
}

/// One round of measurements, in the style of this sketch's author.
fn readings(place: Place, house: &mut House) -> String {
    match place {
        Place::Hall => hall(house),
        Place::Porch => porch(house),
    }
}

fn hall(house: &mut House) -> String {
    let door = if house.hall.door_open {
        "open"
    } else {
        "closed"
    };
    format!("door={door}\r\npresence={}\r\n", on(house.hall.presence))
}

fn porch(house: &mut House) -> String {
    let temperature = house.noisy(house.porch.temperature, 0.1);
    let illuminance = house.noisy(house.porch.illuminance, 3.0).max(0.0);
    format!(
        "temperature {temperature:.1} C\r\nilluminance {illuminance:.0} lx\r\nlamp {}\r\n",
        on(house.porch.lamp)
    )
}

/// Does what a line says, if this board can.
fn obey(place: Place, line: &str, house: &mut House) -> Option<()> {
    let (name, value) = line.split_once(' ')?;
    match (place, name) {
        (Place::Porch, "lamp") => house.porch.lamp = switch(value)?,
        _ => return None,
    }
    Some(())
}

fn switch_off(place: Place, house: &mut House) {
    let _ = obey(place, "lamp off", house);
}

fn switch(value: &str) -> Option<bool> {
    match value {
        "on" => Some(true),
        "off" => Some(false),
        _ => None,
    }
}

fn on(state: bool) -> &'static str {
    if state { "on" } else { "off" }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A board whose sketch has just printed its banner, at 1 s.
    fn started(place: Place) -> (Sketch, House, Moment) {
        let (mut sketch, mut house) = (Sketch::new(place, Moment(0)), House::new(1));
        let now = Moment(1000);
        assert_eq!(sketch.run(now, &mut house), place.banner());
        (sketch, house, now)
    }

    #[test]
    fn the_bootloader_comes_first_and_takes_what_it_gets() {
        let (mut sketch, mut house) = (Sketch::new(Place::Hall, Moment(0)), House::new(1));
        assert_eq!(sketch.receive(b"lamp on\n"), 8);
        assert_eq!(sketch.run(Moment(699), &mut house), "");
        assert_eq!(sketch.next_wake(), Moment(700));
        assert!(sketch.run(Moment(700), &mut house).contains("Hello"));
        assert!(sketch.run(Moment(701), &mut house).contains("door=closed"));
    }

    #[test]
    fn each_board_prints_in_its_own_style() {
        let printed = |place| {
            let (mut sketch, mut house, now) = started(place);
            sketch.run(now, &mut house)
        };
        assert_eq!(printed(Place::Hall), "door=closed\r\npresence=off\r\n");
        let porch = printed(Place::Porch);
        assert!(porch.contains(" C\r\nilluminance "), "{porch}");
    }

    #[test]
    fn a_command_is_obeyed_and_reported_at_once() {
        let (mut sketch, mut house, now) = started(Place::Porch);
        sketch.run(now, &mut house);
        assert_eq!(sketch.receive(b"lamp on\n"), 0);
        let soon = sketch.next_wake();
        assert_eq!(soon, now + LOOP);
        assert!(sketch.run(soon, &mut house).contains("lamp on"));
        assert!(house.porch.lamp);
    }

    #[test]
    fn a_command_may_come_in_pieces() {
        let (mut sketch, mut house, now) = started(Place::Porch);
        sketch.receive(b"lamp o");
        sketch.run(now, &mut house);
        assert!(!house.porch.lamp);
        sketch.receive(b"n\r\n");
        sketch.run(now, &mut house);
        assert!(house.porch.lamp);
    }

    #[test]
    fn what_a_board_cannot_do_changes_nothing() {
        let (mut sketch, mut house, now) = started(Place::Porch);
        for line in ["lamp maybe\n", "fan 50\n", "lamp\n", "\n"] {
            sketch.receive(line.as_bytes());
            assert!(sketch.run(now, &mut house).contains("what?"), "{line:?}");
        }
        assert!(!house.porch.lamp);
    }

    #[test]
    fn more_than_64_bytes_at_once_are_lost() {
        let (mut sketch, mut house, now) = started(Place::Porch);
        assert_eq!(sketch.receive(&[b'x'; 100]), 36);
        sketch.run(now, &mut house);
        assert_eq!(sketch.receive(b"\nlamp on\n"), 0);
        sketch.run(now, &mut house);
        assert!(house.porch.lamp);
    }

    #[test]
    fn a_reset_switches_the_outputs_off() {
        let (mut sketch, mut house, now) = started(Place::Porch);
        house.porch.lamp = true;
        sketch.reset(now, &mut house);
        assert!(!house.porch.lamp);
        assert_eq!(sketch.run(now, &mut house), "");
    }

    proptest! {
        #[test]
        fn any_bytes_leave_the_sketch_running(
            pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..20),
        ) {
            for place in Place::ALL {
                let (mut sketch, mut house, mut now) = started(place);
                for piece in &pieces {
                    sketch.receive(piece);
                    now = now + LOOP;
                    sketch.run(now, &mut house);
                    prop_assert!(sketch.received.is_empty());
                    prop_assert!(sketch.line.len() <= 2 * RECEIVE_BUFFER);
                }
                now = now + Duration::from_secs(2);
                prop_assert!(!sketch.run(now, &mut house).is_empty());
            }
        }
    }
}
