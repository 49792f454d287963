//! A broker written to be read: flat lists, and a look at everything each time.
//!
//! It says what the router must do, and shares none of its ways: no tree, no
//! timers, no index. [`model`](super::model) holds the two side by side.

mod messages;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::super::{Counters, Limits};
use super::*;
use crate::broker::codec::RetainHandling;
pub use crate::broker::outbound::Awaiting;
use crate::broker::session::NEVER_EXPIRES;
use crate::broker::topic::{self, SharedFilter};
use crate::clock::Moment;
pub use messages::beginning;
use messages::{expires, is_over};

/// What a client sees of the broker, without packet ids of outgoing messages.
#[derive(Clone, Debug, PartialEq)]
pub enum Seen {
    Welcome {
        present: bool,
    },
    Message {
        topic: Arc<str>,
        /// Its beginning and its length.
        payload: (Bytes, usize),
        qos: Qos,
        retain: bool,
        dup: bool,
        expiry_left: Option<u32>,
        /// Sorted.
        subscription_ids: Vec<u32>,
    },
    /// The id of a PUBREL, which the broker has chosen, is left out.
    Release(Reason),
    Ack(&'static str, PacketId, Reason),
    Granted(Vec<Reason>),
    Removed(Vec<Reason>),
    Fence,
    Goodbye(Reason),
    Closed(Reason),
}

/// A client, by its number.
pub type Who = usize;

#[derive(Clone, Debug)]
struct Text {
    topic: Arc<str>,
    payload: Bytes,
    qos: Qos,
    retain: bool,
    publisher: Who,
    expires: Option<Moment>,
}

#[derive(Clone, Debug)]
struct Copy {
    text: Text,
    qos: Qos,
    retain: bool,
    subscription_ids: Vec<u32>,
    /// It may have been sent before a restart.
    doubtful: bool,
}

#[derive(Debug)]
struct Exchange {
    copy: Copy,
    stage: Awaiting,
    sent: bool,
    dup: bool,
}

#[derive(Debug)]
struct Online {
    version: Version,
    window: usize,
    maximum_packet_size: Option<u32>,
    ahead: usize,
    fence: Option<usize>,
}

#[derive(Debug, Default)]
struct Client {
    online: Option<Online>,
    /// Which connection of all this is or was.
    number: u64,
    /// Which session of all this is.
    born: u64,
    expiry: u32,
    will: Option<(Will, Option<Moment>)>,
    ends: Option<Moment>,
    subscriptions: Vec<(String, SubscriptionOptions, Option<u32>)>,
    exchanges: Vec<Exchange>,
    replay: Vec<Copy>,
    queue: Vec<Copy>,
    received: Vec<PacketId>,
}

impl Client {
    /// Returns the delay of its will, in seconds.
    fn go_offline(&mut self, now: Now) -> Option<u32> {
        self.online = None;
        for exchange in &mut self.exchanges {
            exchange.dup |= exchange.sent;
            exchange.sent = false;
        }
        self.replay.retain(|copy| copy.qos != Qos::AtMostOnce);
        self.queue.retain(|copy| copy.qos != Qos::AtMostOnce);
        let after = |seconds: u32| now.moment + Duration::from_secs(seconds.into());
        self.ends = (self.expiry != NEVER_EXPIRES).then(|| after(self.expiry));
        let (will, at) = self.will.as_mut()?;
        *at = Some(after(will.delay));
        Some(will.delay)
    }
}

#[derive(Debug)]
pub struct Reference {
    limits: Limits,
    clients: BTreeMap<Who, Client>,
    retained: Vec<Text>,
    connections: u64,
    pub seen: Vec<(Who, Seen)>,
    /// Places of exchanges given up, as the client's new connection takes less.
    pub given_up: Vec<(Who, usize)>,
    pub counters: Counters,
}

impl Reference {
    pub fn new(limits: Limits) -> Reference {
        Reference {
            limits,
            clients: BTreeMap::new(),
            retained: Vec::new(),
            connections: 0,
            seen: Vec::new(),
            given_up: Vec::new(),
            counters: Counters::default(),
        }
    }

