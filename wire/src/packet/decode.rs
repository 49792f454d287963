//! From octets to a packet. Strict: what the standard does not allow is refused, and
//! the error names the field. Only what it calls "not used" is not looked at.

use super::error::{DecodeError, Field, Problem};
use super::flags::{Flags, Qos, TopicIdType};
use super::kind::Kind;
use super::message::{
    Connect, Forwarded, Packet, PubAck, Publish, RegAck, Register, SubAck, Subscribe, Unsubscribe,
    Will,
};
use super::reader::Reader;
use super::text::Text;
use super::topic::{Topic, TopicId};

type Decoded<T> = Result<T, DecodeError>;

/// In the first octet: two octets with the length follow (5.2.1).
const LONG: u8 = 1;
/// MQTT-SN 1.2 (5.3.8).
const PROTOCOL_ID: u8 = 1;
/// The bits of Ctrl that are not reserved (5.5, table 29).
const RADIUS: u8 = 0b11;

impl<'a> Packet<'a> {
    /// Reads the one packet that `bytes` are, such as a datagram or the inside of a frame.
    ///
    /// The long form of the length is taken for short packets too: 5.2.1 says that
    /// these *may* use the short one.
    ///
    /// # Errors
    /// The first field that the standard does not allow.
    pub fn decode(bytes: &'a [u8]) -> Decoded<Self> {
        match bytes {
            [length, kind, rest @ ..] if *kind == Kind::Forwarded.code() && *length != LONG => {
                forwarded(*length, rest).map(Packet::Forwarded)
            }
            _ => {
                let (kind, mut body) = header(bytes)?;
                let packet = message(kind, &mut body)?;
                body.finish()?;
                Ok(packet)
            }
        }
    }
}

/// Length and MsgType (5.2); the reader stands behind them.
fn header(bytes: &[u8]) -> Decoded<(Kind, Reader<'_>)> {
    let mut reader = Reader(bytes);
    let mut length = u16::from(reader.u8(Field::Length)?);
    if length == u16::from(LONG) {
        length = reader.u16(Field::Length)?;
    }
    if usize::from(length) != bytes.len() {
        return Err(DecodeError::new(Field::Length, Problem::Disagrees));
    }
    let kind = Kind::from_code(reader.u8(Field::MsgType)?)?;
    Ok((kind, reader))
}

fn message<'a>(kind: Kind, body: &mut Reader<'a>) -> Decoded<Packet<'a>> {
    Ok(match kind {
        Kind::Advertise => Packet::Advertise {
            gw_id: body.u8(Field::GwId)?,
            duration: body.u16(Field::Duration)?,
        },
        Kind::SearchGw => Packet::SearchGw {
            radius: body.u8(Field::Radius)?,
        },
        Kind::GwInfo => Packet::GwInfo {
            gw_id: body.u8(Field::GwId)?,
            address: body.rest(),
        },
        Kind::Connect => Packet::Connect(connect(body)?),
        Kind::WillTopic => Packet::WillTopic(will(body)?),
        Kind::WillMsg => Packet::WillMsg(body.rest()),
        Kind::PubRec => Packet::PubRec(body.u16(Field::MsgId)?),
        Kind::PubRel => Packet::PubRel(body.u16(Field::MsgId)?),
        Kind::PubComp => Packet::PubComp(body.u16(Field::MsgId)?),
        Kind::Subscribe => Packet::Subscribe(subscribe(body)?),
        Kind::Unsubscribe => Packet::Unsubscribe(unsubscribe(body)?),
        Kind::PingReq => Packet::PingReq(sleeper(body)?),
        Kind::WillTopicUpd => Packet::WillTopicUpd(will(body)?),
        Kind::WillMsgUpd => Packet::WillMsgUpd(body.rest()),
        Kind::WillTopicResp => Packet::WillTopicResp(body.code()?),
        Kind::WillMsgResp => Packet::WillMsgResp(body.code()?),
        // The long form: a forwarder's length has one octet.
        Kind::Forwarded => return Err(DecodeError::new(Field::Length, Problem::NotAllowed)),
        Kind::ConnAck => Packet::ConnAck(body.code()?),
        Kind::WillTopicReq => Packet::WillTopicReq,
        Kind::WillMsgReq => Packet::WillMsgReq,
        Kind::Register => Packet::Register(register(body)?),
        Kind::RegAck => Packet::RegAck(reg_ack(body)?),
        Kind::Publish => Packet::Publish(publish(body)?),
        Kind::PubAck => Packet::PubAck(pub_ack(body)?),
        Kind::SubAck => Packet::SubAck(sub_ack(body)?),
        Kind::UnsubAck => Packet::UnsubAck(body.u16(Field::MsgId)?),
        Kind::PingResp => Packet::PingResp,
        Kind::Disconnect => Packet::Disconnect(sleep(body)?),
    })
}

fn connect<'a>(body: &mut Reader<'a>) -> Decoded<Connect<'a>> {
    let flags = Flags(body.u8(Field::Flags)?);
    if body.u8(Field::ProtocolId)? != PROTOCOL_ID {
        return Err(DecodeError::new(Field::ProtocolId, Problem::NotAllowed));
    }
    Ok(Connect {
        will: flags.will(),
        clean_session: flags.clean_session(),
        duration: body.u16(Field::Duration)?,
        client_id: body.client_id()?,
    })
}

