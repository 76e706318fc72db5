//! Static files: in the binary, addressed with their version, cached for good.

use std::hash::{DefaultHasher, Hasher as _};
use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

/// A file of `web/static`.
struct Asset {
    name: &'static str,
    content_type: &'static str,
    bytes: &'static [u8],
}

macro_rules! asset {
    ($name:literal, $content_type:literal) => {
        Asset {
            name: $name,
            content_type: $content_type,
            bytes: include_bytes!(concat!("../../../../web/static/", $name)),
        }
    };
}

const ASSETS: [Asset; 5] = [
    asset!("tokens.css", "text/css; charset=utf-8"),
    asset!("app.css", "text/css; charset=utf-8"),
    asset!("pitwall.css", "text/css; charset=utf-8"),
    asset!("pitwall.js", "text/javascript; charset=utf-8"),
    asset!("favicon.svg", "image/svg+xml"),
];

/// What all files come to: changes when one of them does.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut hasher = DefaultHasher::new();
    for asset in &ASSETS {
        hasher.write(asset.bytes);
    }
    format!("{:016x}", hasher.finish())
});

/// The address of a file.
pub(crate) fn href(name: &str) -> String {
    format!("/static/{name}?v={}", *VERSION)
}

/// `GET /static/{name}`
pub(crate) async fn serve(Path(name): Path<String>) -> Response {
    let Some(asset) = ASSETS.iter().find(|asset| asset.name == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, asset.content_type),
        // The version is in the address; a year is as long as the header's standard allows.
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    (headers, asset.bytes).into_response()
}
