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
use crate::web::past::ways::Place;
use crate::web::past::{self, Figure, Subject};

#[derive(Template)]
#[template(path = "chart.html")]
struct ChartPage {
    frame: Frame,
    /// None before something is chosen.
    figure: Option<Figure>,
    /// What can be added.
    choices: Vec<Room>,
    title: String,
    window: Vec<(String, String)>,
}

/// What can be drawn of a room.
struct Room {
    title: String,
    things: Vec<Subject>,
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
        false => {
            let is_whole = past::is_whole(&query);
            Some(Figure::new(&app, &place, &subjects, window, is_whole, &calendar).await)
        }
    };
    render(&ChartPage {
        frame: Frame::new(&app, "/chart"),
        choices: choices(past::all(&app, &house).await, &subjects),
        title: title(&subjects),
        window: window.fields(),
        figure,
    })
}

fn title(subjects: &[Subject]) -> String {
    match subjects {
        [] => "Charts".to_owned(),
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

/// By rooms, without what is shown already; nothing if there is no room for more.
fn choices(all: Vec<Subject>, shown: &[Subject]) -> Vec<Room> {
    let mut rooms: Vec<Room> = Vec::new();
    if shown.len() == MOST_SERIES {
        return rooms;
    }
    let is_shown = |one: &Subject| shown.iter().any(|other| other.topic == one.topic);
    for subject in all.into_iter().filter(|one| !is_shown(one)) {
        match rooms.iter_mut().find(|room| room.title == subject.room) {
            Some(room) => room.things.push(subject),
            None => rooms.push(Room {
                title: subject.room.clone(),
                things: vec![subject],
            }),
        }
    }
    rooms
}
