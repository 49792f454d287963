//! What clients do, at random, in a small world where they often meet.

use bytes::Bytes;
use proptest::prelude::*;
use proptest::sample::select;

use super::super::reference::Who;
use super::super::*;
use crate::broker::codec::RetainHandling;

pub const CLIENTS: usize = 4;
const TOPICS: [&str; 7] = ["a", "b", "a/b", "a/b/c", "/a", "$x/b", "$SYS/b"];
const FILTERS: [&str; 13] = [
    "a",
    "#",
    "+",
    "a/#",
    "a/+",
    "+/b",
    "a/b/c",
    "/+",
    "$x/#",
    "+/+/#",
    "$SHARE/a",
    "$SHARE/a/#",
    "$SHARE/+/b",
];
/// A few of them fill what a connection is handed at once.
const LARGE: usize = 100_000;
static LARGE_PAYLOAD: [u8; LARGE] = [b'x'; LARGE];

#[derive(Clone, Debug)]
pub enum Do {
    Connect(Who, Connect),
    Subscribe(Who, Vec<(&'static str, SubscriptionOptions)>, Option<u32>),
    Unsubscribe(Who, Vec<&'static str>),
    Publish(Who, Publish),
    Release(Who, PacketId),
    /// The fitting acknowledgement of one of the messages in flight.
    Acknowledge(Who, usize),
    /// Any acknowledgement of any of them, or of none.
    Stray(Who, usize, &'static str, Reason),
    Drained(Who),
    Disconnect(Who, Disconnect),
    Lost(Who),
    /// Late word of an earlier connection.
    LostAgain(Who),
    Pass(u64),
    /// The process falls and comes back; only where there is a disk.
    Restart,
}

fn qos() -> impl Strategy<Value = Qos> {
    select(vec![Qos::AtMostOnce, Qos::AtLeastOnce, Qos::ExactlyOnce])
}

fn seconds() -> impl Strategy<Value = Option<u32>> {
    select(vec![None, None, Some(0), Some(5), Some(20), Some(u32::MAX)])
}

fn properties() -> impl Strategy<Value = PublishProperties> {
    let seconds = select(vec![None, None, Some(3), Some(10)]);
    seconds.prop_map(|message_expiry| PublishProperties {
        message_expiry,
        rare: None,
    })
}

fn will() -> impl Strategy<Value = Will> {
    let delay = select(vec![0, 0, 4, 15]);
    let topic = select(&TOPICS[..6]);
    (topic, qos(), any::<bool>(), delay, properties()).prop_map(
        |(topic, qos, retain, delay, properties)| Will {
            topic: topic.into(),
            payload: "will".into(),
            qos,
            retain,
            delay,
            properties,
        },
    )
}

fn connect() -> impl Strategy<Value = Do> {
    let version = select(vec![Version::V5, Version::V5, Version::V311]);
    let window = select(vec![None, None, Some(1), Some(2)]);
    let largest = select(vec![None, None, Some(1000)]);
    let who = 0..CLIENTS;
    let will = prop::option::of(will());
    (
        who,
        version,
        any::<bool>(),
        seconds(),
        window,
        largest,
        will,
    )
        .prop_map(
            |(who, version, clean_start, session_expiry, window, largest, will)| {
                let is_v5 = version == Version::V5;
                let connect = Connect {
                    clean_start,
                    session_expiry: session_expiry.filter(|_| is_v5),
                    receive_maximum: window.filter(|_| is_v5).and_then(NonZeroU16::new),
                    maximum_packet_size: largest.filter(|_| is_v5),
                    will,
                    ..client(&format!("client-{who}"), version)
                };
                Do::Connect(who, connect)
            },
        )
}

fn options() -> impl Strategy<Value = SubscriptionOptions> {
    let handling = select(vec![
        RetainHandling::Send,
        RetainHandling::SendIfNew,
        RetainHandling::DoNotSend,
    ]);
    (qos(), any::<bool>(), any::<bool>(), handling).prop_map(
        |(qos, no_local, retain_as_published, retain_handling)| SubscriptionOptions {
            qos,
            no_local,
            retain_as_published,
            retain_handling,
        },
    )
}

fn publish() -> impl Strategy<Value = Publish> {
    let payload = prop_oneof![
        8 => Just(Bytes::from_static(b"small")),
        1 => Just(Bytes::new()),
        2 => Just(Bytes::from_static(&LARGE_PAYLOAD)),
    ];
    let id = (1..4u16).prop_map(|id| NonZeroU16::new(id).unwrap());
    (
        select(&TOPICS[..]),
        payload,
        qos(),
        any::<bool>(),
        id,
        properties(),
    )
        .prop_map(|(topic, payload, qos, retain, id, properties)| Publish {
            dup: false,
            qos,
            retain,
            topic: topic.into(),
            packet_id: (qos != Qos::AtMostOnce).then_some(id),
            payload,
            topic_alias: None,
            subscription_ids: Vec::new(),
            properties,
        })
}

pub fn operation() -> impl Strategy<Value = Do> {
    let who = || 0..CLIENTS;
    let filters = || prop::collection::vec(select(&FILTERS[..]), 1..3);
    let wanted = prop::collection::vec((select(&FILTERS[..]), options()), 1..3);
    let id = || (1..4u16).prop_map(|id| NonZeroU16::new(id).unwrap());
    let subscription_id = prop::option::of(1..9u32);
    let kind = select(vec!["PUBACK", "PUBREC", "PUBCOMP"]);
    let verdict = select(vec![Reason::Success, Reason::UnspecifiedError]);
    let reason = select(vec![Reason::Success, Reason::DisconnectWithWill]);
    let disconnect = (reason, seconds()).prop_map(|(reason, session_expiry)| Disconnect {
        reason,
        session_expiry,
        ..Disconnect::default()
    });
    prop_oneof![
        6 => connect(),
        8 => (who(), wanted, subscription_id).prop_map(|(who, wanted, id)| Do::Subscribe(who, wanted, id)),
        2 => (who(), filters()).prop_map(|(who, filters)| Do::Unsubscribe(who, filters)),
        16 => (who(), publish()).prop_map(|(who, publish)| Do::Publish(who, publish)),
        3 => (who(), id()).prop_map(|(who, id)| Do::Release(who, id)),
        12 => (who(), 0..4usize).prop_map(|(who, place)| Do::Acknowledge(who, place)),
        2 => (who(), 0..4usize, kind, verdict)
            .prop_map(|(who, place, kind, reason)| Do::Stray(who, place, kind, reason)),
        4 => who().prop_map(Do::Drained),
        1 => (who(), disconnect).prop_map(|(who, disconnect)| Do::Disconnect(who, disconnect)),
        2 => who().prop_map(Do::Lost),
        1 => who().prop_map(Do::LostAgain),
        2 => (1..12u64).prop_map(Do::Pass),
        1 => Just(Do::Restart),
    ]
}
