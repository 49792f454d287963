//! Every reading, kept in `history.db` and readable as series.
//!
//! The `recorder` takes every message of `home/+/+` and every command from the broker, lets
//! it wait (`waiting`) and commits it in blocks to the log; the `sealer` takes full hours
//! from there to the shelves, as chunks of samples, minutes and hours. The `reader` is asked
//! for a topic, a stretch of time and a number of points, and nobody learns how readings are
//! stored; the `archive` reads everything back as it happened, and an `importer` brings in
//! what others have recorded; `influx` pushes to another database what is committed. The
//! house works without its history: while the file cannot be opened, [`History`] says why and
//! the recorder keeps trying.

pub mod address;
mod answer;
mod archive;
pub mod block;
pub mod budget;
mod checker;
pub mod chunk;
pub mod column;
mod commit;
pub mod deadband;
pub mod formats;
mod forwarder;
pub mod home_assistant;
mod importer;
pub mod influx;
mod location;
pub mod meter;
pub mod place;
pub mod policy;
mod queue;
mod reader;
mod recorder;
pub mod rhythm;
pub mod rollup;
pub mod sample;
mod sealer;
mod store;
mod tail;
mod thin;
mod traces;
mod view;
mod waiting;
#[doc(hidden)]
pub mod workbench;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use crate::broker::Handle;
use crate::clock::{Clock, UtcMillis};
use crate::database::Kind;
use crate::home::{DeviceClass, Reading, Thing};
use crate::supervisor::{Stage, Supervisor};
use store::Store;
pub use store::postgres::Away;
use store::postgres::Server;
use traces::Traces;

pub use address::Address;
pub use answer::HistoryError;
#[cfg(test)]
pub use archive::record;
pub use archive::{Archive, ArchiveError, Readings, Said, Samples};
pub use budget::{Budget, WriteFigures};
pub use checker::{Checked, Damage, Then, check};
pub use importer::{Imported, Importer, cut_traces, forget};
pub use location::Location;
pub use policy::{Class, Keep, Pattern, Policy, Treatment};
pub use rhythm::{Habit, Rhythm};

/// Readings that wait on the disk for a server take so many bytes at most, unless the config
/// says otherwise: some months of twenty series at 1 Hz.
pub const QUEUE: u64 = 256_000_000;
/// Nobody draws more points than a large screen has pixels.
pub const MOST_POINTS: usize = 4000;

/// `[history]` in the config.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    pub file: PathBuf,
    /// What is recorded, how long it may wait for the disk, and how long it is kept.
    pub policy: Policy,
    /// Bytes that may go to the disk in a day; lazy series wait longer to keep it.
    pub write_budget: Option<u64>,
    /// Bytes that the card takes in its life, as its maker says.
    pub endurance: Option<u64>,
    /// The server that keeps the history instead of the file.
    pub server: Option<Address>,
    /// Bytes that may wait on the disk for that server.
    pub queue: u64,
    /// Where readings are pushed besides.
    pub influx: Option<influx::Settings>,
}

impl Settings {
    /// The default policy, and no budget.
    pub fn new(file: impl Into<PathBuf>) -> Settings {
        Settings {
            file: file.into(),
            policy: Policy::default(),
            write_budget: None,
            endurance: None,
            server: None,
            queue: QUEUE,
            influx: None,
        }
    }
}

/// One recorded topic.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesInfo {
    pub topic: String,
    pub unit: Option<String>,
    pub device_class: Option<DeviceClass>,
    pub first: UtcMillis,
    pub last: UtcMillis,
}

/// What marks the history's files.
pub fn kind() -> &'static Kind {
    &store::HISTORY
}

/// How much is kept of a topic.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesSize {
    pub info: SeriesInfo,
    /// Samples that are kept one by one, those of the log's tail included.
    pub samples: u64,
    /// Bytes of sealed samples; roll-ups and what is in the log are not counted.
    pub bytes: u64,
}

