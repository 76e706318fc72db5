//! `/`: is this box well, why not, and where to look.

mod gpus;
mod host;
mod models;
mod summary;

use axum::extract::{Query, State as Extract};
use axum::response::Response;
use serde::Deserialize;

use super::view::home::HomePage;
use super::view::shell::{Section, Shell};
use super::view::time;
use super::window::Window;
use super::{ask, show};
use crate::State;

/// A page over a young store renews itself this often, in seconds; then with every step of its charts, within limits.
const REFRESH_YOUNG_S: u32 = 1;
const REFRESH_MIN_S: u32 = 5;
const REFRESH_MAX_S: u32 = 60;
/// A store is young for this long, in milliseconds.
const YOUNG_MS: i64 = 120_000;

/// Parameters of pages over a time range.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct RangeParams {
    from: Option<String>,
    to: Option<String>,
}

/// `GET /`
pub(crate) async fn page(Extract(state): Extract<State>, Query(params): Query<RangeParams>) -> Response {
    let now = state.now();
    let asked = Window::parse(params.from.as_deref(), params.to.as_deref(), now, time::local_offset_s(now.as_ms()));
    let first_sample_ms = ask::first_sample_ms(&state, &asked).await;
    let window = first_sample_ms.map_or(asked.clone(), |first| asked.clone().clipped_to(first));

    let (alerts, targets) = (summary::alerts(&state, now), summary::targets(&state));
    let no_gpu = gpus::none(summary::gpu_trouble(&state));
    let ((gpus, gpu_facts), (models, model_empty), host) = tokio::join!(
        gpus::load(&state, &window, no_gpu),
        models::load(&state, &window),
        host::load(&state, &window, first_sample_ms),
    );

    let shell = Shell {
        badge: Some(summary::badge(&state)),
        facts: [gpu_facts, host.uptime].into_iter().flatten().collect(),
        firing: super::firing(&state),
        refresh_s: asked.is_live().then(|| refresh_s(&window, now.as_ms())),
        picker: Some(asked.picker("/")),
        ..Shell::new(Section::Home, state.hostname.to_string(), href(&asked))
    };
    show(&HomePage {
        shell,
        alerts,
        targets,
        gpus,
        gpu_facts: String::new(),
        models,
        model_empty,
        host_facts: host.facts,
        host_panels: host.panels,
        host_rows: host.rows,
    })
}

fn refresh_s(window: &Window, now_ms: i64) -> u32 {
    if now_ms - window.start_ms < YOUNG_MS {
        return REFRESH_YOUNG_S;
    }
    u32::try_from(window.step_ms / 1_000).unwrap_or(REFRESH_MAX_S).clamp(REFRESH_MIN_S, REFRESH_MAX_S)
}

fn href(window: &Window) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("from", &window.from)
        .append_pair("to", &window.to)
        .finish();
    format!("/?{query}")
}
