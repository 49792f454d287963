//! Starts the parts in order, keeps the house running, and stops it.
//!
//! The only place that knows all parts. They know nothing of each other and
//! meet at the broker.

mod files;
mod past;
mod reload;

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use jiff::tz::TimeZone;
use rustix::fs::{Access, access};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::timeout;

use crate::broker::demands::Demand;
use crate::broker::users::store::Store;
use crate::broker::{Client, Handle, Publication, Qos, Stopped};
use crate::clock::Clock;
use crate::config::Config;
use crate::database::folder::{self, InUse};
use crate::database::{Database, state};
use crate::home::Presence;
use crate::home::topic::GATEWAY_STATUS;
use crate::supervisor::{Stage, Supervisor};
use crate::{boards, broker, gpio, history, rules, systemd, web};

/// A broker that is itself in trouble must not hold up the stop.
const FAREWELL_WITHIN: Duration = Duration::from_millis(500);

pub use reload::Source;

/// Where the house can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// For MQTT clients.
    pub mqtt: SocketAddr,
    /// For browsers.
    pub page: SocketAddr,
}

/// Runs the house until SIGTERM or Ctrl-C, then stops it in order; a second
/// signal ends at once. `source` is read again when it changes. `ready` is
/// called when everything works.
///
/// # Errors
/// If a part cannot start, or ends though nobody stopped it.
pub async fn run(
    config: Config,
    source: Source,
    ready: impl FnOnce(&Addresses),
) -> anyhow::Result<()> {
    let mut signals = Signals::watch()?;
    // From now on, for without a watch it would end the program.
    let hangup = signal(SignalKind::hangup()).context("SIGHUP cannot be watched")?;
    prepare_folder(&config.data).await?;
    // To the end: nobody may replace the files meanwhile.
    let _in_use = use_folder(&config.data)?;
    let supervisor = Supervisor::new();
    let started = tokio::select! {
        started = start(config, &supervisor) => started.map(Some),
        name = signals.next() => {
            tracing::info!("{name} during the start");
            Ok(None)
        }
    };
    let (outcome, state) = match started {
        Ok(Some(house)) => {
            house.follow(source, hangup, &supervisor);
            ready(&house.addresses);
            let outcome = house.live(&supervisor, &mut signals).await;
            (outcome, Some(house.state))
        }
        Ok(None) => (Ok(()), None),
        Err(error) => (Err(error), None),
    };
    stop(&supervisor, &mut signals).await;
    if let Some(state) = state {
        state.close().await;
    }
    outcome
}

/// The meeting place first, then what remembers, then what acts and speaks;
/// what shows the house comes last, so that it never shows half a house.
async fn start(mut config: Config, supervisor: &Supervisor) -> anyhow::Result<House> {
    let clock = Clock::judged(config.home.clock);
    let following = clock.follow_quality(supervisor.stop_signal(Stage::Edge));
    supervisor.part(Stage::Edge, "clock", following);
    let zone = zone(config.home.timezone.as_deref());
    files::make_room(&mut config.broker.entry.connections, broker::MOST_REFUSED);

    let state = state::open(&config.data).await?;
    warn_of_locked_doors(&config, &state).await;
    let broker = broker::start(config.broker, Some(state.clone()), clock, supervisor)
        .await
        .map_err(explain_taken)?;
    let handle = broker.handle;
    let history = history::start(config.history, clock, handle.clone(), supervisor).await?;
    let (rules, new_rules) = rules::handover();
    let means = rules::Means {
        clock,
        handle: handle.clone(),
        state: Some(state.clone()),
        past: Some(past::of(history.clone())),
        new_rules,
    };
    rules::start(config.rules, means, supervisor).await?;
    gpio::start(config.gpio, clock, handle.clone(), supervisor).await?;
    boards::start(config.boards, clock, handle.clone(), supervisor).await?;

    let (listen, name, to_web) = (config.web.listen, config.home.name, handle.clone());
    let page = web::start(config.web, name, zone, clock, to_web, history, supervisor)
        .await
        .map_err(|error| explain_address(error, listen, "[web]"))?;
    let addresses = Addresses {
        mqtt: broker.address,
        page,
    };
    House::open(handle, clock, rules, state, addresses).await
}

/// A house whose parts all work.
struct House {
    handle: Handle,
    client: Client,
    clock: Clock,
    /// Where changed rules go.
    rules: rules::Handover,
    /// Closed when all parts have stopped.
    state: Database,
    addresses: Addresses,
}

impl House {
    /// Tells everybody that the house works.
    async fn open(
        handle: Handle,
        clock: Clock,
        rules: rules::Handover,
        state: Database,
        addresses: Addresses,
    ) -> anyhow::Result<House> {
        let client = handle.connect("gateway").await?;
        let house = House {
            handle,
            client,
            clock,
            rules,
            state,
            addresses,
        };
        house.say(Presence::Online).await?;
        let Addresses { mqtt, page } = addresses;
        let status = format!("the page is at http://{page}, MQTT at {mqtt}");
        tracing::info!("{status}");
        systemd::ready(&status);
        Ok(house)
    }

    /// Takes over what changes in the config.
    fn follow(&self, source: Source, hangup: Signal, supervisor: &Supervisor) {
        let stop = supervisor.stop_signal(Stage::Edge);
        let takers = reload::Takers {
            handle: self.handle.clone(),
            publisher: self.client.publisher(),
            rules: self.rules.clone(),
            clock: self.clock,
        };
        let following = reload::run(source, hangup, takers, stop);
        supervisor.part(Stage::Edge, "config", following);
    }