    pub fn connect(&mut self, who: Who, connect: Connect, now: Now) {
        if let Some(old) = self.clients.get_mut(&who) {
            let goes_on = !connect.clean_start;
            let was_online = old.online.is_some();
            let delayed = old.will.as_ref().is_some_and(|(will, _)| will.delay > 0);
            if goes_on && (delayed || !was_online) {
                old.will = None;
            }
            if was_online {
                self.dismiss(who, Reason::SessionTakenOver, now);
            }
            if connect.clean_start {
                self.end(who, now);
            }
        }
        let present = self.clients.contains_key(&who);
        self.connections += 1;
        let client = self.clients.entry(who).or_default();
        if !present {
            client.born = self.connections;
        }
        client.number = self.connections;
        client.ends = None;
        client.will = connect.will.map(|will| (will, None));
        client.expiry = match connect.version {
            Version::V5 => connect.session_expiry.unwrap_or(0),
            Version::V311 if connect.clean_start => 0,
            Version::V311 => NEVER_EXPIRES,
        };
        let window = connect.receive_maximum.map_or(u16::MAX, u16::from);
        client.online = Some(Online {
            version: connect.version,
            window: window.min(self.limits.inflight).into(),
            maximum_packet_size: connect.maximum_packet_size,
            ahead: 0,
            fence: None,
        });
        self.see(who, Seen::Welcome { present });
        self.send(who, now);
    }

    /// Says why, closes, and takes the connection for lost.
    pub fn dismiss(&mut self, who: Who, reason: Reason, now: Now) {
        if self.version(who) == Some(Version::V5) {
            self.see(who, Seen::Goodbye(reason));
        }
        self.see(who, Seen::Closed(reason));
        self.lost(who, now);
    }

    pub fn disconnect(&mut self, who: Who, disconnect: &Disconnect, now: Now) {
        let Some(client) = self.clients.get_mut(&who) else {
            return;
        };
        if let Some(expiry) = disconnect.session_expiry {
            if client.expiry == 0 && expiry > 0 {
                return self.dismiss(who, Reason::ProtocolError, now);
            }
            client.expiry = expiry;
        }
        if disconnect.reason == Reason::Success {
            client.will = None;
        }
        self.see(who, Seen::Closed(Reason::Success));
        self.lost(who, now);
    }

    /// Everybody is lost at the same moment, and the broker counts anew.
    pub fn restart(&mut self, now: Now) {
        let mut by_age: Vec<(u64, Who)> = self
            .clients
            .iter()
            .map(|(who, one)| (one.born, *who))
            .collect();
        by_age.sort_unstable();
        for (_, who) in by_age {
            self.connections += 1;
            if let Some(client) = self.clients.get_mut(&who) {
                client.number = self.connections;
                let was_online = client.online.is_some();
                if was_online {
                    client.go_offline(now);
                }
                for copy in client.replay.iter_mut().chain(&mut client.queue) {
                    copy.doubtful |= was_online && copy.qos == Qos::AtLeastOnce;
                }
                if client.expiry == 0 {
                    // It is not there after the start, so no will that is sent then reaches it.
                    client.subscriptions.clear();
                }
            }
        }
        self.counters = Counters::default();
        self.wake(now);
    }

    pub fn lost(&mut self, who: Who, now: Now) {
        let Some(client) = self.clients.get_mut(&who) else {
            return;
        };
        let delay = client.go_offline(now);
        let expiry = client.expiry;
        if delay == Some(0) {
            self.publish_will(who, now);
        }
        if expiry == 0 {
            self.end(who, now);
        }
    }

    /// Does what has become due, one thing after the other.
    pub fn wake(&mut self, now: Now) {
        loop {
            let offline = self.clients.iter().filter(|(_, one)| one.online.is_none());
            let due = offline.flat_map(|(who, one)| {
                let will = one.will.as_ref().and_then(|(_, at)| *at);
                let will = will.map(|at| (at, one.number, false, *who));
                will.into_iter()
                    .chain(one.ends.map(|at| (at, one.number, true, *who)))
            });
            match due.filter(|(at, ..)| *at <= now.moment).min() {
                Some((.., true, who)) => self.end(who, now),
                Some((.., false, who)) => self.publish_will(who, now),
                None => return,
            }
        }
    }

