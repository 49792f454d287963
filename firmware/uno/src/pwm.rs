//! PWM with 976 Hz on pins 5 and 6 (timer 0), 9 and 10 (timer 1), 11 and 3 (timer 2).
//!
//! All in fast mode to 255 (data sheet, sections 14, 15 and 17). In this mode duty 0 would
//! still give a spike of 4 µs, so duty 0 and 255 are plain levels.

use avr_device::atmega328p::{TC0, TC1, TC2};
use avr_device::interrupt;

use crate::pins;

/// The non-inverting mode of output A and of output B in TCCRnA.
const OUTPUT_A: u8 = 0b1000_0000;
const OUTPUT_B: u8 = 0b0010_0000;

/// Makes the pin an output with a duty of 0 to 255. Pins that no timer reaches are not touched.
pub fn set(pin: u8, duty: u8) {
    pins::output(pin, duty == u8::MAX);
    interrupt::free(|_| match duty {
        0 | u8::MAX => connect(pin, false),
        _ => {
            compare(pin, duty);
            connect(pin, true);
        }
    });
}

/// The timer lets go of the pin.
pub fn release(pin: u8) {
    interrupt::free(|_| connect(pin, false));
}

/// Sets where the timer of the pin switches it off.
fn compare(pin: u8, duty: u8) {
    // SAFETY: within a critical section.
    let (zero, one, two) = unsafe { (TC0::steal(), TC1::steal(), TC2::steal()) };
    match pin {
        6 => _ = zero.ocr0a().write(|w| w.set(duty)),
        5 => _ = zero.ocr0b().write(|w| w.set(duty)),
        9 => _ = one.ocr1a().write(|w| w.set(u16::from(duty))),
        10 => _ = one.ocr1b().write(|w| w.set(u16::from(duty))),
        11 => _ = two.ocr2a().write(|w| w.set(duty)),
        3 => _ = two.ocr2b().write(|w| w.set(duty)),
        _ => (),
    }
}

/// Connects the pin to its timer, which starts if it stood, or takes it from there.
fn connect(pin: u8, on: bool) {
    let output = match pin {
        6 | 9 | 11 => OUTPUT_A,
        _ => OUTPUT_B,
    };
    let with = |now: u8| if on { now | output } else { now & !output };
    // SAFETY: within a critical section; documented bits: fast PWM to 0xFF, clock divided by 64.
    unsafe {
        match pin {
            5 | 6 => _ = TC0::steal().tccr0a().modify(|r, w| w.bits(with(r.bits()))),
            9 | 10 => connect_timer_1(on, with),
            3 | 11 => {
                let timer = TC2::steal();
                timer
                    .tccr2a()
                    .modify(|r, w| w.bits(with(r.bits()) | 0b0000_0011));
                timer.tccr2b().write(|w| w.bits(0b0000_0100));
            }
            _ => (),
        }
    }
}

/// Servos use this timer in another way; to let go of a pin must not disturb them.
unsafe fn connect_timer_1(on: bool, with: impl Fn(u8) -> u8) {
    // SAFETY: as in `connect`.
    unsafe {
        let timer = TC1::steal();
        if on {
            timer.timsk1().write(|w| w.bits(0));
            timer
                .tccr1a()
                .modify(|r, w| w.bits(with(r.bits()) | 0b0000_0001));
            timer.tccr1b().write(|w| w.bits(0b0000_1011));
        } else {
            timer.tccr1a().modify(|r, w| w.bits(with(r.bits())));
        }
    }
}
