//! Sleeping (6.14): the client says for how long, and the gateway keeps its messages until
//! it asks for them. It wakes up for that by itself before the time is over.

use super::ask::AskError;
use super::codec::kind;
use super::machine::{Client, State, emit, is_over};
use super::profile::Profile;
use super::receive::Event;

impl<P: Profile, const N: usize> Client<P, N> {
    /// Goes to sleep for up to so many seconds, at least 3, again and again until
    /// [`connect`](Self::connect). [`Event::Asleep`] tells when.
    ///
    /// # Errors
    /// There is no session, or a request is under way.
    pub fn sleep(&mut self, seconds: u16, out: &mut impl FnMut(&[u8])) -> Result<(), AskError> {
        if !self.is_connected() {
            return Err(AskError::NotConnected);
        }
        if self.is_busy() {
            return Err(AskError::Busy);
        }
        self.sleep = seconds;
        self.state = State::FallingAsleep;
        self.unanswered = 0;
        self.ask_gateway(out);
        Ok(())
    }

    /// Fetches what waits for the client, before it would do so by itself.
    ///
    /// # Errors
    /// It is not asleep.
    pub fn wake_up(&mut self, out: &mut impl FnMut(&[u8])) -> Result<(), AskError> {
        if self.state != State::Asleep {
            return Err(AskError::NotConnected);
        }
        self.state = State::Awake;
        self.unanswered = 0;
        self.ask_gateway(out);
        Ok(())
    }

    pub(super) fn poll_sleep(&mut self, out: &mut impl FnMut(&[u8])) -> Event<'static> {
        if self.state == State::Asleep {
            if is_over(self.due, self.now) {
                // It is asleep.
                let _ = self.wake_up(out);
            }
        } else if is_over(self.ask_again, self.now) {
            if self.unanswered > P::RETRIES {
                return self.lose();
            }
            self.ask_gateway(out);
        }
        Event::Nothing
    }

    /// Wakes up two retries before the gateway would miss it.
    pub(super) fn fall_asleep(&mut self) -> Event<'static> {
        let sleep = u32::from(self.sleep).saturating_mul(1000);
        let sleep = sleep.saturating_sub(P::RETRY_AFTER.saturating_mul(2));
        self.state = State::Asleep;
        self.due = self.now.wrapping_add(sleep.max(P::RETRY_AFTER));
        Event::Asleep
    }

    /// Something came; the PINGRESP behind the last message is still to be waited for.
    pub(super) const fn more_waits(&mut self) {
        if matches!(self.state, State::Awake) {
            self.unanswered = 0;
            self.ask_again = self.now.wrapping_add(P::RETRY_AFTER);
        }
    }

    fn ask_gateway(&mut self, out: &mut impl FnMut(&[u8])) {
        self.unanswered = self.unanswered.saturating_add(1);
        self.ask_again = self.now.wrapping_add(P::RETRY_AFTER);
        if self.state == State::FallingAsleep {
            let duration = self.sleep.to_be_bytes();
            self.say(kind::DISCONNECT, &duration, b"", out);
        } else {
            emit::<N>(kind::PINGREQ, self.profile.client_id(), b"", out);
        }
    }
}
