//! From a packet to octets. What `decode` would refuse is not written, so that each
//! side can rely on its own packets.

use super::decode::check_message;
use super::error::{DecodeError, EncodeError, Field, Problem};
use super::flags::{Flags, Qos};
use super::message::{
    Connect, Forwarded, Packet, PubAck, Publish, RegAck, Register, SubAck, Subscribe, Unsubscribe,
    Will,
};
use super::reader::check_client_id;
use super::text::Text;
use super::topic::Topic;
use super::writer::Writer;

type Encoded = Result<(), EncodeError>;

/// Length and MsgType in the short form.
const SHORT_HEADER: usize = 2;
/// By how much the long form is longer.
const LONG_MORE: usize = 2;

impl Packet<'_> {
    /// Writes the packet to the start of `buffer` and returns how many octets it has.
    /// Packets up to 255 octets get the short form of the length (5.2.1).
    ///
    /// # Errors
    /// The buffer is too short (for packets of more than 255 octets, it needs no spare
    /// room either); or a field may not be sent like this.
    pub fn encode(&self, buffer: &mut [u8]) -> Result<usize, EncodeError> {
        if let Self::Forwarded(forwarded) = self {
            return write_forwarded(forwarded, buffer);
        }
        let body = buffer.get_mut(SHORT_HEADER..).ok_or(EncodeError::NoRoom)?;
        let mut writer = Writer::new(body);
        write_body(self, &mut writer)?;
        let length = writer.length().saturating_add(SHORT_HEADER);
        write_header(self.kind().code(), length, buffer)
    }
}

/// Puts the header in front of a body that stands behind the room for a short one.
fn write_header(kind: u8, length: usize, buffer: &mut [u8]) -> Result<usize, EncodeError> {
    if let Ok(short) = u8::try_from(length) {
        Writer::new(buffer).bytes(&[short, kind])?;
        return Ok(length);
    }
    let long = length.saturating_add(LONG_MORE);
    let too_long = DecodeError::new(Field::Length, Problem::TooLong);
    let octets = u16::try_from(long).map_err(|_| too_long)?.to_be_bytes();
    let packet = buffer.get_mut(..long).ok_or(EncodeError::NoRoom)?;
    packet.copy_within(SHORT_HEADER..length, SHORT_HEADER.saturating_add(LONG_MORE));
    let [high, low] = octets;
    Writer::new(packet).bytes(&[1, high, low, kind])?;
    Ok(long)
}

fn write_body(packet: &Packet<'_>, to: &mut Writer<'_>) -> Encoded {
    match packet {
        Packet::Advertise { gw_id, duration } => {
            to.u8(*gw_id)?;
            to.u16(*duration)
        }
        Packet::SearchGw { radius } => to.u8(*radius),
        Packet::GwInfo { gw_id, address } => {
            to.u8(*gw_id)?;
            to.bytes(address)
        }
        Packet::Connect(connect) => write_connect(connect, to),
        Packet::ConnAck(code) | Packet::WillTopicResp(code) | Packet::WillMsgResp(code) => {
            to.u8(*code as u8)
        }
        Packet::WillTopicReq | Packet::WillMsgReq | Packet::PingResp => Ok(()),
        Packet::WillTopic(will) | Packet::WillTopicUpd(will) => write_will(*will, to),
        Packet::WillMsg(message) | Packet::WillMsgUpd(message) => to.bytes(message),
        Packet::Register(register) => write_register(register, to),
        Packet::RegAck(ack) => write_reg_ack(ack, to),
        Packet::Publish(publish) => write_publish(publish, to),
        Packet::PubAck(ack) => write_pub_ack(ack, to),
        Packet::PubRec(id) | Packet::PubRel(id) | Packet::PubComp(id) | Packet::UnsubAck(id) => {
            to.u16(*id)
        }
        Packet::Subscribe(subscribe) => write_subscribe(subscribe, to),
        Packet::SubAck(ack) => write_sub_ack(ack, to),
        Packet::Unsubscribe(unsubscribe) => write_unsubscribe(unsubscribe, to),
        Packet::PingReq(client_id) => write_sleeper(*client_id, to),
        Packet::Disconnect(duration) => duration.map_or(Ok(()), |seconds| to.u16(seconds)),
        Packet::Forwarded(_) => Ok(()), // written by itself
    }
}

fn write_connect(connect: &Connect<'_>, to: &mut Writer<'_>) -> Encoded {
    check_client_id(connect.client_id)?;
    let flags = Flags::default()
        .with_will(connect.will)
        .with_clean_session(connect.clean_session);
    to.bytes(&[flags.0, 1])?;
    to.u16(connect.duration)?;
    to.bytes(connect.client_id.as_bytes())
}

