//! Users: who may come in with a name and a password.
//!
//! They are in `state.db`, where `hearth user` writes them while the gateway
//! runs. All of them are in memory too, so a login asks no database; a task
//! looks for changes every second. Who came in with a password that has
//! changed since holds a [`Pass`] that says so.

pub mod password;
pub mod store;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustc_hash::FxHashMap;
use tokio::sync::{mpsc, watch};

use super::task::Input;
use crate::supervisor::Stop;
use password::{Proof, Prover};
use store::{Row, Store};

pub use super::tls::name::is_user as is_name;

/// How often to look for changes.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What a name must be like, for whoever chose another one.
pub const NAME_RULE: &str =
    "a user has up to 64 letters, without control characters, /, +, # and %";

/// All users, as of now. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Users {
    book: watch::Receiver<Arc<Book>>,
    prover: Arc<Prover>,
}

/// The users as of one revision.
#[derive(Debug, Default)]
struct Book {
    revision: i64,
    users: FxHashMap<Arc<str>, Arc<Entry>>,
}

struct Entry {
    hash: Box<str>,
    /// Of the last login that was right.
    proof: Mutex<Option<Proof>>,
}

/// Without the hash.
impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Entry")
    }
}

/// Shows that a client came in with a user's password.
#[derive(Debug)]
pub struct Pass {
    pub name: Arc<str>,
    entry: Arc<Entry>,
    book: watch::Receiver<Arc<Book>>,
}

/// Follows the changes.
#[derive(Debug)]
pub struct Watch {
    store: Store,
    book: watch::Sender<Arc<Book>>,
}

impl Users {
    /// Nobody, for ever.
    pub fn nobody() -> Users {
        Users::of(Book::default()).1
    }

    /// Reads all users.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn read(store: Store) -> sqlx::Result<(Users, Watch)> {
        let (sender, users) = Users::of(Book::default().next(store.all().await?));
        let watch = Watch {
            store,
            book: sender,
        };
        Ok((users, watch))
    }

    fn of(book: Book) -> (watch::Sender<Arc<Book>>, Users) {
        let (sender, book) = watch::channel(Arc::new(book));
        let prover = Arc::new(Prover::with_secret());
        (sender, Users { book, prover })
    }

    /// Whether there is anybody.
    pub fn are_there(&self) -> bool {
        !self.book.borrow().users.is_empty()
    }

    pub fn is_known(&self, name: &str) -> bool {
        self.book.borrow().users.contains_key(name)
    }

    /// A pass for whoever knows the user's password. Works for a tenth of a
    /// second, whether there is such a user or not, unless it knows the right
    /// password again.
    pub fn verify(&self, name: &str, password: &[u8]) -> Option<Pass> {
        let known = self
            .book
            .borrow()
            .users
            .get_key_value(name)
            .map(|(n, e)| (Arc::clone(n), Arc::clone(e)));
        let Some((name, entry)) = known else {
            let _ = self.prover.proof(password, password::NOBODYS);
            password::verify(password, password::NOBODYS);
            return None;
        };
        self.recognises(&entry, password).then(|| Pass {
            name,
            entry,
            book: self.book.clone(),
        })
    }

    fn recognises(&self, entry: &Entry, password: &[u8]) -> bool {
        let proof = self.prover.proof(password, &entry.hash);
        if proof.is_some() && *entry.proof() == proof {
            return true;
        }
        let is_right = password::verify(password, &entry.hash);
        if is_right {
            *entry.proof() = proof;
        }
        is_right
    }
}

impl Entry {
    fn new(hash: String) -> Entry {
        Entry {
            hash: hash.into(),
            proof: Mutex::default(),
        }
    }

