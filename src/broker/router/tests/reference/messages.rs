//! The reference's messages: in, to everyone who wants them, out.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::super::super::deliver::{HIGH_WATER, LOW_WATER};
use super::super::*;
use super::{Awaiting, Copy, Exchange, Online, Reference, Seen, Text, Who};
use crate::broker::topic::{self, SharedFilter};
use crate::clock::Moment;

impl Reference {
    pub fn publish(&mut self, who: Who, publish: &Publish, now: Now) {
        self.counters.received += 1;
        let reason = match self.accept(who, publish) {
            Some(Ok(())) => self.take(who, publish, now),
            Some(Err(reason)) => reason,
            None => return self.dismiss(who, Reason::ReceiveMaximumExceeded, now),
        };
        if let Some(id) = publish.packet_id {
            let kind = match publish.qos {
                Qos::ExactlyOnce => "PUBREC",
                _ => "PUBACK",
            };
            self.see(who, Seen::Ack(kind, id, reason));
        }
    }

    /// `None`: more than the client may send at once.
    fn accept(&mut self, who: Who, publish: &Publish) -> Option<Result<(), Reason>> {
        if publish.topic.starts_with("$SYS/") {
            self.counters.refused += 1;
            return Some(Err(Reason::NotAuthorized));
        }
        let most = usize::from(self.limits.receive_maximum);
        let received = &mut self.clients.get_mut(&who)?.received;
        if publish.qos != Qos::ExactlyOnce {
            return Some(Ok(()));
        }
        let id = publish.packet_id?;
        if received.contains(&id) {
            return Some(Err(Reason::Success));
        }
        if received.len() == most {
            return None;
        }
        received.push(id);
        Some(Ok(()))
    }

    fn take(&mut self, who: Who, publish: &Publish, now: Now) -> Reason {
        let text = Text {
            topic: Arc::clone(&publish.topic),
            payload: publish.payload.clone(),
            qos: publish.qos,
            retain: publish.retain,
            publisher: who,
            expires: expires(&publish.properties, now),
        };
        match (self.route(&text, now), self.version(who)) {
            (0, Some(Version::V5)) => Reason::NoMatchingSubscribers,
            _ => Reason::Success,
        }
    }

    /// One copy for each client with a matching subscription.
    pub(super) fn route(&mut self, text: &Text, now: Now) -> usize {
        if text.retain {
            self.retained.retain(|old| old.topic != text.topic);
            if !text.payload.is_empty() {
                self.retained.push(text.clone());
            }
        }
        let everyone: Vec<Who> = self.clients.keys().copied().collect();
        let mut receivers = 0;
        for who in everyone {
            let subscriptions = &self.clients[&who].subscriptions;
            let matching = subscriptions.iter().filter(|(filter, options, _)| {
                let own = options.no_local && text.publisher == who;
                topic::matches(plain(filter), &text.topic) && !own
            });
            let matching: Vec<_> = matching.cloned().collect();
            let Some(granted) = matching.iter().map(|(_, options, _)| options.qos).max() else {
                continue;
            };
            receivers += 1;
            let keep = matching.iter().any(|(_, one, _)| one.retain_as_published);
            let copy = Copy {
                text: text.clone(),
                qos: text.qos.min(granted),
                retain: text.retain && keep,
                doubtful: false,
                subscription_ids: matching.iter().filter_map(|(_, _, id)| *id).collect(),
            };
            self.deliver(who, copy, now);
        }
        receivers
    }

    fn deliver(&mut self, who: Who, copy: Copy, now: Now) {
        let most = self.limits.queue;
        let Some(client) = self.clients.get_mut(&who) else {
            return;
        };
        if client.online.is_none() && copy.qos == Qos::AtMostOnce {
            return;
        }
        let bytes: usize = client.queue.iter().chain([&copy]).map(size).sum();
        if client.queue.len() == most.messages || bytes > most.bytes {
            self.counters.dropped_queue_full += 1;
            return;
        }
        client.queue.push(copy);
        self.send(who, now);
    }

    /// An acknowledgement of the exchange at `place`; true if it is over.
    pub fn acknowledge(
        &mut self,
        who: Who,
        place: usize,
        kind: &str,
        reason: Reason,
        now: Now,
    ) -> bool {
        let Some(client) = self.clients.get_mut(&who) else {
            return false;
        };
        let exchange = client.exchanges.get_mut(place).filter(|one| one.sent);
        let stage = exchange.as_ref().map(|one| one.stage);
        let over = match (kind, stage) {
            ("PUBACK", Some(Awaiting::PubAck)) | ("PUBCOMP", Some(Awaiting::PubComp)) => true,
            ("PUBREC", Some(Awaiting::PubRec)) => reason.is_error(),
            _ => false,
        };
        if over {
            client.exchanges.remove(place);
        } else if let ("PUBREC", Some(Awaiting::PubRec), Some(one)) = (kind, stage, exchange) {
            one.stage = Awaiting::PubComp;
        }
        if kind == "PUBREC" && !reason.is_error() {
            let known = matches!(stage, Some(Awaiting::PubRec | Awaiting::PubComp));
            let answer = if known {
                Reason::Success
            } else {
                Reason::PacketIdentifierNotFound
            };
            self.see(who, Seen::Release(answer));
        } else {
            self.send(who, now);
        }
        over
    }