/// How the recorder does.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    /// Samples written since the start.
    pub samples: u64,
    /// The database with its write-ahead log, in bytes.
    pub file_bytes: u64,
    pub write: WriteFigures,
    /// Samples that wait in memory.
    pub waiting: usize,
    /// Samples lost since the start, because the disk took none for too long.
    pub lost: u64,
    /// Samples that had come before and were dropped, since the start.
    pub doubled: u64,
    /// By what lazy series wait longer than they would without a budget.
    pub stretch: f64,
    /// Why nothing is recorded now.
    pub paused: Option<String>,
    /// What cannot be read: found since the start, and set aside earlier.
    pub damaged: Vec<Damage>,
    /// Whether the whole file was looked through since the start.
    pub is_checked: bool,
    /// How the push to another database does, where there is one.
    pub pushing: Option<influx::Pushing>,
    /// How it goes with the server that keeps the history, if one does.
    pub forwarding: Option<Forwarding>,
}

/// What waits for a server, and what it took.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Forwarding {
    /// `PostgreSQL at hearth@db.example:5432/house`
    pub to: String,
    /// What waits on the disk.
    pub blocks: u64,
    pub samples: u64,
    pub bytes: u64,
    /// Bytes that may wait.
    pub most_bytes: u64,
    /// Samples that went there since the start.
    pub sent: u64,
    /// Samples lost since the start, because the queue was full.
    pub lost: u64,
    /// Why nothing goes there now, and since when.
    pub away: Option<Away>,
}

/// A stretch of a series, no denser than asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum Stretch {
    /// Numbers, merged into buckets of equal length that keep their extremes.
    /// A bucket without readings has no point.
    Numbers {
        points: Vec<Point>,
        /// How long each bucket is.
        bucket: Duration,
        /// Tells a silence from a value that holds.
        habit: Habit,
    },
    /// On/off and texts: each change, and the state that held before the first.
    States(Vec<Change>),
}

/// The readings of one bucket.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Time of the bucket's last reading; to a minute or an hour where roll-ups tell.
    pub at: UtcMillis,
    pub min: f64,
    pub max: f64,
    pub mean: f64,
    /// What the last reading said.
    pub last: f64,
    pub count: u32,
}

/// A state and since when it holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    pub at: UtcMillis,
    pub state: String,
}

/// Access to the history. Cheap to clone; reading never makes the recorder wait.
#[derive(Clone, Debug)]
pub struct History {
    settings: Arc<Settings>,
    state: watch::Receiver<State>,
    /// When full, who asks waits: removing is done in its turn.
    orders: mpsc::Sender<recorder::Forget>,
    figures: Shared,
    /// Where the past is, if not in the file.
    server: Option<Server>,
    traces: Traces,
}

/// So many series are removed in a row before who asks has to wait.
const ORDERS: usize = 16;

/// The recorder's figures, as of its last job.
#[derive(Clone, Debug, Default)]
struct Shared(Arc<Mutex<Figures>>);

impl Shared {
    fn tell(&self, change: impl FnOnce(&mut Figures)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn get(&self) -> Figures {
        let figures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        figures.clone()
    }
}

/// Whether the file is open.
#[derive(Clone, Debug)]
enum State {
    Open(Store),
    Off(String),
}

impl History {
    /// A history that answers nothing but `reason`.
    pub fn off(reason: impl Into<String>) -> History {
        History::new(Settings::new(""), State::Off(reason.into())).0
    }

    /// A history and what its recorder needs.
    fn new(settings: Settings, state: State) -> (History, recorder::Ways) {
        let (sender, state) = watch::channel(state);
        let (orders, receiver) = mpsc::channel(ORDERS);
        let server = settings.server.as_ref().map(Server::new);
        let history = History {
            server,
            settings: Arc::new(settings),
            state,
            orders,
            figures: Shared::default(),
            traces: Traces::default(),
        };
        let ways = recorder::Ways {
            state: sender,
            orders: receiver,
            figures: history.figures.clone(),
        };
        (history, ways)
    }

