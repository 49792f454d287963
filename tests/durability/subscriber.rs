//! A subscriber whose session outlives its connections and the broker: the
//! receiving side of MQTT 5.0, 4.3, 4.4 and 4.6.
//!
//! It remembers the ids of QoS 2 messages until their PUBREL, and never asks
//! DUP whether a message is new. Its answers go out in order, sometimes late.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::Duration;

use super::chance::Chance;
use super::expected::{Arrival, Expected, Receipt, Receipts, Shared};
use super::ledger::{Ledger, Stop};
use super::line::Line;
use super::session::{Goal, Session};
use super::trace::{Did, Message};
use super::wire::{self, Connect, PUBACK, PUBCOMP, PUBREC, PUBREL, Packet, Publish, Version};

/// A break in what comes that is taken for the end.
const SILENCE: Duration = Duration::from_millis(2);

/// How a subscriber behaves while the broker lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Habit {
    /// Stays.
    Steady,
    /// Goes, with or without a word, and comes again.
    Wanders,
    /// Is never there when the broker is killed.
    Sleeps,
    /// Ends its subscription and makes it again.
    Changes,
}

/// Members of a shared subscription: what they get, topic by topic, together.
pub type Crew = Arc<Mutex<Vec<Shared>>>;

/// A client with one subscription.
#[derive(Debug)]
pub struct Subscriber {
    pub session: Session,
    filter: &'static str,
    qos: u8,
    habit: Habit,
    receive_maximum: Option<usize>,
    crew: Option<Crew>,
    subscription: Subscription,
    /// Of each topic; where the filter does not match, nothing.
    expected: Vec<Expected>,
    receipts: Receipts,
    /// QoS 2 messages by their id, and the connection that brought them last.
    unreleased: HashMap<u16, (Message, u32)>,
    /// Answers that are not sent yet.
    owed: VecDeque<Answer>,
    /// Messages that count against the Receive Maximum (MQTT 5.0, 4.9).
    open: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Subscription {
    None,
    /// SUBSCRIBE is sent, SUBACK has not come.
    Subscribing,
    Lives,
    /// UNSUBSCRIBE is sent, UNSUBACK has not come.
    Unsubscribing,
}

#[derive(Clone, Copy, Debug)]
struct Answer {
    first: u8,
    id: u16,
    message: Message,
}

impl Subscriber {
    pub fn new(name: &str, version: Version, filter: &'static str, qos: u8) -> Subscriber {
        Subscriber {
            session: Session::new(name, wire::lasting(version, name)),
            filter,
            qos,
            habit: Habit::Steady,
            receive_maximum: None,
            crew: None,
            subscription: Subscription::None,
            expected: Vec::new(),
            receipts: Receipts::default(),
            unreleased: HashMap::new(),
            owed: VecDeque::new(),
            open: 0,
        }
    }

    pub fn habit(self, habit: Habit) -> Subscriber {
        Subscriber { habit, ..self }
    }

    pub fn of(self, crew: &Crew) -> Subscriber {
        Subscriber {
            crew: Some(Arc::clone(crew)),
            ..self
        }
    }

    pub fn receive_maximum(mut self, count: u16) -> Subscriber {
        let property = wire::property::receive_maximum(count);
        self.session.connect = Connect::with(self.session.connect, property);
        self.receive_maximum = Some(count.into());
        self
    }

    /// Receives until the goal is reached or the broker is ended.
    pub fn run(
        &mut self,
        at: SocketAddr,
        ledger: &Ledger,
        mut chance: Chance,
        goal: Goal,
    ) -> Result<(), Stop> {
        self.expected
            .resize_with(ledger.topics.len(), Expected::default);
        if (goal, self.habit) == (Goal::Live, Habit::Sleeps) {
            return Ok(());
        }
        loop {
            let mut line = self.session.resume(at, ledger)?;
            self.open = 0;
            self.owed.clear();
            match self.subscription {
                Subscription::None if goal == Goal::Begin => self.subscribe(&mut line),
                Subscription::Subscribing => self.subscribe(&mut line),
                Subscription::Unsubscribing => self.unsubscribe(&mut line),
                Subscription::None | Subscription::Lives => {}
            }
            if goal != Goal::Live {
                return self.finish(&mut line, ledger);
            }
            self.live(&mut line, ledger, &mut chance)?;
            self.leave(&mut line, chance.one_in(2));
            drop(line);
            sleep(Duration::from_millis(chance.below(20)));
        }
    }

