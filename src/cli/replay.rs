//! `hearth replay`: what would these rules have done?
//!
//! Readings come from the history in order of time and go to the engine on a
//! virtual clock; what the rules then say stands beside what was said.

mod table;

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, anyhow, bail};
use jiff::tz::TimeZone;

use self::table::Table;
use super::progress::Progress;
use super::{ConfigArgs, times};
use crate::broker::topic;
use crate::clock::{Clock, UtcMillis};
use crate::config;
use crate::history::{Archive, SeriesInfo};
use crate::home::{self, Reading, Thing};
use crate::rules::graph::Reach;
use crate::rules::replay::{Compare, Replay, Row, Summary, Taken};
use crate::rules::{RuleSettings, compile};

const TIMES: &str = "\
TIME is 2026-11-28T10:00 or 2026-11-28 (its first moment) on the house's clock, or -2h, -3d for so
long ago.

Examples:
  hearth replay --rules draft.toml                    the last day
  hearth replay --rules draft.toml --from -7d         the last week
  hearth replay --rules draft.toml --from 2026-11-27 --to 2026-11-28T06:00

What things said is taken as it was: nothing answers what the rules would do.";

#[derive(Debug, clap::Args)]
#[command(after_help = TIMES)]
pub(super) struct ReplayArgs {
    /// The file with the rules to try; they need not be in the house's config
    #[arg(long, value_name = "FILE")]
    rules: PathBuf,
    /// Begin here; a day before the end unless given
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    from: Option<String>,
    /// End here; now unless given
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    to: Option<String>,
    #[command(flatten)]
    config: ConfigArgs,
    /// The folder of the databases, whatever the config says
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

pub(super) async fn run(args: ReplayArgs) -> anyhow::Result<()> {
    let mut config = config::load_draft(&args.config.config, &args.rules)?;
    if let Some(data) = args.data {
        config.keep_data_in(data);
    }
    if config.rules.is_empty() {
        bail!("{} holds no [[rule]]", args.rules.display());
    }
    let zone = config.home.place().zone;
    let now = Clock::start().now().utc;
    let (from, to) = stretch(args.from.as_deref(), args.to.as_deref(), now, &zone)?;
    let archive = Archive::open(&config.history).await?;
    let rules = config.rules;
    // The parser of expressions blocks its thread.
    let past = tokio::task::spawn_blocking(move || Past::new(&rules)).await??;
    let mut out = io::BufWriter::new(io::stdout());
    let mut table = Table::new(zone.clone());
    let mut progress = Progress::new("replayed");
    let millis =
        |until: UtcMillis| u64::try_from(until.since(from).as_millis()).unwrap_or(u64::MAX);
    let replayed = past
        .play(&archive, from, to, &mut |step| {
            match step {
                Step::Note(note) => writeln!(io::stderr(), "note: {note}")?,
                Step::Reached(at) => progress.reach(millis(at), millis(to)),
                Step::Row(row) => {
                    progress.clear();
                    table.print(&row, &mut out)?;
                }
            }
            Ok(())
        })
        .await;
    progress.clear();
    archive.close().await;
    let summary = replayed.with_context(|| {
        let (from, to) = (times::shown(from, &zone), times::shown(to, &zone));
        format!("cannot replay {from} to {to}")
    })?;
    writeln!(out, "{}", table::summary(summary))?;
    out.flush()?;
    Ok(())
}

/// What `--from` and `--to` say; the future holds nothing yet.
fn stretch(
    from: Option<&str>,
    to: Option<&str>,
    now: UtcMillis,
    zone: &TimeZone,
) -> anyhow::Result<(UtcMillis, UtcMillis)> {
    let read = |key: &str, text: &str| {
        times::read(text, now, zone).map_err(|why| anyhow!("--{key}: {why}"))
    };
    let to = to.map_or(Ok(now), |text| read("to", text))?.min(now);
    let day = std::time::Duration::from_secs(24 * 3600);
    let from = from.map_or(Ok(to - day), |text| read("from", text))?;
    if from >= to {
        let (from, to) = (times::shown(from, zone), times::shown(to, zone));
        bail!(
            "there is no time from {from} to {to}: --from must be earlier than --to, and both in \
             the past; a date without a time is its first moment"
        );
    }
    Ok((from, to))
}

/// Something worth telling while the past goes by.
#[derive(Debug)]
enum Step {
    Note(String),
    Row(Row),
    Reached(UtcMillis),
}

type Tell<'a> = &'a mut dyn FnMut(Step) -> io::Result<()>;

/// Rules on their way through the history.
#[derive(Debug)]
struct Past {
    replay: Replay,
    compare: Compare,
    /// What the rules listen to: topics and filters.
    listens: Vec<String>,
    /// What they may say.
    reach: Reach,
}

impl Past {
    fn new(rules: &[RuleSettings]) -> anyhow::Result<Past> {
        let mut compiled = Vec::new();
        for (index, settings) in rules.iter().enumerate() {
            let rule = compile::compile(index, settings).map_err(|problems| {
                let messages: Vec<String> = problems.into_iter().map(|p| p.message).collect();
                anyhow!("`{}` cannot be run: {}", settings.name, messages.join("; "))
            })?;
            compiled.push(Arc::new(rule));
        }
        let replay = Replay::new(compiled);
        Ok(Past {
            listens: replay.listens(),
            replay,
            compare: Compare::default(),
            reach: Reach::new(rules),
        })
    }

