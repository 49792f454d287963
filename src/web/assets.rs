//! The files a page loads, part of the program. Their addresses hold a hash of
//! their content, so browsers keep them for good.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::header;
use axum::response::IntoResponse;

use super::error::Problem;

const FOR_GOOD: &str = "public, max-age=31536000, immutable";

struct Asset {
    name: &'static str,
    kind: &'static str,
    body: &'static str,
    hash: String,
}

static ASSETS: LazyLock<[Asset; 3]> = LazyLock::new(|| {
    [
        asset(
            "hearth.css",
            "text/css; charset=utf-8",
            include_str!("../../static/hearth.css"),
        ),
        asset(
            "hearth.js",
            "text/javascript; charset=utf-8",
            include_str!("../../static/hearth.js"),
        ),
        asset(
            "hearth.svg",
            "image/svg+xml",
            include_str!("../../static/hearth.svg"),
        ),
    ]
});

fn asset(name: &'static str, kind: &'static str, body: &'static str) -> Asset {
    let mut hasher = DefaultHasher::new();
    body.hash(&mut hasher);
    let hash = format!("{:016x}", hasher.finish());
    Asset {
        name,
        kind,
        body,
        hash,
    }
}

/// The address of an asset: `/static/<hash>/<name>`.
pub fn href(name: &str) -> String {
    let asset = ASSETS.iter().find(|asset| asset.name == name);
    asset.map_or_else(String::new, |asset| {
        format!("/static/{}/{name}", asset.hash)
    })
}

/// `GET /static/{hash}/{name}`
pub async fn get(Path((hash, name)): Path<(String, String)>) -> Result<impl IntoResponse, Problem> {
    let asset = ASSETS
        .iter()
        .find(|asset| asset.name == name && asset.hash == hash);
    let asset = asset.ok_or_else(|| Problem::not_found("There is no such file."))?;
    let headers = [
        (header::CONTENT_TYPE, asset.kind),
        (header::CACHE_CONTROL, FOR_GOOD),
    ];
    Ok((headers, asset.body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_asset_that_the_pages_name_exists() {
        for name in ["hearth.css", "hearth.js", "hearth.svg"] {
            assert!(href(name).ends_with(name));
        }
        assert_eq!(href("nothing.css"), "");
    }
}
