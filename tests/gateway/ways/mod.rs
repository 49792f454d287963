//! The ways in to the broker, with the clients that people use on them.

mod tls;
mod websocket;
