//! What the parts that forward messages ask about their sessions.

use std::sync::Arc;

use super::{Router, SessionId};
use crate::broker::codec::{PacketId, Qos};
use crate::broker::outbound::Backlog;
use crate::broker::session::Session;

/// What the broker holds in the name of a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// As the part calls its session.
    pub name: String,
    pub backlog: Backlog,
    /// Its subscriptions.
    pub filters: Vec<Arc<str>>,
    /// QoS 2 messages that it brought and has not released.
    pub received: Vec<PacketId>,
}

impl Router {
    /// The sessions of parts whose names begin with `prefix`. Looks at every
    /// session: not for every packet.
    pub fn held(&self, prefix: &str) -> Vec<Held> {
        let sessions = self.sessions.iter().map(|(_, session)| session);
        let held = |session: &Session| {
            let name = session.client_id.strip_prefix('\0')?;
            name.starts_with(prefix).then(|| Held {
                name: name.to_owned(),
                backlog: session.outbound.backlog(),
                filters: session.subscriptions.keys().cloned().collect(),
                received: session.received.iter().copied().collect(),
            })
        };
        sessions.filter_map(held).collect()
    }

    /// The QoS at which a session takes a message that was published at `qos`.
    pub(super) fn published_at(&self, id: SessionId, qos: Qos) -> Qos {
        let session = self.sessions.get(id.index());
        session.map_or(qos, |session| session.published_at(qos))
    }
}
