//! Hearth's firmware on a board on USB: its logic is the one that runs on an Uno, its pins
//! are memory, its line is the kernel's.

use std::time::{Duration, Instant};

use hearth_logic::{Hardware, Station};
use hearth_wire::board::ResetCause;

use crate::gadget::Gadget;
use crate::harness::eventually;

struct Chip {
    levels: [bool; 20],
    eeprom: [u8; 1024],
    sent: Vec<u8>,
}

impl Hardware for Chip {
    fn input(&mut self, pin: u8, pull_up: bool) {
        self.levels[usize::from(pin)] = pull_up;
    }

    fn output(&mut self, pin: u8, high: bool) {
        self.levels[usize::from(pin)] = high;
    }

    fn read(&mut self, pin: u8) -> bool {
        self.levels[usize::from(pin)]
    }

    fn analog(&mut self, _pin: u8) -> u16 {
        512
    }

    fn pwm(&mut self, _pin: u8, _duty: u8) {}

    fn servo(&mut self, _pin: u8, _degrees: u8) {}

    fn one_wire_reset(&mut self, _pin: u8) -> bool {
        false
    }

    fn one_wire_write(&mut self, _pin: u8, _octet: u8) {}

    fn one_wire_read(&mut self, _pin: u8) -> u8 {
        0xFF
    }

    fn eeprom_read(&mut self, address: u16) -> u8 {
        self.eeprom[usize::from(address)]
    }

    fn eeprom_write(&mut self, address: u16, octet: u8) -> bool {
        self.eeprom[usize::from(address)] = octet;
        true
    }

    fn send(&mut self, octet: u8) {
        self.sent.push(octet);
    }

    fn overruns(&self) -> u16 {
        0
    }
}

/// A board that can be plugged in.
pub struct Board {
    pub gadget: Gadget,
    id: u32,
    chip: Chip,
    station: Station,
    began: Instant,
}

impl Board {
    /// A clone: nothing but its id tells it from others.
    pub fn new(id: u32) -> Board {
        let mut chip = Chip {
            levels: [false; 20],
            eeprom: [0xFF; 1024],
            sent: Vec::new(),
        };
        let station = Station::new(id, ResetCause::PowerOn, 0, &mut chip);
        Board {
            gadget: Gadget::uno(None),
            id,
            chip,
            station,
            began: Instant::now(),
        }
    }

    /// The cable gives it its power.
    pub fn plug(&mut self, port: usize) {
        self.gadget.plug(port);
        self.began = Instant::now();
        self.station = Station::new(self.id, ResetCause::PowerOn, 0, &mut self.chip);
    }

    pub fn level(&self, pin: usize) -> bool {
        self.chip.levels[pin]
    }

    /// Goes once round the board's loop.
    fn run(&mut self) {
        let now = u32::try_from(self.began.elapsed().as_millis()).unwrap();
        for octet in self.gadget.receive() {
            self.station.receive(octet, now, &mut self.chip);
        }
        self.station.poll(now, &mut self.chip);
        self.gadget.send(&std::mem::take(&mut self.chip.sent));
    }
}

/// Lets boards run until something is so.
pub fn run_until(
    boards: &mut [&mut Board],
    what: &str,
    mut done: impl FnMut(&[&mut Board]) -> bool,
) {
    eventually(what, || {
        let pause = Instant::now() + Duration::from_millis(20);
        while Instant::now() < pause {
            boards.iter_mut().for_each(|board| board.run());
            std::thread::sleep(Duration::from_millis(1));
        }
        done(boards).then_some(())
    });
}
