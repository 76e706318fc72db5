//! Classic histograms stored as native ones with custom bounds (Prometheus' `convert_classic_histograms_to_nhcb`).

use std::collections::HashMap;
use std::sync::Arc;

use model::{BUCKET_LE, BucketSpan, CUSTOM_BUCKETS_SCHEMA, Histogram, Labels, METRIC_NAME};
use storage::SeriesId;

use crate::cache::Part;

/// The classic histograms of a target.
#[derive(Debug, Default)]
pub(crate) struct Conversions {
    by_labels: HashMap<Labels, usize>,
    conversions: Vec<Conversion>,
    /// Series of the page before whose conversions were forgotten.
    orphans: Vec<SeriesId>,
    round: u64,
    /// The last good page.
    good_round: u64,
}

/// Conversions that a target may have before those that it does not need are forgotten, beside twice those it needs.
const CONVERSIONS_MIN: usize = 1_000;

#[derive(Debug)]
struct Conversion {
    /// `None` if the job's rules drop it.
    series: Option<SeriesId>,
    buckets: Vec<(f64, f64)>,
    count: Option<f64>,
    sum: f64,
    timestamp_ms: Option<i64>,
    bounds: Arc<[f64]>,
    /// The page that has parts of it, the last good page that had it whole, and the last page that had it whole.
    round: u64,
    stored_round: u64,
    seen_round: u64,
}

/// A histogram that a page has whole.
#[derive(Debug)]
pub(crate) struct Converted {
    pub(crate) series: Option<SeriesId>,
    pub(crate) value: Histogram,
    pub(crate) timestamp_ms: Option<i64>,
    /// Whether the last good page did not have it.
    pub(crate) new: bool,
}

/// Which part of the histogram `family` a series is, and the histogram's own labels; `None` if it is none.
pub(crate) fn part_of(labels: &Labels, family: &str) -> Option<(Part, Labels)> {
    let suffix = labels.metric_name().strip_prefix(family)?;
    let part = match suffix {
        "_bucket" => Part::Bucket(units::float::parse(labels.get(BUCKET_LE)?).ok().filter(|bound| !bound.is_nan())?),
        "_count" => Part::Count,
        "_sum" => Part::Sum,
        _ => return None,
    };
    Some((part, labels.to_builder().set(METRIC_NAME, family).remove(BUCKET_LE).build()))
}

impl Conversions {
    /// A new page begins.
    pub(crate) fn begin(&mut self) {
        self.round += 1;
        self.orphans.clear();
    }

    /// Whether most of them are of no use any more.
    pub(crate) fn are_too_many(&self) -> bool {
        let used = self.conversions.iter().filter(|conversion| conversion.round == self.round).count();
        CONVERSIONS_MIN + 2 * used < self.conversions.len()
    }

    /// Forgets all of them, but not which series the last page had. For the start of a page.
    pub(crate) fn unlearn(&mut self) {
        self.orphans = self.vanished().collect();
        self.by_labels.clear();
        self.conversions.clear();
    }

    /// The number of the histogram with these labels of a page; `series` says what it is stored as.
    pub(crate) fn learn<E>(
        &mut self,
        labels: Labels,
        series: impl FnOnce(&Labels) -> Result<Option<SeriesId>, E>,
    ) -> Result<usize, E> {
        if let Some(number) = self.by_labels.get(&labels) {
            return Ok(*number);
        }
        self.conversions.push(Conversion {
            series: series(&labels)?,
            buckets: Vec::new(),
            count: None,
            sum: 0.0,
            timestamp_ms: None,
            bounds: Arc::from([]),
            round: 0,
            stored_round: 0,
            seen_round: 0,
        });
        self.by_labels.insert(labels, self.conversions.len() - 1);
        Ok(self.conversions.len() - 1)
    }

    /// What a histogram is stored as, `None` if the job's rules drop it.
    pub(crate) fn series(&self, number: usize) -> Option<SeriesId> {
        self.conversions[number].series
    }

    /// The page has this part.
    pub(crate) fn add(&mut self, number: usize, part: Part, value: f64, timestamp_ms: Option<i64>) {
        let conversion = &mut self.conversions[number];
        if conversion.round != self.round {
            conversion.round = self.round;
            conversion.buckets.clear();
            (conversion.count, conversion.sum, conversion.timestamp_ms) = (None, 0.0, timestamp_ms);
        }
        match part {
            Part::Bucket(bound) => conversion.buckets.push((bound, value)),
            Part::Count => conversion.count = Some(value),
            Part::Sum => conversion.sum = value,
        }
    }

    /// The histograms that the page has whole. One whose parts do not fit together is left out, as Prometheus leaves it.
    pub(crate) fn finish(&mut self) -> Vec<Converted> {
        let (round, good_round) = (self.round, self.good_round);
        let here = self.conversions.iter_mut().filter(|conversion| conversion.round == round);
        here.filter_map(|conversion| {
            let value = conversion.convert()?;
            // What a good page did not have is new when it comes back; a page that failed makes nobody new.
            let new = conversion.seen_round == 0 || conversion.seen_round < good_round;
            conversion.stored_round = round;
            conversion.seen_round = round;
            Some(Converted { series: conversion.series, value, timestamp_ms: conversion.timestamp_ms, new })
        })
        .collect()
    }

