//! Reads the config again when its files change, or on SIGHUP.
//!
//! All or nothing: a config with a problem changes nothing, and the problem is told
//! to everybody. What can change while the house runs is given to its part, by now
//! permissions and rules; of the rest the log says that it needs a restart.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::signal::unix::Signal;

use crate::broker::{self, Handle, Publication, Publisher, Qos};
use crate::clock::Clock;
use crate::config::{self, Config};
use crate::history;
use crate::home::RulesStatus;
use crate::home::topic::RULES_STATUS;
use crate::rules::{Handover, RuleSettings};
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

/// Who is given what has changed, and who tells of it.
#[derive(Debug)]
pub(super) struct Takers {
    pub handle: Handle,
    pub publisher: Publisher,
    pub rules: Handover,
    pub clock: Clock,
}

/// Watches until `stop`.
pub(super) async fn run(
    source: Source,
    mut hangup: Signal,
    takers: Takers,
    stop: Stop,
) -> anyhow::Result<()> {
    let mut reload = Reload {
        source,
        takers,
        refused: false,
    };
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
    takers: Takers,
    /// The last reading found problems, and everybody was told.
    refused: bool,
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
                let sentences: Vec<String> = problems.sentences().collect();
                self.tell_refusal(sentences.join("\n")).await;
            }
            Err(_) => {
                tracing::error!("reading {path} was stopped by a defect");
                self.tell_refusal("reading the config was stopped by a defect".to_owned())
                    .await;
            }
        }
    }

    async fn tell_refusal(&mut self, because: String) {
        let at_work = self.source.config.rules.len();
        let now = self.takers.clock.now().utc;
        let status = RulesStatus::refused(now, at_work, because);
        if let Ok(json) = serde_json::to_vec(&status) {
            let status = Publication::new(RULES_STATUS, json);
            let status = status.retained().qos(Qos::AtLeastOnce);
            // Only a stop leaves nobody to tell.
            let _ = self.takers.publisher.publish(status).await;
        }
        self.refused = true;
    }

    async fn take(&mut self, config: Config) {
        let path = self.source.path.display();
        let running = &mut self.source.config;
        let waiting = changed(running, &config);
        if !waiting.is_empty() {
            let waiting = waiting.join(", ");
            tracing::warn!("{path}: what changed in {waiting} holds after a restart");
        }
        self.take_rules(config.rules);
        let path = self.source.path.display();
        let running = &mut self.source.config;
        if config.broker.access == running.broker.access {
            return tracing::info!("read {path} again: [access] is as it was");
        }
        running.broker.access.clone_from(&config.broker.access);
        if self
            .takers
            .handle
            .permit(config.broker.access)
            .await
            .is_ok()
        {
            tracing::info!("read {path} again: the new [access] holds");
        }
    }
    fn take_rules(&mut self, rules: Vec<RuleSettings>) {
        let path = self.source.path.display();
        let running = &mut self.source.config;
        let rules = at_home(rules, running);
        let changed = rules != running.rules;
        // After a refusal everybody waits to hear that all is well again.
        if !changed && !self.refused {
            return;
        }
        self.refused = false;
        if self.takers.rules.replace(rules.clone()) {
            running.rules = rules;
            tracing::info!("read {path} again: the rules are handed over");
        } else if changed {
            tracing::warn!("{path}: what changed in [[rule]] holds after a restart");
        }
    }
}

/// The rules where the house is known to be: a house that has moved does so with all its
/// parts, after a restart.
fn at_home(mut rules: Vec<RuleSettings>, running: &Config) -> Vec<RuleSettings> {
    let place = running.home.place();
    for rule in &mut rules {
        rule.place = place.clone();
    }
    rules
}

/// The sections that are not as they were, `[access]` and rules aside.
fn changed(running: &Config, config: &Config) -> Vec<&'static str> {
    let broker = broker::Settings {
        access: running.broker.access.clone(),
        bridges: running.broker.bridges.clone(),
        ..config.broker.clone()
    };
    // Where its file is, `data` says.
    let history = history::Settings {
        file: running.history.file.clone(),
        ..config.history.clone()
    };
    let sections = [
        ("data", running.data != config.data),
        ("[home]", running.home != config.home),
        ("[broker]", running.broker != broker),
        ("[bridge]", running.broker.bridges != config.broker.bridges),
        ("[web]", running.web != config.web),
        ("[history]", running.history != history),
        ("[serial] and [board]", running.boards != config.boards),
        ("[gpio] and [pin]", running.gpio != config.gpio),
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
            "data = 'x'\n[broker]\ndead_letters = true\n[history]\nlose_at_most = '5s'\n\
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

    #[test]
    fn rules_stay_where_the_house_was_until_a_restart() {
        let rule = "[[rule]]\nname = 'Bell'\nwhen = { at = '07:30' }\n\
                    then = [{ publish = 'bell', payload = 'x' }]";
        let running = config(&format!("[home]\ntimezone = 'Europe/Paris'\n{rule}"));
        let moved = config(&format!("[home]\ntimezone = 'Asia/Tokyo'\n{rule}"));
        assert_ne!(moved.rules, running.rules);
        assert_eq!(at_home(moved.rules.clone(), &running), running.rules);
        assert_eq!(changed(&running, &moved), ["[home]"]);
    }
}
