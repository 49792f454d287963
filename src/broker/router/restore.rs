//! The state that a restart finds on the disk.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::{Link, Router, SessionId, session_id};
use crate::broker::access::rights::Rights;
use crate::broker::codec::{PacketId, Will};
use crate::broker::journal::{Journal, SubscriptionRow};
use crate::broker::message::Message;
use crate::broker::outbound::{Outbound, Saved};
use crate::broker::session::Session;
use crate::broker::subscriptions::Subscriber;
use crate::clock::{Now, UtcMillis};

/// Everything that outlives the process.
#[derive(Debug, Default, PartialEq)]
pub struct State {
    pub sessions: Vec<SavedSession>,
    pub retained: Vec<Arc<Message>>,
    /// The highest id of all.
    pub last_id: u64,
}

/// A session as it was on the disk.
#[derive(Debug, PartialEq)]
pub struct SavedSession {
    pub key: u64,
    pub client_id: Arc<str>,
    pub user: Option<Arc<str>>,
    pub expiry: u32,
    /// `None` if it was connected when the gateway fell.
    pub disconnected_at: Option<UtcMillis>,
    pub will: Option<Will>,
    /// Deliveries up to this id may have been sent without the disk knowing.
    pub doubtful: u64,
    pub subscriptions: Vec<(Arc<str>, SubscriptionRow)>,
    /// With the ids of their messages; in flight first, in their order, then
    /// what waits.
    pub deliveries: Vec<(u64, Saved)>,
    pub received: FxHashSet<PacketId>,
}

impl Router {
    /// Goes on where the last run ended. Who was connected then is lost now.
    pub fn restore(&mut self, state: State, mut journal: Journal, now: Now) {
        for message in &state.retained {
            self.retained.store(message);
        }
        journal.skip_to(state.last_id);
        self.journal = journal;
        for saved in state.sessions {
            self.restore_session(saved, now);
        }
        self.wake(now);
    }

    fn restore_session(&mut self, saved: SavedSession, now: Now) {
        self.last_epoch.0 += 1;
        let (will, key) = (saved.will, saved.key);
        let was_connected = saved.disconnected_at.is_none();
        let since = saved.disconnected_at.unwrap_or(now.utc);
        let mut session = Session {
            client_id: Arc::clone(&saved.client_id),
            internal: saved.client_id.starts_with('\0'),
            wishes: None,
            user: saved.user,
            rights: Rights::default(),
            epoch: self.last_epoch,
            connection: None,
            expiry: saved.expiry,
            subscriptions: FxHashMap::default(),
            outbound: Outbound::new(self.limits.queue),
            received: saved.received,
            will,
            key,
            disconnected_at: Some(since),
            doubtful: match was_connected {
                true => self.journal.last_id(),
                false => saved.doubtful,
            },
            is_recorded: true,
        };
        for (message, delivery) in saved.deliveries {
            let mut log = session.log(&mut self.journal);
            log.restored(message, &delivery.delivery.message);
            session.outbound.restore(delivery, session.doubtful);
        }
        if was_connected {
            session.record(&mut self.journal);
        }
        self.grant_again(&mut session);
        let id = session_id(self.sessions.insert(session));
        self.clients.insert(saved.client_id, id);
        self.restore_subscriptions(id, saved.subscriptions);
        self.restore_timers(id, since, now);
    }

    fn restore_subscriptions(&mut self, id: SessionId, rows: Vec<(Arc<str>, SubscriptionRow)>) {
        for (filter, row) in rows {
            let subscriber = Subscriber {
                session: id,
                options: row.options,
                id: row.id,
            };
            self.subscriptions.insert(&filter, subscriber);
            let session = &mut self.sessions[id.index()];
            session.subscriptions.insert(filter, row.options);
        }
    }

    /// The will's delay and the session's expiry count from the end of the
    /// connection, by the wall clock.
    fn restore_timers(&mut self, id: SessionId, since: UtcMillis, now: Now) {
        let session = &self.sessions[id.index()];
        let link = Link {
            session: id,
            epoch: session.epoch,
        };
        let away = now.utc.since(since);
        let (delay, lifetime) = (
            session.will.as_ref().map(|will| will.delay),
            session.lifetime(),
        );
        if let Some(delay) = delay {
            let seconds = u32::try_from(away.as_secs()).unwrap_or(u32::MAX);
            self.wake_for_will(link, delay.saturating_sub(seconds), now);
        }
        if let Some(lifetime) = lifetime {
            self.wake_for_expiry(link, lifetime.saturating_sub(away), now);
        }
    }
}
