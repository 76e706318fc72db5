//! What metrics are said to be: their type, help and unit.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::State as Extract;
use axum::response::Response;
use model::{Labels, Matcher, Metadata};
use scrape::TargetStatus;
use serde::Serialize;

use super::answer::{ApiError, success};
use super::params::Params;
use super::targets::map;
use crate::State;

#[derive(Debug, PartialEq, Serialize)]
struct MetadataDto {
    #[serde(rename = "type")]
    kind: &'static str,
    unit: String,
    help: String,
}

#[derive(Debug, PartialEq, Serialize)]
struct TargetMetadataDto {
    target: BTreeMap<String, String>,
    /// Not said where only one metric was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    metric: Option<String>,
    #[serde(rename = "type")]
    kind: &'static str,
    help: String,
    unit: String,
}

/// What one target says: its labels, and each metric's metadata.
type Said = (Labels, Vec<(String, Metadata)>);

fn said(state: &State) -> Vec<Said> {
    let of = |target: TargetStatus| {
        let metrics = target.metadata.iter().map(|(metric, metadata)| (metric.clone(), metadata.clone()));
        (target.labels, metrics.collect())
    };
    state.targets.targets().into_iter().map(of).collect()
}

/// `/api/v1/metadata`: what targets and remote writers say about metrics; different words for the same one are all listed.
pub(crate) async fn by_metric(Extract(state): Extract<State>, params: Params) -> Result<Response, ApiError> {
    let mut said = said(&state);
    said.push((Labels::empty(), state.writer.metadata()));
    Ok(success(&collect(&params, said)?))
}

fn collect(params: &Params, said: Vec<Said>) -> Result<BTreeMap<String, Vec<MetadataDto>>, ApiError> {
    let (limit, per_metric) = (number(params, "limit")?, number(params, "limit_per_metric")?);
    let wanted = params.first("metric");
    let mut found: BTreeMap<String, BTreeSet<Metadata>> = BTreeMap::new();
    for (metric, metadata) in said.into_iter().flat_map(|(_, metrics)| metrics) {
        if wanted.is_none_or(|wanted| wanted == metric) {
            found.entry(metric).or_default().insert(metadata);
        }
    }
    let dto =
        |metadata: Metadata| MetadataDto { kind: metadata.kind.as_str(), unit: metadata.unit, help: metadata.help };
    let per_metric = per_metric.filter(|limit| *limit != 0).unwrap_or(usize::MAX);
    let found = found.into_iter().take(limit.unwrap_or(usize::MAX));
    Ok(found.map(|(metric, set)| (metric, set.into_iter().take(per_metric).map(dto).collect())).collect())
}

/// `/api/v1/targets/metadata`
pub(crate) async fn by_target(Extract(state): Extract<State>, params: Params) -> Result<Response, ApiError> {
    Ok(success(&list(&params, said(&state))?))
}

fn list(params: &Params, said: Vec<Said>) -> Result<Vec<TargetMetadataDto>, ApiError> {
    let limit = number(params, "limit")?.unwrap_or(usize::MAX);
    let selector = params.first("match_target").map(promql_syntax::parse_selector).transpose();
    let matchers = selector.map_err(|error| ApiError::parameter("match_target", error))?.unwrap_or_default();
    let wanted = params.first("metric");
    let fits = |labels: &Labels| {
        matchers.iter().all(|matcher: &Matcher| matcher.matches(labels.get(matcher.name()).unwrap_or_default()))
    };
    let metrics = said.into_iter().filter(|(labels, _)| fits(labels)).flat_map(|(labels, metrics)| {
        metrics.into_iter().map(move |(metric, metadata)| (labels.clone(), metric, metadata))
    });
    let metrics = metrics.filter(|(_, metric, _)| wanted.is_none_or(|wanted| wanted == metric));
    let dto = |(labels, metric, metadata): (Labels, String, Metadata)| TargetMetadataDto {
        target: map(&labels),
        metric: wanted.is_none().then_some(metric),
        kind: metadata.kind.as_str(),
        help: metadata.help,
        unit: metadata.unit,
    };
    Ok(metrics.take(limit).map(dto).collect())
}

/// A count; nothing where it is missing or negative, which both mean no limit.
fn number(params: &Params, name: &str) -> Result<Option<usize>, ApiError> {
    let Some(text) = params.first(name) else { return Ok(None) };
    let number: i64 = text.parse().map_err(|_none| ApiError::bad_data(format!("{name} must be a number")))?;
    Ok(usize::try_from(number).ok())
}

#[cfg(test)]
mod tests {
    use model::MetricType;

    use super::*;

    fn said() -> Vec<Said> {
        let metadata = |help: &str| Metadata { kind: MetricType::Gauge, help: help.to_owned(), unit: String::new() };
        let target = |job: &str, metrics: &[(&str, &str)]| {
            let metrics = metrics.iter().map(|(name, help)| ((*name).to_owned(), metadata(help)));
            (Labels::from_pairs([("job", job)]), metrics.collect())
        };
        vec![target("x", &[("a", "one"), ("b", "two")]), target("y", &[("a", "other"), ("a", "one")])]
    }

    #[test]
    fn metrics_are_listed_with_all_that_is_said_of_them() {
        let check = |query: &str, expected: &str| {
            let found = collect(&Params::of(query), said()).expect(query);
            let one = |(metric, list): (&String, &Vec<MetadataDto>)| {
                format!("{metric}:{}", list.iter().map(|dto| dto.help.as_str()).collect::<Vec<_>>().join("+"))
            };
            assert_eq!(found.iter().map(one).collect::<Vec<_>>().join(" "), expected, "{query}");
        };
        check("", "a:one+other b:two");
        check("metric=b", "b:two");
        check("limit=1", "a:one+other");
        check("limit=0", "");
        check("limit_per_metric=1", "a:one b:two");
        check("limit=-1", "a:one+other b:two");
        assert!(collect(&Params::of("limit=x"), said()).is_err());
    }

    #[test]
    fn targets_say_what_their_metrics_are() {
        let check = |query: &str, expected: &[&str]| {
            let found = list(&Params::of(query), said()).expect(query);
            let one = |dto: &TargetMetadataDto| {
                format!("{} {} {}", dto.target["job"], dto.metric.as_deref().unwrap_or("-"), dto.help)
            };
            assert_eq!(found.iter().map(one).collect::<Vec<_>>(), expected, "{query}");
        };
        check("metric=a", &["x - one", "y - other", "y - one"]);
        check("match_target={job=\"x\"}", &["x a one", "x b two"]);
        check("match_target={job=\"x\"}&limit=1", &["x a one"]);
        check("match_target={job=\"z\"}", &[]);
        assert!(list(&Params::of("match_target={job"), said()).is_err());
    }
}