    fn proof(&self) -> std::sync::MutexGuard<'_, Option<Proof>> {
        self.proof.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Book {
    /// The users of a later revision. Those with the same password are the same.
    fn next(&self, (revision, rows): (i64, Vec<Row>)) -> Book {
        let entry = |row: Row| {
            let known = self.users.get_key_value(row.name.as_str());
            match known.filter(|(_, entry)| *entry.hash == *row.hash) {
                Some((name, entry)) => (Arc::clone(name), Arc::clone(entry)),
                None => (row.name.into(), Arc::new(Entry::new(row.hash))),
            }
        };
        Book {
            revision,
            users: rows.into_iter().map(entry).collect(),
        }
    }

    fn has(&self, name: &str, entry: &Arc<Entry>) -> bool {
        let present = self.users.get(name);
        present.is_some_and(|present| Arc::ptr_eq(present, entry))
    }
}

impl Pass {
    /// Returns when the user is no more, or has another password.
    pub async fn revoked(&mut self) {
        loop {
            if !self.book.borrow_and_update().has(&self.name, &self.entry) {
                return;
            }
            if self.book.changed().await.is_err() {
                // The gateway stops.
                std::future::pending::<()>().await;
            }
        }
    }
}

impl Watch {
    /// Looks for changes until `stop`, and tells the router who is gone.
    pub(super) async fn run(self, inputs: mpsc::Sender<Input>, stop: Stop) -> anyhow::Result<()> {
        let mut failed = false;
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            let outcome = self.look(&inputs).await;
            if let (Err(error), false) = (&outcome, failed) {
                tracing::warn!("cannot read the users, so those known so far stay: {error}");
            }
            failed = outcome.is_err();
        }
    }

    async fn look(&self, inputs: &mpsc::Sender<Input>) -> sqlx::Result<()> {
        let known = Arc::clone(&self.book.borrow());
        if self.store.revision().await? == known.revision {
            return Ok(());
        }
        let next = Arc::new(known.next(self.store.all().await?));
        self.book.send_replace(Arc::clone(&next));
        for (name, entry) in &known.users {
            if !next.users.contains_key(name) {
                tracing::info!("the user {name:?} is removed");
                let user = Arc::clone(name);
                let _ = inputs.send(Input::Forget { user }).await;
            } else if !next.has(name, entry) {
                tracing::info!("the user {name:?} has another password");
            }
        }
        for name in next
            .users
            .keys()
            .filter(|name| !known.users.contains_key(*name))
        {
            tracing::info!("the user {name:?} may come in");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::state;

    async fn store(folder: &tempfile::TempDir) -> Store {
        Store::new(state::open(folder.path()).await.unwrap())
    }

    fn hash(password: &str) -> String {
        password::hash(password).unwrap()
    }

    #[tokio::test]
    async fn a_pass_holds_as_long_as_the_password() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder).await;
        store.add("anna", &hash("anna's word")).await.unwrap();
        store.add("ben", &hash("ben's words")).await.unwrap();
        let (users, watch) = Users::read(store.clone()).await.unwrap();
        assert!(users.verify("anna", b"ben's words").is_none());
        assert!(users.verify("carl", b"anna's word").is_none());
        let mut anna = users.verify("anna", b"anna's word").unwrap();
        let mut ben = users.verify("ben", b"ben's words").unwrap();
        assert!(users.verify("ben", b"ben's words").is_some(), "known again");
        assert!(users.verify("ben", b"ben's wordz").is_none());

        let (inputs, mut queue) = mpsc::channel(8);
        store.change("anna", &hash("another one")).await.unwrap();
        watch.look(&inputs).await.unwrap();
        anna.revoked().await;
        assert!(queue.try_recv().is_err(), "anna's sessions stay");
        assert!(users.verify("anna", b"anna's word").is_none());
        assert!(users.verify("anna", b"another one").is_some());
        assert!(futures_util::FutureExt::now_or_never(ben.revoked()).is_none());

        store.remove("ben").await.unwrap();
        watch.look(&inputs).await.unwrap();
        ben.revoked().await;
        let Ok(Input::Forget { user }) = queue.try_recv() else {
            panic!("ben is not forgotten");
        };
        assert_eq!(&*user, "ben");
    }

    #[tokio::test]
    async fn the_same_password_hashed_again_is_another() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder).await;
        store.add("anna", &hash("anna's word")).await.unwrap();
        let (users, watch) = Users::read(store.clone()).await.unwrap();
        let mut before = users.verify("anna", b"anna's word").unwrap();
        store.remove("anna").await.unwrap();
        store.add("anna", &hash("anna's word")).await.unwrap();
        watch.look(&mpsc::channel(8).0).await.unwrap();
        before.revoked().await;
    }
}
