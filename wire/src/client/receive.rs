//! What the gateway says to a client, and what the client makes of it.

use super::codec::{flag, kind, open};
use super::machine::{Client, State, emit};
use super::profile::Profile;
use crate::packet::{Flags, ReturnCode, Text, TopicId};

/// Something that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'p> {
    /// Nothing that matters to the application.
    Nothing,
    /// A session begins; subscriptions and what was under way are to be renewed.
    Connected,
    /// The gateway does not let the client in now; it tries again after the longest wait.
    Refused(ReturnCode),
    /// The session is gone, and with it the request that was under way.
    Lost,
    /// Asleep, and nothing more waits for the client.
    Asleep,
    /// A message came. At QoS 1 it was acknowledged; one that was acknowledged before is
    /// handed on again, for the acknowledgement may have been lost.
    Message(Message<'p>),
    /// A request was answered, or a message of QoS 0 was refused (with id 0).
    Done {
        /// Of the request.
        msg_id: u16,
        /// Of the topic that was asked for.
        topic_id: u16,
        /// How it went.
        code: ReturnCode,
    },
    /// A topic that a subscription with wildcards brings has this id from now on.
    Registration {
        /// The id of the messages that follow.
        topic_id: u16,
        /// The topic's name.
        name: Text<'p>,
    },
}

/// A message to the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'p> {
    /// Where it belongs.
    pub topic: TopicId,
    /// It was kept, and is older than the subscription.
    pub retain: bool,
    /// Sent before.
    pub dup: bool,
    /// What was published.
    pub data: &'p [u8],
}

