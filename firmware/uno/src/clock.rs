//! Milliseconds since the start, on timer 0.
//!
//! The timer counts to 256 at 250 kHz, which also makes the PWM of pins 5 and 6
//! (data sheet, section 14). It overflows each 1.024 ms; the 24 µs are summed up.
//! The tick also notices that the main loop has come to a stand.

use core::sync::atomic::{AtomicU8, AtomicU16, Ordering};

use avr_device::atmega328p::TC0;
use avr_device::interrupt::{self, Mutex};
use core::cell::Cell;

use crate::start;

/// Ticks without a sign from the main loop after which it hangs: half of the watchdog's patience.
const HANGS_AFTER: u16 = 1000;
/// Tick and millisecond differ by 3/125 of a millisecond.
const REST: u8 = 3;
const WHOLE: u8 = 125;

static MILLIS: Mutex<Cell<u32>> = Mutex::new(Cell::new(0));
static PARTS: AtomicU8 = AtomicU8::new(0);
static SILENT: AtomicU16 = AtomicU16::new(0);

/// Starts to count.
pub fn start() {
    // SAFETY: timer 0's mode is set here alone; `pwm` changes other bits of TCCR0A.
    let timer = unsafe { TC0::steal() };
    // SAFETY: documented bits: fast PWM to 0xFF; clock divided by 64; overflow interrupt.
    unsafe {
        timer.tccr0a().write(|w| w.bits(0b0000_0011));
        timer.tccr0b().write(|w| w.bits(0b0000_0011));
        timer.timsk0().write(|w| w.bits(0b0000_0001));
    }
}

/// Milliseconds since the start; wraps after 49 days.
pub fn millis() -> u32 {
    interrupt::free(|cs| MILLIS.borrow(cs).get())
}

/// The main loop lives.
pub fn main_loop_lives() {
    SILENT.store(0, Ordering::Relaxed);
}

#[avr_device::interrupt(atmega328p)]
fn TIMER0_OVF() {
    let mut passed = 1;
    let parts = PARTS.load(Ordering::Relaxed) + REST;
    PARTS.store(parts % WHOLE, Ordering::Relaxed);
    if parts >= WHOLE {
        passed += 1;
    }
    interrupt::free(|cs| {
        let millis = MILLIS.borrow(cs);
        millis.set(millis.get().wrapping_add(passed));
    });
    let silent = SILENT.load(Ordering::Relaxed).saturating_add(1);
    SILENT.store(silent, Ordering::Relaxed);
    if silent == HANGS_AFTER {
        start::remember_hang();
    }
}
