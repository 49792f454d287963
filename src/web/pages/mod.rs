//! The pages, each complete without a script.

pub mod board;
pub mod history;
pub mod chart;
pub mod rooms;
pub mod rule;
pub mod thing;

use std::net::SocketAddr;

use askama::Template;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use jiff::tz::TimeZone;

use super::error::Problem;
use super::house::{House, Pending, Rule, Watch};
use super::recording::{HISTORY, Recorder};
use super::{App, Shared, assets, wording};
use crate::clock::UtcMillis;

pub type Page = Result<Html<String>, Problem>;

/// What surrounds every page.
#[derive(Debug)]
pub struct Frame {
    /// The house's name.
    house: String,
    /// The page's own address, for the navigation and for forms.
    here: &'static str,
    /// Where what changes is fetched, if that is not the whole page.
    fresh: &'static str,
    /// The part of the house whose change makes the script fetch this page again.
    watch: String,
    version: String,
    now: UtcMillis,
    zone: TimeZone,
    /// Where the page listens, if others than this computer reach it.
    open: Option<SocketAddr>,
}

impl Frame {
    fn new(app: &App, here: &'static str) -> Frame {
        Frame {
            house: app.name.clone(),
            here,
            fresh: "",
            watch: String::new(),
            version: String::new(),
            now: app.clock.now().utc,
            zone: app.zone.clone(),
            open: (!app.address.ip().is_loopback()).then_some(app.address),
        }
    }

    fn watching(self, house: &House, watch: Watch) -> Frame {
        Frame {
            watch: watch.word().to_owned(),
            version: house.version(watch),
            ..self
        }
    }

    fn watching_history(self, state: &Recorder) -> Frame {
        Frame {
            fresh: "/history/figures",
            watch: HISTORY.to_owned(),
            version: state.version(self.now),
            ..self
        }
    }

    fn watching_rule(self, rule: &Rule) -> Frame {
        Frame {
            watch: rule.watch(),
            version: rule.version(),
            ..self
        }
    }

    fn pages(&self) -> [(&'static str, &'static str); 5] {
        [
            ("/", "Rooms"),
            ("/chart", "Charts"),
            ("/boards", "Boards"),
            ("/rules", "Rules"),
            ("/history", "History"),
        ]
    }

    fn is_here(&self, href: &str) -> bool {
        self.here == href
    }

    fn asset(&self, name: &str) -> String {
        assets::href(name)
    }

    fn age(&self, at: &UtcMillis) -> String {
        wording::age(self.now.since(*at))
    }

    /// On the house's clock.
    fn clock(&self, at: &UtcMillis) -> String {
        wording::time(*at, self.now, &self.zone)
    }

    /// On the house's calendar.
    fn day(&self, at: &UtcMillis) -> String {
        wording::day(*at, &self.zone)
    }

    /// How long still until something is done.
    fn left(&self, pending: &Pending) -> String {
        wording::left(pending.until.since(self.now))
    }

    /// RFC 3339, for programs that read the page.
    fn iso(&self, at: &UtcMillis) -> String {
        jiff::Timestamp::from_millisecond(at.0).map_or_else(|_| String::new(), |at| at.to_string())
    }
}

#[derive(Template)]
#[template(path = "boards.html")]
struct Boards<'a> {
    frame: Frame,
    house: &'a House,
}

/// `GET /boards`
pub async fn boards(State(app): State<Shared>) -> Page {
    let house = app.house().await?;
    let frame = Frame::new(&app, "/boards").watching(&house, Watch::Boards);
    render(&Boards {
        frame,
        house: &house,
    })
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage<'a> {
    frame: Frame,
    problem: &'a Problem,
}

/// What went wrong, as a sentence on a page.
pub fn problem(app: &App, problem: &Problem) -> Response {
    let frame = Frame::new(app, "");
    match render(&ProblemPage { frame, problem }) {
        Ok(page) => (problem.status, page).into_response(),
        Err(unrendered) => unrendered.into_response(),
    }
}

fn render(page: &impl Template) -> Page {
    Ok(Html(page.render()?))
}