    pub fn release(&mut self, who: Who, id: PacketId) {
        let Some(client) = self.clients.get_mut(&who) else {
            return;
        };
        let known = client.received.contains(&id);
        client.received.retain(|one| *one != id);
        let reason = if known {
            Reason::Success
        } else {
            Reason::PacketIdentifierNotFound
        };
        self.see(who, Seen::Ack("PUBCOMP", id, reason));
    }

    pub fn drained(&mut self, who: Who, now: Now) {
        let online = self
            .clients
            .get_mut(&who)
            .and_then(|one| one.online.as_mut());
        if let Some(online) = online {
            online.ahead -= online.fence.take().unwrap_or(0);
        }
        self.send(who, now);
    }

    /// In flight again first, then what was retained, then the queue.
    pub(super) fn send(&mut self, who: Who, now: Now) {
        let Reference {
            clients,
            seen,
            given_up,
            counters,
            ..
        } = self;
        let Some(client) = clients.get_mut(&who) else {
            return;
        };
        let Some(online) = client.online.as_mut() else {
            return;
        };
        while online.ahead < HIGH_WATER {
            let in_flight = client.exchanges.iter().filter(|one| one.sent).count();
            let again = client.exchanges.iter_mut().find(|one| !one.sent);
            let has_room = in_flight < online.window;
            if let Some(again) = again {
                if !has_room {
                    break;
                }
                if again.stage != Awaiting::PubComp && is_too_large(&again.copy, online) {
                    counters.dropped_too_large += 1;
                    client.exchanges.remove(in_flight);
                    given_up.push((who, in_flight));
                    continue;
                }
                again.sent = true;
                if again.stage == Awaiting::PubComp {
                    online.ahead += 4;
                    seen.push((who, Seen::Release(Reason::Success)));
                } else {
                    counters.sent += 1;
                    online.ahead += size(&again.copy);
                    seen.push((who, message(&again.copy, again.dup, now)));
                }
                continue;
            }
            let from = if client.replay.is_empty() {
                &mut client.queue
            } else {
                &mut client.replay
            };
            let Some(first) = from.first() else { break };
            if first.qos != Qos::AtMostOnce && !has_room {
                break;
            }
            let copy = from.remove(0);
            if is_over(&copy.text, now) {
                counters.dropped_expired += 1;
                continue;
            }
            if is_too_large(&copy, online) {
                counters.dropped_too_large += 1;
                continue;
            }
            counters.sent += 1;
            online.ahead += size(&copy);
            seen.push((who, message(&copy, copy.doubtful, now)));
            let stage = match copy.qos {
                Qos::AtMostOnce => continue,
                Qos::AtLeastOnce => Awaiting::PubAck,
                Qos::ExactlyOnce => Awaiting::PubRec,
            };
            client.exchanges.push(Exchange {
                dup: copy.doubtful,
                copy,
                stage,
                sent: true,
            });
        }
        if online.ahead >= LOW_WATER && online.fence.is_none() {
            online.fence = Some(online.ahead);
            seen.push((who, Seen::Fence));
        }
    }
}

fn plain(filter: &str) -> &str {
    SharedFilter::parse(filter).map_or(filter, |shared| shared.filter)
}

pub(super) fn expires(properties: &PublishProperties, now: Now) -> Option<Moment> {
    let seconds = properties.message_expiry?;
    Some(now.moment + Duration::from_secs(seconds.into()))
}

pub(super) fn is_over(text: &Text, now: Now) -> bool {
    text.expires.is_some_and(|expires| expires <= now.moment)
}

/// Packets in the model are far below or far above what a client takes.
fn is_too_large(copy: &Copy, online: &Online) -> bool {
    let most = online.maximum_packet_size.unwrap_or(u32::MAX);
    copy.text.payload.len() > most as usize
}

fn size(copy: &Copy) -> usize {
    copy.text.topic.len() + copy.text.payload.len() + 64
}

fn message(copy: &Copy, dup: bool, now: Now) -> Seen {
    let left = copy.text.expires.map(|at| at.since(now.moment));
    let mut subscription_ids = copy.subscription_ids.clone();
    subscription_ids.sort_unstable();
    Seen::Message {
        topic: Arc::clone(&copy.text.topic),
        payload: beginning(&copy.text.payload),
        qos: copy.qos,
        retain: copy.retain,
        dup,
        expiry_left: left.map(|left| u32::try_from(left.as_secs()).unwrap()),
        subscription_ids,
    }
}

/// What a test shows of a payload.
pub fn beginning(payload: &Bytes) -> (Bytes, usize) {
    (payload.slice(..payload.len().min(8)), payload.len())
}
