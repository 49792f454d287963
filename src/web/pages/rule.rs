//! `GET /rules`: every rule, and how the last reading of their files went; and
//! `GET /rule/{rule}`: one rule with its last traces.

use askama::Template;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};

use super::{Frame, Page, render};
use crate::web::house::{House, Rule, Trace, Watch};
use crate::web::{Shared, wishes};

#[derive(Template)]
#[template(path = "rules.html")]
struct RulesPage<'a> {
    frame: Frame,
    house: &'a House,
}

#[derive(Template)]
#[template(path = "rule.html")]
struct RulePage<'a> {
    frame: Frame,
    rule: &'a Rule,
    /// Newest first, each with its number: the same one keeps its number.
    traces: Vec<(u64, Trace)>,
}

pub async fn all(State(app): State<Shared>) -> Page {
    let house = app.house().await?;
    let frame = Frame::new(&app, "/rules").watching(&house, Watch::Rules);
    render(&RulesPage {
        frame,
        house: &house,
    })
}

pub async fn one(State(app): State<Shared>, path: Result<Path<String>, PathRejection>) -> Page {
    let Path(name) = path?;
    let house = app.house().await?;
    let rule = wishes::rule(&house, &name)?;
    let kept = app
        .live
        .remembered(|memory| memory.traces.newest_first(&rule.word));
    let numbers = (0..=rule.told).rev();
    let read = kept.iter().zip(numbers);
    let mut traces: Vec<(u64, Trace)> = read
        .filter_map(|(json, number)| Some((number, Trace::read(json)?)))
        .collect();
    // What a rule did before the gateway started is known of the last trace alone.
    if let (true, Some(last)) = (traces.is_empty(), &rule.last) {
        traces.push((0, last.clone()));
    }
    render(&RulePage {
        frame: Frame::new(&app, "rule").watching_rule(rule),
        rule,
        traces,
    })
}
