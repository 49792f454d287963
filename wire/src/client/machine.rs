//! Connecting, asking, repeating, pinging; finding out that the gateway is gone, and
//! connecting again.

use super::codec::{compose, flag, kind};
use super::profile::Profile;
use super::receive::Event;
use super::request::Request;
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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Does nothing until [`Client::connect`].
    Off,
    Connecting,
    Active,
    FallingAsleep,
    Asleep,
    /// Asleep, and fetching what waits for it.
    Awake,
}

/// A client. `N` is the longest packet that it sends, in octets, at most 255. Times are
/// milliseconds of a clock that may wrap.
#[derive(Clone, Debug)]
pub struct Client<P, const N: usize> {
    pub(super) profile: P,
    pub(super) state: State,
    /// What the state waits for: to connect, to ask again, to wake up.
    pub(super) due: u32,
    /// Between two tries to connect.
    wait: u16,
    pub(super) request: Request<N>,
    /// When the gateway was heard while there was a session.
    pub(super) heard: u32,
    spoke: u32,
    /// Pings, or announcements of sleep, that are not answered.
    pub(super) unanswered: u8,
    pub(super) ask_again: u32,
    /// Seconds.
    pub(super) sleep: u16,
}

/// Whether a moment is over; it lies less than half of the clock's round away.
pub(super) const fn is_over(moment: u32, now: u32) -> bool {
    now.wrapping_sub(moment) < 1 << 31
}

impl<P: Profile, const N: usize> Client<P, N> {
    /// A client that connects at the first poll.
    pub const fn new(profile: P, now: u32) -> Self {
        Self {
            profile,
            state: State::Connecting,
            due: now,
            wait: P::FIRST_WAIT,
            request: Request::none(),
            heard: now,
            spoke: now,
            unanswered: 0,
            ask_again: now,
            sleep: 0,
        }
    }

    /// Whether there is a session and the client is not asleep.
    pub fn is_connected(&self) -> bool {
        self.state == State::Active
    }

    /// Whether a request is under way.
    pub fn is_busy(&self) -> bool {
        self.request.is_under_way()
    }

    /// When the gateway was last heard in a session; before the first one, the start.
    pub const fn heard(&self) -> u32 {
        self.heard
    }

    /// Connects, from sleep or after [`disconnect`](Self::disconnect).
    pub const fn connect(&mut self, now: u32) {
        self.state = State::Connecting;
        self.due = now;
        self.wait = P::FIRST_WAIT;
        self.request.end();
    }

    /// Says goodbye (5.4.21), without which the gateway would send the will.
    pub fn disconnect(&mut self, now: u32, out: &mut impl FnMut(&[u8])) {
        self.say(kind::DISCONNECT, b"", now, out);
        self.state = State::Off;
        self.request.end();
    }

