//! `GET /thing/{room}/{name}`: one thing over an hour, a day or a week.

use askama::Template;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use serde::Deserialize;

use super::{Frame, Page, render};
use crate::clock::UtcMillis;
use crate::home::Thing;
use crate::web::error::Problem;
use crate::web::house::why::Why;
use crate::web::house::{Control, ThingView, Watch};
use crate::web::past::{self, Charts, Span};
use crate::web::{Shared, commands, wording};

#[derive(Debug, Deserialize)]
pub struct Choice {
    span: Option<String>,
}

#[derive(Template)]
#[template(path = "thing.html")]
struct ThingPage<'a> {
    frame: Frame,
    view: &'a ThingView,
    room_title: String,
    spans: [Span; 3],
    span: Span,
    chart: Result<Charts, String>,
    last: Vec<(UtcMillis, String)>,
    why: Why,
    /// The rules that had a part in it, with their pages.
    rules: Vec<(String, String)>,
}

pub async fn get(
    State(app): State<Shared>,
    path: Result<Path<(String, String)>, PathRejection>,
    query: Result<Query<Choice>, QueryRejection>,
) -> Page {
    let (Path((room, name)), Query(choice)) = (path?, query?);
    let span = span(choice.span.as_deref())?;
    let house = app.house().await?;
    let thing = Thing::new(room, name);
    let view = house
        .thing(&thing)
        .ok_or_else(|| commands::no_such(&thing))?;
    let why = app.why(&house, view);
    let past = past::of(&app, view, span).await;
    render(&ThingPage {
        frame: Frame::new(&app, "thing").watching(&house, Watch::Things),
        room_title: wording::title(&thing.room),
        spans: Span::ALL,
        span,
        chart: past.chart,
        last: past.last,
        rules: rules(&why),
        why,
        view,
    })
}

/// Each once.
fn rules(why: &Why) -> Vec<(String, String)> {
    let mut rules = Vec::new();
    for rule in &why.rules {
        let link = (rule.href(), rule.name.clone());
        if !rules.contains(&link) {
            rules.push(link);
        }
    }
    rules
}

fn span(word: Option<&str>) -> Result<Span, Problem> {
    let Some(word) = word else {
        return Ok(Span::Hour);
    };
    Span::parse(word).ok_or_else(|| {
        let said = wording::cut(word);
        Problem::bad_request(format!(
            "A chart spans an hour, a day or a week, not \"{said}\"."
        ))
    })
}
