//! `/targets/raw`: a target's page as it is at this moment, for those who wonder what it says.

use axum::extract::{Query, State as Extract};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use scrape::{RAW_PAGE_BYTES_MAX, RawPage};
use serde::Deserialize;
use tokio::sync::Semaphore;
use units::unit::Unit;

use super::super::view::parts::{Badge, Empty, Mood, sentence};
use super::super::view::shell::{Section, Shell};
use super::super::view::targets::RawView;
use super::super::{firing, not_found, show};
use super::key_href;
use crate::State;

/// Pages that are fetched at once; more wait. Each may take a megabyte and a scrape's time.
const FETCHES_MAX: usize = 4;
static FETCHES: Semaphore = Semaphore::const_new(FETCHES_MAX);

/// Which target.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct KeyParams {
    #[serde(default)]
    pub(crate) key: String,
}

/// `GET /targets/raw?key=…`
pub(crate) async fn page(Extract(state): Extract<State>, Query(params): Query<KeyParams>) -> Response {
    let found = state.targets.targets().into_iter().find(|target| target.key == params.key);
    let Some(target) = found else {
        return not_found(&state, Section::Targets, "There is no such target. It may have gone with a reload.");
    };
    let fetched = fetch(&state, &params.key).await;
    let own = key_href("/targets/raw", &params.key);
    let shell = Shell { firing: firing(&state), ..Shell::new(Section::Targets, "Raw page", own) };
    show(&view(shell, &target.pool, &target.url, &params.key, fetched))
}

/// `GET /targets/raw.txt?key=…`: the same as it is, for other programs.
pub(crate) async fn plain(Extract(state): Extract<State>, Query(params): Query<KeyParams>) -> Response {
    match fetch(&state, &params.key).await {
        Ok(page) => ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], page.body).into_response(),
        Err(error) => (StatusCode::BAD_GATEWAY, format!("{error}\n")).into_response(),
    }
}

async fn fetch(state: &State, key: &str) -> Result<RawPage, String> {
    let _permit = FETCHES.acquire().await.map_err(|closed| closed.to_string())?;
    state.targets.raw_page(key).await
}

fn view(shell: Shell, pool: &str, url: &str, key: &str, fetched: Result<RawPage, String>) -> RawView {
    let mut facts = vec![pool.to_owned()];
    if !url.is_empty() {
        facts.push(url.to_owned());
    }
    match fetched {
        Ok(page) => {
            let bytes = Unit::parse("bytes").format(page.body.len() as f64, None);
            let named = page.content_type.clone().unwrap_or_else(|| "no Content-Type".to_owned());
            facts.extend([named, bytes.to_string()]);
            let limit = Unit::parse("bytes").format(RAW_PAGE_BYTES_MAX as f64, None);
            let badge = page.cut.then(|| Badge::new(Mood::Warn, format!("The first {limit}")));
            RawView {
                shell: Shell { facts, badge, ..shell },
                text: String::from_utf8_lossy(&page.body).into_owned(),
                plain_href: key_href("/targets/raw.txt", key),
                empty: page.body.is_empty().then(|| Empty::new(Mood::Neutral, "The page is empty")),
            }
        }
        Err(error) => RawView {
            shell: Shell { facts, ..shell },
            text: String::new(),
            plain_href: String::new(),
            empty: Some(
                Empty::new(Mood::Crit, sentence(&error))
                    .line("It was asked just now, beside its scrapes.")
                    .link("/targets", "All targets"),
            ),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_says_so_and_what_fails_says_why() {
        let shell = || Shell::new(Section::Targets, "Raw page", "/targets/raw");
        let page = RawPage { content_type: None, body: b"up 1\n\xff<b>".to_vec(), cut: true };
        let shown = view(shell(), "j", "http://a:1/", "k", Ok(page));
        assert_eq!(shown.text, "up 1\n\u{fffd}<b>");
        assert_eq!(shown.shell.facts, ["j", "http://a:1/", "no Content-Type", "9 B"]);
        assert_eq!(shown.shell.badge.map(|badge| badge.word).as_deref(), Some("The first 1 MiB"));
        let failed = view(shell(), "j", "", "k", Err("connection refused".to_owned()));
        assert_eq!(failed.empty.map(|empty| empty.heading).as_deref(), Some("Connection refused"));
    }
}
