//! What publishers and subscribers have in common: connecting to a session
//! that must still be there, and waiting for packets.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::PATIENCE;
use super::ledger::{Failure, Ledger, Stop};
use super::line::{Heard, Line};
use super::read::ConnAck;
use super::trace::{Did, Message, Trace};
use super::wire::{Connect, Packet, Version};

/// What clients are to do until the broker is ended or they have done it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// Make their sessions and subscriptions, and publish once on each topic.
    Begin,
    /// Live on, until the broker is ended.
    Live,
    /// Bring everything to an end that was begun.
    Finish,
}

/// A client's side of a session, as far as it is the same for all.
#[derive(Debug)]
pub struct Session {
    pub connect: Connect,
    pub trace: Trace,
    /// The broker has acknowledged something within the session.
    pub is_known: bool,
    /// Of the present connection; the first is 1.
    pub connection: u32,
    heard: Instant,
}

impl Session {
    pub fn new(name: &str, connect: Connect) -> Session {
        Session {
            connect,
            trace: Trace::new(name),
            is_known: false,
            connection: 0,
            heard: Instant::now(),
        }
    }

    pub fn name(&self) -> &str {
        &self.trace.name
    }

    pub fn version(&self) -> Version {
        self.connect.version
    }

    pub fn fail<T>(&self, says: impl Into<String>, about: Option<Message>) -> Result<T, Stop> {
        Err(Stop::Failed(Failure {
            by: self.name().to_owned(),
            says: says.into(),
            about,
        }))
    }

    /// Connects, and holds the broker to the session (3.2.2.1.1).
    pub fn resume(&mut self, at: SocketAddr, ledger: &Ledger) -> Result<Line, Stop> {
        let opened = Line::open(at);
        if ledger.is_over() {
            return Err(Stop::Over);
        }
        let mut line = match opened {
            Ok(line) => line,
            Err(error) => return self.fail(format!("cannot connect: {error}"), None),
        };
        self.connection += 1;
        self.heard = Instant::now();
        line.send(&self.connect.bytes());
        let packet = loop {
            let wait = Duration::from_millis(20);
            if let Some(packet) = self.hear(&mut line, wait, ledger)? {
                break packet;
            }
            self.wait_no_longer("CONNACK", None)?;
        };
        if packet.first != 0x20 {
            return self.fail(format!("gets {packet:?} in place of CONNACK"), None);
        }
        let connack = ConnAck::of(&packet, self.version());
        if connack.code != 0 {
            return self.fail(format!("is refused: CONNACK 0x{:02x}", connack.code), None);
        }
        let present = connack.session_present();
        self.trace.note(Did::Connected { present });
        match (self.is_known, present) {
            (true, false) => self.fail("its session is gone: Session Present is 0", None),
            (false, true) if self.connection == 1 => {
                self.fail("finds a session that it never had", None)
            }
            _ => Ok(line),
        }
    }

    /// The next packet, if one comes in time.
    pub fn hear(
        &mut self,
        line: &mut Line,
        wait: Duration,
        ledger: &Ledger,
    ) -> Result<Option<Packet>, Stop> {
        if ledger.is_cut() {
            return Err(Stop::Over);
        }
        match line.hear(wait) {
            Heard::Packet(packet) if packet.first == 0xe0 && ledger.is_over() => Err(Stop::Over),
            Heard::Packet(packet) if packet.first == 0xe0 => self.fail(
                format!("is sent away: DISCONNECT {:02x?}", packet.body),
                None,
            ),
            Heard::Packet(packet) => {
                self.heard = Instant::now();
                Ok(Some(packet))
            }
            Heard::Nothing => Ok(None),
            Heard::Closed => {
                self.trace.note(Did::Lost("loses the connection"));
                match ledger.is_over() {
                    true => Err(Stop::Over),
                    false => self.fail("the broker closed its connection", None),
                }
            }
        }
    }

    /// Fails if nothing has come for long: it waits for `what`.
    pub fn wait_no_longer(&self, what: &str, about: Option<Message>) -> Result<(), Stop> {
        if self.heard.elapsed() < PATIENCE {
            return Ok(());
        }
        self.fail(format!("waits in vain for {what}"), about)
    }

    /// It waits for nothing at the moment.
    pub fn is_content(&mut self) {
        self.heard = Instant::now();
    }
}
