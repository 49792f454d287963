//! One MQTT-SN client, decided: its packets, what the broker tells it and the
//! time in; packets for it and for the broker out. No I/O.
//!
//! The gateway is transparent (MQTT-SN 1.2, section 4.2): each client has a
//! session of its own in the broker, with its client id, permissions, will and
//! QoS. Towards the client there is one message on its way at a time, which is
//! what small receivers can bear.

mod inward;
mod outward;
mod will;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::Duration;

use hearth_wire::packet as sn;

use super::topics::{Predefined, Topics};
use crate::broker::codec::{Connect, Disconnect, Packet, Reason, Version, Will};
use crate::clock::{Moment, Now};
use outward::Outward;

/// Unacknowledged messages of the broker that wait here for the client.
const WINDOW: NonZeroU16 = NonZeroU16::MIN.saturating_add(15);
/// The longest packet that the gateway writes (5.2.1).
const LONGEST: usize = 65_535;
/// A client that does not tell its will within this, or comes no further with
/// its CONNECT, is forgotten.
const HELLO_WITHIN: Duration = Duration::from_secs(15);
/// A session whose client stays away longer than this is forgotten.
const SESSION_EXPIRY: u32 = 7 * 24 * 3600;

/// How often and how long an answer of the client is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// `Tretry`
    pub retry: Duration,
    /// `Nretry`: so many times a packet is repeated; then the client is lost.
    pub retries: u8,
}

impl Default for Patience {
    fn default() -> Patience {
        Patience {
            retry: Duration::from_secs(10),
            retries: 3,
        }
    }
}

/// What is to be done.
#[derive(Debug, PartialEq)]
pub enum Effect {
    /// A packet for the client.
    Send(Vec<u8>),
    /// Open a session in the broker, in place of the one before; CONNACK is
    /// among what [`Session::told`] is told. If it is refused, [`Session::entered`].
    Enter(Box<Connect>),
    /// A packet for the broker.
    Tell(Packet),
    /// Give the session another will, or none; then [`Session::rewilled`].
    Rewill(Option<Will>),
    /// The client is gone, or was told to go.
    Over(End),
}

/// How a session with a client ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It said goodbye.
    Left,
    /// It was silent for longer than it may, or did not answer.
    Lost,
    /// The broker has closed its session.
    Closed(Reason),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nobody has connected.
    Outside,
    WillTopic,
    WillMessage,
    /// The broker is being asked.
    Entering,
    Active,
    /// Until it says that it is awake, for so long at most.
    Asleep(Duration),
    /// It is sent what waits, and sleeps on.
    Awake(Duration),
    Over,
}

/// One client of the gateway.
#[derive(Debug)]
pub struct Session {
    state: State,
    topics: Topics,
    patience: Patience,
    client_id: String,
    clean: bool,
    /// As the broker has it, or shall have it.
    will: Option<Will>,
    /// What of the will the broker is asked to change, and answers that wait behind.
    rewills: VecDeque<will::Change>,
    /// The longest time between two packets; zero for any.
    keep_alive: Duration,
    heard: Moment,
    inward: inward::Inward,
    outward: Outward,
    effects: Vec<Effect>,
}

impl Session {
    /// Of an address from which nothing has come.
    pub fn new(predefined: Arc<Predefined>, patience: Patience, now: Now) -> Session {
        Session {
            state: State::Outside,
            topics: Topics::new(predefined),
            patience,
            client_id: String::new(),
            clean: true,
            will: None,
            rewills: VecDeque::new(),
            keep_alive: Duration::ZERO,
            heard: now.moment,
            inward: inward::Inward::default(),
            outward: Outward::default(),
            effects: Vec::new(),
        }
    }

    /// Who it says it is; empty before CONNECT.
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// What is to be done now.
    pub fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    /// The broker has let the client in, or not.
    pub fn entered(&mut self, outcome: Result<(), Reason>, now: Now) {
        if self.state != State::Entering {
            return;
        }
        let code = match outcome {
            Ok(()) => sn::ReturnCode::Accepted,
            Err(reason) => return_code(reason),
        };
        self.send(&sn::Packet::ConnAck(code));
        match outcome {
            Ok(()) => {
                self.state = State::Active;
                self.pump(now);
            }
            Err(reason) => self.end(End::Closed(reason)),
        }
    }

