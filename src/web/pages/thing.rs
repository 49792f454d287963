//! `GET /thing/{room}/{name}`: one thing, now and over any stretch of time.

use askama::Template;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};

use super::{Frame, Page, render};
use crate::clock::UtcMillis;
use crate::home::Thing;
use crate::web::chart::window::Asked;
use crate::web::error::Problem;
use crate::web::house::why::Why;
use crate::web::house::{Control, ThingView, Watch};
use crate::web::past::ways::Place;
use crate::web::past::{Figure, Subject, is_whole};
use crate::web::{Shared, commands, wording};

/// Rows of a thing's last values.
const LAST_VALUES: usize = 8;

#[derive(Template)]
#[template(path = "thing.html")]
struct ThingPage<'a> {
    frame: Frame,
    view: &'a ThingView,
    room_title: String,
    figure: Figure,
    last: Vec<(UtcMillis, String)>,
    why: Why,
    /// The rules that had a part in it, with their pages.
    rules: Vec<(String, String)>,
}

pub async fn get(
    State(app): State<Shared>,
    path: Result<Path<(String, String)>, PathRejection>,
    query: Result<Query<Vec<(String, String)>>, QueryRejection>,
) -> Page {
    let (Path((room, name)), Query(query)) = (path?, query?);
    let calendar = app.calendar();
    let window = calendar
        .read(&Asked::of(&query))
        .map_err(Problem::bad_request)?;
    let house = app.house().await?;
    let thing = Thing::new(room, name);
    let view = house
        .thing(&thing)
        .ok_or_else(|| commands::no_such(&thing))?;
    let why = app.why(&house, view);
    let (place, subject) = (Place::thing(&view.href), [Subject::from(view)]);
    let figure = Figure::new(&app, &place, &subject, window, is_whole(&query), &calendar).await;
    render(&ThingPage {
        frame: Frame::new(&app, "thing").watching(&house, Watch::Things),
        room_title: wording::title(&thing.room),
        last: figure.last(LAST_VALUES),
        figure,
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
