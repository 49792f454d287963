//! Reads the config again when its files change, or on SIGHUP.
//!
//! All or nothing: a config with a problem changes nothing. What can change
//! while the house runs is given to its part, by now the permissions; of the
//! rest the log says that it needs a restart.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::signal::unix::Signal;

use crate::broker::{self, Handle};
use crate::config::{self, Config};
use crate::stamp::Stamp;
use crate::supervisor::Stop;

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The config's file, and what it said when the house started.
#[derive(Debug)]
pub struct Source {
    pub path: PathBuf,
    pub config: Config,
}

/// Watches until `stop`.
pub(super) async fn run(
    source: Source,
    mut hangup: Signal,
    handle: Handle,
    stop: Stop,
) -> anyhow::Result<()> {
    let mut reload = Reload { source, handle };
    let mut read = stamps(&reload.source.path);
    let mut seen = read.clone();
    loop {
        let asked = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            _ = hangup.recv() => true,
            () = tokio::time::sleep(LOOK_EVERY) => false,
        };
        let now = stamps(&reload.source.path);
        // Files that still change may be half written.
        if asked || (now != read && now == seen) {
            reload.read().await;
            read.clone_from(&now);
        }
        seen = now;
    }
}

/// Every file of the config, with what shows that it is another one.
fn stamps(path: &Path) -> Vec<(PathBuf, Stamp)> {
    let stamp = |file: PathBuf| {
        let stamp = Stamp::of(&file);
        (file, stamp)
    };
    config::files(path).into_iter().map(stamp).collect()
}

struct Reload {
    /// With what holds now.
    source: Source,
    handle: Handle,
}

impl Reload {
    async fn read(&mut self) {
        let path = self.source.path.clone();
        // Its rules are tested too, which takes a while.
        let reading = tokio::task::spawn_blocking(move || config::load(&path));
        let path = self.source.path.display();
        match reading.await {
            Ok(Ok((config, warnings))) => {
                for message in warnings.messages() {
                    tracing::warn!("{path}: {message}");
                }
                self.take(config).await;
            }
            Ok(Err(problems)) => {
                for message in problems.messages() {
                    tracing::error!("{path}: {message}");
                }
                tracing::error!(
                    "{path} is not taken over: what held before holds on; `hearth check` shows \
                     where the problems are"
                );
            }
            Err(_) => tracing::error!("reading {path} was stopped by a defect"),
        }
    }

    async fn take(&mut self, config: Config) {
        let path = self.source.path.display();
        let running = &mut self.source.config;
        let waiting = changed(running, &config);
        if !waiting.is_empty() {
            let waiting = waiting.join(", ");
            tracing::warn!("{path}: what changed in {waiting} holds after a restart");
        }
        if config.broker.access == running.broker.access {
            return tracing::info!("read {path} again: [access] is as it was");
        }
        running.broker.access.clone_from(&config.broker.access);
        if self.handle.permit(config.broker.access).await.is_ok() {
            tracing::info!("read {path} again: the new [access] holds");
        }
    }
}

/// The sections that are not as they were, `[access]` aside.
fn changed(running: &Config, config: &Config) -> Vec<&'static str> {
    let broker = broker::Settings {
        access: running.broker.access.clone(),
        bridges: running.broker.bridges.clone(),
        ..config.broker.clone()
    };
    let sections = [
        ("data", running.data != config.data),
        ("[home]", running.home != config.home),
        ("[broker]", running.broker != broker),
        ("[bridge]", running.broker.bridges != config.broker.bridges),
        ("[web]", running.web != config.web),
        (
            "[history]",
            running.history.commit_every != config.history.commit_every,
        ),
        ("[serial] and [board]", running.boards != config.boards),
        ("[gpio] and [pin]", running.gpio != config.gpio),
        ("[[rule]]", running.rules != config.rules),
    ];
    let names = sections.into_iter().filter(|(_, changed)| *changed);
    names.map(|(name, _)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> Config {
        config::load_text("hearth.toml", text, Path::new("/etc/hearth"))
            .unwrap()
            .0
    }

    #[test]
    fn what_needs_a_restart_is_named() {
        let running = config("");
        let other = config(
            "data = 'x'\n[broker]\ndead_letters = true\n[history]\ncommit_every = '5s'\n\
             [bridge.x]\naddress = 'mqtt://x'\ntopic = [{ pattern = '#', direction = 'out' }]\n\
             [access.everyone]\nread = '#'\n[pin.lamp]\ngpio = 4\nroom = 'hall'\ndirection = 'output'",
        );
        let expected = [
            "data",
            "[broker]",
            "[bridge]",
            "[history]",
            "[gpio] and [pin]",
        ];
        assert_eq!(changed(&running, &other), expected);
        let access = config("[access.everyone]\nread = '#'");
        assert!(changed(&running, &access).is_empty());
    }
}
