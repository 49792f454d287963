//! Copying and filling memory, as the compiler asks for it: 60 octets of flash instead of
//! the 520 of its own, which count on machines of more bits.

use core::arch::asm;

/// # Safety
/// As in C: both places have room for `length` octets, and do not overlap.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, length: usize) -> *mut u8 {
    // SAFETY: the caller's promise.
    unsafe {
        asm!(
            "rjmp 2f",
            "1:",
            "ld {octet}, Z+",
            "st X+, {octet}",
            "2:",
            "sbiw {left}, 1",
            "brcc 1b",
            octet = out(reg) _,
            left = inout(reg_iw) length => _,
            inout("X") to => _,
            inout("Z") from => _,
            options(nostack),
        );
    }
    to
}

/// # Safety
/// As in C: the place has room for `length` octets.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memset(to: *mut u8, value: i16, length: usize) -> *mut u8 {
    let [octet, _] = value.to_le_bytes();
    // SAFETY: the caller's promise.
    unsafe {
        asm!(
            "rjmp 2f",
            "1:",
            "st X+, {octet}",
            "2:",
            "sbiw {left}, 1",
            "brcc 1b",
            octet = in(reg) octet,
            left = inout(reg_iw) length => _,
            inout("X") to => _,
            options(nostack),
        );
    }
    to
}

/// # Safety
/// As in C: both places have room for `length` octets; they may overlap.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memmove(to: *mut u8, from: *const u8, length: usize) -> *mut u8 {
    if to.cast_const() <= from {
        // SAFETY: the caller's promise; it copies from the first octet on.
        return unsafe { memcpy(to, from, length) };
    }
    // SAFETY: the caller's promise.
    unsafe {
        asm!(
            "rjmp 2f",
            "1:",
            "ld {octet}, -Z",
            "st -X, {octet}",
            "2:",
            "sbiw {left}, 1",
            "brcc 1b",
            octet = out(reg) _,
            left = inout(reg_iw) length => _,
            inout("X") to.add(length) => _,
            inout("Z") from.add(length) => _,
            options(nostack),
        );
    }
    to
}
