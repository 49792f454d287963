//! What a client is like. Constants, so that what a client does not do is not even linked.

use crate::packet::Qos;

/// What the gateway says when the client is gone without a word (6.3).
#[derive(Clone, Copy, Debug)]
pub struct Will<'a> {
    /// 0, 1 or 2.
    pub qos: Qos,
    /// Whether it is kept for later subscribers.
    pub retain: bool,
    /// Not empty.
    pub topic: &'a [u8],
    /// What is published.
    pub message: &'a [u8],
}

/// A kind of client.
pub trait Profile {
    /// Seconds after which the gateway gives up a client that says nothing (6.11); 0: never.
    const KEEP_ALIVE: u16;

    /// After how many milliseconds of silence, of either side, the client pings; 0: never.
    const PING_AFTER: u32 = Self::KEEP_ALIVE as u32 * 500;

    /// Milliseconds until an unanswered request is sent again (`Tretry`, 7.2).
    const RETRY_AFTER: u32 = 1000;

    /// How often it is sent again until the gateway counts as lost (`Nretry`, 7.2).
    const RETRIES: u8 = 5;

    /// Milliseconds between the first two tries to connect; then it doubles.
    const FIRST_WAIT: u16 = 500;

    /// The most milliseconds between two tries to connect.
    const LONGEST_WAIT: u16 = 2000;

    /// Whether nothing of earlier sessions counts.
    const CLEAN_SESSION: bool = false;

    /// Whether it has a will.
    const HAS_WILL: bool = false;

    /// Whether it ever sleeps (6.14).
    const SLEEPS: bool = false;

    /// Whether it subscribes to filters with wildcards, whose topics the gateway registers.
    const HAS_WILDCARDS: bool = false;

    /// 1 to 23 characters.
    fn client_id(&self) -> &[u8];

    /// Asked for if `HAS_WILL`; an empty topic deletes the will that the gateway knows.
    fn will(&self) -> Will<'_> {
        Will {
            qos: Qos::AtMostOnce,
            retain: false,
            topic: b"",
            message: b"",
        }
    }
}