fn will<'a>(body: &mut Reader<'a>) -> Decoded<Option<Will<'a>>> {
    if body.is_empty() {
        return Ok(None);
    }
    let flags = Flags(body.u8(Field::Flags)?);
    Ok(Some(Will {
        qos: flags.connected_qos()?,
        retain: flags.retain(),
        topic: body.text(Field::WillTopic)?,
    }))
}

fn register<'a>(body: &mut Reader<'a>) -> Decoded<Register<'a>> {
    Ok(Register {
        topic_id: body.u16(Field::TopicId)?,
        msg_id: body.u16(Field::MsgId)?,
        name: body.text(Field::TopicName)?,
    })
}

fn reg_ack(body: &mut Reader<'_>) -> Decoded<RegAck> {
    Ok(RegAck {
        topic_id: body.u16(Field::TopicId)?,
        msg_id: body.u16(Field::MsgId)?,
        code: body.code()?,
    })
}

fn publish<'a>(body: &mut Reader<'a>) -> Decoded<Publish<'a>> {
    let flags = Flags(body.u8(Field::Flags)?);
    let topic = TopicId::new(flags.topic_id_type()?, body.u16(Field::TopicId)?);
    let msg_id = body.u16(Field::MsgId)?;
    Ok(Publish {
        dup: flags.dup(),
        qos: flags.qos(),
        retain: flags.retain(),
        topic,
        msg_id: relevant_msg_id(flags.qos(), msg_id)?,
        data: body.rest(),
    })
}

/// Without an acknowledgement the id means nothing (5.4.12); with one it is MQTT's,
/// where it is never 0.
fn relevant_msg_id(qos: Qos, msg_id: u16) -> Decoded<u16> {
    match (qos, msg_id) {
        (Qos::AtMostOnce | Qos::WithoutConnection, _) => Ok(0),
        (_, 0) => Err(DecodeError::new(Field::MsgId, Problem::NotAllowed)),
        (_, id) => Ok(id),
    }
}

fn pub_ack(body: &mut Reader<'_>) -> Decoded<PubAck> {
    Ok(PubAck {
        topic_id: body.u16(Field::TopicId)?,
        msg_id: body.u16(Field::MsgId)?,
        code: body.code()?,
    })
}

fn subscribe<'a>(body: &mut Reader<'a>) -> Decoded<Subscribe<'a>> {
    let flags = Flags(body.u8(Field::Flags)?);
    Ok(Subscribe {
        dup: flags.dup(),
        qos: flags.connected_qos()?,
        msg_id: body.u16(Field::MsgId)?,
        topic: topic(flags, body)?,
    })
}

fn unsubscribe<'a>(body: &mut Reader<'a>) -> Decoded<Unsubscribe<'a>> {
    let flags = Flags(body.u8(Field::Flags)?);
    Ok(Unsubscribe {
        msg_id: body.u16(Field::MsgId)?,
        topic: topic(flags, body)?,
    })
}

fn topic<'a>(flags: Flags, body: &mut Reader<'a>) -> Decoded<Topic<'a>> {
    Ok(match flags.topic_id_type()? {
        TopicIdType::Normal => Topic::Name(body.text(Field::TopicName)?),
        TopicIdType::Predefined => Topic::Predefined(body.u16(Field::TopicId)?),
        TopicIdType::Short => Topic::Short(body.pair(Field::TopicName)?),
    })
}

fn sub_ack(body: &mut Reader<'_>) -> Decoded<SubAck> {
    let flags = Flags(body.u8(Field::Flags)?);
    Ok(SubAck {
        qos: flags.connected_qos()?,
        topic_id: body.u16(Field::TopicId)?,
        msg_id: body.u16(Field::MsgId)?,
        code: body.code()?,
    })
}

fn sleeper<'a>(body: &mut Reader<'a>) -> Decoded<Option<Text<'a>>> {
    if body.is_empty() {
        return Ok(None);
    }
    body.client_id().map(Some)
}

fn sleep(body: &mut Reader<'_>) -> Decoded<Option<u16>> {
    if body.is_empty() {
        return Ok(None);
    }
    body.u16(Field::Duration).map(Some)
}

/// `length` counts up to the end of the node's id; the message behind it has its own.
fn forwarded(length: u8, rest: &[u8]) -> Decoded<Forwarded<'_>> {
    let mut reader = Reader(rest);
    let ctrl = reader.u8(Field::Ctrl)?;
    if ctrl & !RADIUS != 0 {
        return Err(DecodeError::new(Field::Ctrl, Problem::Reserved));
    }
    let node = match usize::from(length).checked_sub(3) {
        None => return Err(DecodeError::new(Field::Length, Problem::Disagrees)),
        Some(0) => return Err(DecodeError::new(Field::WirelessNodeId, Problem::Empty)),
        Some(length) => reader.take(length, Field::WirelessNodeId)?,
    };
    let message = reader.rest();
    check_message(message)?;
    Ok(Forwarded {
        radius: ctrl,
        node,
        message,
    })
}

/// A whole packet by its header, and not again of a forwarder.
pub(super) fn check_message(message: &[u8]) -> Decoded<()> {
    if let [_, kind, ..] = message
        && *kind == Kind::Forwarded.code()
    {
        return Err(DecodeError::new(Field::Message, Problem::NotAllowed));
    }
    header(message)
        .map(drop)
        .map_err(|error| DecodeError::new(Field::Message, error.problem))
}
