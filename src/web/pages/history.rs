//! `GET /history`: whether the history records, what it costs, and what it holds;
//! `GET /history/forget?topic=…` asks before it deletes, and `POST /history/forget` deletes.

use askama::Template;
use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{Form, Query, State};
use serde::Deserialize;

use super::{Frame, Page, render};
use crate::web::house::segment;
use crate::web::recording::{self, Costs, Kept, Recording, differences};
use crate::web::{Shared, wording};

/// More rows would make a page slow; the API has all.
const MOST_ROWS: usize = 500;

#[derive(Template)]
#[template(path = "history.html")]
struct HistoryPage<'a> {
    frame: Frame,
    recording: &'a Recording,
    costs: Costs<'a>,
    rows: Vec<Row<'a>>,
    /// Series that have no row.
    more: usize,
    patterns: Vec<(String, String)>,
}

/// A series in the list.
struct Row<'a> {
    kept: &'a Kept,
    value: Option<String>,
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
    let shown = recording.kept().len().min(MOST_ROWS);
    let (shown, rest) = recording.kept().split_at(shown);
    let house = app.house().await?;
    let mut values = recording::last_values(&app, &house, shown).await;
    let row = |kept: &Kept| values.remove(&kept.topic);
    let rows = shown.iter().zip(shown.iter().map(row)).map(Row::new);
    render(&HistoryPage {
        frame: Frame::new(&app, "/history"),
        costs: recording.costs(),
        rows: rows.collect(),
        more: rest.len(),
        patterns: patterns(&recording),
        recording: &recording,
    })
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

impl<'a> Row<'a> {
    fn new((kept, value): (&'a Kept, Option<String>)) -> Row<'a> {
        Row {
            forget: format!("/history/forget?topic={}", segment(&kept.topic)),
            kept,
            value,
        }
    }
}

/// What the config says of some topics, in its order.
fn patterns(recording: &Recording) -> Vec<(String, String)> {
    let patterns = recording.settings.policy.patterns.iter();
    patterns
        .map(|pattern| {
            (
                wording::cut(&pattern.filter),
                differences(pattern).join(" · "),
            )
        })
        .collect()
}
