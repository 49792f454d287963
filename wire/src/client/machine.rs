//! Connecting, repeating, pinging; finding out that the gateway is gone, and connecting
//! again.

use super::codec::{compose, flag, kind};
use super::profile::Profile;
use super::receive::Event;
use super::request::Request;

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
/// milliseconds of a clock that may wrap; what is asked for is asked at the time of the
/// last poll or packet.
// In this order: an Uno reaches the first 64 octets with the shortest instructions.
#[derive(Clone, Debug)]
#[repr(C)]
pub struct Client<P, const N: usize> {
    pub(super) state: State,
    /// Pings, or announcements of sleep, that are not answered.
    pub(super) unanswered: u8,
    pub(super) now: u32,
    /// What the state waits for: to connect, to ask again, to wake up.
    pub(super) due: u32,
    /// Between two tries to connect.
    wait: u16,
    /// When the gateway was heard while there was a session.
    pub(super) heard: u32,
    spoke: u32,
    pub(super) ask_again: u32,
    /// Seconds.
    pub(super) sleep: u16,
    pub(super) profile: P,
    pub(super) request: Request<N>,
}

/// Whether a moment is over; it lies less than half of the clock's round away.
pub(super) const fn is_over(moment: u32, now: u32) -> bool {
    now.wrapping_sub(moment).cast_signed() >= 0
}

/// Sends a packet of at most `N` octets. False: it is longer.
#[inline(never)]
pub(super) fn emit<const N: usize>(
    kind: u8,
    head: &[u8],
    tail: &[u8],
    out: &mut impl FnMut(&[u8]),
) -> bool {
    let mut octets = [0; N];
    let length = compose(kind, head, tail, &mut octets);
    let packet = length.and_then(|length| octets.get(..usize::from(length)));
    packet.map(out).is_some()
}

impl<P: Profile, const N: usize> Client<P, N> {
    /// A client that connects at the first poll.
    pub const fn new(profile: P, now: u32) -> Self {
        Self {
            state: State::Connecting,
            unanswered: 0,
            now,
            due: now,
            wait: P::FIRST_WAIT,
            heard: now,
            spoke: now,
            ask_again: now,
            sleep: 0,
            profile,
            request: Request::none(),
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
    #[inline(never)]
    pub const fn connect(&mut self) {
        self.state = State::Connecting;
        self.due = self.now;
        self.wait = P::FIRST_WAIT;
        self.request.end();
    }

    /// Says goodbye (5.4.21), without which the gateway would send the will.
    pub fn disconnect(&mut self, out: &mut impl FnMut(&[u8])) {
        self.say(kind::DISCONNECT, b"", b"", out);
        self.state = State::Off;
        self.request.end();
    }

    /// Does what is due. Gives [`Event::Lost`] when the gateway has not answered for too
    /// long; the client then connects again by itself.
    pub fn poll(&mut self, now: u32, out: &mut impl FnMut(&[u8])) -> Event<'static> {
        self.now = now;
        match self.state {
            State::Off => Event::Nothing,
            State::Connecting => {
                if is_over(self.due, now) {
                    self.try_to_connect(out);
                }
                Event::Nothing
            }
            State::Active => self.poll_session(out),
            _ if P::SLEEPS => self.poll_sleep(out),
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

    /// The session is gone; connects at the next poll.
    pub(super) const fn lose(&mut self) -> Event<'static> {
        self.connect();
        Event::Lost
    }

    /// The next try comes after the longest wait: the gateway is there and does not want.
    #[inline(never)]
    pub(super) const fn wait_longest(&mut self) {
        self.wait = P::LONGEST_WAIT;
        self.due = self.now.wrapping_add(P::LONGEST_WAIT as u32);
    }

    pub(super) fn begin_session(&mut self) {
        self.state = State::Active;
        self.heard = self.now;
        self.unanswered = 0;
    }

    /// Sends a packet that is not repeated. False: it is too long.
    pub(super) fn say(
        &mut self,
        kind: u8,
        head: &[u8],
        tail: &[u8],
        out: &mut impl FnMut(&[u8]),
    ) -> bool {
        self.spoke = self.now;
        emit::<N>(kind, head, tail, out)
    }

    /// Sends the request that is under way, once more or for the first time.
    #[inline(never)]
    pub(super) fn send_request(&mut self, out: &mut impl FnMut(&[u8])) {
        self.spoke = self.now;
        self.request.due = self.now.wrapping_add(P::RETRY_AFTER);
        self.request.sent = self.request.sent.saturating_add(1);
        out(self.request.octets());
    }

    fn try_to_connect(&mut self, out: &mut impl FnMut(&[u8])) {
        self.due = self.now.wrapping_add(u32::from(self.wait));
        self.wait = self.wait.saturating_mul(2).min(P::LONGEST_WAIT);
        let will = if P::HAS_WILL { flag::WILL } else { 0 };
        let clean = if P::CLEAN_SESSION {
            flag::CLEAN_SESSION
        } else {
            0
        };
        let [high, low] = P::KEEP_ALIVE.to_be_bytes();
        let (head, id) = ([will | clean, 1, high, low], self.profile.client_id());
        self.spoke = self.now;
        emit::<N>(kind::CONNECT, &head, id, out);
    }

    #[inline(never)]
    fn poll_session(&mut self, out: &mut impl FnMut(&[u8])) -> Event<'static> {
        if self.request.is_under_way() && is_over(self.request.due, self.now) {
            if self.request.sent > P::RETRIES {
                return self.lose();
            }
            self.request.mark();
            self.send_request(out);
        }
        if self.ping_is_due() {
            if self.unanswered > P::RETRIES {
                return self.lose();
            }
            self.unanswered = self.unanswered.saturating_add(1);
            self.ask_again = self.now.wrapping_add(P::RETRY_AFTER);
            self.say(kind::PINGREQ, b"", b"", out);
        }
        Event::Nothing
    }

    /// The gateway wants to hear the client, and the client the gateway.
    #[inline(never)]
    fn ping_is_due(&self) -> bool {
        P::PING_AFTER != 0 && is_over(self.ping_at(), self.now)
    }

    fn ping_at(&self) -> u32 {
        if self.unanswered > 0 {
            return self.ask_again;
        }
        let (heard, spoke) = (self.heard, self.spoke);
        let earlier = if is_over(heard, spoke) { heard } else { spoke };
        earlier.wrapping_add(P::PING_AFTER)
    }

    fn session_wakes_at(&self) -> Option<u32> {
        let ping = (P::PING_AFTER > 0).then(|| self.ping_at());
        let request = self.request.is_under_way().then_some(self.request.due);
        match (ping, request) {
            (Some(ping), Some(request)) if is_over(request, ping) => Some(request),
            (ping, request) => ping.or(request),
        }
    }
}
