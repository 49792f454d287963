//! Messages and wills as bytes on the disk: packets of MQTT 5.0, which say all
//! of it in a form that the standard keeps readable.

use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;

use crate::broker::codec::{
    self, Connect, Decoder, Packet, PacketId, PublishHead, Qos, Version, Will,
};
use crate::broker::message::Message;
use crate::clock::{Now, UtcMillis};

/// What the row of a message holds besides its packet.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'a> {
    pub publisher: &'a str,
    pub received: UtcMillis,
}

/// A message as a PUBLISH, with its whole expiry.
pub fn message(message: &Message, out: &mut BytesMut) {
    let head = PublishHead {
        qos: message.qos,
        retain: message.retain,
        packet_id: (message.qos != Qos::AtMostOnce).then_some(PacketId::MIN),
        message_expiry_left: message.properties.message_expiry,
        ..PublishHead::default()
    };
    let (topic, payload) = (&message.topic, &message.payload);
    codec::encode_publish(out, Version::V5, &head, topic, payload, &message.properties);
}

/// The message again; `None` if the bytes are none. What is left of its expiry
/// counts from when it was received, but is never more than all of it: the
/// clock may have been set since.
pub fn to_message(packet: Vec<u8>, origin: Origin<'_>, now: Now) -> Option<Message> {
    let mut buffer = BytesMut::from(packet.as_slice());
    let decoded = Decoder::with_version(Version::V5, usize::MAX).decode(&mut buffer);
    let Ok(Some(Packet::Publish(publish))) = decoded else {
        return None;
    };
    let (topic, publisher) = (Arc::clone(&publish.topic), origin.publisher.into());
    let mut message = Message::from_publish(publish, topic, publisher, now);
    message.received = origin.received;
    if let Some(expires) = expires(&message) {
        let left = expires.since(now.utc);
        message.expires = message.expires.map(|all| all.min(now.moment + left));
    }
    Some(message)
}

/// When the message expires, by the wall clock.
pub fn expires(message: &Message) -> Option<UtcMillis> {
    let seconds = message.properties.message_expiry?;
    Some(message.received + Duration::from_secs(seconds.into()))
}

/// A will as the CONNECT that brings it.
pub fn will(will: &Will) -> Vec<u8> {
    let mut out = BytesMut::new();
    let connect = Connect {
        version: Version::V5,
        client_id: String::new(),
        clean_start: true,
        keep_alive: 0,
        username: None,
        password: None,
        will: Some(will.clone()),
        session_expiry: None,
        receive_maximum: None,
        maximum_packet_size: None,
        topic_alias_maximum: 0,
        request_response_information: false,
        request_problem_information: true,
        user_properties: Vec::new(),
        authentication_method: None,
        authentication_data: None,
    };
    codec::encode(&Packet::Connect(Box::new(connect)), Version::V5, &mut out);
    out.to_vec()
}

/// The will again; `None` if the bytes are none.
pub fn to_will(packet: Vec<u8>) -> Option<Will> {
    let mut buffer = BytesMut::from(packet.as_slice());
    match Decoder::new(usize::MAX).decode(&mut buffer) {
        Ok(Some(Packet::Connect(connect))) => connect.will,
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::codec::{PublishProperties, RareProperties};
    use crate::clock::Moment;

    fn now(seconds: u64) -> Now {
        let start = Now {
            moment: Moment(5),
            utc: UtcMillis(1_000_000),
        };
        start + Duration::from_secs(seconds)
    }

    fn an_old_message() -> Message {
        let rare = RareProperties {
            user_properties: vec![("from".into(), "étage".into())],
            ..RareProperties::default()
        };
        Message {
            topic: "home/lab/door".into(),
            payload: "open".into(),
            qos: Qos::ExactlyOnce,
            retain: true,
            properties: PublishProperties {
                message_expiry: Some(60),
                rare: Some(Arc::new(rare)),
            },
            publisher: "\0rules".into(),
            taken_in: None,
            received: now(0).utc,
            expires: Some(now(60).moment),
        }
    }

    fn read_again(at: Now) -> Message {
        let (old, mut packet) = (an_old_message(), BytesMut::new());
        message(&old, &mut packet);
        let origin = Origin {
            publisher: &old.publisher,
            received: old.received,
        };
        to_message(packet.to_vec(), origin, at).unwrap()
    }

    #[test]
    fn a_message_comes_back_whole() {
        assert_eq!(read_again(now(0)), an_old_message());
    }

    #[test]
    fn expiry_goes_on_while_the_gateway_is_off() {
        assert!(!read_again(now(59)).is_expired(now(59)));
        assert_eq!(read_again(now(59)).expiry_left(now(59)), Some(1));
        assert!(read_again(now(61)).is_expired(now(61)));
    }

    #[test]
    fn a_clock_that_was_set_back_prolongs_nothing() {
        let past = Now {
            moment: Moment(0),
            utc: UtcMillis(0),
        };
        assert_eq!(read_again(past).expiry_left(past), Some(60));
    }

    #[test]
    fn a_will_comes_back_whole() {
        let message = an_old_message();
        let before = Will {
            topic: message.topic,
            payload: message.payload,
            qos: message.qos,
            retain: true,
            delay: 30,
            properties: message.properties,
        };
        assert_eq!(to_will(will(&before)), Some(before));
        assert_eq!(to_will(b"nothing".to_vec()), None);
    }
}