    fn end(&mut self, who: Who, now: Now) {
        self.publish_will(who, now);
        self.clients.remove(&who);
    }

    fn publish_will(&mut self, who: Who, now: Now) {
        let client = self.clients.get_mut(&who);
        if let Some((will, _)) = client.and_then(|client| client.will.take()) {
            let text = Text {
                topic: will.topic,
                payload: will.payload,
                qos: will.qos,
                retain: will.retain,
                publisher: who,
                expires: expires(&will.properties, now),
            };
            self.route(&text, now);
        }
    }

    pub fn subscribe(&mut self, who: Who, subscribe: &Subscribe, now: Now) {
        let most = self.limits.subscriptions;
        let Some(client) = self.clients.get_mut(&who) else {
            return;
        };
        let (mut reasons, mut replays) = (Vec::new(), Vec::new());
        for (filter, options) in &subscribe.filters {
            let known = client.subscriptions.iter().position(|one| one.0 == *filter);
            if known.is_none() && client.subscriptions.len() == most {
                self.counters.refused_subscriptions += 1;
                reasons.push(Reason::QuotaExceeded);
                continue;
            }
            reasons.push(Reason::from_code(options.qos as u8).unwrap());
            if let Some(known) = known {
                client.subscriptions.remove(known);
            }
            let subscription = (filter.clone(), *options, subscribe.id);
            client.subscriptions.push(subscription.clone());
            let wanted = match options.retain_handling {
                RetainHandling::Send => true,
                RetainHandling::SendIfNew => known.is_none(),
                RetainHandling::DoNotSend => false,
            };
            if wanted && SharedFilter::parse(filter).is_none() {
                replays.push(subscription);
            }
        }
        self.see(who, Seen::Granted(reasons));
        for (filter, options, id) in replays {
            self.replay(who, &filter, options, id, now);
        }
        self.send(who, now);
    }

    fn replay(
        &mut self,
        who: Who,
        filter: &str,
        with: SubscriptionOptions,
        id: Option<u32>,
        now: Now,
    ) {
        let mut found = self.retained(filter, now);
        found.retain(|text| !(with.no_local && text.publisher == who));
        let copies = found.into_iter().map(|text| Copy {
            qos: text.qos.min(with.qos),
            doubtful: false,
            retain: true,
            subscription_ids: id.into_iter().collect(),
            text,
        });
        if let Some(client) = self.clients.get_mut(&who) {
            client.replay.extend(copies);
        }
    }

    fn retained(&self, filter: &str, now: Now) -> Vec<Text> {
        let live = self.retained.iter().filter(|text| !is_over(text, now));
        let found = live.filter(|text| topic::matches(filter, &text.topic));
        let mut found: Vec<Text> = found.cloned().collect();
        found.sort_by(|a, b| a.topic.cmp(&b.topic));
        found
    }

    pub fn unsubscribe(&mut self, who: Who, filters: &[String]) {
        let Some(client) = self.clients.get_mut(&who) else {
            return;
        };
        let mut reasons = Vec::new();
        for filter in filters {
            let before = client.subscriptions.len();
            client.subscriptions.retain(|one| one.0 != *filter);
            reasons.push(match client.subscriptions.len() == before {
                true => Reason::NoSubscriptionExisted,
                false => Reason::Success,
            });
        }
        self.see(who, Seen::Removed(reasons));
    }

    pub fn stage(&self, who: Who, place: usize) -> Option<Awaiting> {
        Some(self.clients.get(&who)?.exchanges.get(place)?.stage)
    }

    pub fn version(&self, who: Who) -> Option<Version> {
        Some(self.clients.get(&who)?.online.as_ref()?.version)
    }

    /// Sessions, subscriptions, and the topics with a live retained message.
    pub fn counts(&self, now: Now) -> (usize, usize, usize) {
        let subscriptions = self
            .clients
            .values()
            .map(|one| one.subscriptions.len())
            .sum();
        let retained = self
            .retained
            .iter()
            .filter(|text| !is_over(text, now))
            .count();
        (self.clients.len(), subscriptions, retained)
    }

    fn see(&mut self, who: Who, seen: Seen) {
        self.seen.push((who, seen));
    }
}
