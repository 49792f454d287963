//! What one session must get, what it may get again, and what it must not get.
//! Pure: numbers of messages in, a verdict out.

use std::collections::{BTreeSet, VecDeque};

use super::trace::Message;

/// A receipt that comes later than this many others is not remembered.
const REMEMBERED: usize = 4096;

/// What one session gets of one topic. The topic has one publisher, which sends
/// its messages in order, and again in order [MQTT-4.6.0-1]: so those that
/// arrive for the first time are in order, and none is left out (4.6).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Expected {
    highest: u64,
    /// The first message that was sent after SUBACK was seen.
    from: Option<u64>,
    /// The last that may have been sent before UNSUBACK was seen.
    until: Option<u64>,
}

/// Whether a message arrived before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Arrival {
    First,
    Again,
}

impl Expected {
    /// SUBACK is here, and up to `sent` messages may have been sent before.
    pub fn subscribed(&mut self, sent: u64) {
        self.from.get_or_insert(sent + 1);
    }

    /// SUBSCRIBE or UNSUBSCRIBE was sent: anything may arrive, nothing must.
    /// What waits for a session need not be sent to it any more when it
    /// unsubscribes (MQTT 5.0, 3.10.4).
    pub fn uncertain(&mut self) {
        (self.from, self.until) = (None, None);
    }

    /// UNSUBACK is here, and up to `sent` messages may have been sent before.
    pub fn unsubscribed(&mut self, sent: u64) {
        self.until = Some(sent);
    }

    /// # Errors
    /// What is wrong with the message.
    pub fn arrived(&mut self, number: u64) -> Result<Arrival, String> {
        if self.until.is_some_and(|until| number > until) {
            return Err("was sent after the subscription had ended".to_owned());
        }
        if number <= self.highest {
            return Ok(Arrival::Again);
        }
        if let Some(missing) = self.missing(number - 1) {
            return Err(format!("came, but {missing} has not come before"));
        }
        self.highest = number;
        Ok(Arrival::First)
    }

    /// The first message that has not come, of those up to `last` that must.
    pub fn missing(&self, last: u64) -> Option<u64> {
        let missing = (self.highest + 1).max(self.from?);
        (missing <= last).then_some(missing)
    }
}

/// What the members of a shared subscription get of one topic, together. Their
/// order is not kept when one member's messages are handed to another.
#[derive(Clone, Debug, Default)]
pub struct Shared {
    /// All up to here have arrived, and these above.
    all_to: u64,
    above: BTreeSet<u64>,
}

impl Shared {
    pub fn arrived(&mut self, number: u64) -> Arrival {
        if number <= self.all_to || !self.above.insert(number) {
            return Arrival::Again;
        }
        while self.above.remove(&(self.all_to + 1)) {
            self.all_to += 1;
        }
        Arrival::First
    }

    pub fn missing(&self, last: u64) -> Option<u64> {
        (self.all_to < last).then_some(self.all_to + 1)
    }
}

/// What a session got at QoS 1, lately.
#[derive(Debug, Default)]
pub struct Receipts(VecDeque<Receipt>);

/// One PUBLISH.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Receipt {
    pub message: Message,
    pub id: u16,
    pub dup: bool,
    /// Counts the session's connections.
    pub connection: u32,
}

impl Receipts {
    /// A message came for the first time.
    pub fn first(&mut self, receipt: Receipt) {
        self.0.push_back(receipt);
        if self.0.len() > REMEMBERED {
            self.0.pop_front();
        }
    }

    /// A message came again. Either the broker repeats a PUBLISH on a later
    /// connection, with DUP and the same id [MQTT-4.4.0-1]; or it delivers the
    /// message once more, because it has taken it more than once.
    ///
    /// # Errors
    /// If it is neither.
    pub fn again(&mut self, receipt: Receipt, times_taken: u32) -> Result<(), String> {
        let of_it = || self.0.iter().filter(|one| one.message == receipt.message);
        let repeated = of_it().rev().find(|one| one.id == receipt.id);
        if let (Some(repeated), true) = (repeated, receipt.dup) {
            if repeated.connection == receipt.connection {
                return Err("was repeated on the same connection".to_owned());
            }
            self.repeated(receipt);
            return Ok(());
        }
        let deliveries = of_it().count().max(1);
        let most = usize::try_from(times_taken).unwrap();
        let is_long_ago = receipt.dup && of_it().next().is_none();
        if deliveries >= most && !is_long_ago {
            let ids: Vec<u16> = of_it().map(|one| one.id).collect();
            let dup = if receipt.dup { "with" } else { "without" };
            return Err(format!(
                "came again {dup} DUP under id {}; it came under {ids:?} before, and the broker has \
                 taken it at most {most} times",
                receipt.id
            ));
        }
        self.first(receipt);
        Ok(())
    }

