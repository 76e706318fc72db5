//! Which names and labels the series of the last hours have most.

use std::collections::HashMap;

use axum::extract::State as Extract;
use axum::response::Response;
use model::{Labels, METRIC_NAME, Matcher, TimeRange, Timestamp};
use serde::Serialize;
use storage::{QueryError, Queryable, Select};

use super::answer::{ApiError, success};
use super::params::Params;
use crate::State;

/// How far back series count, in milliseconds: what Prometheus holds in memory is two hours as well.
const RECENT_MS: i64 = 2 * 3_600_000;
/// Entries of each list unless the caller says otherwise, and at the most.
const LIMIT_DEFAULT: usize = 10;
const LIMIT_MAX: usize = 10_000;
/// Samples that are looked at to find the first and the last moment.
const PROBE_SAMPLES_MAX: usize = 1_000_000;

/// What the series have most.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Cardinality {
    pub(crate) head_stats: Head,
    pub(crate) series_count_by_metric_name: Vec<Count>,
    pub(crate) label_value_count_by_label_name: Vec<Count>,
    pub(crate) memory_in_bytes_by_label_name: Vec<Count>,
    pub(crate) series_count_by_label_value_pair: Vec<Count>,
}

/// How many there are.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Head {
    pub(crate) num_series: usize,
    pub(crate) num_label_pairs: usize,
    /// A series has one column that is still written.
    pub(crate) chunk_count: usize,
    pub(crate) min_time: i64,
    pub(crate) max_time: i64,
}

/// A name with its count.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Count {
    pub(crate) name: String,
    pub(crate) value: usize,
}

/// `/api/v1/status/tsdb`
pub(crate) async fn status(Extract(state): Extract<State>, params: Params) -> Result<Response, ApiError> {
    let bad = |message: &str| ApiError::bad_data(message);
    let limit = match params.first("limit").map(str::parse::<usize>) {
        None => LIMIT_DEFAULT,
        Some(Ok(limit)) if LIMIT_MAX < limit => return Err(bad("limit must not exceed 10000")),
        Some(Ok(limit)) if 0 < limit => limit,
        Some(_) => return Err(bad("limit must be a positive number")),
    };
    Ok(success(&read(&state, limit).await?))
}

/// Counts; each list has `limit` entries at the most.
pub(crate) async fn read(state: &State, limit: usize) -> Result<Cardinality, QueryError> {
    let now = state.now();
    let range = TimeRange::new(now - RECENT_MS, now);
    let counted = state.read(move |storage| {
        let series = storage.series(&[], range)?;
        let (min_time, max_time) = extent(storage, range)?;
        Ok(count(&series, limit, min_time, max_time))
    });
    counted.await
}

/// The first and the last moment within `range` at which something was scraped; `range` itself if nothing was.
fn extent(storage: &dyn Queryable, range: TimeRange) -> Result<(Timestamp, Timestamp), QueryError> {
    let matchers = [Matcher::equal(METRIC_NAME, "up")];
    let select = Select { matchers: &matchers, range, step_ms: 0, function: "", samples_max: PROBE_SAMPLES_MAX };
    let series = match storage.select(&select) {
        Err(QueryError::TooManySamples) => Vec::new(),
        found => found?,
    };
    let moments = || series.iter().filter_map(|s| Some((*s.timestamps_ms.first()?, *s.timestamps_ms.last()?)));
    let first = moments().map(|(first, _)| first).min().unwrap_or(range.start.as_ms());
    let last = moments().map(|(_, last)| last).max().unwrap_or(range.end.as_ms());
    Ok((Timestamp::from_ms(first), Timestamp::from_ms(last)))
}

fn count(series: &[Labels], limit: usize, min_time: Timestamp, max_time: Timestamp) -> Cardinality {
    let mut pairs: HashMap<(&str, &str), usize> = HashMap::new();
    let labels = series.iter().flat_map(Labels::iter);
    labels.for_each(|pair| *pairs.entry(pair).or_default() += 1);
    let (mut values, mut bytes, mut names) = (HashMap::new(), HashMap::new(), Vec::new());
    let num_label_pairs = pairs.len();
    let mut by_pair = Vec::with_capacity(num_label_pairs);
    pairs.into_iter().for_each(|((name, value), count)| {
        *values.entry(name).or_default() += 1;
        *bytes.entry(name).or_default() += value.len() * count;
        if name == METRIC_NAME {
            names.push((value.to_owned(), count));
        }
        by_pair.push((format!("{name}={value}"), count));
    });
    let owned = |counts: HashMap<&str, usize>| counts.into_iter().map(|(name, n)| (name.to_owned(), n)).collect();
    Cardinality {
        head_stats: Head {
            num_series: series.len(),
            num_label_pairs,
            chunk_count: series.len(),
            min_time: min_time.as_ms(),
            max_time: max_time.as_ms(),
        },
        series_count_by_metric_name: largest(names, limit),
        label_value_count_by_label_name: largest(owned(values), limit),
        memory_in_bytes_by_label_name: largest(owned(bytes), limit),
        series_count_by_label_value_pair: largest(by_pair, limit),
    }
}

/// The largest counts first, equal ones by name.
fn largest(mut counts: Vec<(String, usize)>, limit: usize) -> Vec<Count> {
    counts.sort_unstable_by(|(a, m), (b, n)| n.cmp(m).then_with(|| a.cmp(b)));
    counts.into_iter().take(limit).map(|(name, value)| Count { name, value }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_values_bytes_and_pairs_are_counted() {
        let series = [
            Labels::from_pairs([("__name__", "up"), ("job", "a")]),
            Labels::from_pairs([("__name__", "up"), ("job", "bb")]),
            Labels::from_pairs([("__name__", "x"), ("job", "a")]),
        ];
        let at = Timestamp::from_ms;
        let counts = |list: &[Count]| list.iter().map(|c| format!("{} {}", c.name, c.value)).collect::<Vec<_>>();
        let all = count(&series, 9, at(1), at(2));
        assert_eq!((all.head_stats.num_series, all.head_stats.num_label_pairs), (3, 4));
        assert_eq!(counts(&all.series_count_by_metric_name), ["up 2", "x 1"]);
        assert_eq!(counts(&all.label_value_count_by_label_name), ["__name__ 2", "job 2"]);
        assert_eq!(counts(&all.memory_in_bytes_by_label_name), ["__name__ 5", "job 4"]);
        assert_eq!(
            counts(&all.series_count_by_label_value_pair),
            ["__name__=up 2", "job=a 2", "__name__=x 1", "job=bb 1"]
        );
        assert_eq!(count(&series, 1, at(1), at(2)).series_count_by_label_value_pair.len(), 1);
    }
}
