//! `GET /board/{name}`: one board, how it is, and what is on its pins; and
//! `POST /board/{name}/map`, which says what shall be.

use askama::Template;
use axum::extract::rejection::{FormRejection, PathRejection};
use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};

use super::{Frame, Page, render};
use crate::home::PinMap;
use crate::web::error::Problem;
use crate::web::house::{Board, House, ThingView, Watch};
use crate::web::pin_form::{FormProblem, PinForm};
use crate::web::{App, Shared, map, wording};

#[derive(Template)]
#[template(path = "board.html")]
struct BoardPage<'a> {
    frame: Frame,
    board: &'a Board,
    things: Vec<&'a ThingView>,
    /// Where the board takes a map.
    form: Option<Filled>,
    /// Why it takes none.
    why_not: Option<String>,
}

/// The form and what is wrong with it.
struct Filled {
    form: PinForm,
    /// Shown again with what was typed.
    is_typed: bool,
    problem: Option<FormProblem>,
    /// Why the map before could not be read.
    unreadable: Option<String>,
}

type BoardPath = Result<Path<String>, PathRejection>;

pub async fn get(State(app): State<Shared>, path: BoardPath) -> Page {
    let Path(name) = path?;
    let house = app.house().await?;
    let board = map::board(&house, &name)?;
    let form = match board.takes_maps() {
        true => Some(Filled::from(map::wanted(&app, board).await?)),
        false => None,
    };
    page(&app, &house, board, form)
}

/// `GET /board/{name}/map`: where a browser that reloads a refused form comes to.
pub async fn back(State(app): State<Shared>, path: BoardPath) -> Result<Redirect, Problem> {
    let Path(name) = path?;
    let house = app.house().await?;
    Ok(Redirect::to(&map::board(&house, &name)?.href()))
}

/// Publishes the map, or shows the form again with the reason beside it.
pub async fn save(
    State(app): State<Shared>,
    path: BoardPath,
    fields: Result<Form<Vec<(String, String)>>, FormRejection>,
) -> Result<Response, Problem> {
    let (Path(name), Form(fields)) = (path?, fields?);
    let house = app.house().await?;
    let board = map::board(&house, &name)?;
    map::takes_maps(board)?;
    let before = map::wanted(&app, board).await?.unwrap_or_default();
    let form = PinForm::typed(fields);
    match checked(&form, &before, board) {
        Ok(wanted) => {
            map::publish(&app, board, &wanted).await?;
            Ok(Redirect::to(&board.href()).into_response())
        }
        Err(problem) => {
            let form = Some(Filled::refused(form, problem));
            let page = page(&app, &house, board, form)?;
            Ok((StatusCode::BAD_REQUEST, page).into_response())
        }
    }
}

fn checked(form: &PinForm, before: &PinMap, board: &Board) -> Result<PinMap, FormProblem> {
    let wanted = form.read(before)?;
    match wanted.plan(&board.room) {
        Ok(_) => Ok(wanted),
        Err(problem) => Err(form.locate(&problem)),
    }
}

fn page(
    app: &App,
    house: &House,
    board: &Board,
    form: Option<Filled>,
) -> Result<Html<String>, Problem> {
    render(&BoardPage {
        frame: Frame::new(app, "board").watching(house, Watch::Boards),
        things: house.things_of(&board.name).collect(),
        why_not: map::why_not(board),
        board,
        form,
    })
}

impl From<Result<PinMap, String>> for Filled {
    fn from(wanted: Result<PinMap, String>) -> Filled {
        Filled {
            form: PinForm::from(&wanted.clone().unwrap_or_default()),
            is_typed: false,
            problem: None,
            unreadable: wanted.err(),
        }
    }
}

impl Filled {
    fn refused(form: PinForm, problem: FormProblem) -> Filled {
        Filled {
            form,
            is_typed: true,
            problem: Some(problem),
            unreadable: None,
        }
    }

    fn problem_of_row(&self, row: &usize) -> Option<&FormProblem> {
        self.problem.as_ref().filter(|problem| problem.is_row(row))
    }

    fn problem_of_rule(&self, rule: &usize) -> Option<&FormProblem> {
        self.problem
            .as_ref()
            .filter(|problem| problem.is_rule(rule))
    }

    fn problem_of_silence(&self) -> Option<&FormProblem> {
        self.problem.as_ref().filter(|problem| problem.is_silence())
    }

    /// Whether a row is unfolded: what is used, and the first that is free.
    fn is_open(&self, row: &usize) -> bool {
        *row <= self.form.first_free()
    }
}
