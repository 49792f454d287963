//! The messages (5.4, 5.5), each with the fields that mean something in it.

use super::error::{DecodeError, Field, Problem};
use super::flags::Qos;
use super::kind::Kind;
use super::text::Text;
use super::topic::{Topic, TopicId};

/// The longest client id, in characters (5.3.1).
pub const MAX_CLIENT_ID: usize = 23;

/// How a request went (5.3.10, table 5). Other codes are reserved and refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ReturnCode {
    /// Done.
    Accepted = 0,
    /// Not now; ask again later (6.4 says after five minutes, T_WAIT).
    Congestion = 1,
    /// The topic id means nothing to the other side; register it again.
    InvalidTopicId = 2,
    /// Not here.
    NotSupported = 3,
}

/// CONNECT (5.4.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connect<'a> {
    /// The gateway shall ask for a will.
    pub will: bool,
    /// Nothing of earlier times counts.
    pub clean_session: bool,
    /// Keep-alive in seconds; 0 switches it off.
    pub duration: u16,
    /// 1 to 23 characters.
    pub client_id: Text<'a>,
}

/// The topic of a will: WILLTOPIC (5.4.7) and WILLTOPICUPD (5.4.22).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Will<'a> {
    /// 0, 1 or 2.
    pub qos: Qos,
    /// Whether the will is kept for later subscribers.
    pub retain: bool,
    /// Not empty.
    pub topic: Text<'a>,
}

/// REGISTER (5.4.10).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Register<'a> {
    /// 0 from a client, which asks for an id.
    pub topic_id: u16,
    /// Comes back in the REGACK.
    pub msg_id: u16,
    /// Not empty.
    pub name: Text<'a>,
}

/// REGACK (5.4.11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegAck {
    /// The id that the topic has from now on.
    pub topic_id: u16,
    /// Of the REGISTER.
    pub msg_id: u16,
    /// How it went.
    pub code: ReturnCode,
}

/// PUBLISH (5.4.12).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Publish<'a> {
    /// Sent before.
    pub dup: bool,
    /// Any of the four.
    pub qos: Qos,
    /// To be kept for later subscribers.
    pub retain: bool,
    /// Where it belongs.
    pub topic: TopicId,
    /// Not 0 for QoS 1 and 2; always 0 for the others.
    pub msg_id: u16,
    /// The message itself.
    pub data: &'a [u8],
}

/// PUBACK (5.4.13).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PubAck {
    /// The field TopicId of the PUBLISH.
    pub topic_id: u16,
    /// Of the PUBLISH; 0 when one without an id is refused.
    pub msg_id: u16,
    /// How it went.
    pub code: ReturnCode,
}

/// SUBSCRIBE (5.4.15).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subscribe<'a> {
    /// Sent before.
    pub dup: bool,
    /// 0, 1 or 2: the most that the client wants.
    pub qos: Qos,
    /// Comes back in the SUBACK.
    pub msg_id: u16,
    /// What is subscribed to.
    pub topic: Topic<'a>,
}

/// SUBACK (5.4.16).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubAck {
    /// 0, 1 or 2: what was granted.
    pub qos: Qos,
    /// The id that messages will come with; 0 for a filter with wildcards.
    pub topic_id: u16,
    /// Of the SUBSCRIBE.
    pub msg_id: u16,
    /// How it went.
    pub code: ReturnCode,
}

/// UNSUBSCRIBE (5.4.17).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unsubscribe<'a> {
    /// Comes back in the UNSUBACK.
    pub msg_id: u16,
    /// What was subscribed to.
    pub topic: Topic<'a>,
}

/// A packet that a forwarder took up, or shall hand out (5.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forwarded<'a> {
    /// 0 to 3 hops; counts only on the way from the gateway.
    pub radius: u8,
    /// Who sent the message or shall have it, as the wireless network numbers them.
    pub node: &'a [u8],
    /// A whole packet.
    pub message: &'a [u8],
}

impl<'a> Forwarded<'a> {
    /// The packet inside.
    ///
    /// # Errors
    /// It is not one, or is itself of a forwarder.
    pub fn packet(&self) -> Result<Packet<'a>, DecodeError> {
        match Packet::decode(self.message)? {
            Packet::Forwarded(_) => Err(DecodeError::new(Field::Message, Problem::NotAllowed)),
            packet => Ok(packet),
        }
    }
}