fn write_will(will: Option<Will<'_>>, to: &mut Writer<'_>) -> Encoded {
    let Some(will) = will else {
        return Ok(());
    };
    let flags = connected(will.qos)?.with_retain(will.retain);
    to.u8(flags.0)?;
    write_text(will.topic, Field::WillTopic, to)
}

fn write_register(register: &Register<'_>, to: &mut Writer<'_>) -> Encoded {
    to.u16(register.topic_id)?;
    to.u16(register.msg_id)?;
    write_text(register.name, Field::TopicName, to)
}

fn write_reg_ack(ack: &RegAck, to: &mut Writer<'_>) -> Encoded {
    to.u16(ack.topic_id)?;
    to.u16(ack.msg_id)?;
    to.u8(ack.code as u8)
}

fn write_publish(publish: &Publish<'_>, to: &mut Writer<'_>) -> Encoded {
    let acknowledged = matches!(publish.qos, Qos::AtLeastOnce | Qos::ExactlyOnce);
    if acknowledged != (publish.msg_id != 0) {
        return Err(DecodeError::new(Field::MsgId, Problem::NotAllowed).into());
    }
    let flags = Flags::default()
        .with_dup(publish.dup)
        .with_qos(publish.qos)
        .with_retain(publish.retain)
        .with_topic_id_type(publish.topic.kind());
    to.u8(flags.0)?;
    to.u16(publish.topic.code())?;
    to.u16(publish.msg_id)?;
    to.bytes(publish.data)
}

fn write_pub_ack(ack: &PubAck, to: &mut Writer<'_>) -> Encoded {
    to.u16(ack.topic_id)?;
    to.u16(ack.msg_id)?;
    to.u8(ack.code as u8)
}

fn write_subscribe(subscribe: &Subscribe<'_>, to: &mut Writer<'_>) -> Encoded {
    let flags = connected(subscribe.qos)?
        .with_dup(subscribe.dup)
        .with_topic_id_type(subscribe.topic.kind());
    to.u8(flags.0)?;
    to.u16(subscribe.msg_id)?;
    write_topic(subscribe.topic, to)
}

fn write_sub_ack(ack: &SubAck, to: &mut Writer<'_>) -> Encoded {
    to.u8(connected(ack.qos)?.0)?;
    to.u16(ack.topic_id)?;
    to.u16(ack.msg_id)?;
    to.u8(ack.code as u8)
}

fn write_unsubscribe(unsubscribe: &Unsubscribe<'_>, to: &mut Writer<'_>) -> Encoded {
    let flags = Flags::default().with_topic_id_type(unsubscribe.topic.kind());
    to.u8(flags.0)?;
    to.u16(unsubscribe.msg_id)?;
    write_topic(unsubscribe.topic, to)
}

fn write_topic(topic: Topic<'_>, to: &mut Writer<'_>) -> Encoded {
    match topic {
        Topic::Name(name) => write_text(name, Field::TopicName, to),
        Topic::Predefined(id) => to.u16(id),
        Topic::Short(name) => to.bytes(&name),
    }
}

fn write_sleeper(client_id: Option<Text<'_>>, to: &mut Writer<'_>) -> Encoded {
    let Some(client_id) = client_id else {
        return Ok(());
    };
    check_client_id(client_id)?;
    to.bytes(client_id.as_bytes())
}

fn write_text(text: Text<'_>, field: Field, to: &mut Writer<'_>) -> Encoded {
    if text.as_bytes().is_empty() {
        return Err(DecodeError::new(field, Problem::Empty).into());
    }
    to.bytes(text.as_bytes())
}

fn connected(qos: Qos) -> Result<Flags, DecodeError> {
    let flags = Flags::default().with_qos(qos);
    flags.connected_qos()?;
    Ok(flags)
}

fn write_forwarded(forwarded: &Forwarded<'_>, buffer: &mut [u8]) -> Result<usize, EncodeError> {
    if forwarded.radius > 3 {
        return Err(DecodeError::new(Field::Radius, Problem::NotAllowed).into());
    }
    if forwarded.node.is_empty() {
        return Err(DecodeError::new(Field::WirelessNodeId, Problem::Empty).into());
    }
    check_message(forwarded.message)?;
    let too_long = DecodeError::new(Field::WirelessNodeId, Problem::TooLong);
    let length = forwarded.node.len().saturating_add(3);
    let length = u8::try_from(length).map_err(|_| too_long)?;
    let mut to = Writer::new(buffer);
    to.bytes(&[length, 0xFE, forwarded.radius])?;
    to.bytes(forwarded.node)?;
    to.bytes(forwarded.message)?;
    Ok(to.length())
}
