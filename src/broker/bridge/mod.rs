//! Bridges to other brokers: topics of this house that the other side gets too,
//! and topics of theirs that come in.
//!
//! A bridge is a part whose lasting session holds what waits for the other
//! side. The relay decides what crosses, and is pure; the rest of this folder
//! reaches the other side, and tells how it goes.

mod back_off;
mod echoes;
pub mod mapping;
mod mark;
mod pulse;
mod relay;
mod settings;
mod status;
mod trouble;

pub use settings::{Address, Scheme, Settings, Tls};
pub use status::Report;
