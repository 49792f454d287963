//! SUBSCRIBE and UNSUBSCRIBE.

use std::sync::Arc;

use super::{Link, Router};
use crate::broker::codec::{
    Packet, Qos, Reason, RetainHandling, SubAck, Subscribe, SubscriptionOptions, Unsubscribe,
};
use crate::broker::journal::SubscriptionRow;
use crate::broker::outbound::Delivery;
use crate::broker::subscriptions::{Subscriber, has_few_levels};
use crate::broker::topic::SharedFilter;
use crate::clock::Now;

impl Router {
    pub(super) fn subscribe(&mut self, link: Link, subscribe: Subscribe, now: Now) {
        let mut reasons = Vec::with_capacity(subscribe.filters.len());
        let mut replays = Vec::new();
        for (filter, options) in &subscribe.filters {
            let added = self.add_subscription(link, filter, *options, subscribe.id);
            reasons.push(match added {
                Ok(_) => granted(options.qos),
                Err(reason) => reason,
            });
            if added.is_ok_and(|is_new| wants_retained(filter, options, is_new)) {
                replays.push((filter, options));
            }
        }
        let packet_id = subscribe.packet_id;
        let suback = Packet::SubAck(SubAck {
            packet_id,
            reasons,
            reason_string: None,
        });
        let wait = self.wait_if_lasting(link);
        self.send_when(link, suback, wait);
        for (filter, options) in replays {
            self.replay(link, filter, *options, subscribe.id, now);
        }
        self.pump(link.session, now);
    }

    pub(super) fn unsubscribe(&mut self, link: Link, unsubscribe: &Unsubscribe) {
        let mut reasons = Vec::with_capacity(unsubscribe.filters.len());
        for filter in &unsubscribe.filters {
            let Some((session, journal)) = self.with_journal(link) else {
                return;
            };
            let removed = session.subscriptions.remove_entry(filter.as_str());
            if let Some((filter, _)) = &removed {
                session.log(journal).unsubscribed(filter);
            }
            self.subscriptions.remove(filter, link.session);
            reasons.push(match removed {
                Some(_) => Reason::Success,
                None => Reason::NoSubscriptionExisted,
            });
        }
        let packet_id = unsubscribe.packet_id;
        let unsuback = Packet::UnsubAck(SubAck {
            packet_id,
            reasons,
            reason_string: None,
        });
        let wait = self.wait_if_lasting(link);
        self.send_when(link, unsuback, wait);
    }

    /// Whether the subscription is new to the session, or why it is refused.
    fn add_subscription(
        &mut self,
        link: Link,
        filter: &str,
        options: SubscriptionOptions,
        id: Option<u32>,
    ) -> Result<bool, Reason> {
        let limit = self.limits.subscriptions;
        let (session, journal) = self.with_journal(link).ok_or(Reason::UnspecifiedError)?;
        if !has_few_levels(filter) {
            return Err(Reason::TopicFilterInvalid);
        }
        if !session.rights.may_subscribe(filter) {
            return Err(self.forbid_subscription(link, filter));
        }
        let is_new = !session.subscriptions.contains_key(filter);
        // Hearth's own parts are bound by the config that they were given.
        if is_new && !session.internal && session.subscriptions.len() >= limit {
            self.counters.refused_subscriptions += 1;
            return Err(Reason::QuotaExceeded);
        }
        let shared: Arc<str> = filter.into();
        let row = SubscriptionRow { options, id };
        session.log(journal).subscribed(&shared, row, is_new);
        session.subscriptions.insert(shared, options);
        self.subscriptions.insert(
            filter,
            Subscriber {
                session: link.session,
                options,
                id,
            },
        );
        Ok(is_new)
    }

    /// Sends what is retained to a new subscription (3.3.1.3).
    fn replay(
        &mut self,
        link: Link,
        filter: &str,
        options: SubscriptionOptions,
        id: Option<u32>,
        now: Now,
    ) {
        let found = self.retained(filter, now);
        for message in found {
            let Some((session, journal)) = self.with_journal(link) else {
                return;
            };
            if options.no_local && message.publisher == session.client_id {
                continue;
            }
            if !session.rights.may_read(&message.topic) {
                continue;
            }
            let delivery = Delivery {
                qos: session.published_at(message.qos).min(options.qos),
                retain: true,
                subscription_ids: id.into_iter().collect(),
                group: None,
                message: Arc::clone(&message),
            };
            let log = &mut session.log(journal);
            if session.wishes.is_some() {
                // Behind what its queue holds of the same topic from before.
                self.deliver(link.session, delivery, now);
            } else if let Err(why) = session.outbound.push_replay(delivery, log) {
                let receiver = Arc::clone(&session.client_id);
                self.counters.lost(why);
                self.dead.lost(why, &message, Some(&receiver));
            }
        }
    }
}

fn granted(qos: Qos) -> Reason {
    match qos {
        Qos::AtMostOnce => Reason::Success,
        Qos::AtLeastOnce => Reason::GrantedQos1,
        Qos::ExactlyOnce => Reason::GrantedQos2,
    }
}

/// A shared subscription is sent no retained messages (4.8.2).
fn wants_retained(filter: &str, options: &SubscriptionOptions, is_new: bool) -> bool {
    let handling = match options.retain_handling {
        RetainHandling::Send => true,
        RetainHandling::SendIfNew => is_new,
        RetainHandling::DoNotSend => false,
    };
    handling && SharedFilter::parse(filter).is_none()
}
