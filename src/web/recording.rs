//! What the page and the API tell of the history itself: whether it records, what a power
//! cut may cost, what is written to the disk, and what is kept of each topic.

mod costs;
mod damage;
mod kept;
mod pushed;

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

pub use costs::Costs;
pub use damage::Harm;
pub use kept::{Kept, differences};
pub use pushed::Pushed;

use super::error::Problem;
use super::house::{House, ThingView};
use super::{App, wording};
use crate::clock::UtcMillis;
use crate::history::{Away, Figures, History, HistoryError, Settings};
use crate::home::Kind;

/// Series whose last value is looked up in the file, because nobody says it any more. Each is
/// a query of its own.
const MOST_LOOKED_UP: usize = 100;

/// What pages that show the recorder's figures watch, beside the parts of the house.
pub const HISTORY: &str = "history";
/// How long figures stay on an open page before they are told again, in milliseconds.
const FIGURES_MS: i64 = 5_000;

/// How the recorder does, as of now. It takes no look into the file.
#[derive(Debug)]
pub struct Recorder {
    pub settings: Settings,
    pub figures: Figures,
    /// Why nothing is recorded now.
    pub paused: Option<String>,
}

impl Recorder {
    pub fn look(history: &History) -> Recorder {
        let figures = history.figures();
        Recorder {
            paused: history.off_because().or_else(|| figures.paused.clone()),
            settings: history.settings().clone(),
            figures,
        }
    }

    /// Why the server that keeps the history cannot be reached, and since when.
    pub fn away(&self) -> Option<&Away> {
        self.figures.forwarding.as_ref()?.away.as_ref()
    }

    pub fn costs(&self) -> Costs<'_> {
        Costs {
            figures: &self.figures,
            settings: &self.settings,
        }
    }

    /// How the push to another database does, if there is one.
    pub fn pushed(&self) -> Option<Pushed<'_>> {
        let pushing = self.figures.pushing.as_ref()?;
        Some(Pushed { pushing })
    }

    /// Changes when an open page is to tell the figures again: at once if something is lost,
    /// paused or damaged, and otherwise now and then.
    pub fn version(&self, now: UtcMillis) -> String {
        let mut hasher = DefaultHasher::new();
        self.paused.hash(&mut hasher);
        self.figures.lost.hash(&mut hasher);
        self.figures.damaged.len().hash(&mut hasher);
        self.figures.is_checked.hash(&mut hasher);
        self.away().is_some().hash(&mut hasher);
        (now.0 / FIGURES_MS).hash(&mut hasher);
        format!("{:016x}", hasher.finish())
    }
}

/// The history as of now.
#[derive(Debug)]
pub struct Recording {
    pub state: Recorder,
    /// What is kept of each topic, or why that is not known.
    pub kept: Result<Vec<Kept>, HistoryError>,
}

impl Recording {
    pub async fn look(app: &App) -> Recording {
        let state = Recorder::look(&app.history);
        let kept = app.history.sizes().await;
        Recording {
            kept: kept.map(|sizes| Kept::gather(sizes, &state.settings.policy)),
            state,
        }
    }

    /// What is kept, if that is known.
    pub fn kept(&self) -> &[Kept] {
        self.kept.as_deref().unwrap_or_default()
    }

    /// Samples that are kept one by one, those of commands included.
    pub fn samples(&self) -> u64 {
        let samples = self.kept().iter().map(|one| one.samples + one.commands);
        samples.sum()
    }

    /// `1,204 samples of 3 topics`
    pub fn samples_in_words(&self) -> String {
        let samples = wording::grouped(&self.samples().to_string());
        let topics = wording::count(self.kept().len() as u64, "topic");
        format!("{samples} of {topics}")
    }
}

/// The last value of each topic as the page words it: what the house says now, and for
/// topics that nobody speaks of any more what was recorded last.
pub async fn last_values(app: &App, house: &House, kept: &[Kept]) -> HashMap<String, String> {
    let said: HashMap<&str, &ThingView> = house
        .things()
        .filter(|view| view.value.is_some())
        .map(|view| (view.live.thing.as_str(), view))
        .collect();
    let mut values = HashMap::new();
    let mut looked_up = 0;
    for one in kept {
        if let Some(view) = said.get(one.topic.as_str()) {
            let live = &view.live;
            values.insert(one.topic.clone(), with_unit(live.text.clone(), &live.unit));
        } else if looked_up < MOST_LOOKED_UP {
            looked_up += 1;
            if let Ok(Some(reading)) = app.history.latest(&one.topic).await {
                let value = wording::value(&reading.value, Kind::Sensor, one.device_class);
                let unit = one.unit.as_deref().unwrap_or_default();
                values.insert(one.topic.clone(), with_unit(value, unit));
            }
        }
    }
    values
}

/// What is kept of one topic.
///
/// # Errors
/// 404 if that is nothing.
pub async fn find(app: &App, topic: &str) -> Result<Kept, Problem> {
    let kept = Recording::look(app).await.kept?;
    let found = kept.into_iter().find(|one| one.topic == topic);
    found.ok_or_else(|| {
        let topic = wording::cut(topic);
        Problem::not_found(format!("Nothing is recorded of \"{topic}\"."))
    })
}

/// Removes what is kept of a topic, commands to it included; says what it was and how many
/// samples. It is done also for a topic that nothing is known of: somebody may ask again
/// because traces were left in the file.
pub async fn forget(app: &App, topic: &str) -> Result<(Kept, u64), Problem> {
    let found = find(app, topic).await;
    let samples = app.history.forget(topic).await?;
    let kept = found?;
    tracing::info!(
        topic,
        samples,
        "removed from the history, as somebody asked on the page"
    );
    Ok((kept, samples))
}

fn with_unit(value: String, unit: &str) -> String {
    match unit {
        "" => value,
        unit => format!("{value} {unit}"),
    }
}
