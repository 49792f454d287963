//! Why the board started: read before anything else, for a bootloader and the
//! start-up code forget it.
//!
//! The chip says it in MCUSR (data sheet, section 10.9.1), but the Uno's own
//! bootloader clears that and keeps it for itself; later versions hand it on in
//! register r2. Because a bootloader also uses the watchdog to start the program,
//! the flag alone does not prove a hang. So the tick writes down a hang in memory
//! that no start-up code clears, and memory that is not as we left it tells that the power was gone.

use core::mem::MaybeUninit;
use core::ptr;

use avr_device::atmega328p::CPU;

/// As reported in the vitals.
#[derive(Clone, Copy)]
#[repr(u8)]
pub enum Cause {
    PowerOn = 1,
    External = 2,
    BrownOut = 3,
    Watchdog = 4,
}

const BROWN_OUT: u8 = 1 << 2;
const WATCHDOG: u8 = 1 << 3;
const ALL: u8 = 0b1111;
/// Marks that memory of noise hardly shows.
const RUNNING: u32 = 0x1D0C_7A3E;
const HANGING: u32 = 0xA6F3_529B;

#[unsafe(link_section = ".noinit")]
static mut MARK: MaybeUninit<u32> = MaybeUninit::uninit();

// Runs before memory is set up: puts MCUSR and r2 into GPIOR1 and GPIOR2, which
// nothing else uses, clears the flags (else the watchdog stays on), and sets the
// watchdog back, so that there is time to get to `cause`.
core::arch::global_asm!(
    ".section .init3,\"ax\",@progbits",
    "in r24, 0x34",
    "out 0x2a, r24",
    "out 0x2b, r2",
    "out 0x34, r1",
    "wdr",
    ".text",
);

/// Why the board started. To be asked once.
pub fn cause() -> Cause {
    // SAFETY: no interrupt runs yet, and nothing else uses these registers.
    let chip = unsafe { CPU::steal() };
    let (flags, handed_on) = (chip.gpior1().read().bits(), chip.gpior2().read().bits());
    // SAFETY: whatever the memory holds is a valid number.
    let mark = unsafe { ptr::read_volatile((&raw const MARK).cast::<u32>()) };
    remember(RUNNING);
    judge(mark, flags & ALL, handed_on)
}

fn judge(mark: u32, chip: u8, handed_on: u8) -> Cause {
    let flags = if chip == 0 && handed_on <= ALL {
        handed_on
    } else {
        chip
    };
    match mark {
        HANGING => Cause::Watchdog,
        RUNNING if flags == BROWN_OUT => Cause::BrownOut,
        // Without a bootloader there is no other reason for this flag.
        RUNNING if chip == WATCHDOG => Cause::Watchdog,
        RUNNING => Cause::External,
        _ if flags == BROWN_OUT => Cause::BrownOut,
        _ => Cause::PowerOn,
    }
}

/// Keeps over the reset that is about to come that the main loop hung.
pub fn remember_hang() {
    remember(HANGING);
}

fn remember(mark: u32) {
    // SAFETY: written at the start and in one interrupt only, as a whole.
    unsafe { ptr::write_volatile((&raw mut MARK).cast::<u32>(), mark) }
}
