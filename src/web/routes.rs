//! The table of routes.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post, put};
use tower_http::compression::CompressionLayer;

use super::error::Problem;
use super::{Shared, api, assets, commands, guard, health, metrics, mqtt, pages, socket, wishes};

/// A command is a few bytes.
const MAX_BODY: usize = 4096;
/// A pin map of eight things with everything that can be said of them, percent-encoded.
const MAX_MAP: usize = 16_384;

pub fn router(app: Shared) -> Router {
    Router::new()
        .route("/", get(pages::rooms::get))
        .route("/thing/{room}/{name}", get(pages::thing::get))
        .route("/chart", get(pages::chart::get))
        .route("/thing/{room}/{name}/set", post(commands::from_form))
        .route("/boards", get(pages::boards))
        .route("/board/{name}", get(pages::board::get))
        .route(
            "/board/{name}/map",
            get(pages::board::back)
                .post(pages::board::save)
                .layer(DefaultBodyLimit::max(MAX_MAP)),
        )
        .route("/rules", get(pages::rule::all))
        .route("/rule/{rule}", get(pages::rule::one))
        .route("/rule/{rule}/set", post(wishes::set_from_form))
        .route("/rule/{rule}/press", post(wishes::press_from_form))
        .route("/history", get(pages::history::get))
        .route("/history/figures", get(pages::history::figures))
        .route(
            "/history/forget",
            get(pages::history::ask).post(pages::history::forget),
        )
        .route("/live", get(socket::get))
        .route("/mqtt", get(mqtt::get))
        .route("/static/{hash}/{name}", get(assets::get))
        .route("/api/things", get(api::things))
        .route("/api/things/{room}/{name}", get(api::thing))
        .route("/api/things/{room}/{name}/set", post(commands::from_api))
        .route("/api/things/{room}/{name}/why", get(api::why))
        .route("/api/rules", get(api::rules::all))
        .route("/api/rules/{rule}", put(wishes::set_from_api))
        .route("/api/rules/{rule}/traces", get(api::rules::traces))
        .route("/api/rules/{rule}/press", post(wishes::press_from_api))
        .route(
            "/api/hooks/{name}",
            post(wishes::hook).layer(DefaultBodyLimit::max(wishes::MAX_HOOK)),
        )
        .route("/api/history", get(api::recording::get))
        .route(
            "/api/history/{room}/{name}",
            get(api::history::get).delete(api::recording::forget),
        )
        .route("/api/boards", get(api::boards::all))
        .route("/api/boards/{board}", get(api::boards::one))
        .route(
            "/api/boards/{board}/map",
            get(api::boards::map)
                .put(api::boards::put_map)
                .layer(DefaultBodyLimit::max(MAX_MAP)),
        )
        .route("/healthz", get(health::get))
        .route("/metrics", get(metrics::get))
        .fallback(no_page)
        .method_not_allowed_fallback(no_method)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(from_fn_with_state(Arc::clone(&app), guard::guard))
        .layer(CompressionLayer::new())
        .with_state(app)
}

async fn no_page() -> Problem {
    Problem::not_found("There is no page at this address.")
}

async fn no_method() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "This address does not take that method.",
    )
}
