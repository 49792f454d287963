//! A series that a chart shows: a thing of the house, or one that only the history
//! remembers.

use crate::history::SeriesInfo;
use crate::home::{DeviceClass, Quantity, Thing};
use crate::web::error::Problem;
use crate::web::house::{Control, House, ThingView};
use crate::web::{App, chart, wording};

/// What is drawn, and how it is called.
#[derive(Clone, Debug, PartialEq)]
pub struct Subject {
    /// `home/<room>/<thing>`
    pub topic: String,
    /// `Temperature`
    pub title: String,
    /// `Greenhouse`
    pub room: String,
    /// Empty where there is none.
    pub unit: String,
    pub class: Option<DeviceClass>,
    /// Whether people and rules set it.
    pub is_set: bool,
    /// What it can be set to, from least to most.
    pub range: Option<(f64, f64)>,
    /// The page of the thing; empty where the house does not know it any more.
    pub href: String,
}

impl From<&ThingView> for Subject {
    fn from(view: &ThingView) -> Subject {
        Subject {
            topic: view.live.thing.clone(),
            title: view.title.clone(),
            room: wording::title(&view.thing.room),
            unit: view.live.unit.clone(),
            class: view.device_class,
            is_set: view.control.is_some(),
            range: match view.control {
                Some(Control::Slider { min, max, .. }) => Some((min, max)),
                _ => None,
            },
            href: view.href.clone(),
        }
    }
}

impl Subject {
    /// Where several rooms are on one page: `Greenhouse · Temperature`.
    pub fn label(&self) -> String {
        format!("{} · {}", self.room, self.title)
    }

    fn remembered(thing: &Thing, info: SeriesInfo) -> Subject {
        let guess = Quantity::from_name(&thing.name);
        let guessed_unit = guess.as_ref().and_then(|guess| guess.unit);
        let unit = info.unit.or(guessed_unit.map(str::to_owned));
        Subject {
            topic: info.topic,
            title: wording::title(&thing.name),
            room: wording::title(&thing.room),
            unit: unit.unwrap_or_default(),
            class: info
                .device_class
                .or(guess.and_then(|guess| guess.device_class)),
            is_set: false,
            range: None,
            href: String::new(),
        }
    }
}

/// Finds the series that an address names, each once, in its order.
///
/// # Errors
/// 400 for what is no thing or too many, 404 for a thing that neither the house nor its
/// history knows.
pub async fn named(app: &App, house: &House, topics: &[&str]) -> Result<Vec<Subject>, Problem> {
    let mut subjects: Vec<Subject> = Vec::new();
    for topic in topics {
        if subjects.iter().any(|subject| subject.topic == *topic) {
            continue;
        }
        if subjects.len() == chart::MOST_SERIES {
            return Err(Problem::bad_request(format!(
                "A chart shows {} series at most.",
                chart::MOST_SERIES
            )));
        }
        subjects.push(one(app, house, topic).await?);
    }
    Ok(subjects)
}

/// Everything that can be drawn: the things of the house, then those that only its history
/// remembers.
pub async fn all(app: &App, house: &House) -> Vec<Subject> {
    let mut subjects: Vec<Subject> = house.things().map(Subject::from).collect();
    // A history that does not answer knows nobody.
    for info in app.history.series().await.unwrap_or_default() {
        let thing = Thing::from_topic(&info.topic);
        let thing = thing.filter(|thing| house.thing(thing).is_none());
        subjects.extend(thing.map(|thing| Subject::remembered(&thing, info)));
    }
    subjects
}

async fn one(app: &App, house: &House, topic: &str) -> Result<Subject, Problem> {
    let said = wording::cut(topic);
    let thing = Thing::from_topic(topic).ok_or_else(|| {
        Problem::bad_request(format!(
            "A chart shows things, written like t=home/greenhouse/temperature, not \"{said}\"."
        ))
    })?;
    if let Some(view) = house.thing(&thing) {
        return Ok(view.into());
    }
    // A history that does not answer knows nobody.
    let known = app.history.series().await.unwrap_or_default();
    let info = known.into_iter().find(|info| info.topic == topic);
    let info = info.ok_or_else(|| {
        Problem::not_found(format!(
            "There is no {said}: no board announces it, no message came from it, and nothing \
             was recorded of it."
        ))
    })?;
    Ok(Subject::remembered(&thing, info))
}
