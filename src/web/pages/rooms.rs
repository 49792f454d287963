//! `GET /`: every room with its things.

use std::collections::HashMap;

use askama::Template;
use axum::extract::State;

use super::{Frame, Page, render};
use crate::web::house::{Control, House, Watch};
use crate::web::{Shared, past};

#[derive(Template)]
#[template(path = "rooms.html")]
struct Rooms<'a> {
    frame: Frame,
    house: &'a House,
    /// SVG by topic.
    sparks: HashMap<String, String>,
}

pub async fn get(State(app): State<Shared>) -> Page {
    let house = app.house().await?;
    let sparks = past::sparks(&app, &house).await;
    let frame = Frame::new(&app, "/").watching(&house, Watch::Things);
    render(&Rooms {
        frame,
        house: &house,
        sparks,
    })
}
