//! Watches which boards are there and runs a task for each. A task lives on
//! while its board is unplugged, so that the board's faults and things do.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::body::Name;
use super::registry::{Found, Registry};
use super::serial::{self, News, Start};
use super::{BoardSettings, FoundBy, Settings, scan};
use crate::broker::{Handle, Stopped};
use crate::clock::Clock;
use crate::supervisor::Stop;

/// How often the ports are looked for: a board is at work soon after it is
/// plugged in, and the few files in sysfs cost nothing.
const SCAN_EVERY: Duration = Duration::from_secs(1);
/// More names than this are no house but a defect or an attack.
const MOST_BOARDS: usize = 64;
/// A board's task that ended by a defect starts again after this.
const RESTART_AFTER: Duration = Duration::from_secs(5);
/// Boards that have just said who they are; further ones wait.
const MOST_NEWS: usize = 8;

struct Bridge {
    settings: Arc<Settings>,
    clock: Clock,
    handle: Handle,
    stop: Stop,
    registry: Registry,
    boards: BTreeMap<String, watch::Sender<Option<Found>>>,
    tasks: JoinSet<Result<(), Stopped>>,
    names: HashMap<Id, String>,
    /// For the tasks, to tell of their boards.
    news: mpsc::Sender<News>,
    /// Tasks that ended by a defect, and when they may start again.
    resting: BTreeMap<String, Instant>,
    told_full: bool,
}

/// Runs until the stop signal, or until the broker stops.
pub(super) async fn run(
    settings: Arc<Settings>,
    clock: Clock,
    handle: Handle,
    stop: Stop,
) -> anyhow::Result<()> {
    let (sender, mut news) = mpsc::channel(MOST_NEWS);
    let mut bridge = Bridge {
        registry: Registry::new(settings.boards.clone()),
        settings,
        clock,
        handle,
        stop: stop.clone(),
        boards: BTreeMap::new(),
        tasks: JoinSet::new(),
        names: HashMap::new(),
        news: sender,
        resting: BTreeMap::new(),
        told_full: false,
    };
    let mut ticks = interval(SCAN_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            _ = ticks.tick() => bridge.follow_ports().await,
            Some(news) = news.recv() => {
                bridge.hear(news);
                bridge.follow_ports().await;
            }
            Some(ended) = bridge.tasks.join_next_with_id() => bridge.ended(ended)?,
        }
    }
    // Nobody waits for an answer any more.
    drop(news);
    while bridge.tasks.join_next().await.is_some() {}
    Ok(())
}

impl Bridge {
    /// Tells every board's task where its board is now.
    async fn follow_ports(&mut self) {
        let Some(found) = self.scan().await else {
            return;
        };
        let present = self.registry.update(found).clone();
        let configured = self.settings.boards.iter().map(|board| board.name.clone());
        let wanted: Vec<String> = configured.chain(present.keys().cloned()).collect();
        for name in wanted {
            self.ensure_task(name);
        }
        for (name, found) in &self.boards {
            let now = present.get(name).cloned();
            found.send_if_modified(|was| {
                let changed = *was != now;
                *was = now;
                changed
            });
        }
    }

    fn hear(&mut self, news: News) {
        match news {
            News::Introduced(device, said) => {
                let id = said.id.clone();
                if let Err(twin) = self.registry.introduce(&device, said) {
                    tracing::warn!(
                        "the board on {} is not served: it has the id {id}, as the one on {} has; \
                         upload a sketch that clears the EEPROM to one of them, then run `hearth flash`",
                        device.display(),
                        twin.display()
                    );
                }
            }
            News::Forgotten(device) => self.registry.forget(&device),
        }
    }

    async fn scan(&self) -> Option<Vec<Found>> {
        let given = given_paths(&self.settings);
        let by_serial = |board: &BoardSettings| matches!(board.found_by, FoundBy::Usb(_));
        let usb = self.settings.scan || self.settings.boards.iter().any(by_serial);
        let looked = tokio::task::spawn_blocking(move || {
            let usb = if usb { scan::usb_ports() } else { Vec::new() };
            (usb, scan::given_ports(&given))
        });
        let (mut usb, given) = match looked.await {
            Ok(ports) => ports,
            Err(error) => {
                tracing::warn!("the serial ports could not be listed: {error}");
                return None;
            }
        };
        usb.retain(|port| self.settings.scan || self.registry.is_configured(port));
        usb.extend(given);
        Some(usb)
    }

    fn ensure_task(&mut self, name: String) {
        let rests = self
            .resting
            .get(&name)
            .is_some_and(|until| *until > Instant::now());
        if self.boards.contains_key(&name) || rests {
            return;
        }
        if self.boards.len() >= MOST_BOARDS {
            if !std::mem::replace(&mut self.told_full, true) {
                tracing::warn!(
                    "board {name} is not served: {MOST_BOARDS} boards are known already"
                );
            }
            return;
        }
        // Holds the latest place only: an older one is of no use.
        let (sender, found) = watch::channel(None);
        let task = self.tasks.spawn(serial::run(self.start(&name, found)));
        self.names.insert(task.id(), name.clone());
        self.boards.insert(name, sender);
    }

    fn start(&self, name: &str, found: watch::Receiver<Option<Found>>) -> Start {
        let boards = &self.settings.boards;
        let settings = boards.iter().find(|board| board.name == name).cloned();
        let room = |board: &BoardSettings| board.room.clone().unwrap_or(board.name.clone());
        let own_room = settings.as_ref().map_or(name.to_owned(), room);
        let shares = |other: &BoardSettings| other.name != name && room(other) == own_room;
        Start {
            name: Name {
                name: name.to_owned(),
                alone: !boards.iter().any(shares),
                settings,
            },
            news: self.news.clone(),
            clock: self.clock,
            handle: self.handle.clone(),
            found,
            stop: self.stop.clone(),
        }
    }

    /// A task ends with the broker, or by a defect, which must not reach the
    /// other boards.
    fn ended(&mut self, ended: Result<(Id, Result<(), Stopped>), JoinError>) -> anyhow::Result<()> {
        let error = match ended {
            Ok((_, outcome)) => return Ok(outcome?),
            Err(error) => error,
        };
        if let Some(name) = self.names.remove(&error.id()) {
            tracing::error!("board {name}: its task ended by a defect and starts again: {error}");
            self.boards.remove(&name);
            self.resting.insert(name, Instant::now() + RESTART_AFTER);
        }
        Ok(())
    }
}

/// The device paths that the config names.
fn given_paths(settings: &Settings) -> Vec<PathBuf> {
    let of_boards = settings
        .boards
        .iter()
        .filter_map(|board| match &board.found_by {
            FoundBy::Port(path) => Some(path.clone()),
            FoundBy::Id(_) | FoundBy::Usb(_) => None,
        });
    settings.ports.iter().cloned().chain(of_boards).collect()
}
