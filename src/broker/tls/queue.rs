//! Where handshakes wait for their turn: so many at once, and of one address
//! only a share of them, so that one bad client cannot hold the others up.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;

/// Handshakes at once. The next ones wait, as long as their deadline allows.
const AT_ONCE: usize = 128;
/// Of these, how many one address may have.
const OF_ONE_ADDRESS: usize = 32;

/// Turns for handshakes.
#[derive(Debug)]
pub struct Queue {
    turns: Semaphore,
    addresses: Mutex<HashMap<IpAddr, Arc<Semaphore>>>,
}

impl Queue {
    pub fn new() -> Queue {
        Queue {
            turns: Semaphore::new(AT_ONCE),
            addresses: Mutex::default(),
        }
    }

    /// Does `work` when it is this address's turn. Cancel-safe.
    pub async fn at_turn<T>(&self, address: IpAddr, work: impl Future<Output = T>) -> T {
        let own = self.line_of(address);
        // Neither is ever closed, so there is a turn for everyone.
        let _own = own.turns.acquire().await;
        let _turn = self.turns.acquire().await;
        work.await
    }

    fn line_of(&self, address: IpAddr) -> Line<'_> {
        let mut addresses = self
            .addresses
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let new = || Arc::new(Semaphore::new(OF_ONE_ADDRESS));
        let turns = Arc::clone(addresses.entry(address).or_insert_with(new));
        Line {
            queue: self,
            address,
            turns,
        }
    }
}

/// A handshake of one address; the last one clears up.
struct Line<'a> {
    queue: &'a Queue,
    address: IpAddr,
    turns: Arc<Semaphore>,
}

impl Drop for Line<'_> {
    fn drop(&mut self) {
        let mut addresses = self
            .queue
            .addresses
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        // Ours and the map's.
        if let Entry::Occupied(line) = addresses.entry(self.address)
            && Arc::strong_count(line.get()) == 2
        {
            line.remove();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::net::Ipv4Addr;

    use futures_util::FutureExt;
    use futures_util::future::join_all;

    use super::*;

    #[tokio::test]
    async fn one_address_cannot_take_every_turn() {
        let queue = Queue::new();
        let bad = IpAddr::from(Ipv4Addr::new(10, 0, 0, 1));
        let mut stuck = Box::pin(join_all(
            (0..200).map(|_| queue.at_turn(bad, pending::<()>())),
        ));
        assert!(stuck.as_mut().now_or_never().is_none());
        assert_eq!(queue.turns.available_permits(), AT_ONCE - OF_ONE_ADDRESS);
        let good = IpAddr::from(Ipv4Addr::new(10, 0, 0, 2));
        assert_eq!(queue.at_turn(good, async { 1 }).now_or_never(), Some(1));
        let another = queue.at_turn(bad, async { 1 }).now_or_never();
        assert_eq!(another, None, "its turn has not come");
        drop(stuck);
        assert_eq!(queue.at_turn(bad, async { 1 }).now_or_never(), Some(1));
        assert_eq!(queue.turns.available_permits(), AT_ONCE);
        assert!(
            queue.addresses.lock().unwrap().is_empty(),
            "no trace is left"
        );
    }
}