    /// What it was started with.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Why nothing is recorded; `None` while the file is open.
    pub fn off_because(&self) -> Option<String> {
        match &*self.state.borrow() {
            State::Open(_) => None,
            State::Off(reason) => Some(reason.clone()),
        }
    }

    /// Every thing that has readings, by its topic. Commands are none, nor what boards and
    /// people say to the gateway itself.
    pub async fn series(&self) -> Result<Vec<SeriesInfo>, HistoryError> {
        let store = self.store()?;
        let mut series = self.answer(reader::series(&store)).await?;
        let is_none =
            |topic: &str| Thing::from_set_topic(topic).is_some() || topic.starts_with("hearth/");
        series.retain(|one| !is_none(&one.topic));
        Ok(series)
    }

    /// The last committed reading of `topic`.
    pub async fn latest(&self, topic: &str) -> Result<Option<Reading>, HistoryError> {
        let ever = UtcMillis(i64::MAX);
        let store = self.store()?;
        self.answer(reader::last_until(&store, topic, ever)).await
    }

    /// What `topic` reported from `from` up to and including `to`, as at most
    /// `points` points or changes (at least 3, at most [`MOST_POINTS`]). An
    /// unknown topic or an empty stretch gives no points.
    ///
    /// A series that holds both is read as what it holds more of there.
    pub async fn stretch(
        &self,
        topic: &str,
        from: UtcMillis,
        to: UtcMillis,
        points: usize,
    ) -> Result<Stretch, HistoryError> {
        let points = points.clamp(3, MOST_POINTS);
        let store = self.store()?;
        let stretch = reader::stretch(&store, topic, from, to, points);
        self.answer(stretch).await
    }

    /// Every series, commands too, with its size.
    pub async fn sizes(&self) -> Result<Vec<SeriesSize>, HistoryError> {
        let store = self.store()?;
        self.answer(reader::sizes(&store)).await
    }

    /// How the recorder does.
    pub fn figures(&self) -> Figures {
        let size = |path: PathBuf| std::fs::metadata(path).map_or(0, |file| file.len());
        let file = &self.settings.file;
        let wal = file.with_extension("db-wal");
        Figures {
            file_bytes: size(file.clone()) + size(wal),
            ..self.figures.get()
        }
    }
}

/// Opens the history and starts recording. A file that cannot be opened is no
/// error: the house works without it, [`History::off_because`] says why, and
/// the recorder tries again.
pub async fn start(
    settings: Settings,
    clock: Clock,
    handle: Handle,
    supervisor: &Supervisor,
) -> anyhow::Result<History> {
    let state = recorder::open(&settings.file).await;
    let (history, ways) = History::new(settings.clone(), state);
    let messages = recorder::subscribe(handle).await?;
    let influx = settings.influx.clone();
    let (state, figures) = (history.state.clone(), history.figures.clone());
    supervisor.bridge("influx", move |stop| {
        let settings = influx.clone();
        influx::run(settings, clock, state.clone(), figures.clone(), stop)
    });
    let stop = supervisor.stop_signal(Stage::Memory);
    if let Some(server) = history.server.clone() {
        let ways = forwarder::Ways {
            state: history.state.clone(),
            server,
            policy: settings.policy.clone(),
            most_bytes: settings.queue,
            figures: history.figures.clone(),
        };
        let stop = supervisor.stop_signal(Stage::Memory);
        let forwarder = forwarder::run(ways, clock, stop);
        supervisor.part(Stage::Memory, "history forwarder", forwarder);
    }
    let recorder = recorder::run(settings, clock, messages, ways, stop);
    supervisor.part(Stage::Memory, "history", recorder);
    let stop = supervisor.stop_signal(Stage::Memory);
    let checker = checker::run(history.state.clone(), history.figures.clone(), stop);
    supervisor.part(Stage::Memory, "history check", checker);
    let stop = supervisor.stop_signal(Stage::Memory);
    let traces = history.traces.clone().run(history.state.clone(), stop);
    supervisor.part(Stage::Memory, "history traces", traces);
    Ok(history)
}

#[cfg(test)]
mod tests;