    /// Receives for a while.
    fn live(&mut self, line: &mut Line, ledger: &Ledger, chance: &mut Chance) -> Result<(), Stop> {
        let is_wandering = self.habit == Habit::Wanders;
        while !(is_wandering && chance.one_in(80)) {
            match self.session.hear(line, SILENCE, ledger)? {
                Some(packet) => {
                    self.take(&packet, ledger)?;
                    if !chance.one_in(4) {
                        self.answer(line);
                    }
                }
                None if chance.one_in(2) => self.answer(line),
                None => {}
            }
            if self.habit == Habit::Changes && chance.one_in(60) {
                self.change(line);
            }
            self.session.is_content();
        }
        Ok(())
    }

    /// Receives what must still come.
    fn finish(&mut self, line: &mut Line, ledger: &Ledger) -> Result<(), Stop> {
        loop {
            match self.session.hear(line, SILENCE, ledger)? {
                Some(packet) => {
                    self.take(&packet, ledger)?;
                    self.answer(line);
                }
                None if self.is_done(ledger)? => break,
                None => {}
            }
        }
        self.leave(line, true);
        Ok(())
    }

    fn leave(&mut self, line: &mut Line, with_a_word: bool) {
        if with_a_word {
            line.send(&wire::DISCONNECT);
        }
        self.session.trace.note(Did::Lost("leaves"));
    }

    /// Whether nothing must come any more. Fails if it should have come long ago.
    fn is_done(&mut self, ledger: &Ledger) -> Result<bool, Stop> {
        if ledger.is_publishing() {
            self.session.is_content();
            return Ok(false);
        }
        if let Some(missing) = self.missing(ledger) {
            let name = ledger.name(missing);
            self.session.wait_no_longer(&name, Some(missing))?;
            return Ok(false);
        }
        if let Some((id, (message, _))) = self.unreleased.iter().next() {
            let what = format!("PUBREL for id {id}");
            self.session.wait_no_longer(&what, Some(*message))?;
            return Ok(false);
        }
        let is_settled = matches!(self.subscription, Subscription::None | Subscription::Lives);
        if !is_settled {
            self.session.wait_no_longer("SUBACK or UNSUBACK", None)?;
        }
        Ok(is_settled)
    }

    fn missing(&self, ledger: &Ledger) -> Option<Message> {
        let missing = |(index, topic): (usize, &super::ledger::Topic)| {
            let last = topic.acknowledged();
            let number = match &self.crew {
                Some(crew) => crew.lock().unwrap()[index].missing(last),
                None => self.expected[index].missing(last),
            };
            number.map(|number| (index, number))
        };
        ledger.topics.iter().enumerate().find_map(missing)
    }

    fn change(&mut self, line: &mut Line) {
        match self.subscription {
            Subscription::None => self.subscribe(line),
            Subscription::Lives => self.unsubscribe(line),
            Subscription::Subscribing | Subscription::Unsubscribing => {}
        }
    }

    fn subscribe(&mut self, line: &mut Line) {
        self.expected.iter_mut().for_each(Expected::uncertain);
        self.subscription = Subscription::Subscribing;
        self.session.trace.note(Did::Asked("SUBSCRIBE"));
        let filters = [(self.filter, self.qos)];
        line.send(&wire::subscribe(self.session.version(), 1, &[], &filters));
    }

    fn unsubscribe(&mut self, line: &mut Line) {
        self.expected.iter_mut().for_each(Expected::uncertain);
        self.subscription = Subscription::Unsubscribing;
        self.session.trace.note(Did::Asked("UNSUBSCRIBE"));
        line.send(&wire::unsubscribe(
            self.session.version(),
            1,
            &[self.filter],
        ));
    }

    fn take(&mut self, packet: &Packet, ledger: &Ledger) -> Result<(), Stop> {
        let version = self.session.version();
        match (packet.first, self.subscription) {
            (0x30..=0x3f, _) => self.message(&Publish::of(packet, version), ledger),
            (PUBREL, _) => {
                self.released(&packet.body);
                Ok(())
            }
            (0x90, Subscription::Subscribing) if packet.body.last() == Some(&self.qos) => {
                self.session.is_known = true;
                self.subscription = Subscription::Lives;
                self.session.trace.note(Did::Granted("SUBACK"));
                self.each_wanted(ledger, Expected::subscribed);
                Ok(())
            }
            (0xb0, Subscription::Unsubscribing) => {
                self.subscription = Subscription::None;
                self.session.trace.note(Did::Granted("UNSUBACK"));
                self.each_wanted(ledger, Expected::unsubscribed);
                Ok(())
            }
            _ => self.session.fail(format!("gets {packet:?}"), None),
        }
    }

    /// For the topics that the filter matches, with what may have been sent.
    fn each_wanted(&mut self, ledger: &Ledger, tell: fn(&mut Expected, u64)) {
        for (topic, expected) in ledger.topics.iter().zip(&mut self.expected) {
            if matches(self.filter, &topic.name) {
                tell(expected, topic.sent());
            }
        }
    }

