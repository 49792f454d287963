//! Any packet that a version can say, as proptest strategies.

use std::num::NonZeroU16;
use std::sync::Arc;

use bytes::Bytes;
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;

use super::arbitrary_sessions::{auth, connack, connect, disconnect};
use crate::broker::codec::*;

pub(super) fn version() -> impl Strategy<Value = Version> {
    select(vec![Version::V311, Version::V5])
}

/// Any packet of `version`, with nothing in it that the version would leave out.
pub(super) fn packet(version: Version) -> BoxedStrategy<Packet> {
    let v5 = version == Version::V5;
    prop_oneof![
        3 => publish(v5).prop_map(Packet::Publish),
        2 => connect(version).prop_map(|it| Packet::Connect(Box::new(it))),
        2 => connack(v5).prop_map(|it| Packet::ConnAck(Box::new(it))),
        1 => ack(v5, &PUBLISH_REASONS).prop_map(Packet::PubAck),
        1 => ack(v5, &PUBLISH_REASONS).prop_map(Packet::PubRec),
        1 => ack(v5, &RELEASE_REASONS).prop_map(Packet::PubRel),
        1 => ack(v5, &RELEASE_REASONS).prop_map(Packet::PubComp),
        2 => subscribe(v5).prop_map(|it| Packet::Subscribe(Box::new(it))),
        1 => suback(v5).prop_map(Packet::SubAck),
        1 => unsubscribe(v5).prop_map(|it| Packet::Unsubscribe(Box::new(it))),
        1 => unsuback(v5).prop_map(Packet::UnsubAck),
        1 => disconnect(v5).prop_map(Packet::Disconnect),
        1 => Just(Packet::PingReq),
        1 => if v5 { auth().boxed() } else { Just(Packet::PingResp).boxed() },
    ]
    .boxed()
}

const PUBLISH_REASONS: [Reason; 4] = [
    Reason::Success,
    Reason::NoMatchingSubscribers,
    Reason::NotAuthorized,
    Reason::QuotaExceeded,
];
const RELEASE_REASONS: [Reason; 2] = [Reason::Success, Reason::PacketIdentifierNotFound];

pub(super) fn text() -> impl Strategy<Value = String> {
    "[a-z0-9 /é温🔥]{0,9}"
}

pub(super) fn name() -> impl Strategy<Value = String> {
    "[a-z0-9$/é温]{1,9}"
}

fn filter() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => name(),
        1 => name().prop_map(|name| format!("+/{name}/#")),
        1 => name().prop_map(|name| format!("$share/group/{name}")),
        1 => Just("#".to_owned()),
    ]
    .prop_filter("half a shared filter", |filter| {
        crate::broker::topic::valid_filter(filter)
    })
}

pub(super) fn data() -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), 0..20).prop_map(Bytes::from)
}

/// Mostly small, sometimes above what is copied out of the read buffer.
fn payload() -> impl Strategy<Value = Bytes> {
    prop_oneof![8 => data(), 1 => vec(any::<u8>(), 8_000..9_000).prop_map(Bytes::from)]
}

pub(super) fn user() -> impl Strategy<Value = UserProperties> {
    vec((text(), text()), 0..3)
}

pub(super) fn qos() -> impl Strategy<Value = Qos> {
    select(vec![Qos::AtMostOnce, Qos::AtLeastOnce, Qos::ExactlyOnce])
}

fn packet_id() -> impl Strategy<Value = PacketId> {
    (1..=u16::MAX).prop_map(super::id)
}

fn id_number() -> impl Strategy<Value = u32> {
    prop_oneof![1..=300_u32, Just(16_383), Just(16_384), Just(268_435_455)]
}

/// `strategy`, but never where 3.1.1 has no place for it.
pub(super) fn only<T: Clone + std::fmt::Debug + 'static>(
    v5: bool,
    strategy: impl Strategy<Value = T> + 'static,
) -> BoxedStrategy<Option<T>> {
    if v5 {
        of(strategy).boxed()
    } else {
        Just(None).boxed()
    }
}

pub(super) fn user_if(v5: bool) -> BoxedStrategy<UserProperties> {
    only(v5, user()).prop_map(Option::unwrap_or_default).boxed()
}

