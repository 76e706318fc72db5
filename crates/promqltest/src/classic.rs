//! `load_with_nhcb`: classic histograms are loaded a second time, as native ones with written out bounds.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::{BUCKET_LE, BucketSpan, CUSTOM_BUCKETS_SCHEMA, Histogram, Labels, METRIC_NAME, is_stale};

use crate::points::Point;

/// What is known of a classic histogram at one interval.
#[derive(Default)]
struct Classic {
    /// Counts up to each bound, by the bound's order.
    buckets: Vec<(f64, f64)>,
    count: Option<f64>,
    sum: f64,
}

/// The native histograms of the classic ones among `series`, by labels and interval.
pub(crate) fn native(series: &[(Labels, Vec<Point>)]) -> Vec<(Labels, BTreeMap<usize, Histogram>)> {
    let mut found: BTreeMap<Labels, BTreeMap<usize, Classic>> = BTreeMap::new();
    for (labels, points) in series {
        let metric = labels.metric_name();
        let Some((base, suffix)) = metric.rsplit_once('_') else { continue };
        let bound = labels.get(BUCKET_LE).and_then(|text| units::float::parse(text).ok());
        let part = match (suffix, bound) {
            ("bucket", Some(bound)) if !bound.is_nan() => Part::Bucket(bound),
            ("count", _) => Part::Count,
            ("sum", _) => Part::Sum,
            _ => continue,
        };
        let labels = labels.filtered(|name| name != BUCKET_LE).to_builder().set(METRIC_NAME, base).build();
        let by_interval = found.entry(labels).or_default();
        for (position, point) in points.iter().enumerate() {
            let Point::Value(value) = point else { continue };
            if is_stale(*value) {
                continue;
            }
            let classic = by_interval.entry(position).or_default();
            match part {
                Part::Bucket(bound) => classic.buckets.push((bound, *value)),
                Part::Count => classic.count = Some(*value),
                Part::Sum => classic.sum = *value,
            }
        }
    }
    let natives = found.into_iter().map(|(labels, by_interval)| {
        let natives = by_interval.into_iter().filter_map(|(position, classic)| Some((position, classic.convert()?)));
        (labels, natives.collect())
    });
    natives.collect()
}

#[derive(Clone, Copy)]
enum Part {
    Bucket(f64),
    Count,
    Sum,
}

impl Classic {
    /// As a native histogram: the bounds but +Inf, and counts that are not cumulative.
    fn convert(mut self) -> Option<Histogram> {
        self.buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
        let count = self.count.or(self.buckets.last().map(|(_, count)| *count))?;
        if self.buckets.last().is_none_or(|(bound, _)| *bound != f64::INFINITY) {
            self.buckets.push((f64::INFINITY, count));
        }
        let before = std::iter::once(0.0).chain(self.buckets.iter().map(|(_, count)| *count));
        let counts = self.buckets.iter().zip(before).map(|((_, count), before)| count - before);
        let positive_buckets: Vec<f64> = counts.collect();
        let length = u32::try_from(positive_buckets.len()).unwrap_or(u32::MAX);
        let bounds = self.buckets.iter().map(|(bound, _)| *bound).filter(|bound| *bound != f64::INFINITY);
        Some(Histogram {
            schema: CUSTOM_BUCKETS_SCHEMA,
            count,
            sum: self.sum,
            positive_spans: vec![BucketSpan { offset: 0, length }],
            positive_buckets,
            custom_bounds: Some(Arc::from_iter(bounds)),
            ..Histogram::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::points;

    #[test]
    fn classic_histograms_become_native_ones() {
        let series: Vec<(Labels, Vec<Point>)> =
            [("h_bucket", "1", "3"), ("h_bucket", "5", "4"), ("h_bucket", "+Inf", "9")]
                .into_iter()
                .map(|(name, le, value)| {
                    (Labels::from_pairs([(METRIC_NAME, name), ("le", le)]), points::parse(value).unwrap())
                })
                .chain([(Labels::from_pairs([(METRIC_NAME, "h_sum")]), points::parse("70").unwrap())])
                .collect();
        let found = native(&series);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].0, Labels::from_pairs([(METRIC_NAME, "h")]));
        let histogram = &found[0].1[&0];
        assert_eq!((histogram.count, histogram.sum), (9.0, 70.0));
        assert_eq!(histogram.positive_buckets, [3.0, 1.0, 5.0]);
        assert_eq!(histogram.custom_bounds.as_deref(), Some(&[1.0, 5.0][..]));
    }
}
