//! What went wrong with a request: problem JSON for the API (RFC 9457), a
//! sentence on a page for people.

use axum::extract::rejection::{
    BytesRejection, FormRejection, JsonRejection, PathRejection, QueryRejection,
};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::broker::Stopped;
use crate::history::HistoryError;

/// A handler's error, which becomes its response.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    pub status: StatusCode,
    /// What happened and what to do instead, in a sentence.
    pub detail: String,
}

impl Problem {
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Problem {
        Problem {
            status,
            detail: detail.into(),
        }
    }

    /// 400: the request says something that cannot be.
    pub fn bad_request(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::BAD_REQUEST, detail)
    }

    /// 404: there is no such page or thing.
    pub fn not_found(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::NOT_FOUND, detail)
    }

    /// The reason phrase: `Not Found`.
    pub fn title(&self) -> &'static str {
        self.status.canonical_reason().unwrap_or("Error")
    }
}

/// Problem JSON; the guard turns it into a page where a person asked.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = json!({
            "title": self.title(),
            "status": self.status.as_u16(),
            "detail": self.detail,
        });
        let kind = [(header::CONTENT_TYPE, "application/problem+json")];
        let mut response = (self.status, kind, body.to_string()).into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<Stopped> for Problem {
    fn from(_: Stopped) -> Problem {
        Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "Hearth is stopping. Try again in a moment.",
        )
    }
}

impl From<HistoryError> for Problem {
    fn from(error: HistoryError) -> Problem {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, format!("The {error}."))
    }
}

impl From<askama::Error> for Problem {
    fn from(error: askama::Error) -> Problem {
        tracing::error!("a page could not be rendered: {error}");
        Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "This page could not be made; the log says why.",
        )
    }
}

/// What axum's extractors refuse is a problem like any other.
macro_rules! rejections {
    ($($rejection:ty),+) => {$(
        impl From<$rejection> for Problem {
            fn from(rejection: $rejection) -> Problem {
                let status = match rejection.status() {
                    StatusCode::UNPROCESSABLE_ENTITY => StatusCode::BAD_REQUEST,
                    status => status,
                };
                Problem::new(status, rejection.body_text())
            }
        }
    )+};
}

rejections!(
    BytesRejection,
    FormRejection,
    JsonRejection,
    PathRejection,
    QueryRejection
);
