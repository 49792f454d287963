//! What crosses the broker's doors, counted where it happens.
//!
//! Connections add to these with relaxed atomics: nothing depends on their
//! order, and each is right by itself.

use std::sync::atomic::{AtomicU64, Ordering};

use super::codec::Reason;
use super::gate::Refusal;

/// Counters that all connections share.
#[derive(Debug, Default)]
pub struct Traffic {
    bytes_received: AtomicU64,
    bytes_sent: AtomicU64,
    sockets: AtomicU64,
    refused: [AtomicU64; Refusal::ALL.len()],
    oversized: AtomicU64,
}

/// Their values at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Crossed {
    pub bytes_received: u64,
    pub bytes_sent: u64,
    /// Connections that were opened, whether they said CONNECT or not.
    pub sockets: u64,
    /// Connections refused for a limit, in the order of [`Refusal::ALL`].
    pub refused: [u64; Refusal::ALL.len()],
    /// Packets that were too large to be read.
    pub oversized: u64,
}

impl Crossed {
    /// Connections refused, for whatever limit.
    pub fn refused(&self) -> u64 {
        self.refused.iter().sum()
    }
}

impl Traffic {
    pub fn received(&self, bytes: usize) {
        self.bytes_received
            .fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub fn sent(&self, bytes: usize) {
        self.bytes_sent.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub fn opened(&self) {
        self.sockets.fetch_add(1, Ordering::Relaxed);
    }

    pub fn refused(&self, why: Refusal) {
        self.refused[why as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// A client sent what could not be read.
    pub fn broke(&self, reason: Reason) {
        if reason == Reason::PacketTooLarge {
            self.oversized.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub fn read(&self) -> Crossed {
        let value = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Crossed {
            bytes_received: value(&self.bytes_received),
            bytes_sent: value(&self.bytes_sent),
            sockets: value(&self.sockets),
            refused: self.refused.each_ref().map(value),
            oversized: value(&self.oversized),
        }
    }
}
