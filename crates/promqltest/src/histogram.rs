//! The notation for a native histogram: `{{schema:1 sum:3 count:2 z_bucket:1 z_bucket_w:0.1 buckets:[1 1] offset:2}}`.

use std::sync::Arc;

use model::{BucketSpan, CUSTOM_BUCKETS_SCHEMA, Histogram, ResetHint};
use promql::histogram::detects_reset;

/// A histogram as it was written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Described {
    pub(crate) histogram: Histogram,
    /// Whether the reset hint was written, and is therefore expected.
    pub(crate) with_hint: bool,
}

/// Reads `{{…}}`.
pub(crate) fn parse(text: &str) -> Result<Described, String> {
    let bad = |what: &str| format!("{text:?} is no histogram: {what}");
    let inner = text.strip_prefix("{{").and_then(|text| text.strip_suffix("}}")).ok_or_else(|| bad("no braces"))?;
    let mut histogram = Histogram::default();
    let mut with_hint = false;
    let (mut offset, mut n_offset) = (0, 0);
    let mut custom_values: Option<Vec<f64>> = None;
    let mut rest = inner.trim();
    while !rest.is_empty() {
        let (key, after) = rest.split_once(':').ok_or_else(|| bad(rest))?;
        let end = if after.starts_with('[') {
            after.find(']').ok_or_else(|| bad("a list without end"))? + 1
        } else {
            after.find(char::is_whitespace).unwrap_or(after.len())
        };
        let value = &after[..end];
        rest = after[end..].trim_start();
        let number = || units::float::parse(value).map_err(|_none| bad(value));
        let whole = || value.parse::<i32>().map_err(|_none| bad(value));
        let list = || -> Result<Vec<f64>, String> {
            let items = value.trim_start_matches('[').trim_end_matches(']').split_whitespace();
            items.map(|item| units::float::parse(item).map_err(|_none| bad(item))).collect()
        };
        match key {
            "schema" => histogram.schema = i8::try_from(whole()?).map_err(|_none| bad(value))?,
            "sum" => histogram.sum = number()?,
            "count" => histogram.count = number()?,
            "z_bucket" => histogram.zero_count = number()?,
            "z_bucket_w" => histogram.zero_threshold = number()?,
            "custom_values" => custom_values = Some(list()?),
            "buckets" => histogram.positive_buckets = list()?,
            "n_buckets" => histogram.negative_buckets = list()?,
            "offset" => offset = whole()?,
            "n_offset" => n_offset = whole()?,
            "counter_reset_hint" => {
                with_hint = true;
                histogram.reset_hint = hint(value).ok_or_else(|| bad(value))?;
            }
            _ => return Err(bad(key)),
        }
    }
    let spans = |buckets: &[f64], offset| {
        let length = u32::try_from(buckets.len()).unwrap_or(u32::MAX);
        if length == 0 { Vec::new() } else { vec![BucketSpan { offset, length }] }
    };
    histogram.positive_spans = spans(&histogram.positive_buckets, offset);
    histogram.negative_spans = spans(&histogram.negative_buckets, n_offset);
    if histogram.schema == CUSTOM_BUCKETS_SCHEMA {
        histogram.custom_bounds = Some(Arc::from(custom_values.unwrap_or_default()));
    }
    Ok(Described { histogram, with_hint })
}

fn hint(text: &str) -> Option<ResetHint> {
    Some(match text {
        "unknown" => ResetHint::Unknown,
        "reset" => ResetHint::CounterReset,
        "not_reset" => ResetHint::NotCounterReset,
        "gauge" => ResetHint::Gauge,
        _ => return None,
    })
}

/// What Prometheus' head says about resets when it gives a series' histograms back, `None` standing for a float or a stale
/// marker between them: of the first in a chunk it says nothing, of the others that they did not start anew. A chunk ends
/// where the next histogram does not continue it.
pub(crate) fn with_stored_hints<'a>(histograms: impl Iterator<Item = Option<&'a Histogram>>) -> Vec<Option<Histogram>> {
    let mut before: Option<Histogram> = None;
    let stored = histograms.map(|histogram| {
        let Some(histogram) = histogram else {
            before = None;
            return None;
        };
        let mut stored = histogram.clone();
        if histogram.reset_hint != ResetHint::Gauge {
            let continues = before.as_ref().is_some_and(|before| continues(before, histogram));
            stored.reset_hint = if continues { ResetHint::NotCounterReset } else { ResetHint::Unknown };
        }
        before = Some(histogram.clone());
        Some(stored)
    });
    stored.collect()
}

fn continues(before: &Histogram, after: &Histogram) -> bool {
    let unknown = Histogram { reset_hint: ResetHint::Unknown, ..after.clone() };
    before.reset_hint != ResetHint::Gauge
        && after.reset_hint != ResetHint::CounterReset
        && before.schema == after.schema
        && before.zero_threshold == after.zero_threshold
        && before.custom_bounds == after.custom_bounds
        && !detects_reset(&unknown, before)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn histograms_are_read() {
        let described =
            parse("{{schema:-53 sum:5 count:4 custom_values:[5 10] buckets:[1 2 1] counter_reset_hint:gauge}}")
                .unwrap();
        assert!(described.with_hint);
        let histogram = described.histogram;
        assert_eq!((histogram.schema, histogram.sum, histogram.count), (-53, 5.0, 4.0));
        assert_eq!(histogram.positive_spans, [BucketSpan { offset: 0, length: 3 }]);
        assert_eq!(histogram.custom_bounds.as_deref(), Some(&[5.0, 10.0][..]));
        assert_eq!(histogram.reset_hint, ResetHint::Gauge);
        assert!(!parse("{{}}").unwrap().with_hint);
    }

    #[test]
    fn a_chunk_ends_where_the_next_histogram_does_not_continue_it() {
        let histograms: Vec<Histogram> = [
            "{{count:1 buckets:[1]}}",
            "{{count:2 buckets:[2]}}",
            "{{count:1 buckets:[1]}}",
            "{{count:3 buckets:[3]}}",
        ]
        .iter()
        .map(|text| parse(text).unwrap().histogram)
        .collect();
        let hints: Vec<ResetHint> = with_stored_hints(histograms.iter().map(Some))
            .into_iter()
            .flatten()
            .map(|histogram| histogram.reset_hint)
            .collect();
        use ResetHint::{NotCounterReset, Unknown};
        assert_eq!(hints, [Unknown, NotCounterReset, Unknown, NotCounterReset]);
    }
}
