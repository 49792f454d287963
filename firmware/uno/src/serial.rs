//! The serial line on USART0: 115200 Bd, 8 data bits, no parity, one stop bit.
//!
//! Both directions go through a ring and an interrupt (data sheet, section 19).
//! A byte that finds no place on its way in is counted as an overrun.

use core::sync::atomic::{AtomicU16, Ordering};

use avr_device::atmega328p::USART0;

use crate::rest;
use crate::ring::Ring;

/// 16 MHz / (8 × (16 + 1)) = 117,647 Bd: 2.1 % fast, as with every Uno at this speed.
const DIVISOR: u16 = 16;

static IN: Ring = Ring::new();
static OUT: Ring = Ring::new();
static OVERRUNS: AtomicU16 = AtomicU16::new(0);

fn usart() -> USART0 {
    // SAFETY: this file alone uses the USART; its interrupts touch other registers than `send`.
    unsafe { USART0::steal() }
}

/// Takes the line into use.
pub fn start() {
    let usart = usart();
    usart.ubrr0().write(|w| w.set(DIVISOR));
    usart.ucsr0a().write(|w| w.u2x0().set_bit());
    // SAFETY: a combination of documented bits: 8 data bits, asynchronous.
    usart.ucsr0c().write(|w| unsafe { w.bits(0b0000_0110) });
    usart
        .ucsr0b()
        .write(|w| w.rxcie0().set_bit().rxen0().set_bit().txen0().set_bit());
}

/// The next byte that came in.
pub fn receive() -> Option<u8> {
    IN.take()
}

/// Nothing that came in waits to be taken.
pub fn nothing_waits() -> bool {
    IN.is_empty()
}

/// Sends a byte; sleeps while the ring is full, at most 87 µs for each byte.
pub fn send(byte: u8) {
    while !OUT.put(byte) {
        rest::until_interrupted();
    }
    usart().ucsr0b().modify(|_, w| w.udrie0().set_bit());
}

/// Bytes lost on their way in since the start: the chip's own buffer or the ring was full.
pub fn overruns() -> u16 {
    OVERRUNS.load(Ordering::Relaxed)
}

fn count_overrun() {
    // In an interrupt nothing comes between.
    OVERRUNS.store(
        OVERRUNS.load(Ordering::Relaxed).wrapping_add(1),
        Ordering::Relaxed,
    );
}

#[avr_device::interrupt(atmega328p)]
fn USART_RX() {
    let usart = usart();
    loop {
        let status = usart.ucsr0a().read();
        if status.rxc0().bit_is_clear() {
            return;
        }
        if status.dor0().bit_is_set() {
            count_overrun();
        }
        if !IN.put(usart.udr0().read().bits()) {
            count_overrun();
        }
    }
}

#[avr_device::interrupt(atmega328p)]
fn USART_UDRE() {
    let usart = usart();
    match OUT.take() {
        Some(byte) => usart.udr0().write(|w| w.set(byte)),
        None => usart.ucsr0b().modify(|_, w| w.udrie0().clear_bit()),
    };
}