    /// The broker has closed the client's session.
    pub fn closed(&mut self, reason: Reason) {
        if !matches!(self.state, State::Over | State::Outside) {
            self.send(&sn::Packet::Disconnect(None));
            self.end(End::Closed(reason));
        }
    }

    /// Lets time pass.
    pub fn tick(&mut self, now: Now) {
        if self
            .deadline()
            .is_some_and(|deadline| deadline <= now.moment)
        {
            if self.is_connected() {
                self.send(&sn::Packet::Disconnect(None));
            }
            return self.end(End::Lost);
        }
        self.retry(now);
    }

    /// When [`Session::tick`] has something to do.
    pub fn wake_at(&self) -> Option<Moment> {
        let retry = self
            .is_reachable()
            .then(|| self.outward.retry_at(&self.patience));
        [self.deadline(), retry.flatten()]
            .into_iter()
            .flatten()
            .min()
    }

    /// When its silence means that it is lost: one and a half times what it
    /// announced, as MQTT has it [MQTT-3.1.2-22].
    fn deadline(&self) -> Option<Moment> {
        let longest = match self.state {
            State::Over => return None,
            State::Outside | State::WillTopic | State::WillMessage | State::Entering => {
                HELLO_WITHIN
            }
            State::Active if self.keep_alive.is_zero() => return None,
            State::Active => self.keep_alive * 3 / 2,
            State::Asleep(longest) | State::Awake(longest) => longest * 3 / 2,
        };
        Some(self.heard + longest)
    }

    fn is_connected(&self) -> bool {
        matches!(
            self.state,
            State::Active | State::Asleep(_) | State::Awake(_)
        )
    }

    /// Whether it listens now.
    fn is_reachable(&self) -> bool {
        matches!(self.state, State::Active | State::Awake(_))
    }

    fn enter(&mut self) {
        self.state = State::Entering;
        let connect = Connect {
            version: Version::V5,
            client_id: self.client_id.clone(),
            clean_start: self.clean,
            keep_alive: 0,
            username: None,
            password: None,
            will: self.will.clone(),
            session_expiry: (!self.clean).then_some(SESSION_EXPIRY),
            receive_maximum: Some(WINDOW),
            maximum_packet_size: None,
            topic_alias_maximum: 0,
            request_response_information: false,
            request_problem_information: false,
            user_properties: Vec::new(),
            authentication_method: None,
            authentication_data: None,
        };
        self.effects.push(Effect::Enter(Box::new(connect)));
    }

    fn leave(&mut self) {
        let goodbye = Packet::Disconnect(Disconnect::default());
        self.effects.push(Effect::Tell(goodbye));
        self.end(End::Left);
    }

    fn end(&mut self, end: End) {
        if self.state != State::Over {
            self.state = State::Over;
            self.effects.push(Effect::Over(end));
        }
    }

    fn send(&mut self, packet: &sn::Packet<'_>) {
        let mut buffer = vec![0; LONGEST.min(longest(packet))];
        if let Ok(length) = packet.encode(&mut buffer) {
            buffer.truncate(length);
            self.effects.push(Effect::Send(buffer));
        }
    }
}

/// Room for a packet, its head included.
fn longest(packet: &sn::Packet<'_>) -> usize {
    let body = match packet {
        sn::Packet::Publish(publish) => publish.data.len(),
        sn::Packet::Register(register) => register.name.as_bytes().len(),
        _ => 0,
    };
    body + 16
}

/// What MQTT-SN can say of a refusal (5.3.10).
fn return_code(reason: Reason) -> sn::ReturnCode {
    match reason {
        _ if !reason.is_error() => sn::ReturnCode::Accepted,
        Reason::ServerBusy
        | Reason::ServerUnavailable
        | Reason::QuotaExceeded
        | Reason::ReceiveMaximumExceeded
        | Reason::ConnectionRateExceeded => sn::ReturnCode::Congestion,
        _ => sn::ReturnCode::NotSupported,
    }
}