impl<P: Profile, const N: usize> Client<P, N> {
    /// Takes a packet of the gateway. What is none, or does not belong here, is passed over.
    pub fn receive<'p>(
        &mut self,
        packet: &'p [u8],
        now: u32,
        out: &mut impl FnMut(&[u8]),
    ) -> Event<'p> {
        self.now = now;
        let Some((kind, body)) = open(packet) else {
            return Event::Nothing;
        };
        match self.state {
            State::Off => Event::Nothing,
            State::Connecting => self.receive_connecting(kind, body, out),
            _ => self.receive_in_session(kind, body, out),
        }
    }

    fn receive_connecting(
        &mut self,
        kind: u8,
        body: &[u8],
        out: &mut impl FnMut(&[u8]),
    ) -> Event<'static> {
        match (kind, body) {
            (kind::CONNACK, [0]) => {
                self.begin_session();
                return Event::Connected;
            }
            (kind::CONNACK, [code]) => {
                if let Some(code) = return_code(*code) {
                    self.wait_longest();
                    return Event::Refused(code);
                }
            }
            (kind::WILLTOPICREQ, []) if P::HAS_WILL => self.tell_will_topic(out),
            (kind::WILLMSGREQ, []) if P::HAS_WILL => self.tell_will_message(out),
            _ => {}
        }
        Event::Nothing
    }

    fn receive_in_session<'p>(
        &mut self,
        kind: u8,
        body: &'p [u8],
        out: &mut impl FnMut(&[u8]),
    ) -> Event<'p> {
        let event = match (kind, body) {
            (kind::PUBLISH, [flags, t1, t0, m1, m0, data @ ..]) => {
                self.published(Flags(*flags), [*t1, *t0], [*m1, *m0], data, out)
            }
            (kind::PUBACK | kind::REGACK, [t1, t0, m1, m0, code]) => {
                self.answered(kind, [*t1, *t0], [*m1, *m0], *code)
            }
            (kind::SUBACK, [flags, t1, t0, m1, m0, code]) if *flags & flag::QOS != flag::QOS => {
                self.answered(kind, [*t1, *t0], [*m1, *m0], *code)
            }
            (kind::REGISTER, [t1, t0, m1, m0, name @ ..]) if P::HAS_WILDCARDS => {
                self.registered([*t1, *t0], [*m1, *m0], name, out)
            }
            (kind::PINGREQ, []) => {
                self.say(kind::PINGRESP, b"", b"", out);
                Some(Event::Nothing)
            }
            (kind::PINGRESP, []) => Some(self.ping_answered()),
            (kind::CONNACK, [0..=3]) => Some(Event::Nothing),
            (kind::DISCONNECT, [] | [_, _]) => return self.disconnected(),
            _ => None,
        };
        event.map_or(Event::Nothing, |event| {
            self.is_there();
            event
        })
    }

    /// The gateway is there: it was heard in a session.
    #[inline(never)]
    fn is_there(&mut self) {
        self.heard = self.now;
        if self.state == State::Active {
            self.unanswered = 0;
        }
    }

    fn registered<'p>(
        &mut self,
        topic: [u8; 2],
        msg_id: [u8; 2],
        name: &'p [u8],
        out: &mut impl FnMut(&[u8]),
    ) -> Option<Event<'p>> {
        let name = Text::from_bytes(name).filter(|name| name.chars() > 0)?;
        let ([t1, t0], [m1, m0]) = (topic, msg_id);
        self.say(kind::REGACK, &[t1, t0, m1, m0, 0], b"", out);
        let topic_id = u16::from_be_bytes(topic);
        Some(Event::Registration { topic_id, name })
    }

    /// What cannot be for this client is not acknowledged either.
    fn published<'p>(
        &mut self,
        flags: Flags,
        topic: [u8; 2],
        msg_id: [u8; 2],
        data: &'p [u8],
        out: &mut impl FnMut(&[u8]),
    ) -> Option<Event<'p>> {
        let kind = flags.topic_id_type().ok()?;
        let topic_id = u16::from_be_bytes(topic);
        match flags.0 & flag::QOS {
            0 => {}
            flag::QOS_1 if msg_id != [0, 0] => {
                let ([t1, t0], [m1, m0]) = (topic, msg_id);
                self.say(kind::PUBACK, &[t1, t0, m1, m0, 0], b"", out);
            }
            _ => return None,
        }
        if P::SLEEPS {
            self.more_waits();
        }
        let (retain, dup) = (flags.retain(), flags.dup());
        let topic = TopicId::new(kind, topic_id);
        Some(Event::Message(Message {
            topic,
            retain,
            dup,
            data,
        }))
    }

    #[inline(never)]
    fn answered(
        &mut self,
        kind: u8,
        topic: [u8; 2],
        msg_id: [u8; 2],
        code: u8,
    ) -> Option<Event<'static>> {
        let code = return_code(code)?;
        let (topic_id, msg_id) = (u16::from_be_bytes(topic), u16::from_be_bytes(msg_id));
        if self.request.is_answered_by(kind, msg_id) {
            self.request.end();
        } else if msg_id != 0 || code == ReturnCode::Accepted {
            return Some(Event::Nothing); // of a request that was answered before
        }
        Some(Event::Done {
            msg_id,
            topic_id,
            code,
        })
    }

    fn ping_answered(&mut self) -> Event<'static> {
        if P::SLEEPS && self.state == State::Awake {
            return self.fall_asleep();
        }
        Event::Nothing
    }

    /// The gateway says that it does not know this client, or lets it sleep.
    fn disconnected(&mut self) -> Event<'static> {
        if P::SLEEPS && self.state == State::FallingAsleep {
            return self.fall_asleep();
        }
        self.lose()
    }

    fn tell_will_topic(&mut self, out: &mut impl FnMut(&[u8])) {
        let will = self.profile.will();
        let flags = Flags::default().with_qos(will.qos).with_retain(will.retain);
        // An empty WILLTOPIC has no flags either (5.4.7).
        let flags = [flags.0];
        let flags = flags
            .get(usize::from(will.topic.is_empty())..)
            .unwrap_or_default();
        emit::<N>(kind::WILLTOPIC, flags, will.topic, out);
    }

    fn tell_will_message(&mut self, out: &mut impl FnMut(&[u8])) {
        emit::<N>(kind::WILLMSG, self.profile.will().message, b"", out);
    }
}

/// `None`: a code that the standard reserves (5.3.10).
const fn return_code(code: u8) -> Option<ReturnCode> {
    Some(match code {
        0 => ReturnCode::Accepted,
        1 => ReturnCode::Congestion,
        2 => ReturnCode::InvalidTopicId,
        3 => ReturnCode::NotSupported,
        _ => return None,
    })
}
