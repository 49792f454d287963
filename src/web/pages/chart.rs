//! `GET /chart`: several things over the same time, with one address to keep or to send
//! to somebody.

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};

use super::{Frame, Page, render};
use crate::web::Shared;
use crate::web::chart::MOST_SERIES;
use crate::web::chart::window::Asked;
use crate::web::error::Problem;
use crate::web::house::House;
use crate::web::past::ways::Place;
use crate::web::past::{self, Figure, Subject};

#[derive(Template)]
#[template(path = "chart.html")]
struct ChartPage {
    frame: Frame,
    /// None before something is chosen.
    figure: Option<Figure>,
    /// Topic and name of what can be added.
    others: Vec<(String, String)>,
    title: String,
    window: Vec<(String, String)>,
}

pub async fn get(
    State(app): State<Shared>,
    query: Result<Query<Vec<(String, String)>>, QueryRejection>,
) -> Page {
    let Query(query) = query?;
    let calendar = app.calendar();
    let window = calendar
        .read(&Asked::of(&query))
        .map_err(Problem::bad_request)?;
    let topics = query.iter().filter(|(key, _)| key == "t");
    let topics: Vec<&str> = topics
        .map(|(_, topic)| topic.trim())
        .filter(|topic| !topic.is_empty())
        .collect();
    let house = app.house().await?;
    let subjects = past::named(&app, &house, &topics).await?;
    let place = Place::chart(subjects.iter().map(|subject| subject.topic.clone()));
    let figure = match subjects.is_empty() {
        true => None,
        false => Some(Figure::new(&app, &place, &subjects, window, &calendar).await),
    };
    render(&ChartPage {
        frame: Frame::new(&app, "chart"),
        others: others(&house, &subjects),
        title: title(&subjects),
        window: window.fields(),
        figure,
    })
}

fn title(subjects: &[Subject]) -> String {
    match subjects {
        [] => "Chart".to_owned(),
        [alone] => alone.label(),
        several => {
            let mut titles: Vec<&str> = Vec::new();
            for one in several {
                if !titles.contains(&one.title.as_str()) {
                    titles.push(&one.title);
                }
            }
            titles.join(", ")
        }
    }
}

fn others(house: &House, subjects: &[Subject]) -> Vec<(String, String)> {
    if subjects.len() == MOST_SERIES {
        return Vec::new();
    }
    let is_shown = |topic: &str| subjects.iter().any(|one| one.topic == topic);
    let things = house.things().map(Subject::from);
    things
        .filter(|subject| !is_shown(&subject.topic))
        .map(|subject| (subject.topic.clone(), subject.label()))
        .collect()
}