pub(super) fn properties(v5: bool) -> impl Strategy<Value = PublishProperties> {
    let rare = (
        of(any::<bool>()),
        of(name()),
        of(data()),
        of(text()),
        user(),
    )
        .prop_map(
            |(payload_is_utf8, response_topic, correlation_data, content_type, user_properties)| {
                RareProperties {
                    payload_is_utf8,
                    response_topic,
                    correlation_data,
                    content_type,
                    user_properties,
                }
            },
        );
    (only(v5, any::<u32>()), only(v5, rare)).prop_map(|(message_expiry, rare)| PublishProperties {
        message_expiry,
        rare: rare
            .filter(|rare| *rare != RareProperties::default())
            .map(Arc::new),
    })
}

fn publish(v5: bool) -> impl Strategy<Value = Publish> {
    let ids = only(v5, vec(id_number(), 0..3)).prop_map(Option::unwrap_or_default);
    (
        (any::<bool>(), qos(), any::<bool>(), packet_id()),
        (name(), payload()),
        (only(v5, 1..=u16::MAX), any::<bool>(), ids, properties(v5)),
    )
        .prop_map(
            |((dup, qos, retain, id), (topic, payload), (alias, by_alias, ids, properties))| {
                Publish {
                    dup: dup && qos != Qos::AtMostOnce,
                    qos,
                    retain,
                    topic: match alias {
                        Some(_) if by_alias => "".into(),
                        _ => topic.into(),
                    },
                    packet_id: (qos != Qos::AtMostOnce).then_some(id),
                    payload,
                    topic_alias: alias.and_then(NonZeroU16::new),
                    subscription_ids: ids,
                    properties,
                }
            },
        )
}

fn ack(v5: bool, reasons: &'static [Reason]) -> impl Strategy<Value = Ack> {
    let reason = only(v5, select(reasons)).prop_map(Option::unwrap_or_default);
    (packet_id(), reason, only(v5, text())).prop_map(|(packet_id, reason, reason_string)| Ack {
        packet_id,
        reason,
        reason_string,
    })
}

fn options(v5: bool) -> impl Strategy<Value = SubscriptionOptions> {
    let handling = select(vec![
        RetainHandling::Send,
        RetainHandling::SendIfNew,
        RetainHandling::DoNotSend,
    ]);
    let more = only(v5, (any::<bool>(), any::<bool>(), handling));
    (qos(), more).prop_map(|(qos, more)| {
        let (no_local, retain_as_published, retain_handling) = more.unwrap_or_default();
        SubscriptionOptions {
            qos,
            no_local,
            retain_as_published,
            retain_handling,
        }
    })
}

fn subscribe(v5: bool) -> impl Strategy<Value = Subscribe> {
    let filters = vec((filter(), options(v5)), 1..4);
    (packet_id(), only(v5, id_number()), filters, user_if(v5)).prop_map(
        |(packet_id, id, mut filters, user_properties)| {
            for (filter, options) in &mut filters {
                options.no_local &= !filter.starts_with("$share/");
            }
            Subscribe {
                packet_id,
                id,
                filters,
                user_properties,
            }
        },
    )
}

fn unsubscribe(v5: bool) -> impl Strategy<Value = Unsubscribe> {
    (packet_id(), vec(filter(), 1..4), user_if(v5)).prop_map(
        |(packet_id, filters, user_properties)| Unsubscribe {
            packet_id,
            filters,
            user_properties,
        },
    )
}

fn suback(v5: bool) -> impl Strategy<Value = SubAck> {
    let reasons = [
        Reason::Success,
        Reason::GrantedQos1,
        Reason::GrantedQos2,
        Reason::UnspecifiedError,
        Reason::NotAuthorized,
        Reason::QuotaExceeded,
    ];
    reasons_for(&reasons[..if v5 { 6 } else { 4 }], v5)
}

fn unsuback(v5: bool) -> BoxedStrategy<SubAck> {
    if v5 {
        let reasons = [Reason::Success, Reason::NoSubscriptionExisted];
        return reasons_for(&reasons, v5).boxed();
    }
    packet_id()
        .prop_map(|packet_id| SubAck {
            packet_id,
            reasons: Vec::new(),
            reason_string: None,
        })
        .boxed()
}

fn reasons_for(reasons: &[Reason], v5: bool) -> impl Strategy<Value = SubAck> + use<> {
    let reasons = vec(select(reasons.to_vec()), 1..5);
    (packet_id(), reasons, only(v5, text())).prop_map(|(packet_id, reasons, reason_string)| {
        SubAck {
            packet_id,
            reasons,
            reason_string,
        }
    })
}
