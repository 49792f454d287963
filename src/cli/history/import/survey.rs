//! Goes through a file: gives each row its topic, counts, and hands on what is wanted.

use std::collections::HashMap;
use std::io::{self, Write};
use std::sync::Arc;

use anyhow::bail;
use jiff::tz::TimeZone;

use crate::cli::history::mapping::Mapping;
use crate::cli::history::source::{Source, Step};
use crate::cli::history::{Choice, counted};
use crate::cli::progress::Progress;
use crate::cli::times;
use crate::clock::UtcMillis;
use crate::history::Importer;
use crate::history::formats::{Place, Row};
use crate::history::home_assistant::{Entity, topics};

/// A file with more names holds something else.
const MOST_NAMES: usize = 10_000;
/// So many wrong lines are told, the rest counted.
const MOST_TOLD: u64 = 10;

/// What is to become of a file.
#[derive(Debug, Default)]
pub struct Plan {
    pub mapping: Mapping,
    pub choice: Choice,
    /// What is known of names beside the rows.
    pub entities: Vec<Entity>,
    pub keep_going: bool,
}

impl Plan {
    fn entity(&self, name: &str) -> Option<&Entity> {
        self.entities.iter().find(|entity| entity.id == name)
    }

    fn unit(&self, name: &str) -> Option<Arc<str>> {
        Some(self.entity(name)?.unit.as_deref()?.into())
    }
}

/// What a file holds.
#[derive(Debug, Default)]
pub struct Survey {
    /// By name; those that are left out have no topic.
    names: HashMap<Arc<str>, Option<usize>>,
    pub series: Vec<Series>,
    /// Rows that are not wanted, say nothing, or are wrong.
    pub left_out: u64,
    pub skipped: u64,
    pub wrong: u64,
}

/// What a file holds under one name.
#[derive(Debug)]
pub struct Series {
    name: Arc<str>,
    topic: String,
    unit: Option<Arc<str>>,
    count: u64,
    first: UtcMillis,
    last: UtcMillis,
}

/// Reads rows to the end, and imports them if there is somewhere to.
///
/// # Errors
/// What is wrong and where, unless the plan is to keep going; if the history takes no more.
pub async fn go(
    source: &mut Source,
    plan: &Plan,
    mut importer: Option<&mut Importer>,
    progress: &mut Progress,
) -> anyhow::Result<Survey> {
    let mut survey = Survey::default();
    // What is wrong was told before.
    let is_told = importer.is_some();
    loop {
        let row = match source.next().await? {
            Step::End => break,
            Step::Row(row) => row,
            Step::Wrong(place, problem) => {
                survey.wrong(plan, is_told, progress, (place, problem))?;
                continue;
            }
        };
        let (part, whole) = source.progress();
        progress.reach(part, whole);
        let found = match survey.find(plan, &row) {
            Ok(found) => found,
            Err(problem) => {
                survey.wrong(plan, is_told, progress, (source.place(), problem))?;
                continue;
            }
        };
        let Some((nth, is_new)) = found else {
            survey.left_out += 1;
            continue;
        };
        let series = &mut survey.series[nth];
        series.count(&row);
        if let Some(importer) = importer.as_deref_mut() {
            if is_new {
                series.describe(plan, importer).await?;
            }
            importer.push(&series.topic, row.sample).await?;
        }
    }
    survey.skipped = source.skipped();
    for name in plan.mapping.unknown(|name| survey.names.contains_key(name)) {
        progress.clear();
        if !is_told {
            writeln!(
                io::stderr(),
                "warning: the file holds nothing called {name}"
            )?;
        }
    }
    Ok(survey)
}

impl Survey {
    /// The series of a row, and whether it is the first of it; none if nobody wants it.
    fn find(&mut self, plan: &Plan, row: &Row) -> Result<Option<(usize, bool)>, String> {
        if let Some(known) = self.names.get(&row.topic) {
            return Ok(known.map(|nth| (nth, false)));
        }
        if self.names.len() == MOST_NAMES {
            return Err(format!(
                "there are more than {MOST_NAMES} names; is this really a history?"
            ));
        }
        let topic = plan.mapping.topic(&row.topic)?;
        let topic = topic.filter(|topic| plan.choice.takes(topic));
        let found = topic.map(|topic| {
            self.series.push(Series {
                name: Arc::clone(&row.topic),
                topic,
                unit: plan.unit(&row.topic),
                count: 0,
                first: row.sample.at,
                last: row.sample.at,
            });
            self.series.len() - 1
        });
        self.names.insert(Arc::clone(&row.topic), found);
        Ok(found.map(|nth| (nth, true)))
    }

    fn wrong(
        &mut self,
        plan: &Plan,
        is_told: bool,
        progress: &mut Progress,
        (place, problem): (Place, String),
    ) -> anyhow::Result<()> {
        if !plan.keep_going {
            bail!("{place}: {problem}");
        }
        self.wrong += 1;
        if self.wrong <= MOST_TOLD && !is_told {
            progress.clear();
            writeln!(io::stderr(), "warning: {place}: {problem}")?;
        }
        Ok(())
    }

    /// What would come of it, as a file of mappings.
    pub fn text(&self, zone: &TimeZone) -> String {
        let mut series: Vec<&Series> = self.series.iter().collect();
        series.sort_by(|one, other| one.name.cmp(&other.name));
        let line = |one: &&Series| format!("{}={}", one.name, one.topic);
        let width = series.iter().map(|one| line(one).chars().count()).max();
        let width = width.unwrap_or(0);
        let shown = |at| times::shown(at, zone);
        let mut text = String::new();
        for one in &series {
            let unit = one.unit.as_ref().map(|unit| format!(" in {unit}"));
            text += &format!(
                "{:<width$} # {}{} from {} to {}\n",
                line(one),
                counted(one.count, "reading"),
                unit.unwrap_or_default(),
                shown(one.first),
                shown(one.last),
            );
        }
        let readings = series.iter().map(|one| one.count).sum();
        text += &format!(
            "# {} of {} would be imported; {} said nothing, {} are left out, {} are wrong\n",
            counted(readings, "reading"),
            counted(series.len() as u64, "series"),
            self.skipped,
            self.left_out,
            self.wrong
        );
        text
    }
}

impl Series {
    fn count(&mut self, row: &Row) {
        self.count += 1;
        self.first = self.first.min(row.sample.at);
        self.last = self.last.max(row.sample.at);
        if self.unit.is_none() {
            self.unit.clone_from(&row.unit);
        }
    }

    /// Tells the history what is known of the series.
    async fn describe(&self, plan: &Plan, importer: &mut Importer) -> anyhow::Result<()> {
        let class = plan
            .entity(&self.name)
            .and_then(|entity| entity.device_class.as_deref());
        let class = class.and_then(topics::class);
        let unit = self.unit.as_deref().map(str::to_owned);
        if unit.is_some() || class.is_some() {
            importer.describe(&self.topic, unit, class).await?;
        }
        Ok(())
    }
}
