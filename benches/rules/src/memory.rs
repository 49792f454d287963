//! An allocator that counts while it is asked to: bytes that live, and how often it was
//! called.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};

pub struct Counting;

static COUNTS: AtomicBool = AtomicBool::new(false);
static BYTES: AtomicI64 = AtomicI64::new(0);
static CALLS: AtomicU64 = AtomicU64::new(0);

// SAFETY: everything is handed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as i64, 1);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as i64), 0);
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size as i64 - layout.size() as i64, 1);
        unsafe { System.realloc(pointer, layout, size) }
    }
}

fn count(bytes: i64, calls: u64) {
    if COUNTS.load(Relaxed) {
        BYTES.fetch_add(bytes, Relaxed);
        CALLS.fetch_add(calls, Relaxed);
    }
}

/// What some work leaves in memory, in bytes, and how many allocations it made.
pub fn of<T>(work: impl FnOnce() -> T) -> (T, i64, u64) {
    let (bytes, calls) = (BYTES.load(Relaxed), CALLS.load(Relaxed));
    COUNTS.store(true, Relaxed);
    let done = work();
    COUNTS.store(false, Relaxed);
    (
        done,
        BYTES.load(Relaxed) - bytes,
        CALLS.load(Relaxed) - calls,
    )
}
