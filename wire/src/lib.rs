//! What the gateway and a board say to each other, shared by both so that they
//! cannot drift apart: MQTT-SN 1.2 packets and their frames on a serial line.
//!
//! No allocation, no floats, no panics: the same code runs on an ATmega328P. It
//! does no I/O and reads no clock.

#![no_std]

pub mod board;
pub mod client;
pub mod frame;
pub mod packet;

pub use packet::{DecodeError, EncodeError, Packet};