    /// Does what is due. Gives [`Event::Lost`] when the gateway has not answered for too
    /// long; the client then connects again by itself.
    pub fn poll(&mut self, now: u32, out: &mut impl FnMut(&[u8])) -> Event<'static> {
        match self.state {
            State::Off => Event::Nothing,
            State::Connecting => {
                if is_over(self.due, now) {
                    self.try_to_connect(now, out);
                }
                Event::Nothing
            }
            State::Active => self.poll_session(now, out),
            _ if P::SLEEPS => self.poll_sleep(now, out),
            _ => Event::Nothing,
        }
    }

    /// The moment of the next poll; polling earlier does no harm. `None`: when something
    /// is asked.
    pub fn wake_at(&self) -> Option<u32> {
        match self.state {
            State::Off => None,
            State::Active => self.session_wakes_at(),
            State::Connecting | State::Asleep => Some(self.due),
            State::FallingAsleep | State::Awake => Some(self.ask_again),
        }
    }

    /// Publishes at QoS 0 (6.6).
    ///
    /// # Errors
    /// [`AskError`]; nothing was sent then.
    pub fn publish(
        &mut self,
        topic: TopicId,
        data: &[u8],
        retain: bool,
        now: u32,
        out: &mut impl FnMut(&[u8]),
    ) -> Result<(), AskError> {
        self.check_session()?;
        let head = publish_head(topic, flags_of(retain), 0);
        self.send(kind::PUBLISH, &head, data, now, out)
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
        now: u32,
        out: &mut impl FnMut(&[u8]),
    ) -> Result<(), AskError> {
        let head = publish_head(topic, flags_of(retain) | flag::QOS, 0);
        self.send(kind::PUBLISH, &head, data, now, out)
    }

    /// Publishes at QoS 1 (6.6); [`Event::Done`] with the id that is returned tells the end.
    ///
    /// # Errors
    /// [`AskError`]; nothing was sent then.
    pub fn publish_surely(
        &mut self,
        topic: TopicId,
        data: &[u8],
        retain: bool,
        now: u32,
        out: &mut impl FnMut(&[u8]),
    ) -> Result<u16, AskError> {
        let id = self.new_request()?;
        let head = publish_head(topic, flags_of(retain) | flag::QOS_1, id);
        self.ask(kind::PUBLISH, &head, data, now, out)?;
        Ok(id)
    }

    /// Asks for the id of a topic (6.5); it comes with [`Event::Done`].
    ///
    /// # Errors
    /// [`AskError`]; nothing was sent then.
    pub fn register(
        &mut self,
        name: &[u8],
        now: u32,
        out: &mut impl FnMut(&[u8]),
    ) -> Result<u16, AskError> {
        let id = self.new_request()?;
        let [high, low] = id.to_be_bytes();
        self.ask(kind::REGISTER, &[0, 0, high, low], name, now, out)?;
        Ok(id)
    }

    /// Subscribes (6.9) at QoS 1; the topic's id comes with [`Event::Done`], 0 for one
    /// with wildcards.
    ///
    /// # Errors
    /// [`AskError`]; nothing was sent then.
    pub fn subscribe(
        &mut self,
        topic: Topic<'_>,
        now: u32,
        out: &mut impl FnMut(&[u8]),
    ) -> Result<u16, AskError> {
        let id = self.new_request()?;
        let [high, low] = id.to_be_bytes();
        let head = [flag::QOS_1 | topic.kind() as u8, high, low];
        match topic {
            Topic::Name(name) => self.ask(kind::SUBSCRIBE, &head, name.as_bytes(), now, out),
            Topic::Predefined(id) => self.ask(kind::SUBSCRIBE, &head, &id.to_be_bytes(), now, out),
            Topic::Short(name) => self.ask(kind::SUBSCRIBE, &head, &name, now, out),
        }?;
        Ok(id)
    }

    /// The session is gone; connects at the next poll.
    pub(super) fn lose(&mut self, now: u32) -> Event<'static> {
        self.connect(now);
        Event::Lost
    }

    /// The next try comes after the longest wait: the gateway is there and does not want.
    pub(super) const fn wait_longest(&mut self, now: u32) {
        self.wait = P::LONGEST_WAIT;
        self.due = now.wrapping_add(P::LONGEST_WAIT as u32);
    }

    pub(super) fn begin_session(&mut self, now: u32) {
        self.state = State::Active;
        self.heard = now;
        self.unanswered = 0;
    }

    /// A packet without an answer, or one that is an answer.
    pub(super) fn say(&mut self, kind: u8, body: &[u8], now: u32, out: &mut impl FnMut(&[u8])) {
        // None of these is longer than what every client has room for.
        let _ = self.send(kind, body, b"", now, out);
    }

    pub(super) fn send(
        &mut self,
        kind: u8,
        head: &[u8],
        tail: &[u8],
        now: u32,
        out: &mut impl FnMut(&[u8]),
    ) -> Result<(), AskError> {
        let mut octets = [0; N];
        let length = compose(kind, head, tail, &mut octets);
        self.tell(length, &octets, now, out);
        length.map(drop).ok_or(AskError::TooLong)
    }

    /// Sends what was composed, if there was room for it.
    pub(super) fn tell(
        &mut self,
        length: Option<u8>,
        octets: &[u8],
        now: u32,
        out: &mut impl FnMut(&[u8]),
    ) {
        if let Some(packet) = length.and_then(|length| octets.get(..usize::from(length))) {
            self.spoke = now;
            out(packet);
        }
    }

    fn try_to_connect(&mut self, now: u32, out: &mut impl FnMut(&[u8])) {
        self.due = now.wrapping_add(u32::from(self.wait));
        self.wait = self.wait.saturating_mul(2).min(P::LONGEST_WAIT);
        let will = if P::HAS_WILL { flag::WILL } else { 0 };
        let clean = if P::CLEAN_SESSION {
            flag::CLEAN_SESSION
        } else {
            0
        };
        let [high, low] = P::KEEP_ALIVE.to_be_bytes();
        let mut octets = [0; N];
        let head = [will | clean, 1, high, low];
        let length = compose(kind::CONNECT, &head, self.profile.client_id(), &mut octets);
        self.tell(length, &octets, now, out);
    }

    fn poll_session(&mut self, now: u32, out: &mut impl FnMut(&[u8])) -> Event<'static> {
        if self.request.is_under_way() && is_over(self.request.due, now) {
            if self.request.sent > P::RETRIES {
                return self.lose(now);
            }
            self.request.mark();
            self.send_request(now, out);
        }
        if self.ping_is_due(now) {
            if self.unanswered > P::RETRIES {
                return self.lose(now);
            }
            self.unanswered = self.unanswered.saturating_add(1);
            self.ask_again = now.wrapping_add(P::RETRY_AFTER);
            self.say(kind::PINGREQ, b"", now, out);
        }
        Event::Nothing
    }

    /// The gateway wants to hear the client, and the client the gateway.
    fn ping_is_due(&self, now: u32) -> bool {
        if P::PING_AFTER == 0 {
            false
        } else if self.unanswered > 0 {
            is_over(self.ask_again, now)
        } else {
            is_over(self.heard.wrapping_add(P::PING_AFTER), now)
                || is_over(self.spoke.wrapping_add(P::PING_AFTER), now)
        }
    }

    fn session_wakes_at(&self) -> Option<u32> {
        let ping = if self.unanswered > 0 {
            self.ask_again
        } else {
            let (heard, spoke) = (self.heard, self.spoke);
            let earlier = if is_over(heard, spoke) { heard } else { spoke };
            earlier.wrapping_add(P::PING_AFTER)
        };
        let ping = (P::PING_AFTER > 0).then_some(ping);
        let request = self.request.is_under_way().then_some(self.request.due);
        match (ping, request) {
            (Some(ping), Some(request)) if is_over(request, ping) => Some(request),
            (ping, request) => ping.or(request),
        }
    }

    fn check_session(&self) -> Result<(), AskError> {
        if self.is_connected() {
            Ok(())
        } else {
            Err(AskError::NotConnected)
        }
    }

    fn new_request(&mut self) -> Result<u16, AskError> {
        self.check_session()?;
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
        now: u32,
        out: &mut impl FnMut(&[u8]),
    ) -> Result<(), AskError> {
        if !self.request.begin(kind, head, tail) {
            return Err(AskError::TooLong);
        }
        self.send_request(now, out);
        Ok(())
    }

    fn send_request(&mut self, now: u32, out: &mut impl FnMut(&[u8])) {
        self.spoke = now;
        self.request.due = now.wrapping_add(P::RETRY_AFTER);
        self.request.sent = self.request.sent.saturating_add(1);
        out(self.request.octets());
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
