//! What was published and what of it was acknowledged, topic by topic; and the
//! first thing that went wrong.
//!
//! Messages of a topic are numbered from 1, and each topic has one publisher.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard};

use super::chance::Chance;
use super::trace::Message;
use super::wire::Publish;

/// One topic.
#[derive(Debug)]
pub struct Topic {
    pub name: String,
    /// At which its publisher publishes.
    pub qos: u8,
    pub retained: bool,
    /// The highest number that may have left its publisher.
    sent: AtomicU64,
    /// Up to here the publisher has seen every PUBACK or PUBREC.
    acknowledged: AtomicU64,
    /// How often the publisher sent those that it sent more than once.
    again: Mutex<HashMap<u64, u32>>,
}

impl Topic {
    pub fn new(name: String, qos: u8) -> Topic {
        Topic {
            retained: name.ends_with("/kept"),
            name,
            qos,
            sent: AtomicU64::new(0),
            acknowledged: AtomicU64::new(0),
            again: Mutex::default(),
        }
    }

    /// The number of a new message, which is about to be sent.
    pub fn next(&self) -> u64 {
        self.sent.fetch_add(1, SeqCst) + 1
    }

    pub fn sent(&self) -> u64 {
        self.sent.load(SeqCst)
    }

    pub fn acknowledged(&self) -> u64 {
        self.acknowledged.load(SeqCst)
    }

    pub fn acknowledge(&self, number: u64) {
        self.acknowledged.fetch_max(number, SeqCst);
    }

    /// The message is about to be sent again.
    pub fn again(&self, number: u64) {
        *self.again.lock().unwrap().entry(number).or_insert(1) += 1;
    }

    /// How often a message may have reached the broker.
    pub fn times_sent(&self, number: u64) -> u32 {
        self.again
            .lock()
            .unwrap()
            .get(&number)
            .copied()
            .unwrap_or(1)
    }

    /// Of how many deliveries of one message its receivers may hear: at QoS 2
    /// the broker takes it once, however often it is sent.
    pub fn times_taken(&self, number: u64) -> u32 {
        if self.qos == 2 {
            1
        } else {
            self.times_sent(number)
        }
    }

    /// What the message says: its number first; some are long.
    pub fn payload(&self, number: u64) -> Vec<u8> {
        let mut chance = Chance::new(number).of(&self.name);
        let length = match chance.one_in(40) {
            true => 20_000,
            false => chance.below(200),
        };
        let letter = b'a' + u8::try_from(number % 26).unwrap();
        let mut payload = format!("{number} ").into_bytes();
        payload.resize(payload.len() + usize::try_from(length).unwrap(), letter);
        payload
    }
}

/// Something that must not be.
#[derive(Clone, Debug)]
pub struct Failure {
    pub by: String,
    pub says: String,
    pub about: Option<Message>,
}

/// Why a client stops.
#[derive(Clone, Debug)]
pub enum Stop {
    /// The broker is gone, or another client has failed.
    Over,
    Failed(Failure),
}

/// What clients may expect of the broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broker {
    Serves,
    /// It closes all connections, and takes none.
    Ends,
    /// It serves, but clients are to drop their connections.
    IsCutOff,
}

/// What happened, all in all.
#[derive(Clone, Copy, Debug)]
pub struct Totals {
    pub sent: u64,
    /// Messages that their publisher sent more than once.
    pub sent_again: u64,
    pub delivered: u64,
    /// Packets that brought a message to a session that had it.
    pub repeated: u64,
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} messages, {} of them sent again; {} deliveries, {} of them again",
            self.sent, self.sent_again, self.delivered, self.repeated
        )
    }
}

/// What all clients share.
#[derive(Debug)]
pub struct Ledger {
    pub topics: Vec<Topic>,
    by_name: HashMap<String, usize>,
    broker: Mutex<Broker>,
    failed: AtomicBool,
    failure: Mutex<Option<Failure>>,
    /// Publishers that have yet to see everything acknowledged.
    publishing: AtomicUsize,
    delivered: AtomicU64,
    repeated: AtomicU64,
}

impl Ledger {
    pub fn new(topics: Vec<Topic>) -> Ledger {
        let names = topics.iter().map(|topic| topic.name.clone());
        Ledger {
            by_name: names.zip(0..).collect(),
            topics,
            broker: Mutex::new(Broker::Serves),
            failed: AtomicBool::new(false),
            failure: Mutex::default(),
            publishing: AtomicUsize::new(0),
            delivered: AtomicU64::new(0),
            repeated: AtomicU64::new(0),
        }
    }

    /// Which message this is, if it is as it was sent.
    pub fn recognise(&self, publish: &Publish) -> Option<Message> {
        let index = *self.by_name.get(&publish.topic)?;
        let number = publish.payload.split(|byte| *byte == b' ').next()?;
        let number = std::str::from_utf8(number).ok()?.parse().ok()?;
        let topic = &self.topics[index];
        let is_so = number <= topic.sent() && publish.payload == topic.payload(number);
        is_so.then_some((index, number))
    }

    /// `kill/red/a 17`
    pub fn name(&self, (topic, number): Message) -> String {
        let name = self
            .topics
            .get(topic)
            .map_or("unknown", |topic| &topic.name);
        format!("{name} {number}")
    }

    /// To be called before the broker ends, and again once it serves.
    pub fn set(&self, broker: Broker) {
        *self.broker.lock().unwrap() = broker;
    }

    /// Whether a connection may be gone.
    pub fn is_over(&self) -> bool {
        *self.broker.lock().unwrap() != Broker::Serves || self.has_failed()
    }

    /// Whether clients should drop their connections.
    pub fn is_cut(&self) -> bool {
        *self.broker.lock().unwrap() == Broker::IsCutOff || self.has_failed()
    }

    fn has_failed(&self) -> bool {
        self.failed.load(SeqCst)
    }

    /// Remembers why a client stopped, if it is the first failure.
    pub fn stopped(&self, stop: Stop) {
        if let Stop::Failed(failure) = stop {
            self.failure().get_or_insert(failure);
            self.failed.store(true, SeqCst);
        }
    }

    pub fn failure(&self) -> MutexGuard<'_, Option<Failure>> {
        self.failure.lock().unwrap()
    }

    /// So many publishers are about to finish.
    pub fn set_publishing(&self, publishers: usize) {
        self.publishing.store(publishers, SeqCst);
    }

    /// A publisher has seen everything acknowledged.
    pub fn has_published(&self) {
        self.publishing.fetch_sub(1, SeqCst);
    }

    pub fn is_publishing(&self) -> bool {
        self.publishing.load(SeqCst) > 0
    }

    pub fn count_delivered(&self) {
        self.delivered.fetch_add(1, SeqCst);
    }

    /// A message came from the broker once more.
    pub fn count_repeated(&self) {
        self.repeated.fetch_add(1, SeqCst);
    }

    pub fn totals(&self) -> Totals {
        let again = |topic: &Topic| topic.again.lock().unwrap().len() as u64;
        Totals {
            sent: self.topics.iter().map(Topic::sent).sum(),
            sent_again: self.topics.iter().map(again).sum(),
            delivered: self.delivered.load(SeqCst),
            repeated: self.repeated.load(SeqCst),
        }
    }
}
