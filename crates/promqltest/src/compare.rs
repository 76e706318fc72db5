//! Whether an answer is the expected one.

use model::{Histogram, Labels, Timestamp};
use promql::histogram::buckets;
use promql::{Answer, Value};

use crate::command::{Eval, Text, When};
use crate::histogram::Described;
use crate::points::Point;

/// Relative difference that still counts as equal, as in Prometheus' own comparison.
const TOLERANCE: f64 = 1e-6;

/// What is wrong with the answer to a query that succeeded.
/// `query` is what was asked, the places of notes are those in it.
pub(crate) fn check(eval: &Eval, query: &str, answer: &Answer) -> Result<(), String> {
    if eval.expect.fail.is_some() {
        return Err("expected an error, got an answer".to_owned());
    }
    notes("warning", &eval.expect.warn, eval.expect.no_warn, &answer.warnings_in(query))?;
    notes("info", &eval.expect.info, eval.expect.no_info, &answer.infos_in(query))?;
    if let Some(expected) = &eval.expect.string {
        return match &answer.value {
            Value::String { value, .. } if value == expected => Ok(()),
            other => Err(format!("expected the text {expected:?}, got {other:?}")),
        };
    }
    let mut found = series_of(&answer.value);
    if matches!(answer.value, Value::Vector(_) | Value::Scalar { .. }) {
        // A pinned query is asked at other moments, which its answer carries.
        let at = Timestamp::from_ms(eval_ms(eval));
        found.iter_mut().flat_map(|(_, samples)| samples).for_each(|sample| sample.0 = at);
    }
    let expected = expected_series(eval)?;
    if eval.expect.ordered && matches!(answer.value, Value::Vector(_)) {
        for (position, (labels, _)) in expected.iter().enumerate() {
            let here = found.get(position).map(|(labels, _)| labels);
            if here != Some(labels) {
                return Err(format!("expected {labels} at place {position}, got {here:?}"));
            }
        }
    }
    compare(&expected, &found)
}

/// What is wrong with the samples at `at_ms` in the answer to a range query, where those of an instant query are expected.
pub(crate) fn check_middle(eval: &Eval, matrix: &Value, at_ms: i64) -> Result<(), String> {
    let mut found = series_of(matrix);
    for (_, samples) in &mut found {
        samples.retain(|(at, _)| at.as_ms() == at_ms);
        samples.iter_mut().for_each(|(at, _)| *at = Timestamp::from_ms(eval_ms(eval)));
    }
    found.retain(|(_, samples)| !samples.is_empty());
    compare(&expected_series(eval)?, &found)
}

fn compare(expected: &[(Labels, Vec<Wanted>)], found: &[(Labels, Vec<Found>)]) -> Result<(), String> {
    for (labels, samples) in expected {
        let Some((_, got)) = found.iter().find(|(found, _)| found == labels) else {
            return Err(format!("expected series {labels} is missing"));
        };
        same_samples(labels, samples, got)?;
    }
    match found.iter().find(|(labels, _)| !expected.iter().any(|(expected, _)| expected == labels)) {
        Some((labels, samples)) => Err(format!("unexpected series {labels} {}", shown(samples))),
        None => Ok(()),
    }
}

/// Whether an error is the expected one.
pub(crate) fn check_error(eval: &Eval, error: &str) -> Result<(), String> {
    match &eval.expect.fail {
        None => Err(format!("unexpected error: {error}")),
        Some(text) if matches(text, error) => Ok(()),
        Some(text) => Err(format!("expected the error {text:?}, got {error}")),
    }
}

fn notes(kind: &str, expected: &[Text], none: bool, found: &[String]) -> Result<(), String> {
    if none && !found.is_empty() {
        return Err(format!("expected no {kind}, got {found:?}"));
    }
    if let Some(text) = expected.iter().find(|text| !found.iter().any(|note| matches(text, note))) {
        return Err(format!("expected the {kind} {text:?}, got {found:?}"));
    }
    match found.iter().find(|note| !expected.is_empty() && !expected.iter().any(|text| matches(text, note))) {
        Some(note) => Err(format!("the {kind} {note:?} is not expected")),
        None => Ok(()),
    }
}

fn matches(text: &Text, found: &str) -> bool {
    match text {
        Text::Any => true,
        Text::Exact(expected) => expected == found,
        Text::Matching(pattern) => regexp::Replacer::unanchored(pattern).is_ok_and(|regexp| regexp.is_match(found)),
    }
}

/// A sample of an answer.
type Found = (Timestamp, Got);

#[derive(Clone, Debug)]
enum Got {
    Float(f64),
    Histogram(Histogram),
}

/// A sample that is expected.
type Wanted = (Timestamp, Point);

