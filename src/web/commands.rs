//! A person's command, checked and published to `home/<room>/<thing>/set`.

use axum::Json;
use axum::extract::rejection::{FormRejection, JsonRejection, PathRejection};
use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::Redirect;
use serde::{Deserialize, Serialize};

use super::error::Problem;
use super::house::{Control, ThingView};
use super::{App, Shared, wording};
use crate::broker::{Publication, Qos};
use crate::home::{Thing, Value};

type ThingPath = Result<Path<(String, String)>, PathRejection>;

/// The body of a command.
#[derive(Debug, Deserialize)]
pub struct Wanted {
    to: To,
    /// The page to return to; from forms.
    #[serde(default)]
    back: String,
}

/// `"on"`, `"21.5"`, and from JSON also `true` and `21.5`.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum To {
    Text(String),
    Switch(bool),
    Number(f64),
}

/// What was published.
#[derive(Debug, Serialize)]
pub struct Accepted {
    topic: String,
    to: String,
}

/// `POST /thing/{room}/{name}/set`
pub async fn from_form(
    State(app): State<Shared>,
    path: ThingPath,
    form: Result<Form<Wanted>, FormRejection>,
) -> Result<Redirect, Problem> {
    let (Path((room, name)), Form(wanted)) = (path?, form?);
    let view = command(&app, Thing::new(room, name), &wanted.to).await?;
    // Only two pages hold such forms; nobody else's address is followed.
    Ok(Redirect::to(if wanted.back == "/" {
        "/"
    } else {
        &view.href
    }))
}

/// `POST /api/things/{room}/{name}/set`
pub async fn from_api(
    State(app): State<Shared>,
    path: ThingPath,
    json: Result<Json<Wanted>, JsonRejection>,
) -> Result<(StatusCode, Json<Accepted>), Problem> {
    let (Path((room, name)), Json(wanted)) = (path?, json?);
    let view = command(&app, Thing::new(room, name), &wanted.to).await?;
    let accepted = Accepted {
        topic: view.thing.set_topic(),
        to: wanted.to.text(),
    };
    Ok((StatusCode::ACCEPTED, Json(accepted)))
}

impl To {
    fn text(&self) -> String {
        let value = match self {
            To::Text(text) => Value::parse(text),
            To::Switch(on) => Value::Switch(*on),
            To::Number(number) => Value::Number(*number),
        };
        value.to_string()
    }
}

async fn command(app: &App, thing: Thing, to: &To) -> Result<ThingView, Problem> {
    let house = app.house().await?;
    let view = house
        .thing(&thing)
        .cloned()
        .ok_or_else(|| no_such(&thing))?;
    let to = to.text();
    check(&view, &to)?;
    let publication = Publication::new(thing.set_topic(), to).qos(Qos::AtLeastOnce);
    app.publisher.publish(publication).await?;
    Ok(view)
}

/// 404, in the words of the house.
pub fn no_such(thing: &Thing) -> Problem {
    Problem::not_found(format!(
        "There is no {} in {}: no board announces it and no message came from it.",
        wording::cut(&thing.name),
        wording::cut(&thing.room),
    ))
}

/// Whether `to` is a state that the thing can take.
fn check(view: &ThingView, to: &str) -> Result<(), Problem> {
    let said = wording::cut(to);
    match (&view.control, Value::parse(to)) {
        (None, _) => Err(Problem::new(
            StatusCode::CONFLICT,
            format!("{} only reports; it takes no commands.", view.live.thing),
        )),
        (Some(Control::Switch), Value::Switch(_)) => Ok(()),
        (Some(Control::Switch), _) => Err(Problem::bad_request(format!(
            "{} is a switch: send on or off, not \"{said}\".",
            view.live.thing
        ))),
        (Some(Control::Slider { min, max, .. }), Value::Number(number))
            if (*min..=*max).contains(&number) =>
        {
            Ok(())
        }
        (Some(Control::Slider { min, max, .. }), _) => Err(Problem::bad_request(format!(
            "{} takes a number from {min} to {max}, not \"{said}\".",
            view.live.thing
        ))),
    }
}