    async fn play(
        mut self,
        archive: &Archive,
        from: UtcMillis,
        to: UtcMillis,
        tell: Tell<'_>,
    ) -> anyhow::Result<Summary> {
        let series = archive.series().await?;
        is_there_any(&series, from, to)?;
        for note in self.notes(&series, from) {
            tell(Step::Note(note))?;
        }
        let heard: BTreeSet<String> = names(&series).filter(|t| self.hears(t)).collect();
        let compared: BTreeSet<String> = names(&series).filter(|t| self.reach.covers(t)).collect();
        let found = found(archive, &heard, from).await?;
        self.recall(archive, from).await?;
        let began = self.replay.begin(&found, from);
        self.would(began);
        let topics = heard.union(&compared).cloned();
        let mut readings = archive.readings(topics, from, to).await?;
        while let Some(reading) = readings.next().await? {
            let at = reading.at;
            let taken = match heard.contains(&reading.topic) {
                true => self.replay.take(&reading),
                false => self.replay.until(at),
            };
            self.would(taken);
            if compared.contains(&reading.topic) {
                self.compare.did(reading);
            }
            while let Some(row) = self.compare.settle(at) {
                tell(Step::Row(row))?;
            }
            tell(Step::Reached(at))?;
        }
        let last = self.replay.until(to);
        self.would(last);
        while let Some(row) = self.compare.pop() {
            tell(Step::Row(row))?;
        }
        Ok(self.compare.summary())
    }

    /// What `avg` and its like need from before the beginning.
    async fn recall(&mut self, archive: &Archive, from: UtcMillis) -> anyhow::Result<()> {
        for (topic, over) in self.replay.windows() {
            let until = UtcMillis(from.0.saturating_sub(1));
            let mut readings = archive.readings([topic], from - over, until).await?;
            while let Some(reading) = readings.next().await? {
                self.replay.recall(&reading, from);
            }
        }
        Ok(())
    }

    fn would(&mut self, taken: Vec<Taken>) {
        for taken in taken {
            self.compare.would(taken);
        }
    }

    fn hears(&self, name: &str) -> bool {
        self.listens
            .iter()
            .any(|filter| topic::matches(filter, name))
    }

    /// What keeps the replay from telling all.
    fn notes(&self, series: &[SeriesInfo], from: UtcMillis) -> Vec<String> {
        let is_met = |filter: &&String| names(series).any(|name| topic::matches(filter, &name));
        // Every rule listens there, whatever it says.
        let is_own = |filter: &&String| filter.starts_with("hearth/") && filter.contains('+');
        let unheard: Vec<&str> = self
            .listens
            .iter()
            .filter(|filter| !is_met(filter) && !is_own(filter))
            .map(String::as_str)
            .collect();
        let mut notes = Vec::new();
        if !unheard.is_empty() {
            notes.push(format!(
                "the history holds nothing of {}: of these the rules hear only what they say \
                 themselves",
                unheard.join(", ")
            ));
        }
        let commands = series
            .iter()
            .filter(|s| Thing::from_set_topic(&s.topic).is_some());
        if commands
            .map(|one| one.first)
            .min()
            .is_none_or(|first| first > from)
        {
            notes.push(
                "no commands were recorded at the beginning; until they were, nothing stands \
                 under `did`"
                    .to_owned(),
            );
        }
        notes
    }
}

fn names(series: &[SeriesInfo]) -> impl Iterator<Item = String> {
    series.iter().map(|one| one.topic.clone())
}

fn is_there_any(series: &[SeriesInfo], from: UtcMillis, to: UtcMillis) -> anyhow::Result<()> {
    let first = series.iter().map(|one| one.first).min();
    let last = series.iter().map(|one| one.last).max();
    let (Some(first), Some(last)) = (first, last) else {
        bail!("the history is empty: nothing was recorded yet");
    };
    if first > to || last < from {
        let (first, last) = (
            times::shown(first, &TimeZone::UTC),
            times::shown(last, &TimeZone::UTC),
        );
        bail!("nothing was recorded then; the history goes from {first}Z to {last}Z");
    }
    Ok(())
}

/// How things were when it begins. A command is for its moment and is not found.
async fn found(
    archive: &Archive,
    topics: &BTreeSet<String>,
    at: UtcMillis,
) -> anyhow::Result<Vec<Reading>> {
    let mut found = Vec::new();
    let is_state = |topic: &&String| {
        Thing::from_topic(topic).is_some() || home::topic::from_board_status(topic).is_some()
    };
    for topic in topics.iter().filter(is_state) {
        found.extend(archive.before(topic, at).await?);
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