    /// A repeated PUBLISH stands for the one that it repeats.
    fn repeated(&mut self, receipt: Receipt) {
        let is_same = |one: &&mut Receipt| one.message == receipt.message && one.id == receipt.id;
        if let Some(one) = self.0.iter_mut().rev().find(is_same) {
            one.connection = receipt.connection;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subscribed() -> Expected {
        let mut expected = Expected::default();
        expected.subscribed(0);
        expected
    }

    #[test]
    fn first_arrivals_are_in_order_and_complete() {
        let mut expected = subscribed();
        for number in [1, 2, 1, 2, 3] {
            expected.arrived(number).unwrap();
        }
        assert_eq!(expected.arrived(2), Ok(Arrival::Again));
        assert_eq!(expected.missing(3), None);
        assert_eq!(expected.missing(5), Some(4));
        let wrong = expected.arrived(5).unwrap_err();
        assert_eq!(wrong, "came, but 4 has not come before");
    }

    #[test]
    fn what_was_sent_before_suback_may_come_or_not() {
        let mut expected = Expected::default();
        assert_eq!(expected.arrived(3), Ok(Arrival::First));
        expected.subscribed(5);
        assert_eq!(expected.missing(5), None);
        assert_eq!(expected.arrived(5), Ok(Arrival::First));
        assert_eq!(expected.missing(6), Some(6));
        expected.subscribed(9);
        assert_eq!(expected.missing(6), Some(6), "the subscription went on");
        expected.arrived(7).unwrap_err();
    }

    #[test]
    fn the_end_of_a_subscription_may_leave_a_gap() {
        let mut expected = subscribed();
        expected.arrived(1).unwrap();
        expected.uncertain();
        assert_eq!(expected.missing(9), None);
        assert_eq!(expected.arrived(4), Ok(Arrival::First));
        expected.unsubscribed(6);
        expected.arrived(6).unwrap();
        expected.arrived(7).unwrap_err();
        expected.uncertain();
        expected.subscribed(10);
        assert_eq!(expected.missing(11), Some(11));
        expected.arrived(12).unwrap_err();
        expected.arrived(9).unwrap();
        expected.arrived(11).unwrap();
    }

    #[test]
    fn a_shared_subscription_is_complete_in_any_order() {
        let mut shared = Shared::default();
        assert_eq!(shared.arrived(2), Arrival::First);
        assert_eq!(shared.missing(2), Some(1));
        assert_eq!(shared.arrived(1), Arrival::First);
        assert_eq!(shared.arrived(2), Arrival::Again);
        assert_eq!((shared.missing(2), shared.missing(3)), (None, Some(3)));
    }

    fn receipt(number: u64, id: u16, dup: bool, connection: u32) -> Receipt {
        Receipt {
            message: (0, number),
            id,
            dup,
            connection,
        }
    }

    #[test]
    fn a_repeated_publish_has_dup_and_its_id_and_a_new_connection() {
        let mut receipts = Receipts::default();
        receipts.first(receipt(1, 7, false, 1));
        receipts.again(receipt(1, 7, true, 2), 1).unwrap();
        receipts.again(receipt(1, 7, true, 3), 1).unwrap();
        receipts.again(receipt(1, 7, true, 3), 1).unwrap_err();
        receipts.again(receipt(1, 7, false, 4), 1).unwrap_err();
        receipts.again(receipt(1, 8, true, 4), 1).unwrap_err();
    }

    #[test]
    fn a_message_is_delivered_as_often_as_the_broker_took_it() {
        let mut receipts = Receipts::default();
        receipts.first(receipt(1, 7, false, 1));
        receipts.again(receipt(1, 8, false, 1), 2).unwrap();
        receipts.again(receipt(1, 8, true, 2), 2).unwrap();
        receipts.again(receipt(1, 9, true, 2), 3).unwrap();
        receipts.again(receipt(1, 10, false, 2), 3).unwrap_err();
    }

    #[test]
    fn what_is_forgotten_may_be_repeated() {
        let mut receipts = Receipts::default();
        (0..=REMEMBERED as u64).for_each(|one| receipts.first(receipt(one, 1, false, 1)));
        receipts.again(receipt(0, 1, true, 2), 1).unwrap();
        receipts.again(receipt(0, 2, false, 2), 1).unwrap_err();
    }
}
