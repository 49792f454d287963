//! `GET /history`: whether the history records, what it costs, and what it holds, with what
//! to draw together;
//! `GET /history/forget?topic=…` asks before it deletes, and `POST /history/forget` deletes.

use askama::Template;
use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{Form, Query, State};
use serde::Deserialize;

use super::{Frame, Page, render};
use crate::clock::UtcMillis;
use crate::home::Thing;
use crate::web::chart::MOST_SERIES;
use crate::web::chart::window::{Asked, Calendar};
use crate::web::house::{House, segment};
use crate::web::past::ways::Place;
use crate::web::recording::{self, Costs, Harm, Kept, Recorder, Recording, differences};
use crate::web::{App, Shared, wording};

/// More rows would make a page slow; the API has all.
const MOST_ROWS: usize = 500;

#[derive(Template)]
#[template(path = "history.html")]
struct HistoryPage<'a> {
    frame: Frame,
    recording: &'a Recording,
    state: &'a Recorder,
    costs: Costs<'a>,
    harm: Vec<Harm<'a>>,
    started: UtcMillis,
    /// Things, and what somebody has imported.
    rows: Vec<Row<'a>>,
    /// What boards and people said to Hearth itself.
    others: Vec<Row<'a>>,
    /// Series that have no row.
    more: usize,
    patterns: Vec<(String, String)>,
}

/// What of it is told again and again to an open page.
#[derive(Template)]
#[template(path = "history_figures.html")]
pub(in crate::web) struct Figures<'a> {
    frame: Frame,
    state: &'a Recorder,
    costs: Costs<'a>,
    harm: Vec<Harm<'a>>,
    started: UtcMillis,
}

/// A series in the list.
struct Row<'a> {
    kept: &'a Kept,
    value: Option<String>,
    /// Where it is shown; none of a topic that is no thing.
    href: Option<String>,
    /// Where its deletion is asked for.
    forget: String,
}

#[derive(Template)]
#[template(path = "forget.html")]
struct ForgetPage<'a> {
    frame: Frame,
    kept: &'a Kept,
}

#[derive(Template)]
#[template(path = "forgotten.html")]
struct ForgottenPage {
    frame: Frame,
    topic: String,
    samples: String,
    one: bool,
    /// Whether what is said of it from now on is recorded.
    goes_on: bool,
}

/// Which series.
#[derive(Debug, Deserialize)]
pub struct Which {
    topic: String,
}

pub async fn get(State(app): State<Shared>) -> Page {
    let recording = Recording::look(&app).await;
    let state = &recording.state;
    let house = app.house().await?;
    let shown = recording.kept().len().min(MOST_ROWS);
    let (shown, rest) = recording.kept().split_at(shown);
    let mut values = recording::last_values(&app, &house, shown).await;
    let calendar = app.calendar();
    let rows = shown.iter().map(|kept| Row {
        value: values.remove(&kept.topic),
        href: href(kept, &house, &calendar),
        forget: format!("/history/forget?topic={}", segment(&kept.topic)),
        kept,
    });
    let (others, rows) = rows.partition(|row| row.kept.is_of_gateway());
    render(&HistoryPage {
        frame: Frame::new(&app, "/history").watching_history(state),
        state,
        costs: state.costs(),
        harm: harm(state, &calendar),
        started: app.started(),
        rows,
        others,
        more: rest.len(),
        patterns: patterns(state),
        recording: &recording,
    })
}

/// `GET /history/figures`: what an open page is told again and again.
pub async fn figures(State(app): State<Shared>) -> Page {
    render(&Figures::of(&app, &Recorder::look(&app.history)))
}

impl<'a> Figures<'a> {
    pub(in crate::web) fn of(app: &App, state: &'a Recorder) -> Figures<'a> {
        Figures {
            frame: Frame::new(app, "/history").watching_history(state),
            costs: state.costs(),
            harm: harm(state, &app.calendar()),
            started: app.started(),
            state,
        }
    }
}

fn harm<'a>(state: &'a Recorder, calendar: &Calendar) -> Vec<Harm<'a>> {
    let left = state.figures.damaged.iter().filter(|one| !one.is_mended());
    left.map(|one| Harm::new(one, calendar)).collect()
}

/// The page of a thing; of one that the house does not know any more, the chart of its last
/// day.
fn href(kept: &Kept, house: &House, calendar: &Calendar) -> Option<String> {
    let thing = Thing::from_topic(&kept.topic)?;
    if let Some(view) = house.thing(&thing) {
        return Some(view.href.clone());
    }
    let date = calendar.date(kept.last)?.to_string();
    let asked = Asked {
        date: Some(&date),
        ..Asked::default()
    };
    let day = calendar.read(&asked).ok()?;
    Some(Place::chart([kept.topic.clone()]).at(&day))
}

/// `GET /history/forget?topic=…`
pub async fn ask(State(app): State<Shared>, query: Result<Query<Which>, QueryRejection>) -> Page {
    let Query(which) = query?;
    let kept = recording::find(&app, &which.topic).await?;
    let frame = Frame::new(&app, "forget");
    render(&ForgetPage { frame, kept: &kept })
}

/// `POST /history/forget`
pub async fn forget(State(app): State<Shared>, form: Result<Form<Which>, FormRejection>) -> Page {
    let Form(which) = form?;
    let (kept, samples) = recording::forget(&app, &which.topic).await?;
    render(&ForgottenPage {
        frame: Frame::new(&app, "forget"),
        samples: wording::count(samples, "sample"),
        one: samples == 1,
        goes_on: kept.is_recorded(),
        topic: kept.topic,
    })
}

/// What the config says of some topics, in its order.
fn patterns(state: &Recorder) -> Vec<(String, String)> {
    let patterns = state.settings.policy.patterns.iter();
    patterns
        .map(|pattern| {
            (
                wording::cut(&pattern.filter),
                differences(pattern).join(" · "),
            )
        })
        .collect()
}