    fn message(&mut self, publish: &Publish, ledger: &Ledger) -> Result<(), Stop> {
        let Some(message) = ledger.recognise(publish) else {
            let (topic, length) = (&publish.topic, publish.payload.len());
            return self.session.fail(
                format!("gets {length} bytes on {topic} that nobody sent"),
                None,
            );
        };
        let &Publish {
            id,
            qos,
            dup,
            retain,
            ..
        } = publish;
        self.session.trace.note(Did::Got {
            message,
            id,
            qos,
            dup,
            retain,
        });
        let says = self.receive(message, publish, ledger).err();
        if let Some(says) = says {
            return self
                .session
                .fail(format!("{} {says}", ledger.name(message)), Some(message));
        }
        let first = if qos == 2 { PUBREC } else { PUBACK };
        self.owed.push_back(Answer { first, id, message });
        Ok(())
    }

    /// # Errors
    /// What is wrong with it.
    fn receive(
        &mut self,
        message: Message,
        publish: &Publish,
        ledger: &Ledger,
    ) -> Result<(), String> {
        let topic = &ledger.topics[message.0];
        if publish.qos != topic.qos.min(self.qos) {
            return Err(format!("came at QoS {}", publish.qos));
        }
        self.open += 1;
        if self.receive_maximum.is_some_and(|most| self.open > most) {
            return Err("came beyond the Receive Maximum".to_owned());
        }
        let connection = self.session.connection;
        let held = match publish.qos {
            2 => self.unreleased.insert(publish.id, (message, connection)),
            _ => None,
        };
        if let Some((held, last)) = held {
            ledger.count_repeated();
            return repeats(held, last, publish.dup, message, connection)
                .map_err(|says| format!("{says} (id {})", publish.id));
        }
        // What is retained comes once more for each new subscription.
        if publish.retain {
            return Ok(());
        }
        ledger.count_delivered();
        let receipt = Receipt {
            message,
            id: publish.id,
            dup: publish.dup,
            connection,
        };
        match self.arrived(message)? {
            Arrival::First => {
                self.receipts.first(receipt);
                Ok(())
            }
            Arrival::Again if topic.qos == 2 && publish.qos == 2 => {
                Err("was delivered twice, at QoS 2".to_owned())
            }
            // Another member may have had it first.
            Arrival::Again if self.crew.is_some() => Ok(()),
            Arrival::Again => {
                ledger.count_repeated();
                self.receipts.again(receipt, topic.times_taken(message.1))
            }
        }
    }

    fn arrived(&mut self, (topic, number): Message) -> Result<Arrival, String> {
        match &self.crew {
            Some(crew) => Ok(crew.lock().unwrap()[topic].arrived(number)),
            None => self.expected[topic].arrived(number),
        }
    }

    /// PUBREL: the id is free for another message.
    fn released(&mut self, body: &[u8]) {
        let id = u16::from_be_bytes([body[0], body[1]]);
        let message = self
            .unreleased
            .remove(&id)
            .map_or((usize::MAX, 0), |(message, _)| message);
        self.session.trace.note(Did::Heard {
            message,
            id,
            packet: "PUBREL",
        });
        self.owed.push_back(Answer {
            first: PUBCOMP,
            id,
            message,
        });
    }

    fn answer(&mut self, line: &mut Line) {
        for Answer { first, id, message } in self.owed.drain(..) {
            let packet = match first {
                PUBACK => "PUBACK",
                PUBREC => "PUBREC",
                _ => "PUBCOMP",
            };
            self.open = self.open.saturating_sub(usize::from(first != PUBREC));
            self.session.trace.note(Did::Answered {
                message,
                id,
                packet,
            });
            line.send(&wire::ack(first, id));
        }
    }
}

/// A PUBLISH with an id that is not released must be the same message again.
fn repeats(
    held: Message,
    last: u32,
    dup: bool,
    message: Message,
    connection: u32,
) -> Result<(), String> {
    if held != message {
        return Err("came under the id of a message that is not released".to_owned());
    }
    match (dup, last == connection) {
        (_, true) => Err("was repeated on the same connection".to_owned()),
        (false, _) => Err("was repeated without DUP".to_owned()),
        (true, false) => Ok(()),
    }
}

/// Whether a filter of this test matches: they have `+` for whole levels, and
/// `#` at their end.
fn matches(filter: &str, topic: &str) -> bool {
    let filter = match filter.strip_prefix("$share/") {
        Some(shared) => shared.split_once('/').unwrap().1,
        None => filter,
    };
    let mut levels = topic.split('/');
    for wanted in filter.split('/') {
        match (wanted, levels.next()) {
            ("#", _) => return true,
            ("+", Some(_)) => {}
            (wanted, level) if level == Some(wanted) => {}
            _ => return false,
        }
    }
    levels.next().is_none()
}