    /// Until a signal, or until a part fails.
    async fn live(&self, supervisor: &Supervisor, signals: &mut Signals) -> anyhow::Result<()> {
        let outcome = tokio::select! {
            failure = supervisor.failed() => Err(failure),
            name = signals.next() => {
                tracing::info!("{name}: the house stops");
                Ok(())
            }
            () = systemd::keep_watchdog(|| self.is_alive()) => Ok(()),
        };
        systemd::stopping();
        // If the broker has failed, there is nobody to tell.
        let _ = timeout(FAREWELL_WITHIN, self.say(Presence::Offline)).await;
        outcome
    }

    async fn say(&self, presence: Presence) -> Result<(), Stopped> {
        let status = Publication::new(GATEWAY_STATUS, presence.as_str());
        self.client
            .publish(status.retained().qos(Qos::AtLeastOnce))
            .await
    }

    /// Whether the meeting place still answers, and correctly.
    async fn is_alive(&self) -> bool {
        let status = self.handle.retained(GATEWAY_STATUS).await;
        status.is_ok_and(|messages| !messages.is_empty())
    }
}

/// In order within five seconds, or at once on another signal.
async fn stop(supervisor: &Supervisor, signals: &mut Signals) {
    tokio::select! {
        in_time = supervisor.stop() => tracing::info!(in_time, "stopped"),
        name = signals.next() => tracing::warn!("{name} again: ended at once"),
    }
}

/// What asks a program to end.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn watch() -> anyhow::Result<Signals> {
        let watch = |kind| signal(kind).context("signals cannot be watched");
        Ok(Signals {
            terminate: watch(SignalKind::terminate())?,
            interrupt: watch(SignalKind::interrupt())?,
        })
    }

    /// The name of the next one. Cancel-safe.
    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "Ctrl-C",
        }
    }
}

/// The config's zone, which was found when it was checked, or the system's.
fn zone(name: Option<&str>) -> TimeZone {
    name.and_then(|name| TimeZone::get(name).ok())
        .unwrap_or_else(TimeZone::system)
}

/// Says so if a door opens for nobody.
async fn warn_of_locked_doors(config: &Config, state: &Database) {
    let entries = config.broker.entries(config.web.listen);
    let locked = entries.iter().find(|one| one.demand == Demand::Password);
    let names = Store::new(state.clone()).names().await;
    if let (Some(entry), Ok([])) = (locked, names.as_deref()) {
        tracing::warn!("{entry}, and there are no users; `hearth user add NAME` makes one");
    }
}

async fn prepare_folder(data: &Path) -> anyhow::Result<()> {
    let made = tokio::fs::create_dir_all(data).await;
    made.and_then(|()| access(data, Access::WRITE_OK).map_err(io::Error::from))
        .with_context(|| {
            let data = data.display();
            format!("{data} cannot hold the databases; name another folder with --data DIR")
        })
}

/// Refuses to start while a backup is being restored. A disk that knows no locks is no reason
/// not to start.
fn use_folder(data: &Path) -> anyhow::Result<Option<InUse>> {
    match folder::use_files(data) {
        Ok(Some(in_use)) => Ok(Some(in_use)),
        Ok(None) => bail!(
            "a backup is being restored into {}; start hearth when that is done",
            data.display()
        ),
        Err(_) => Ok(None),
    }
}

fn explain_taken(error: anyhow::Error) -> anyhow::Error {
    match error.downcast_ref::<broker::Taken>() {
        Some(taken) => {
            let (address, section) = (taken.address, taken.section());
            explain_address(error, address, section)
        }
        None => error,
    }
}

/// Adds the likely culprit to an address that cannot be had.
fn explain_address(error: anyhow::Error, address: SocketAddr, section: &str) -> anyhow::Error {
    let kind = error
        .chain()
        .find_map(|cause| cause.downcast_ref::<io::Error>());
    let port = address.port();
    let hint = match kind.map(io::Error::kind) {
        Some(ErrorKind::AddrInUse) if port == 1883 => {
            "another MQTT broker has it: see `systemctl status mosquitto`".to_owned()
        }
        Some(ErrorKind::AddrInUse) => {
            format!("another program has it: see `sudo ss -ltnp 'sport = :{port}'`")
        }
        Some(ErrorKind::AddrNotAvailable) => "no network of this computer has it".to_owned(),
        Some(ErrorKind::PermissionDenied) => "ports below 1024 belong to root".to_owned(),
        _ => return error,
    };
    anyhow!("{error:#}\n{hint}; or choose another `listen` under {section} in the config")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_address_names_the_likely_culprit() {
        let taken = || anyhow::Error::from(io::Error::from(ErrorKind::AddrInUse));
        let said = |port, section| {
            let address = ([127, 0, 0, 1], port).into();
            let error = taken().context(format!("cannot listen on {address}"));
            format!("{:#}", explain_address(error, address, section))
        };
        let broker = said(1883, "[broker]");
        assert!(broker.contains("127.0.0.1:1883") && broker.contains("mosquitto"));
        assert!(said(8080, "[web]").contains("ss -ltnp 'sport = :8080'"));
        let other = explain_address(anyhow!("no route"), ([0; 4], 1).into(), "[web]");
        assert_eq!(format!("{other:#}"), "no route");
    }

    #[tokio::test]
    async fn a_folder_is_made_or_the_error_says_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("a/b");
        prepare_folder(&data).await.unwrap();
        assert!(data.is_dir());
        let file = data.join("file");
        std::fs::write(&file, "").unwrap();
        let error = prepare_folder(&file).await.unwrap_err();
        assert!(format!("{error:#}").contains("--data DIR"), "{error:#}");
    }

    #[test]
    fn the_zone_is_the_configs_or_the_systems() {
        let paris = zone(Some("Europe/Paris"));
        assert_eq!(paris.iana_name(), Some("Europe/Paris"));
        assert_eq!(zone(None), TimeZone::system());
    }
}
