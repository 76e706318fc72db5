//! What metrics are said to be: their type, help and unit.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::State as Extract;
use axum::response::Response;
use model::{Labels, Metadata};
use serde::Serialize;

use super::answer::{ApiError, success};
use super::params::Params;
use crate::State;

#[derive(Debug, PartialEq, Serialize)]
struct MetadataDto {
    #[serde(rename = "type")]
    kind: &'static str,
    unit: String,
    help: String,
}

/// What one target says: its labels, and each metric's metadata.
type Said = (Labels, Vec<(String, Metadata)>);

/// `/api/v1/metadata`: what remote writers say about metrics; different words for the same one are all listed.
pub(crate) async fn by_metric(Extract(state): Extract<State>, params: Params) -> Result<Response, ApiError> {
    Ok(success(&collect(&params, vec![(Labels::empty(), state.writer.metadata())])?))
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
}
