//! The demo: an ordinary gateway, and a house of simulated boards around it.
//!
//! The boards are programs at the other end of real serial lines
//! (pseudoterminals); the gateway that reads them is the one that reads an
//! Arduino, with a config file like any other. Two of them run Hearth's own
//! [`firmware`], the others a [`sketch`] that knows nothing of Hearth.
//!
//! [`physics`], [`household`] and the programs are pure; [`pty`] and [`board`]
//! bring them to the serial lines. [`run`] puts all of it together.

pub mod address;
pub mod board;
pub mod chip;
#[cfg(test)]
mod day;
pub mod ds18b20;
pub mod firmware;
pub mod folder;
pub mod household;
mod maps;
pub mod physics;
pub mod program;
pub mod pty;
#[cfg(test)]
mod served;
pub mod sketch;
mod welcome;
pub mod wiring;

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::clock::Clock;
use crate::config::{self, Config};
use crate::gateway::{self, Source};
use board::{Board, Shared};
use firmware::Firmware;
use folder::Folder;
use physics::House;
use program::Program;
use pty::Pty;
use sketch::{Place, Sketch};
use welcome::Welcome;
use wiring::Wiring;

/// The folder of the demo where the user names no other.
pub const DEFAULT_DATA: &str = "hearth-data/demo";
/// The people of the demo live the same life each time.
const SEED: u64 = 42;

/// The demo's config, as it is copied for the user to change.
pub const EXAMPLE: &str = include_str!("../../examples/demo/hearth.toml");

/// What the command line says of the demo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Where MQTT clients connect; the config's address where absent, or the
    /// next free port.
    pub mqtt: Option<SocketAddr>,
    /// Where browsers connect; likewise.
    pub http: Option<SocketAddr>,
    /// Folder of the config and the databases.
    pub data: PathBuf,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            mqtt: None,
            http: None,
            data: DEFAULT_DATA.into(),
        }
    }
}

/// Runs the demo house until SIGTERM or Ctrl-C.
///
/// # Errors
/// The config's [`config::Problems`], or whatever keeps the folder, an address
/// or a part of the gateway from being used.
pub async fn run(options: Options) -> anyhow::Result<()> {
    let data = options.data.clone();
    let folder = tokio::task::spawn_blocking(move || Folder::prepare(&data, EXAMPLE)).await??;
    let mut config = load(folder.config()).await?;
    let source = Source {
        path: folder.config(),
        config: config.clone(),
    };
    let welcome = listen(&mut config, &options, &folder)?;
    let mut boards = plug_in(&folder)?;
    let (tell, ready) = oneshot::channel();
    // Dropped with us.
    let mut giving = JoinSet::new();
    giving.spawn(maps::give(maps::for_boards(&config.boards.boards), ready));
    let gateway = Box::pin(gateway::run(config, source, |addresses| {
        welcome.print();
        // Nobody waits any more: nothing is to be given.
        let _ = tell.send(*addresses);
    }));
    tokio::select! {
        outcome = gateway => outcome,
        failed = boards.join_next() => Err(unplugged(failed)),
    }
}

/// Reads the config and logs its warnings.
async fn load(path: PathBuf) -> anyhow::Result<Config> {
    let (config, warnings) = tokio::task::spawn_blocking(move || config::load(&path)).await??;
    if !warnings.is_empty() {
        tracing::warn!("{}", warnings.render(false));
    }
    Ok(config)
}

/// Settles the addresses, and what to tell of them.
fn listen(config: &mut Config, options: &Options, folder: &Folder) -> anyhow::Result<Welcome> {
    let wanted = (config.broker.listen, config.web.listen);
    config.broker.listen = address::choose(options.mqtt, wanted.0, "--mqtt")?;
    config.web.listen = address::choose(options.http, wanted.1, "--http")?;
    let moved = |asked: Option<SocketAddr>, wanted: SocketAddr, got| {
        (asked.is_none() && wanted != got).then_some(wanted)
    };
    Ok(Welcome {
        mqtt: config.broker.listen,
        mqtt_moved_from: moved(options.mqtt, wanted.0, config.broker.listen),
        page: config.web.listen,
        page_moved_from: moved(options.http, wanted.1, config.web.listen),
        config: folder.config(),
        edited: folder.edited,
    })
}

/// All boards of the house, each on a port of its own. Dropping the set
/// unplugs them.
fn plug_in(folder: &Folder) -> anyhow::Result<JoinSet<io::Result<()>>> {
    let clock = Clock::start();
    let house = Shared::new(House::new(SEED), clock);
    let now = clock.now().moment;
    let sketches = Place::ALL.map(|place| (place.name(), Program::from(Sketch::new(place, now))));
    let firmware =
        Wiring::ALL.map(|place| (place.name(), Program::from(Firmware::new(place, now))));
    let mut boards = JoinSet::new();
    for (name, program) in sketches.into_iter().chain(firmware) {
        let pty = port(&folder.port(name))?;
        boards.spawn(Board::new(program, pty, house.clone(), clock).run());
    }
    Ok(boards)
}

fn port(link: &Path) -> anyhow::Result<Pty> {
    Pty::open_at(link)
        .with_context(|| format!("cannot make a simulated serial port at {}", link.display()))
}

fn unplugged(failed: Option<Result<io::Result<()>, tokio::task::JoinError>>) -> anyhow::Error {
    match failed {
        Some(Ok(Err(error))) => anyhow::Error::new(error).context("a simulated board failed"),
        Some(Err(error)) => anyhow::Error::new(error).context("a simulated board failed"),
        Some(Ok(Ok(()))) | None => anyhow::anyhow!("a simulated board ended by itself"),
    }
}
