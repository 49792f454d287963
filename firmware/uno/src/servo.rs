//! Servos on any pin, up to eight: pulses of 544 to 2400 µs, each 20 ms.
//!
//! Timer 1 counts half microseconds (data sheet, section 15). Its compare
//! interrupt ends one servo's pulse and begins the next one's; after the last the
//! line rests until the 20 ms are over. While there are servos, pins 9 and 10 have no PWM.

use core::cell::Cell;

use avr_device::atmega328p::TC1;
use avr_device::interrupt::{self, CriticalSection, Mutex};

use crate::pins;

const SERVOS: usize = 8;
/// No pin: the place is free.
const FREE: u8 = 0xFF;
/// Half microseconds.
const SHORTEST: u16 = 2 * 544;
const FRAME: u16 = 2 * 20_000;
/// The shortest rest between the last pulse and the next frame.
const BREATH: u16 = 2 * 100;

struct Servo {
    pin: Cell<u8>,
    pulse: Cell<u16>,
}

struct Servos {
    all: [Servo; SERVOS],
    /// Whose pulse goes on; SERVOS between two frames.
    current: Cell<u8>,
    /// What is over of the frame.
    passed: Cell<u16>,
}

static STATE: Mutex<Servos> = Mutex::new(Servos {
    all: [const {
        Servo {
            pin: Cell::new(FREE),
            pulse: Cell::new(0),
        }
    }; SERVOS],
    current: Cell::new(SERVOS as u8),
    passed: Cell::new(0),
});

/// Makes the pin an output that holds a servo at 0 to 180 degrees; more counts as 180.
/// A ninth servo is not driven.
pub fn set(pin: u8, degrees: u8) {
    let new = interrupt::free(|cs| {
        let all = &STATE.borrow(cs).all;
        let mine = all.iter().find(|servo| servo.pin.get() == pin);
        let place = mine.or_else(|| all.iter().find(|servo| servo.pin.get() == FREE));
        if let Some(servo) = place {
            servo.pulse.set(pulse(degrees));
            servo.pin.set(pin);
        }
        mine.is_none()
    });
    if new {
        pins::output(pin, false);
        run();
    }
}

/// 544 µs to 2400 µs: 20.625 half microseconds for each degree.
fn pulse(degrees: u8) -> u16 {
    SHORTEST + ((u16::from(degrees.min(180)) * 165) >> 3)
}

/// The pin is no servo's any more.
pub fn release(pin: u8) {
    interrupt::free(|cs| {
        for servo in &STATE.borrow(cs).all {
            if servo.pin.get() == pin {
                servo.pin.set(FREE);
            }
        }
    });
}

/// Starts the timer: 2 MHz, counting through, compare interrupt A.
fn run() {
    interrupt::free(|_| {
        // SAFETY: in a critical section, documented bits.
        unsafe {
            let timer = TC1::steal();
            timer.tccr1a().write(|w| w.bits(0));
            timer.tccr1b().write(|w| w.bits(0b0000_0010));
            timer.timsk1().write(|w| w.bits(0b0000_0010));
        }
    });
}

/// Ends a pulse, begins the next; gives the time until this is due again.
fn step(servos: &Servos) -> u16 {
    let mut current = servos.current.get();
    if let Some(servo) = servos.all.get(usize::from(current)) {
        level(servo, false);
        current += 1;
    } else {
        servos.passed.set(0);
        current = 0;
    }
    while let Some(servo) = servos.all.get(usize::from(current)) {
        if servo.pin.get() != FREE {
            level(servo, true);
            servos.current.set(current);
            servos.passed.set(servos.passed.get() + servo.pulse.get());
            return servo.pulse.get();
        }
        current += 1;
    }
    servos.current.set(current);
    FRAME.saturating_sub(servos.passed.get()).max(BREATH)
}

fn level(servo: &Servo, high: bool) {
    if servo.pin.get() != FREE {
        pins::place(servo.pin.get()).write(high);
    }
}

#[avr_device::interrupt(atmega328p)]
fn TIMER1_COMPA() {
    // SAFETY: interrupts are off within an interrupt.
    let cs = unsafe { CriticalSection::new() };
    let wait = step(STATE.borrow(cs));
    // SAFETY: `run` and this interrupt alone use the register while there are servos.
    let timer = unsafe { TC1::steal() };
    timer
        .ocr1a()
        .modify(|r, w| w.set(r.bits().wrapping_add(wait)));
}
