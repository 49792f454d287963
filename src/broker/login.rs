//! Whom a CONNECT comes from: somebody with a certificate, with a password, or
//! nobody in particular.
//!
//! Looking at a password costs memory and a tenth of a second, so few are
//! looked at at once, one after the other of each address, and addresses that
//! were wrong before wait ([`Patience`]).

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Semaphore;
use tokio::time::{sleep_until, timeout};

use super::codec::Connect;
use super::door::Peer;
use super::gate::{Refusal, network};
use super::patience::Patience;
use super::queue::Queue;
use super::users::{self, Pass, Users};
use crate::clock::Clock;

/// Passwords that are looked at at once: 19 MiB each.
const AT_ONCE: usize = 2;
/// Who has not had its turn by then is sent away, to try again.
const WITHIN: Duration = Duration::from_secs(10);

/// Lets clients of the network in, or not.
#[derive(Debug)]
pub struct Login {
    users: Users,
    /// Whether one may be anonymous; where absent, only on this computer.
    anonymous: Option<bool>,
    patience: Mutex<Patience>,
    /// One login of each address at a time.
    lines: Queue,
    hashing: Arc<Semaphore>,
    clock: Clock,
}

impl Login {
    pub fn new(users: Users, anonymous: Option<bool>, clock: Clock) -> Arc<Login> {
        Arc::new(Login {
            users,
            anonymous,
            patience: Mutex::default(),
            lines: Queue::new(Semaphore::MAX_PERMITS, 1),
            hashing: Arc::new(Semaphore::new(AT_ONCE)),
            clock,
        })
    }

    /// Finds out whom the CONNECT comes from. Leaves the proved name in it as
    /// its user name, and takes the password away.
    ///
    /// # Errors
    /// If the client is not let in. The log is told why.
    pub async fn admit(
        self: &Arc<Login>,
        peer: &Peer,
        connect: &mut Connect,
    ) -> Result<Option<Pass>, Refusal> {
        let (claimed, password) = (connect.username.take(), connect.password.take());
        let is_certified = |user: &Arc<str>| claimed.as_deref().is_none_or(|name| name == &**user);
        if let Some(user) = peer.user.as_ref().filter(|user| is_certified(user)) {
            connect.username = Some(user.to_string());
            return Ok(None);
        }
        let verified = match (&claimed, password) {
            (Some(name), password) => {
                let pass = self.verify(peer.address.ip(), name, password.unwrap_or_default());
                pass.await.map(Some)
            }
            (None, Some(_)) => Err(Refusal::Password),
            (None, None) if self.anonymous.unwrap_or(peer.local) => Ok(None),
            (None, None) => Err(Refusal::Stranger),
        };
        match &verified {
            Ok(pass) => connect.username = pass.as_ref().map(|pass| pass.name.to_string()),
            Err(refusal) => self.tell(peer, claimed.as_deref(), *refusal),
        }
        verified
    }

    async fn verify(
        self: &Arc<Login>,
        from: IpAddr,
        name: &str,
        password: Bytes,
    ) -> Result<Pass, Refusal> {
        let looking = self.look(from, name.to_owned(), password);
        let in_line = self.lines.at_turn(network(from), looking);
        timeout(WITHIN, in_line)
            .await
            .unwrap_or(Err(Refusal::Logins))
    }

    async fn look(
        self: &Arc<Login>,
        from: IpAddr,
        name: String,
        password: Bytes,
    ) -> Result<Pass, Refusal> {
        let next = self.patience().next(from);
        sleep_until(self.clock.instant(next)).await;
        let turn = Arc::clone(&self.hashing).acquire_owned().await;
        let login = Arc::clone(self);
        // To its end, even if the client does not wait for the answer.
        let work = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            let pass = login.users.verify(&name, &password);
            if pass.is_none() {
                login.patience().failed(from, login.clock.now().moment);
            }
            pass.ok_or(Refusal::Password)
        });
        work.await.unwrap_or(Err(Refusal::Logins))
    }

    fn tell(&self, peer: &Peer, name: Option<&str>, refusal: Refusal) {
        if self.patience().is_to_be_told(self.clock.now().moment) {
            let why = self.explain(name, refusal);
            tracing::warn!(
                %peer,
                "refused: {why}; a flood of such refusals is counted, and told once a minute"
            );
        }
    }

    fn explain(&self, name: Option<&str>, refusal: Refusal) -> String {
        match (refusal, name) {
            (Refusal::Stranger, _) => "it has no user name and password; \
                 `hearth user add NAME` makes a user"
                .to_owned(),
            (Refusal::Logins, _) => {
                "too many logins from its address wait, some of them wrong; it may try again"
                    .to_owned()
            }
            (_, None) => "it has a password, but no user name".to_owned(),
            (_, Some(name)) if self.users.is_known(name) => {
                format!("the password is not that of the user {name:?}")
            }
            (_, Some(name)) if users::is_name(name) => {
                format!("there is no user {name:?}; `hearth user list` tells who there is")
            }
            (_, Some(_)) => format!("its user name is none: {}", users::NAME_RULE),
        }
    }

    fn patience(&self) -> MutexGuard<'_, Patience> {
        self.patience.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
