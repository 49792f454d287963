//! Frames on a serial line: COBS over a packet and its FCS-16, then one 0x00.
//!
//! No octet inside a frame is 0x00, so whoever lost track finds the next frame. Who
//! sends after silence puts one more [`DELIMITER`] in front, which ends whatever
//! garbage lies there.

mod deframer;
mod encode;
mod fcs;

pub use deframer::{Deframer, FrameError};
pub use encode::{FrameBytes, Framer, encode_frame, frame_bytes, send_frame};
pub use fcs::Fcs;

/// Ends a frame.
pub const DELIMITER: u8 = 0;

/// The longest packet on a serial line, in octets.
pub const MAX_PACKET: usize = 128;

/// What a [`Deframer`] needs for packets of up to `MAX_PACKET` octets.
pub const DEFRAMER_SIZE: usize = MAX_PACKET + FCS_SIZE;

/// The longest frame of a packet of up to `MAX_PACKET` octets, with its end.
pub const MAX_FRAME: usize = frame_room(MAX_PACKET);

const FCS_SIZE: usize = 2;

/// The longest run of octets between two code octets of COBS.
const MAX_RUN: usize = 254;

/// The most octets that the frame of a packet of `length` octets has, with its end.
#[must_use]
#[allow(
    clippy::arithmetic_side_effects,
    reason = "lengths of packets are far below usize::MAX"
)]
pub const fn frame_room(length: usize) -> usize {
    let content = length + FCS_SIZE;
    content + content / MAX_RUN + 2
}
