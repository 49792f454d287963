//! Permissions in the router: whose a session is, what it may do, and what
//! happens when that changes.

use std::sync::Arc;

use super::connect::Origin;
use super::{Link, Router, SessionId};
use crate::broker::access::pattern::Who;
use crate::broker::access::rights::Rights;
use crate::broker::access::{Access, Deed, Forbidden};
use crate::broker::codec::{ConnAck, Connect, Reason, Will};
use crate::broker::journal::Journal;
use crate::broker::message::Message;
use crate::broker::outbound::Dropped;
use crate::broker::session::Session;
use crate::clock::Now;

/// Refusals of one connection that are told; its further ones are counted.
const MOST_COMPLAINTS: u8 = 3;

impl Router {
    /// From now on these permissions hold. Connections and subscriptions stay;
    /// what waits for a client that may not read it any more is withdrawn.
    pub fn permit(&mut self, access: Access) {
        self.guarded = !access.is_open();
        self.access = access;
        let mut sessions = std::mem::take(&mut self.sessions);
        for (_, session) in &mut sessions {
            self.grant_again(session);
        }
        self.sessions = sessions;
    }

    /// What the session may do, as the permissions are now.
    pub(super) fn grant_again(&mut self, session: &mut Session) {
        if session.internal {
            return;
        }
        let who = Who {
            user: session.user.as_deref(),
            client_id: &session.client_id,
        };
        let rights = self.access.rights(&who);
        grant(session, rights, &mut self.journal);
    }

    /// The user is no more: so are the sessions that waited for it. Those that
    /// are still connected, by a certificate, end with their connection.
    pub fn forget(&mut self, user: &str, now: Now) {
        let of_user = self
            .sessions
            .iter()
            .filter(|(_, session)| session.user.as_deref() == Some(user));
        let ids: Vec<SessionId> = of_user.map(|(id, _)| super::session_id(id)).collect();
        for id in ids {
            let session = &mut self.sessions[id.index()];
            session.set_expiry(0, &mut self.journal);
            session.record(&mut self.journal);
            if session.connection.is_none() {
                self.end_session(id, now);
            }
        }
    }

    /// What was refused since the last call, for the log.
    pub fn forbidden(&mut self) -> &mut Vec<Forbidden> {
        &mut self.forbidden
    }

    /// What a client that asks to come in may do.
    ///
    /// # Errors
    /// If the client id is somebody else's, or the will could not be sent.
    pub(super) fn rights_of(
        &self,
        connect: &Connect,
        origin: Origin,
    ) -> Result<Rights, Box<ConnAck>> {
        if origin != Origin::Outside {
            return Ok(Rights::Everything);
        }
        let who = Who {
            user: connect.username.as_deref(),
            client_id: &connect.client_id,
        };
        let known = self.clients.get(who.client_id);
        let session = known.and_then(|id| self.sessions.get(id.index()));
        if session.is_some_and(|session| session.user.as_deref() != who.user) {
            let why = "the session of this client id belongs to another user";
            return Err(refusal(Reason::ClientIdentifierNotValid, why));
        }
        if !self.access.may_use_id(&who) {
            let why = "this client id is kept for another user";
            return Err(refusal(Reason::ClientIdentifierNotValid, why));
        }
        let rights = self.access.rights(&who);
        let mut will = connect.will.iter();
        if will.any(|will| !rights.may_write(&will.topic)) {
            let why = "its will is for a topic that it may not write";
            return Err(refusal(Reason::NotAuthorized, why));
        }
        Ok(rights)
    }

    /// Gives a connected client another will, as MQTT-SN has it (6.4).
    ///
    /// # Errors
    /// The will that it keeps, for it may not write the other one's topic.
    pub fn rewill(&mut self, link: Link, will: Option<Will>) -> Result<(), Option<Will>> {
        let Some((session, journal)) = self.with_journal(link) else {
            return Err(None);
        };
        let is_forbidden = |will: &Will| !session.may_write(&will.topic);
        if will.as_ref().is_some_and(is_forbidden) {
            return Err(session.will.clone());
        }
        session.will = will;
        session.record(journal);
        Ok(())
    }

    /// Gives a session, new or old, to the client that comes in.
    pub(super) fn empower(&mut self, id: SessionId, connect: &Connect, rights: Rights) {
        let session = &mut self.sessions[id.index()];
        session.user = connect.username.as_deref().map(Arc::from);
        grant(session, rights, &mut self.journal);
    }

    /// Refuses a subscription that could never bring anything.
    pub(super) fn forbid_subscription(&mut self, link: Link, filter: &str) -> Reason {
        self.counters.forbidden_subscriptions += 1;
        self.complain(link.session, Deed::Subscribe, filter);
        Reason::NotAuthorized
    }

    /// A will whose client may not write its topic any more is lost.
    pub(super) fn forbid_will(&mut self, id: SessionId, message: &Arc<Message>) {
        self.counters.forbidden_publications += 1;
        self.counters.lost(Dropped::Refused);
        self.dead.lost(Dropped::Refused, message, None);
        self.complain(id, Deed::Will, &message.topic);
    }

    /// Notes a refusal for the log. A will is the last that a connection does.
    pub(super) fn complain(&mut self, id: SessionId, deed: Deed, topic: &str) {
        let Some(session) = self.sessions.get_mut(id.index()) else {
            return;
        };
        let told = session.connection.as_mut().map(|connection| {
            connection.complaints = connection.complaints.saturating_add(1);
            connection.complaints
        });
        if told.is_none_or(|told| told <= MOST_COMPLAINTS) {
            self.forbidden.push(Forbidden {
                deed,
                topic: topic.into(),
                client_id: Arc::clone(&session.client_id),
                user: session.user.clone(),
                last: told == Some(MOST_COMPLAINTS),
            });
        }
    }
}

fn grant(session: &mut Session, rights: Rights, journal: &mut Journal) {
    if session.rights != rights {
        session.rights = rights;
        let log = &mut session.log(journal);
        let rights = &session.rights;
        let may_read = |message: &Message| rights.may_read(&message.topic);
        session.outbound.withdraw(may_read, log);
    }
}

/// CONNACK that says why, in words too.
fn refusal(reason: Reason, why: &str) -> Box<ConnAck> {
    Box::new(ConnAck {
        reason,
        reason_string: Some(why.to_owned()),
        ..ConnAck::default()
    })
}
