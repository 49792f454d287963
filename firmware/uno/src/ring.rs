//! A ring of bytes between an interrupt and the main loop.
//!
//! One side only puts, the other only takes, so that neither needs to lock the
//! other out: an index is one byte, and the chip writes a byte in one go.

use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicU8, Ordering};

/// Bytes that a ring holds; one place stays free to tell full from empty.
pub const SIZE: u8 = 64;
const MASK: u8 = SIZE - 1;

/// A ring with one putter and one taker.
pub struct Ring {
    bytes: UnsafeCell<[u8; SIZE as usize]>,
    put: AtomicU8,
    taken: AtomicU8,
}

// SAFETY: a place is written by the putter before `put` moves past it, and read
// by the taker before `taken` does; there is one of each.
unsafe impl Sync for Ring {}

impl Ring {
    pub const fn new() -> Ring {
        Ring {
            bytes: UnsafeCell::new([0; SIZE as usize]),
            put: AtomicU8::new(0),
            taken: AtomicU8::new(0),
        }
    }

    /// False when it is full; the byte is not taken then.
    #[inline(always)]
    pub fn put(&self, byte: u8) -> bool {
        let at = self.put.load(Ordering::Relaxed);
        let next = (at + 1) & MASK;
        if next == self.taken.load(Ordering::Acquire) {
            return false;
        }
        // SAFETY: `at` is below SIZE, and the taker does not look there yet.
        unsafe { self.place(at).write_volatile(byte) };
        self.put.store(next, Ordering::Release);
        true
    }

    #[inline(always)]
    pub fn take(&self) -> Option<u8> {
        let at = self.taken.load(Ordering::Relaxed);
        if at == self.put.load(Ordering::Acquire) {
            return None;
        }
        // SAFETY: `at` is below SIZE, and the putter has left it.
        let byte = unsafe { self.place(at).read_volatile() };
        self.taken.store((at + 1) & MASK, Ordering::Release);
        Some(byte)
    }

    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.put.load(Ordering::Acquire) == self.taken.load(Ordering::Acquire)
    }

    #[inline(always)]
    fn place(&self, at: u8) -> *mut u8 {
        self.bytes.get().cast::<u8>().wrapping_add(usize::from(at))
    }
}
