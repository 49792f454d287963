//! What people and programs ask of the rules: press a button, set a rule to work or to
//! rest, ring a webhook. Each is a message that any MQTT client could publish as well.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, FormRejection, JsonRejection, PathRejection};
use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::Redirect;
use serde::Deserialize;
use serde_json::{Value as JsonValue, json};

use super::error::Problem;
use super::house::{House, Rule};
use super::{App, Shared, wording};
use crate::broker::{Publication, Qos};
use crate::home::topic;

/// The body of a webhook has no more bytes than a payload that rules look at.
pub const MAX_HOOK: usize = 1024;
/// Hooks that the answer for an unknown one names.
const MAX_NAMED: usize = 20;

type RulePath = Result<Path<String>, PathRejection>;
type Answer = Result<(StatusCode, Json<JsonValue>), Problem>;

/// Whether the rule shall work.
#[derive(Debug, Deserialize)]
pub struct Wanted {
    enabled: bool,
}

/// From a form that presses.
#[derive(Debug, Deserialize)]
pub struct Press {
    /// The page to return to.
    #[serde(default)]
    back: String,
}

/// `POST /rule/{rule}/set`
pub async fn set_from_form(
    State(app): State<Shared>,
    path: RulePath,
    form: Result<Form<Wanted>, FormRejection>,
) -> Result<Redirect, Problem> {
    let (Path(name), Form(wanted)) = (path?, form?);
    let house = app.house().await?;
    let rule = rule(&house, &name)?;
    let _ = publish(&app, topic::rule_set(&rule.word), wanted.word()).await?;
    Ok(Redirect::to(&rule.href()))
}

/// `PUT /api/rules/{rule}`
pub async fn set_from_api(
    State(app): State<Shared>,
    path: RulePath,
    json: Result<Json<Wanted>, JsonRejection>,
) -> Answer {
    let (Path(name), Json(wanted)) = (path?, json?);
    let house = app.house().await?;
    let topic = topic::rule_set(&rule(&house, &name)?.word);
    publish(&app, topic, wanted.word()).await
}

/// `POST /rule/{rule}/press`
pub async fn press_from_form(
    State(app): State<Shared>,
    path: RulePath,
    form: Result<Form<Press>, FormRejection>,
) -> Result<Redirect, Problem> {
    let (Path(name), Form(press)) = (path?, form?);
    let house = app.house().await?;
    let rule = rule(&house, &name)?;
    let _ = publish(&app, topic::rule_press(&rule.word), label(rule)?).await?;
    // Only two pages hold such forms; nobody else's address is followed.
    Ok(match press.back.as_str() {
        "/rules" => Redirect::to("/rules"),
        _ => Redirect::to(&rule.href()),
    })
}

/// `POST /api/rules/{rule}/press`; a body says nothing.
pub async fn press_from_api(State(app): State<Shared>, path: RulePath) -> Answer {
    let Path(name) = path?;
    let house = app.house().await?;
    let rule = rule(&house, &name)?;
    publish(&app, topic::rule_press(&rule.word), label(rule)?).await
}

/// `POST /api/hooks/{name}`: the body, which is text or the text of JSON, goes to the
/// rules that wait for it, whatever its content type.
pub async fn hook(
    State(app): State<Shared>,
    path: RulePath,
    body: Result<Bytes, BytesRejection>,
) -> Answer {
    let (Path(name), body) = (path?, body?);
    let topic = topic::hook(&name);
    let house = app.house().await?;
    let abouts = || house.rules.iter().filter_map(|rule| rule.about.as_ref());
    if topic::from_hook(&topic).is_none() || !abouts().any(|about| about.hears(&topic)) {
        let known = abouts().flat_map(|about| about.hooks());
        return Err(no_such_hook(&name, known.collect()));
    }
    let text = std::str::from_utf8(&body).map_err(|_| {
        Problem::bad_request("The body of a webhook is text in UTF-8, such as JSON.")
    })?;
    publish(&app, topic, text).await
}

impl Wanted {
    fn word(&self) -> &'static str {
        match self.enabled {
            true => "enabled",
            false => "disabled",
        }
    }
}

/// The rule, or 404 in the words of the house.
pub fn rule<'a>(house: &'a House, name: &str) -> Result<&'a Rule, Problem> {
    house.rule(name).ok_or_else(|| {
        Problem::not_found(format!(
            "There is no rule {}: none has told of itself under this name.",
            wording::cut(name),
        ))
    })
}

fn label(rule: &Rule) -> Result<&str, Problem> {
    rule.button().ok_or_else(|| {
        let why = format!(
            "The rule \"{}\" has no button. Give it one with when = {{ button = \"Good night\" }}.",
            rule.name
        );
        Problem::new(StatusCode::CONFLICT, why)
    })
}

fn no_such_hook(name: &str, mut known: Vec<&str>) -> Problem {
    known.sort_unstable();
    known.dedup();
    let others = match known.len() {
        0 => "No rule waits for any webhook.".to_owned(),
        more => {
            known.truncate(MAX_NAMED);
            let dots = if more > MAX_NAMED { ", …" } else { "" };
            format!("Rules wait for: {}{dots}.", known.join(", "))
        }
    };
    let word = topic::word(name);
    let word = if word.is_empty() { "doorbell" } else { &word };
    Problem::not_found(format!(
        "No rule listens to the webhook \"{}\". Write when = {{ webhook = \"{word}\" }} in a rule. {others}",
        wording::cut(name),
    ))
}

/// A wish, not retained: it holds once.
async fn publish(app: &App, topic: String, payload: &str) -> Answer {
    let publication = Publication::new(topic.as_str(), payload.to_owned());
    app.publisher
        .publish(publication.qos(Qos::AtLeastOnce))
        .await?;
    let accepted = json!({ "topic": topic, "to": payload });
    Ok((StatusCode::ACCEPTED, Json(accepted)))
}