fn series_of(value: &Value) -> Vec<(Labels, Vec<Found>)> {
    match value {
        Value::Scalar { at, value } => vec![(Labels::empty(), vec![(*at, Got::Float(*value))])],
        Value::String { .. } => Vec::new(),
        Value::Vector(vector) => {
            let series = vector.iter().map(|sample| {
                let got = match &sample.histogram {
                    Some(histogram) => Got::Histogram(Histogram::clone(histogram)),
                    None => Got::Float(sample.value),
                };
                (sample.labels.clone(), vec![(sample.at, got)])
            });
            series.collect()
        }
        Value::Matrix(matrix) => {
            let series = matrix.iter().map(|series| {
                let floats = series.samples.iter().map(|sample| (sample.at, Got::Float(sample.value)));
                let histograms = series.histograms.iter();
                let histograms = histograms.map(|(at, found)| (*at, Got::Histogram(Histogram::clone(found))));
                let mut samples: Vec<Found> = floats.chain(histograms).collect();
                samples.sort_by_key(|(at, _)| *at);
                (series.labels.clone(), samples)
            });
            series.collect()
        }
    }
}

/// The moment of an instant eval.
fn eval_ms(eval: &Eval) -> i64 {
    match eval.when {
        When::Instant(at_ms) => at_ms,
        When::Range { start_ms, .. } => start_ms,
    }
}

fn expected_series(eval: &Eval) -> Result<Vec<(Labels, Vec<Wanted>)>, String> {
    let (start_ms, step_ms) = match (eval.when, eval.expect.range_vector) {
        (_, Some((start_ms, _, step_ms))) => (start_ms, step_ms),
        (When::Instant(at_ms), None) => (at_ms, 1),
        (When::Range { start_ms, step_ms, .. }, None) => (start_ms, step_ms),
    };
    let series = eval.series.iter().map(|(labels, points)| {
        let at = |position: usize| Timestamp::from_ms(start_ms + step_ms * position as i64);
        let samples = points.iter().enumerate().filter(|(_, point)| **point != Point::Gap);
        (labels.clone(), samples.map(|(position, point)| (at(position), point.clone())).collect::<Vec<_>>())
    });
    Ok(series.filter(|(_, samples)| !samples.is_empty()).collect())
}

fn same_samples(labels: &Labels, expected: &[Wanted], found: &[Found]) -> Result<(), String> {
    let same = expected.len() == found.len()
        && expected.iter().zip(found).all(|((at, wanted), (found_at, got))| at == found_at && same(wanted, got));
    if same { Ok(()) } else { Err(format!("{labels}: expected {}, got {}", wanted(expected), shown(found))) }
}

fn same(wanted: &Point, got: &Got) -> bool {
    match (wanted, got) {
        (Point::Value(wanted), Got::Float(got)) => almost_equal(*wanted, *got),
        (Point::Histogram(wanted), Got::Histogram(got)) => same_histogram(wanted, got),
        _ => false,
    }
}

/// Everything but empty buckets, and the reset hint only where one is written.
fn same_histogram(wanted: &Described, got: &Histogram) -> bool {
    let expected = &wanted.histogram;
    let populated = |histogram: &Histogram| {
        let mut buckets = buckets(histogram);
        buckets.retain(|bucket| bucket.count != 0.0);
        buckets
    };
    let (wanted_buckets, got_buckets) = (populated(expected), populated(got));
    let bounds = |histogram: &Histogram| histogram.custom_bounds.as_deref().unwrap_or_default().to_vec();
    (!wanted.with_hint || expected.reset_hint == got.reset_hint)
        && expected.schema == got.schema
        && almost_equal(expected.count, got.count)
        && almost_equal(expected.sum, got.sum)
        && almost_equal(expected.zero_threshold, got.zero_threshold)
        && almost_equal(expected.zero_count, got.zero_count)
        && bounds(expected) == bounds(got)
        && wanted_buckets.len() == got_buckets.len()
        && wanted_buckets.iter().zip(&got_buckets).all(|(wanted, got)| {
            (wanted.lower, wanted.upper) == (got.lower, got.upper) && almost_equal(wanted.count, got.count)
        })
}

fn wanted(samples: &[Wanted]) -> String {
    let samples = samples.iter().map(|(at, point)| match point {
        Point::Gap => format!("_@{}", at.as_ms()),
        Point::Value(value) => format!("{value}@{}", at.as_ms()),
        Point::Histogram(described) => format!("{:?}@{}", described.histogram, at.as_ms()),
    });
    samples.collect::<Vec<_>>().join(" ")
}

fn shown(samples: &[Found]) -> String {
    let samples = samples.iter().map(|(at, got)| match got {
        Got::Float(value) => format!("{value}@{}", at.as_ms()),
        Got::Histogram(histogram) => format!("{histogram:?}@{}", at.as_ms()),
    });
    samples.collect::<Vec<_>>().join(" ")
}

fn almost_equal(a: f64, b: f64) -> bool {
    a == b || (a.is_nan() && b.is_nan()) || {
        let (difference, scale) = ((a - b).abs(), a.abs() + b.abs());
        if a == 0.0 || b == 0.0 || scale < f64::MIN_POSITIVE {
            difference < TOLERANCE * f64::MIN_POSITIVE
        } else {
            difference / scale.min(f64::MAX) < TOLERANCE
        }
    }
}
