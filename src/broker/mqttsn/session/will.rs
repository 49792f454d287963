//! The client's will: told after CONNECT (6.3), and changed on the way (6.4).

use bytes::Bytes;
use hearth_wire::packet as sn;

use super::inward::qos;
use super::{Effect, Session, State};
use crate::broker::codec::{PublishProperties, Will};
use crate::broker::topic;

/// Changes of a client that the broker has not answered. It waits for each answer;
/// further ones are refused.
const MOST_CHANGES: usize = 4;

/// What of the will is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Topic,
    Message,
}

impl Change {
    fn answer(self, code: sn::ReturnCode) -> sn::Packet<'static> {
        match self {
            Change::Topic => sn::Packet::WillTopicResp(code),
            Change::Message => sn::Packet::WillMsgResp(code),
        }
    }
}

impl Session {
    pub(super) fn will_topic(&mut self, will: Option<sn::Will<'_>>) {
        let Some(will) = will else {
            return self.enter();
        };
        let Some(will) = made(will, Bytes::new()) else {
            self.state = State::Outside;
            return self.send(&sn::Packet::ConnAck(sn::ReturnCode::NotSupported));
        };
        self.will = Some(will);
        self.state = State::WillMessage;
        self.send(&sn::Packet::WillMsgReq);
    }

    pub(super) fn will_message(&mut self, message: &[u8]) {
        if let Some(will) = &mut self.will {
            will.payload = Bytes::copy_from_slice(message);
        }
        self.enter();
    }

    /// An empty topic takes the will away (5.4.22).
    pub(super) fn update_will_topic(&mut self, will: Option<sn::Will<'_>>) {
        let message = self.will.as_ref().map(|will| will.payload.clone());
        let changed = match will {
            None => Some(None),
            Some(will) => made(will, message.unwrap_or_default()).map(Some),
        };
        self.change_will(Change::Topic, changed);
    }

    /// Without a topic there is nothing to say a message on.
    pub(super) fn update_will_message(&mut self, message: &[u8]) {
        let changed = self.will.clone().map(|will| {
            Some(Will {
                payload: Bytes::copy_from_slice(message),
                ..will
            })
        });
        self.change_will(Change::Message, changed);
    }

    /// `None`: it cannot be.
    fn change_will(&mut self, change: Change, will: Option<Option<Will>>) {
        match will {
            Some(will) if self.rewills.len() < MOST_CHANGES => {
                self.rewills.push_back(change);
                self.will.clone_from(&will);
                self.effects.push(Effect::Rewill(will));
            }
            Some(_) => self.send(&change.answer(sn::ReturnCode::Congestion)),
            None => self.send(&change.answer(sn::ReturnCode::NotSupported)),
        }
    }

    /// The broker has taken another will, or `has` the one before still, for the client may
    /// not write its topic.
    pub fn rewilled(&mut self, outcome: Result<(), Option<Will>>) {
        let code = match &outcome {
            Ok(()) => sn::ReturnCode::Accepted,
            Err(_) => sn::ReturnCode::NotSupported,
        };
        if let Err(has) = outcome {
            self.will = has;
        }
        if let Some(change) = self.rewills.pop_front() {
            self.send(&change.answer(code));
        }
    }
}

fn made(will: sn::Will<'_>, payload: Bytes) -> Option<Will> {
    let name = will.topic.as_str();
    topic::valid_name(name).then(|| Will {
        topic: name.into(),
        payload,
        qos: qos(will.qos),
        retain: will.retain,
        delay: 0,
        properties: PublishProperties::default(),
    })
}
