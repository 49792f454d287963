//! What an application asks of its client: to publish, to subscribe, to register.

use super::codec::{flag, kind};
use super::machine::Client;
use super::profile::Profile;
use crate::packet::{Topic, TopicId};

/// Why nothing was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AskError {
    /// There is no session, or the client sleeps.
    NotConnected,
    /// Another request is under way; ask again when it is done.
    Busy,
    /// Longer than the `N` octets of the client.
    TooLong,
}

impl<P: Profile, const N: usize> Client<P, N> {
    /// Publishes at QoS 0 (6.6).
    ///
    /// # Errors
    /// [`AskError`]; nothing was sent then.
    pub fn publish(
        &mut self,
        topic: TopicId,
        data: &[u8],
        retain: bool,
        out: &mut impl FnMut(&[u8]),
    ) -> Result<(), AskError> {
        if !self.is_connected() {
            return Err(AskError::NotConnected);
        }
        self.publish_once(topic, data, flags_of(retain), out)
    }

    /// Publishes at QoS −1 (6.8), with or without a session: nobody says whether it came.
    /// For predefined and short topics.
    ///
    /// # Errors
    /// It is too long.
    pub fn publish_without_connection(
        &mut self,
        topic: TopicId,
        data: &[u8],
        retain: bool,
        out: &mut impl FnMut(&[u8]),
    ) -> Result<(), AskError> {
        self.publish_once(topic, data, flags_of(retain) | flag::QOS, out)
    }

    /// Publishes at QoS 1 (6.6); [`Event::Done`](super::Event::Done) with the id that is
    /// returned tells the end.
    ///
    /// # Errors
    /// [`AskError`]; nothing was sent then.
    #[inline(never)]
    pub fn publish_surely(
        &mut self,
        topic: TopicId,
        data: &[u8],
        retain: bool,
        out: &mut impl FnMut(&[u8]),
    ) -> Result<u16, AskError> {
        let id = self.new_request()?;
        let head = publish_head(topic, flags_of(retain) | flag::QOS_1, id);
        self.ask(kind::PUBLISH, &head, data, out)?;
        Ok(id)
    }

    /// Asks for the id of a topic (6.5); it comes with [`Event::Done`](super::Event::Done).
    ///
    /// # Errors
    /// [`AskError`]; nothing was sent then.
    pub fn register(&mut self, name: &[u8], out: &mut impl FnMut(&[u8])) -> Result<u16, AskError> {
        let id = self.new_request()?;
        let [high, low] = id.to_be_bytes();
        self.ask(kind::REGISTER, &[0, 0, high, low], name, out)?;
        Ok(id)
    }

    /// Subscribes (6.9) at QoS 1; the topic's id comes with
    /// [`Event::Done`](super::Event::Done), 0 for one with wildcards.
    ///
    /// # Errors
    /// [`AskError`]; nothing was sent then.
    pub fn subscribe(
        &mut self,
        topic: Topic<'_>,
        out: &mut impl FnMut(&[u8]),
    ) -> Result<u16, AskError> {
        let id = self.new_request()?;
        let [high, low] = id.to_be_bytes();
        let head = [flag::QOS_1 | topic.kind() as u8, high, low];
        let pair = match topic {
            Topic::Name(_) => [0; 2],
            Topic::Predefined(id) => id.to_be_bytes(),
            Topic::Short(name) => name,
        };
        let name = match topic {
            Topic::Name(name) => name.as_bytes(),
            _ => &pair,
        };
        self.ask(kind::SUBSCRIBE, &head, name, out)?;
        Ok(id)
    }

    fn publish_once(
        &mut self,
        topic: TopicId,
        data: &[u8],
        flags: u8,
        out: &mut impl FnMut(&[u8]),
    ) -> Result<(), AskError> {
        let head = publish_head(topic, flags, 0);
        if self.say(kind::PUBLISH, &head, data, out) {
            Ok(())
        } else {
            Err(AskError::TooLong)
        }
    }

    fn new_request(&mut self) -> Result<u16, AskError> {
        if !self.is_connected() {
            return Err(AskError::NotConnected);
        }
        if self.is_busy() {
            return Err(AskError::Busy);
        }
        Ok(self.request.new_id())
    }

    fn ask(
        &mut self,
        kind: u8,
        head: &[u8],
        tail: &[u8],
        out: &mut impl FnMut(&[u8]),
    ) -> Result<(), AskError> {
        if !self.request.begin(kind, head, tail) {
            return Err(AskError::TooLong);
        }
        self.send_request(out);
        Ok(())
    }
}

const fn flags_of(retain: bool) -> u8 {
    if retain { flag::RETAIN } else { 0 }
}

const fn publish_head(topic: TopicId, flags: u8, msg_id: u16) -> [u8; 5] {
    let [t1, t0] = topic.code().to_be_bytes();
    let [m1, m0] = msg_id.to_be_bytes();
    [flags | topic.kind() as u8, t1, t0, m1, m0]
}
