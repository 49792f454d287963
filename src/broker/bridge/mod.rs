//! Bridges to other brokers: topics of this house that the other side gets too,
//! and topics of theirs that come in.
//!
//! A bridge is a part whose lasting session holds what waits for the other
//! side. The relay decides what crosses, and is pure; the rest of this folder
//! reaches the other side, and tells how it goes.

mod back_off;
mod echoes;
mod hello;
mod line;
pub mod mapping;
mod mark;
mod pulse;
mod relay;
mod reporter;
mod runner;
mod settings;
mod status;
pub mod tls;
mod trouble;

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

pub use settings::{Address, Scheme, Settings, Tls};
pub use status::Report;

use self::mark::Mark;
use self::status::{State, Tally};
use self::trouble::Trouble;
use super::client::{Handle, Stopped};
use super::codec::RetainHandling;
use crate::clock::Clock;
use crate::supervisor::{Stage, Supervisor};

/// A 3.1.1 broker cannot be told how much we take. What is larger than a client
/// of this house may send, up to this, is read and left out; otherwise it would
/// come again and again.
const LARGEST_READ: usize = 16 * 1024 * 1024;

/// One bridge and how it is.
#[derive(Debug)]
struct Bridge {
    settings: Settings,
    mark: Mark,
    state: Mutex<State>,
    changed: Arc<Notify>,
    /// The session was made in this run and has not met the other side: all that
    /// is retained waits in it already.
    is_new: AtomicBool,
}

/// All bridges of the house. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Bridges {
    list: Arc<[Arc<Bridge>]>,
    changed: Arc<Notify>,
}

impl Bridges {
    /// Bridges that do not run yet.
    pub(super) fn new(settings: Vec<Settings>, clock: Clock) -> Bridges {
        let changed = Arc::new(Notify::new());
        let (mark, now) = (Mark::new(draw()), clock.now().utc);
        let bridge = |settings: Settings| {
            Arc::new(Bridge {
                settings: settings.with_client_id(&computer()),
                mark: mark.clone(),
                state: Mutex::new(State::new(now)),
                changed: Arc::clone(&changed),
                is_new: AtomicBool::new(false),
            })
        };
        Bridges {
            list: settings.into_iter().map(bridge).collect(),
            changed: Arc::clone(&changed),
        }
    }

    fn all(&self) -> impl Iterator<Item = &Arc<Bridge>> {
        self.list.iter()
    }

    async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Opens the sessions, so that from now on everything waits that is to
    /// cross, and starts reaching for the other sides.
    pub(super) async fn start(
        &self,
        handle: &Handle,
        clock: Clock,
        supervisor: &Supervisor,
    ) -> Result<(), Stopped> {
        reporter::forget_others(self, handle).await?;
        for bridge in self.all() {
            bridge.open(handle).await?;
            let (bridge, handle) = (Arc::clone(bridge), handle.clone());
            supervisor.bridge("MQTT bridge", move |stop| {
                runner::run(Arc::clone(&bridge), handle.clone(), clock, stop)
            });
        }
        if !self.list.is_empty() {
            let stop = supervisor.stop_signal(Stage::Memory);
            let reporter = reporter::run(self.clone(), handle.clone(), clock, stop);
            supervisor.part(Stage::Memory, "report of the bridges", reporter);
        }
        Ok(())
    }
}

impl Handle {
    /// How the bridges are, in the order of the config.
    pub async fn bridges(&self) -> Result<Vec<Report>, Stopped> {
        let held = self.held(&session_name("")).await?;
        let report = |bridge: &Arc<Bridge>| {
            let name = session_name(&bridge.settings.name);
            let mine = held.iter().find(|held| held.name == name);
            let backlog = mine.map(|held| held.backlog).unwrap_or_default();
            Report::new(&bridge.settings, &bridge.state(), backlog)
        };
        Ok(self.all_bridges().all().map(report).collect())
    }
}

impl Bridge {
    /// Opens the session once, and lets it wait.
    async fn open(&self, handle: &Handle) -> Result<(), Stopped> {
        let name = session_name(&self.settings.name);
        let held = handle.held(&name).await?;
        let held = held.into_iter().find(|held| held.name == name);
        let filters = held.as_ref().map(|held| held.filters.as_slice());
        let past = hello::unsubscribe(&self.settings, filters.unwrap_or_default());
        let wanted = hello::subscribe(&self.settings, RetainHandling::SendIfNew);
        self.is_new.store(held.is_none(), Ordering::Relaxed);
        let house = handle.lasting(&name, hello::wishes(&self.settings)).await?;
        // Taken up before anything that comes later, whether it is answered or not:
        // a broker whose disk is full answers nobody.
        house.send(past.into_iter().chain(wanted).collect()).await
    }

    /// Whether the session was made in this run and has not met the other side.
    fn is_new(&self) -> bool {
        self.is_new.load(Ordering::Relaxed)
    }

    fn connected(&self, is_known: bool, clock: Clock) {
        let address = &self.settings.address;
        let session = if is_known { "resumed" } else { "new" };
        tracing::info!(
            bridge = self.settings.name,
            session,
            "connected to {address}"
        );
        self.is_new.store(false, Ordering::Relaxed);
        self.state().online(clock.now().utc);
        self.changed.notify_one();
    }

    fn failed(&self, trouble: &Trouble, clock: Clock) {
        let sentence = trouble.explain(&self.settings);
        if self.state().offline(sentence.clone(), clock.now().utc) {
            tracing::warn!(bridge = self.settings.name, "not connected: {sentence}");
            self.changed.notify_one();
        }
    }

    fn complained(&self, complaint: String) {
        self.state().complaint = Some(complaint);
    }

    fn count(&self, tally: Tally) {
        self.state().tally = tally;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The name of a bridge's session in this house.
fn session_name(bridge: &str) -> String {
    format!("bridge/{bridge}")
}

/// The largest packet that is read from the other side.
fn largest_read(largest: u32) -> usize {
    (largest as usize).max(LARGEST_READ)
}

/// A number that others do not have; no secret.
fn draw() -> u64 {
    RandomState::new().hash_one(0)
}

/// This computer's name.
fn computer() -> String {
    let name = rustix::system::uname();
    name.nodename().to_string_lossy().into_owned()
}
