//! Pins by their Arduino numbers: 0 to 13, then A0 = 14 to A5 = 19.
//!
//! Which pin does what is known only when the board runs, so pins are numbers and
//! not types (data sheet, section 13). Numbers above 19 are treated as 19.

use avr_device::interrupt;

const PIN_B: usize = 0x23;
const PIN_C: usize = 0x26;
const PIN_D: usize = 0x29;

/// The registers of a pin: PIN, and behind it DDR and PORT.
#[derive(Clone, Copy)]
pub struct Place {
    base: usize,
    pub mask: u8,
}

/// Where a pin is.
pub fn place(pin: u8) -> Place {
    let (base, bit) = match pin {
        0..=7 => (PIN_D, pin),
        8..=13 => (PIN_B, pin - 8),
        14..=18 => (PIN_C, pin - 14),
        _ => (PIN_C, 5),
    };
    Place {
        base,
        mask: mask(bit),
    }
}

/// The chip shifts one place at a time; this stays a short loop.
fn mask(bit: u8) -> u8 {
    let mut mask = 1_u8;
    for _ in 0..bit {
        mask <<= 1;
    }
    mask
}

impl Place {
    fn direction(self) -> *mut u8 {
        (self.base + 1) as *mut u8
    }

    fn port(self) -> *mut u8 {
        (self.base + 2) as *mut u8
    }

    /// The level at the pin, whoever drives it.
    #[inline(always)]
    pub fn read(self) -> bool {
        // SAFETY: an I/O register of a port; reading has no effect.
        unsafe { (self.base as *const u8).read_volatile() & self.mask != 0 }
    }

    /// Level of an output, or pull-up of an input.
    #[inline(always)]
    pub fn write(self, high: bool) {
        change(self.port(), self.mask, high);
    }

    #[inline(always)]
    pub fn drive(self, as_output: bool) {
        change(self.direction(), self.mask, as_output);
    }
}

/// Interrupts change other bits of the same registers.
#[inline(always)]
fn change(register: *mut u8, mask: u8, set: bool) {
    interrupt::free(|_| {
        // SAFETY: PORT or DDR of a port, alone with it.
        unsafe {
            let now = register.read_volatile();
            register.write_volatile(if set { now | mask } else { now & !mask });
        }
    });
}

/// An input, with the pull-up or without.
pub fn input(pin: u8, pull_up: bool) {
    let place = place(pin);
    place.drive(false);
    place.write(pull_up);
}

/// An output; the level is there before the pin drives, so there is no glitch.
pub fn output(pin: u8, high: bool) {
    let place = place(pin);
    place.write(high);
    place.drive(true);
}
