//! What every request must pass and every response carries.
//!
//! A page of another site must neither read this house nor command it: the
//! Host is checked against DNS rebinding, the Origin against forged commands.
//!
//! Webhooks (`POST /api/hooks/…`) pass it like everything else, without an
//! exception: scripts, devices and services send neither `Origin` nor
//! `Sec-Fetch-Site`, so nothing holds them up, while any page that somebody in
//! the house opens could ring the doorbell if those headers were passed over.
//! For the same reason there is no webhook by GET: an image could be one.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::Shared;
use super::error::Problem;
use super::pages;
use crate::home::host::{is_local, name_of};

/// Everything comes from here, nothing is inline, nobody frames the page.
const POLICY: &str = "default-src 'self'; base-uri 'none'; object-src 'none'; \
                      form-action 'self'; frame-ancestors 'none'";
/// `same-origin` and not `no-referrer`: the latter makes browsers send
/// `Origin: null` with the page's own forms.
const HEADERS: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "same-origin"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];
/// Lets a request through, or answers with the reason.
pub async fn guard(State(app): State<Shared>, request: Request, next: Next) -> Response {
    let for_people = is_page(request.uri());
    let mut response = match check(&request) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    if for_people && let Some(problem) = response.extensions_mut().remove::<Problem>() {
        response = pages::problem(&app, &problem);
    }
    for (name, value) in HEADERS {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
        .headers_mut()
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-cache"));
    response
}

fn is_page(uri: &Uri) -> bool {
    !uri.path().starts_with("/api/") && uri.path() != "/healthz"
}

fn check(request: &Request) -> Result<(), Problem> {
    let headers = request.headers();
    let host = host(headers)?;
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    if (!reads || request.uri().path() == "/live") && !same_origin(headers, host) {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "This came from a page of another site. Open Hearth's own page and try again.",
        ));
    }
    Ok(())
}

/// The Host, if no foreign DNS name can stand in it.
fn host(headers: &HeaderMap) -> Result<&str, Problem> {
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or_default();
    if is_local(name_of(host)) {
        return Ok(host);
    }
    Err(Problem::new(
        StatusCode::MISDIRECTED_REQUEST,
        format!(
            "Hearth does not answer to the name \"{}\". Use this computer's address, or its name \
             ending in .local.",
            name_of(host)
        ),
    ))
}

/// Programs send neither header, and no page can make a browser leave out both.
fn same_origin(headers: &HeaderMap, host: &str) -> bool {
    let text = |name| {
        headers
            .get(name)
            .map(|value: &HeaderValue| value.to_str().unwrap_or("?"))
    };
    let site = text(HeaderName::from_static("sec-fetch-site"));
    let origin = text(header::ORIGIN);
    let own = |origin: &str| {
        origin
            .split_once("://")
            .is_some_and(|(_, rest)| rest == host)
    };
    site.is_none_or(|site| site == "same-origin") && origin.is_none_or(own)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_come_from_the_own_page_or_from_programs() {
        let same = |pairs: &[(&'static str, &str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.insert(*name, value.parse().unwrap());
            }
            same_origin(&headers, "pi.local:8080")
        };
        assert!(same(&[]));
        assert!(same(&[("origin", "http://pi.local:8080")]));
        assert!(same(&[
            ("sec-fetch-site", "same-origin"),
            ("origin", "http://pi.local:8080")
        ]));
        assert!(!same(&[("origin", "http://pi.local")]));
        assert!(!same(&[("origin", "null")]));
        assert!(!same(&[("origin", "http://evil.example")]));
        assert!(!same(&[("sec-fetch-site", "cross-site")]));
        assert!(!same(&[("sec-fetch-site", "same-site")]));
    }
}
