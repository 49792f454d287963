//! Any packet that begins or ends a connection.

use std::num::NonZeroU16;

use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;

use super::arbitrary::{data, name, only, properties, qos, text, user, user_if};
use crate::broker::codec::*;

fn will(v5: bool) -> impl Strategy<Value = Will> {
    let delay = only(v5, any::<u32>()).prop_map(Option::unwrap_or_default);
    (name(), data(), qos(), any::<bool>(), delay, properties(v5)).prop_map(
        |(topic, payload, qos, retain, delay, properties)| Will {
            topic: topic.into(),
            payload,
            qos,
            retain,
            delay,
            properties,
        },
    )
}

pub(super) fn connect(version: Version) -> impl Strategy<Value = Connect> {
    let v5 = version == Version::V5;
    (
        (text(), any::<bool>(), any::<u16>(), of(will(v5))),
        (of(text()), of(data())),
        (
            only(v5, any::<u32>()),
            only(v5, 1..=u16::MAX),
            only(v5, 1..=u32::MAX),
            only(v5, any::<u16>()),
        ),
        (
            only(v5, any::<bool>()),
            only(v5, any::<bool>()),
            user_if(v5),
        ),
        (only(v5, text()), only(v5, data())),
    )
        .prop_map(
            move |(
                (client_id, clean_start, keep_alive, will),
                (username, password),
                (session_expiry, receive_maximum, maximum_packet_size, alias_maximum),
                (response, problem, user_properties),
                (method, data),
            )| Connect {
                version,
                client_id,
                clean_start,
                keep_alive,
                password: password.filter(|_| v5 || username.is_some()),
                username,
                will,
                session_expiry,
                receive_maximum: receive_maximum.and_then(NonZeroU16::new),
                maximum_packet_size,
                topic_alias_maximum: alias_maximum.unwrap_or_default(),
                request_response_information: response.unwrap_or(false),
                request_problem_information: problem.unwrap_or(true),
                user_properties,
                authentication_data: data.filter(|_| method.is_some()),
                authentication_method: method,
            },
        )
}

pub(super) fn connack(v5: bool) -> BoxedStrategy<ConnAck> {
    let reasons = select(vec![
        Reason::Success,
        Reason::UnsupportedProtocolVersion,
        Reason::ClientIdentifierNotValid,
        Reason::ServerUnavailable,
        Reason::BadUserNameOrPassword,
        Reason::NotAuthorized,
    ]);
    let head = (any::<bool>(), reasons).prop_map(|(present, reason)| ConnAck {
        session_present: present && reason == Reason::Success,
        reason,
        ..ConnAck::default()
    });
    if !v5 {
        return head.boxed();
    }
    let lower = select(vec![Qos::AtMostOnce, Qos::AtLeastOnce]);
    let numbers = (
        (
            of(any::<u32>()),
            of(1..=u16::MAX),
            of(lower),
            of(1..=u32::MAX),
        ),
        (of(any::<u16>()), of(any::<u16>())),
    );
    let flags = [(); 4].map(|()| of(any::<bool>()));
    let texts = [(); 5].map(|()| of(text()));
    (head, numbers, flags, texts, of(data()), user())
        .prop_map(
            |(head, (limits, (alias, keep)), flags, texts, data, user)| {
                let (session_expiry, receive_maximum, maximum_qos, maximum_packet_size) = limits;
                let [retain, wildcard, ids, shared] = flags;
                let [client_id, reason, response, reference, method] = texts;
                ConnAck {
                    session_expiry,
                    receive_maximum,
                    maximum_qos,
                    retain_available: retain,
                    maximum_packet_size,
                    assigned_client_id: client_id,
                    topic_alias_maximum: alias,
                    reason_string: reason,
                    user_properties: user,
                    wildcard_subscription_available: wildcard,
                    subscription_ids_available: ids,
                    shared_subscription_available: shared,
                    server_keep_alive: keep,
                    response_information: response,
                    server_reference: reference,
                    authentication_method: method,
                    authentication_data: data,
                    ..head
                }
            },
        )
        .boxed()
}

pub(super) fn disconnect(v5: bool) -> BoxedStrategy<Disconnect> {
    if !v5 {
        return Just(Disconnect::default()).boxed();
    }
    let reasons = vec![
        Reason::Success,
        Reason::DisconnectWithWill,
        Reason::MalformedPacket,
        Reason::SessionTakenOver,
        Reason::PacketTooLarge,
    ];
    (
        select(reasons),
        of(any::<u32>()),
        of(text()),
        of(text()),
        user(),
    )
        .prop_map(
            |(reason, session_expiry, reason_string, server_reference, user_properties)| {
                Disconnect {
                    reason,
                    session_expiry,
                    reason_string,
                    server_reference,
                    user_properties,
                }
            },
        )
        .boxed()
}

pub(super) fn auth() -> impl Strategy<Value = Packet> {
    let reasons = select(vec![
        Reason::Success,
        Reason::ContinueAuthentication,
        Reason::ReAuthenticate,
    ]);
    (reasons, text(), of(data()), of(text()), user()).prop_map(
        |(reason, method, authentication_data, reason_string, user_properties)| {
            Packet::Auth(Box::new(Auth {
                reason,
                authentication_method: Some(method),
                authentication_data,
                reason_string,
                user_properties,
            }))
        },
    )
}