    /// Series of the page before that this one does not have.
    pub(crate) fn vanished(&self) -> impl Iterator<Item = SeriesId> + '_ {
        let gone = self.conversions.iter().filter(|conversion| {
            0 < conversion.stored_round
                && conversion.stored_round + 1 == self.round
                && conversion.timestamp_ms.is_none()
        });
        let back = |series: &SeriesId| {
            self.conversions.iter().any(|one| one.stored_round == self.round && one.series == Some(*series))
        };
        let orphans = self.orphans.iter().copied().filter(move |series| !back(series));
        gone.filter_map(|conversion| conversion.series).chain(orphans)
    }

    /// The page is good.
    pub(crate) fn accept_page(&mut self) {
        self.good_round = self.round;
    }

    /// The page failed: it counts as empty.
    pub(crate) fn discard_page(&mut self) {
        for conversion in &mut self.conversions {
            if conversion.stored_round == self.round {
                conversion.stored_round = self.round - 1;
            }
        }
    }
}

impl Conversion {
    fn convert(&mut self) -> Option<Histogram> {
        // Sorted by bound; of a bound that comes twice the first counts.
        self.buckets.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        self.buckets.dedup_by(|later, earlier| later.0 == earlier.0);
        let count = self.count.or(self.buckets.last().map(|(_, count)| *count))?;
        if self.buckets.last().is_none_or(|(bound, _)| *bound != f64::INFINITY) {
            self.buckets.push((f64::INFINITY, count));
        }
        let mut below = 0.0;
        let mut counts = Vec::with_capacity(self.buckets.len());
        for (_, cumulative) in &self.buckets {
            if *cumulative < below || cumulative.is_nan() {
                return None;
            }
            counts.push(cumulative - below);
            below = *cumulative;
        }
        if count != below {
            return None;
        }
        let bounds = self.buckets.iter().map(|(bound, _)| *bound).take(self.buckets.len() - 1);
        if !bounds.clone().eq(self.bounds.iter().copied()) {
            self.bounds = bounds.collect();
        }
        let mut histogram = Histogram {
            schema: CUSTOM_BUCKETS_SCHEMA,
            count,
            sum: self.sum,
            positive_spans: vec![BucketSpan { offset: 0, length: u32::try_from(counts.len()).ok()? }],
            positive_buckets: counts,
            custom_bounds: Some(Arc::clone(&self.bounds)),
            ..Histogram::default()
        };
        histogram.compact();
        histogram.check().is_ok().then_some(histogram)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_known_by_their_names() {
        let check = |name: &str, le: &str, expected: Option<(Part, &str)>| {
            let labels = Labels::from_pairs([("__name__", name), ("le", le), ("x", "1")]);
            let found = part_of(&labels, "h").map(|(part, labels)| (part, labels.to_string()));
            assert_eq!(found, expected.map(|(part, labels)| (part, labels.to_owned())), "{name} {le}");
        };
        check("h_bucket", "0.5", Some((Part::Bucket(0.5), "h{x=\"1\"}")));
        check("h_bucket", "+Inf", Some((Part::Bucket(f64::INFINITY), "h{x=\"1\"}")));
        check("h_bucket", "x", None);
        check("h_bucket", "", None);
        check("h_count", "", Some((Part::Count, "h{x=\"1\"}")));
        check("h_sum", "", Some((Part::Sum, "h{x=\"1\"}")));
        check("h", "", None);
        check("other_sum", "", None);
    }

    #[test]
    fn buckets_that_do_not_fit_together_are_left_out() {
        let check = |buckets: &[(f64, f64)], count: Option<f64>, expected: Option<(&[f64], &[f64])>| {
            let mut conversions = Conversions::default();
            conversions.begin();
            let number = conversions.learn(Labels::empty(), |_| Ok::<_, ()>(Some(SeriesId(1)))).unwrap();
            for (bound, count) in buckets {
                conversions.add(number, Part::Bucket(*bound), *count, None);
            }
            if let Some(count) = count {
                conversions.add(number, Part::Count, count, None);
            }
            conversions.add(number, Part::Sum, 1.5, None);
            let found = conversions.finish().pop().map(|converted| {
                let Histogram { custom_bounds, positive_buckets, .. } = converted.value;
                (custom_bounds.unwrap().to_vec(), positive_buckets)
            });
            assert_eq!(found, expected.map(|(bounds, counts)| (bounds.to_vec(), counts.to_vec())), "{buckets:?}");
        };
        check(&[(1.0, 2.0), (2.0, 5.0), (f64::INFINITY, 6.0)], Some(6.0), Some((&[1.0, 2.0], &[2.0, 3.0, 1.0])));
        check(&[(2.0, 5.0), (1.0, 2.0)], Some(6.0), Some((&[1.0, 2.0], &[2.0, 3.0, 1.0])));
        check(&[(1.0, 2.0)], None, Some((&[1.0], &[2.0])));
        check(&[], Some(3.0), Some((&[], &[3.0])));
        check(&[(1.0, 2.0), (2.0, 1.0)], Some(2.0), None);
        check(&[(f64::INFINITY, 2.0)], Some(3.0), None);
        check(&[], None, None);
    }
}
