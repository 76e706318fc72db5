//! What people decide about targets that were found: kept, or not looked for again.

use std::collections::BTreeMap;

use axum::Form;
use axum::extract::State as Extract;
use axum::response::{IntoResponse, Redirect, Response};
use scrape::TargetStatus;
use serde::Deserialize;

use super::super::view::shell::Section;
use super::super::view::targets::Found;
use super::super::{not_found, refused};
use super::raw::KeyParams;
use crate::State;
use crate::found::{DecideError, Decision};

/// Which address.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct AddressParams {
    #[serde(default)]
    address: String,
}

/// What was decided about addresses, as `HOST:PORT`: whether each is kept; the others are not looked for.
pub(crate) type Decided = BTreeMap<String, bool>;

/// What was decided.
pub(crate) async fn decided(state: &State) -> Decided {
    let found = state.found.clone();
    let decided = tokio::task::spawn_blocking(move || found.decided()).await;
    decided.unwrap_or_default().into_iter().collect()
}

/// What may be decided about a target; nothing about one that somebody configured.
pub(crate) fn of(target: &TargetStatus, decided: &Decided) -> Option<Found> {
    target.reason.as_ref()?;
    let address = target.discovered_labels.get("__address__").unwrap_or_default();
    let pinned = decided.get(address).is_some_and(|pinned| *pinned);
    Some(Found { key: target.key.clone(), pinned: pinned.then(|| address.to_owned()) })
}

/// `POST /targets/pin`
pub(crate) async fn pin(Extract(state): Extract<State>, Form(params): Form<KeyParams>) -> Response {
    decide(&state, Decision::Pin { key: params.key }).await
}

/// `POST /targets/dismiss`
pub(crate) async fn dismiss(Extract(state): Extract<State>, Form(params): Form<KeyParams>) -> Response {
    decide(&state, Decision::Dismiss { key: params.key }).await
}

/// `POST /targets/forget`
pub(crate) async fn forget(Extract(state): Extract<State>, Form(params): Form<AddressParams>) -> Response {
    decide(&state, Decision::Forget { address: params.address }).await
}

async fn decide(state: &State, decision: Decision) -> Response {
    match state.found.decide(decision).await {
        Ok(()) => Redirect::to("/targets").into_response(),
        Err(error @ DecideError::Unknown) => not_found(state, Section::Targets, &error.to_string()),
        Err(error) => refused(state, Section::Targets, &error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use model::Labels;

    use super::*;

    #[test]
    fn only_found_targets_can_be_decided_about() {
        let decided = Decided::from([("a:1".to_owned(), true), ("b:1".to_owned(), false)]);
        let check = |address: &str, reason: Option<&str>, expected: Option<Option<&str>>| {
            let target = TargetStatus {
                discovered_labels: Labels::from_pairs([("__address__", address)]),
                reason: reason.map(str::to_owned),
                ..TargetStatus::default()
            };
            let found = of(&target, &decided).map(|found| found.pinned);
            assert_eq!(found.as_ref().map(Option::as_deref), expected, "{address}");
        };
        check("a:1", Some("it listens"), Some(Some("a:1")));
        check("c:1", Some("it listens"), Some(None));
        check("a:1", None, None);
    }
}
