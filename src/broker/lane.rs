//! The way from the router to one connection, and the connection's turn.
//!
//! The router never waits: it pushes, and its own bounds hold the lane short
//! (bytes ahead of the writer, one batch of packets at a time from the reader).

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::codec::Reason;
use super::router::Out;

/// Answers waiting here keep the connection from reading on: a client that
/// asks but does not read costs no more than this.
const MAX_WAITING: usize = 4096;

/// One connection's lane.
#[derive(Debug, Default)]
pub struct Lane {
    state: Mutex<State>,
    ready: Notify,
    room: Notify,
    turn: Notify,
    gone: Notify,
}

#[derive(Debug, Default)]
struct State {
    outs: Vec<Out>,
    closed: Option<Reason>,
}

impl Lane {
    /// Adds something to send. True if the lane was empty: then
    /// [`Lane::wake`] must make the connection look.
    pub fn push(&self, out: Out) -> bool {
        let mut state = self.lock();
        if state.outs.capacity() == 0 {
            // Most connections are idle, and are sent one thing at a time.
            state.outs.reserve_exact(1);
        }
        state.outs.push(out);
        state.outs.len() == 1
    }

    /// Nothing follows any more.
    pub fn close(&self, reason: Reason) {
        self.lock().closed.get_or_insert(reason);
        self.turn.notify_one();
        self.gone.notify_one();
    }

    /// Waits until nothing follows any more, and then for `linger`: whoever has
    /// not taken it by then takes nothing.
    pub async fn given_up(&self, linger: Duration) -> Reason {
        loop {
            let closed = self.lock().closed;
            if let Some(reason) = closed {
                tokio::time::sleep(linger).await;
                return reason;
            }
            self.gone.notified().await;
        }
    }

    /// Tells the connection that there is something to take.
    pub fn wake(&self) {
        self.ready.notify_one();
    }

    /// Waits for something to send and swaps it into `outs`, which is empty.
    /// Returns the reason if nothing follows any more. Cancel-safe.
    pub async fn take(&self, outs: &mut Vec<Out>) -> Option<Reason> {
        loop {
            if let Some(closed) = self.try_take(outs) {
                self.room.notify_one();
                return closed;
            }
            self.ready.notified().await;
        }
    }

    fn try_take(&self, outs: &mut Vec<Out>) -> Option<Option<Reason>> {
        let mut state = self.lock();
        if state.outs.is_empty() && state.closed.is_none() {
            return None;
        }
        std::mem::swap(&mut state.outs, outs);
        Some(state.closed)
    }

    /// Waits until few enough answers wait to be written.
    pub async fn room(&self) {
        while self.is_crowded() {
            self.room.notified().await;
        }
    }

    /// Lets the connection hand in its next batch.
    pub fn grant_turn(&self) {
        self.turn.notify_one();
    }

    /// Waits for the router to be done with the last batch.
    pub async fn turn(&self) {
        self.turn.notified().await;
    }

    fn is_crowded(&self) -> bool {
        self.lock().outs.len() > MAX_WAITING
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