/// One MQTT-SN message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packet<'a> {
    /// 5.4.1: a gateway is here.
    Advertise {
        /// Of the gateway.
        gw_id: u8,
        /// Seconds until the next one.
        duration: u16,
    },
    /// 5.4.2: is there a gateway?
    SearchGw {
        /// How far to ask, in hops; 0 is everybody.
        radius: u8,
    },
    /// 5.4.3: there is.
    GwInfo {
        /// Of the gateway.
        gw_id: u8,
        /// Its address, when a client answers for it; otherwise empty.
        address: &'a [u8],
    },
    /// 5.4.4
    Connect(Connect<'a>),
    /// 5.4.5
    ConnAck(ReturnCode),
    /// 5.4.6
    WillTopicReq,
    /// 5.4.7; `None` (the empty WILLTOPIC) deletes the will that the gateway has.
    WillTopic(Option<Will<'a>>),
    /// 5.4.8
    WillMsgReq,
    /// 5.4.9
    WillMsg(&'a [u8]),
    /// 5.4.10
    Register(Register<'a>),
    /// 5.4.11
    RegAck(RegAck),
    /// 5.4.12
    Publish(Publish<'a>),
    /// 5.4.13
    PubAck(PubAck),
    /// 5.4.14, with the MsgId of the PUBLISH
    PubRec(u16),
    /// 5.4.14, with the MsgId of the PUBLISH
    PubRel(u16),
    /// 5.4.14, with the MsgId of the PUBLISH
    PubComp(u16),
    /// 5.4.15
    Subscribe(Subscribe<'a>),
    /// 5.4.16
    SubAck(SubAck),
    /// 5.4.17
    Unsubscribe(Unsubscribe<'a>),
    /// 5.4.18, with the MsgId of the UNSUBSCRIBE
    UnsubAck(u16),
    /// 5.4.19; a sleeping client that is awake says who it is, 1 to 23 characters.
    PingReq(Option<Text<'a>>),
    /// 5.4.20
    PingResp,
    /// 5.4.21; a client that goes to sleep says for how many seconds.
    Disconnect(Option<u16>),
    /// 5.4.22; `None` (the empty WILLTOPICUPD) deletes the will that the gateway has.
    WillTopicUpd(Option<Will<'a>>),
    /// 5.4.23
    WillMsgUpd(&'a [u8]),
    /// 5.4.24
    WillTopicResp(ReturnCode),
    /// 5.4.25
    WillMsgResp(ReturnCode),
    /// 5.5
    Forwarded(Forwarded<'a>),
}

impl Packet<'_> {
    /// Its MsgType.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Advertise { .. } => Kind::Advertise,
            Self::SearchGw { .. } => Kind::SearchGw,
            Self::GwInfo { .. } => Kind::GwInfo,
            Self::Connect(_) => Kind::Connect,
            Self::ConnAck(_) => Kind::ConnAck,
            Self::WillTopicReq => Kind::WillTopicReq,
            Self::WillTopic(_) => Kind::WillTopic,
            Self::WillMsgReq => Kind::WillMsgReq,
            Self::WillMsg(_) => Kind::WillMsg,
            Self::Register(_) => Kind::Register,
            Self::RegAck(_) => Kind::RegAck,
            Self::Publish(_) => Kind::Publish,
            Self::PubAck(_) => Kind::PubAck,
            Self::PubRec(_) => Kind::PubRec,
            Self::PubRel(_) => Kind::PubRel,
            Self::PubComp(_) => Kind::PubComp,
            Self::Subscribe(_) => Kind::Subscribe,
            Self::SubAck(_) => Kind::SubAck,
            Self::Unsubscribe(_) => Kind::Unsubscribe,
            Self::UnsubAck(_) => Kind::UnsubAck,
            Self::PingReq(_) => Kind::PingReq,
            Self::PingResp => Kind::PingResp,
            Self::Disconnect(_) => Kind::Disconnect,
            Self::WillTopicUpd(_) => Kind::WillTopicUpd,
            Self::WillMsgUpd(_) => Kind::WillMsgUpd,
            Self::WillTopicResp(_) => Kind::WillTopicResp,
            Self::WillMsgResp(_) => Kind::WillMsgResp,
            Self::Forwarded(_) => Kind::Forwarded,
        }
    }
}
