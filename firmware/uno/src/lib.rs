//! The ATmega328P of an Arduino Uno: registers, interrupts, timers, EEPROM.
//!
//! What the board says and does is not decided here. Which pin does what is known
//! only when the board runs; so pins are numbers.
//!
//! The chip: Microchip, ATmega328P data sheet DS40002061B; sections are cited.

#![no_std]
#![feature(abi_avr_interrupt, asm_experimental_arch)]

pub mod adc;
pub mod clock;
pub mod eeprom;
pub mod hardware;
pub mod identity;
mod memory;
pub mod one_wire;
pub mod pins;
pub mod pwm;
pub mod rest;
mod ring;
pub mod serial;
pub mod servo;
pub mod start;
pub mod watchdog;
