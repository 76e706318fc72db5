//! Whether an answer is the expected one.

use model::{Labels, Sample, Timestamp};
use promql::{Answer, Value};

use crate::command::{Eval, Text, When};
use crate::points::Point;

/// Relative difference that still counts as equal, as in Prometheus' own comparison.
const TOLERANCE: f64 = 1e-6;

/// What is wrong with the answer to a query that succeeded.
pub(crate) fn check(eval: &Eval, answer: &Answer) -> Result<(), String> {
    if eval.expect.fail.is_some() {
        return Err("expected an error, got an answer".to_owned());
    }
    notes("warning", &eval.expect.warn, eval.expect.no_warn, &answer.warnings)?;
    notes("info", &eval.expect.info, eval.expect.no_info, &answer.infos)?;
    if let Some(expected) = &eval.expect.string {
        return match &answer.value {
            Value::String { value, .. } if value == expected => Ok(()),
            other => Err(format!("expected the text {expected:?}, got {other:?}")),
        };
    }
    let found = series_of(&answer.value);
    let expected = expected_series(eval)?;
    if eval.expect.ordered && matches!(answer.value, Value::Vector(_)) {
        for (position, (labels, _)) in expected.iter().enumerate() {
            let here = found.get(position).map(|(labels, _)| labels);
            if here != Some(labels) {
                return Err(format!("expected {labels} at place {position}, got {here:?}"));
            }
        }
    }
    for (labels, samples) in &expected {
        let Some((_, got)) = found.iter().find(|(found, _)| found == labels) else {
            return Err(format!("expected series {labels} is missing"));
        };
        same_samples(labels, samples, got)?;
    }
    match found.iter().find(|(labels, _)| !expected.iter().any(|(expected, _)| expected == labels)) {
        Some((labels, samples)) => Err(format!("unexpected series {labels} {samples:?}")),
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
    match expected.iter().find(|text| !found.iter().any(|note| matches(text, note))) {
        Some(text) => Err(format!("expected the {kind} {text:?}, got {found:?}")),
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

fn series_of(value: &Value) -> Vec<(Labels, Vec<Sample>)> {
    match value {
        Value::Scalar { at, value } => vec![(Labels::empty(), vec![Sample { at: *at, value: *value }])],
        Value::String { .. } => Vec::new(),
        Value::Vector(vector) => vector
            .iter()
            .map(|sample| (sample.labels.clone(), vec![Sample { at: sample.at, value: sample.value }]))
            .collect(),
        Value::Matrix(matrix) => matrix.iter().map(|series| (series.labels.clone(), series.samples.clone())).collect(),
    }
}

fn expected_series(eval: &Eval) -> Result<Vec<(Labels, Vec<Sample>)>, String> {
    let (start_ms, step_ms) = match (eval.when, eval.expect.range_vector) {
        (_, Some((start_ms, _, step_ms))) => (start_ms, step_ms),
        (When::Instant(at_ms), None) => (at_ms, 1),
        (When::Range { start_ms, step_ms, .. }, None) => (start_ms, step_ms),
    };
    eval.series
        .iter()
        .map(|(labels, points)| {
            let mut samples = Vec::new();
            for (position, point) in points.iter().enumerate() {
                let at = Timestamp::from_ms(start_ms + step_ms * position as i64);
                match point {
                    Point::Gap => {}
                    Point::Value(value) => samples.push(Sample { at, value: *value }),
                    Point::Histogram => return Err("a native histogram is expected".to_owned()),
                }
            }
            Ok((labels.clone(), samples))
        })
        .filter(|series| !series.as_ref().is_ok_and(|(_, samples)| samples.is_empty()))
        .collect()
}

fn same_samples(labels: &Labels, expected: &[Sample], found: &[Sample]) -> Result<(), String> {
    let same = expected.len() == found.len()
        && expected.iter().zip(found).all(|(a, b)| a.at == b.at && almost_equal(a.value, b.value));
    if same { Ok(()) } else { Err(format!("{labels}: expected {}, got {}", shown(expected), shown(found))) }
}

fn shown(samples: &[Sample]) -> String {
    let samples: Vec<String> = samples.iter().map(|s| format!("{}@{}", s.value, s.at.as_ms())).collect();
    samples.join(" ")
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
