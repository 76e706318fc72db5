//! A built-in collector under the address of the exporter that it replaces, for scrapers that expect one there.

use std::sync::Arc;

use axum::extract::State as Extract;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use axum::{Router, middleware};
use model::Family;
use tower_http::compression::CompressionLayer;

use crate::HostRules;
use crate::guard::{headers, host};

/// What an exporter says when it is asked: its metrics, or why it has none. May block.
pub type Exported = Arc<dyn Fn() -> Result<Vec<Family>, String> + Send + Sync>;

/// `/metrics`, `/health` and a page that leads to them: what node_exporter and dcgm-exporter answer.
pub fn exporter_router(exported: Exported, hosts: HostRules) -> Router {
    Router::new()
        .route("/", get(front))
        .route("/metrics", get(metrics))
        .route("/health", get(health))
        .with_state(exported)
        .layer(CompressionLayer::new())
        .layer(middleware::from_fn_with_state(Arc::new(hosts), host::check))
        .layer(middleware::from_fn(headers::add))
}

async fn front() -> Html<&'static str> {
    Html(concat!(
        "<!doctype html><html lang=\"en\"><title>Pitwall</title><h1>Pitwall</h1>",
        "<p><a href=\"/metrics\">Metrics</a></p></html>\n"
    ))
}

async fn health() -> &'static str {
    "OK\n"
}

async fn metrics(Extract(exported): Extract<Exported>) -> Response {
    let families = tokio::task::spawn_blocking(move || exported()).await;
    match families.unwrap_or_else(|panic| Err(format!("the collector panicked: {panic}"))) {
        Ok(families) => {
            ([(header::CONTENT_TYPE, exposition::CONTENT_TYPE)], exposition::write_text(&families)).into_response()
        }
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::Request;
    use http_body_util::BodyExt as _;
    use model::MetricType;
    use tower::ServiceExt as _;

    use super::*;

    async fn check(exported: Exported, path: &str, expected: (u16, &str)) {
        let router = exporter_router(exported, HostRules::default());
        let request = Request::get(path).header(header::HOST, "127.0.0.1:9100").body(Body::empty()).unwrap();
        let answer = router.oneshot(request).await.unwrap();
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        let text = String::from_utf8_lossy(&body);
        assert_eq!((status, text.contains(expected.1)), (expected.0, true), "{path}: {text}");
    }

    #[tokio::test]
    async fn it_answers_as_an_exporter_does() {
        let one: Exported = Arc::new(|| {
            let mut family = Family::new("node_load1", "1m load average.", MetricType::Gauge);
            family.push([], 0.5);
            Ok(vec![family])
        });
        check(Arc::clone(&one), "/metrics", (200, "# TYPE node_load1 gauge\nnode_load1 0.5\n")).await;
        check(Arc::clone(&one), "/", (200, "/metrics")).await;
        check(one, "/health", (200, "OK")).await;
        check(Arc::new(|| Err("the driver is away".to_owned())), "/metrics", (503, "the driver is away")).await;
    }
}
