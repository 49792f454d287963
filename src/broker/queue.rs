//! Where costly work for newcomers waits for its turn: so much at once, and for
//! one address only a share of it, so that one bad client cannot hold the
//! others up.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;

/// Turns for work. Who waits is bounded by the connections that there may be.
#[derive(Debug)]
pub struct Queue {
    turns: Semaphore,
    of_one_address: usize,
    addresses: Mutex<HashMap<IpAddr, Arc<Semaphore>>>,
}

impl Queue {
    /// `at_once` turns, of which one address has at most `of_one_address`. The
    /// next ones wait, first come, first served.
    pub fn new(at_once: usize, of_one_address: usize) -> Queue {
        Queue {
            turns: Semaphore::new(at_once),
            of_one_address,
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
        let new = || Arc::new(Semaphore::new(self.of_one_address));
        let turns = Arc::clone(addresses.entry(address).or_insert_with(new));
        Line {
            queue: self,
            address,
            turns,
        }
    }
}

/// Work for one address; the last one clears up.
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
        let (at_once, of_one_address) = (128, 32);
        let queue = Queue::new(at_once, of_one_address);
        let bad = IpAddr::from(Ipv4Addr::new(10, 0, 0, 1));
        let mut stuck = Box::pin(join_all(
            (0..200).map(|_| queue.at_turn(bad, pending::<()>())),
        ));
        assert!(stuck.as_mut().now_or_never().is_none());
        assert_eq!(queue.turns.available_permits(), at_once - of_one_address);
        let good = IpAddr::from(Ipv4Addr::new(10, 0, 0, 2));
        assert_eq!(queue.at_turn(good, async { 1 }).now_or_never(), Some(1));
        let another = queue.at_turn(bad, async { 1 }).now_or_never();
        assert_eq!(another, None, "its turn has not come");
        drop(stuck);
        assert_eq!(queue.at_turn(bad, async { 1 }).now_or_never(), Some(1));
        assert_eq!(queue.turns.available_permits(), at_once);
        assert!(
            queue.addresses.lock().unwrap().is_empty(),
            "no trace is left"
        );
    }
}
