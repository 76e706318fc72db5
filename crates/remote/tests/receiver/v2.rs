//! Remote write 2.0.

use model::MetricType;
use proptest::prelude::*;
use remote::Protocol::{V1, V2};

use super::messages::{
    self, Exemplar, Exemplar2, Histogram, Metadata2, Request, Sample, Span, TimeSeries, TimeSeries2, WriteRequest,
    sample, to_v2,
};
use super::{dump, labels, pair, refused, select, write, written};

fn symbols(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn one(at_ms: i64) -> Vec<Sample> {
    vec![Sample { start_timestamp: 1, ..sample(at_ms, 1.0) }]
}

#[test]
fn symbols_are_those_of_the_request() {
    let (writer, storage) = pair();
    for (symbols, at_ms) in
        [(symbols(&["", "__name__", "m", "a", "1"]), 1), (symbols(&["", "a", "1", "__name__", "m"]), 2)]
    {
        let labels_refs = if at_ms == 1 { vec![1, 2, 3, 4] } else { vec![3, 4, 1, 2] };
        let series = TimeSeries2 { labels_refs, samples: one(at_ms), created_timestamp: 1, ..TimeSeries2::default() };
        assert_eq!(write(&writer, V2, &Request { symbols, timeseries: vec![series] }).unwrap(), written(1, 0, 0));
    }
    let found = select(&storage, "m");
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].labels, labels(&[("__name__", "m"), ("a", "1")]));
    assert_eq!(&found[0].timestamps_ms[..], &[1, 2]);
}

#[test]
fn counts_are_of_what_is_stored() {
    let (writer, storage) = pair();
    let symbols = symbols(&["", "__name__", "m", "a", "1", "2", "trace_id"]);
    let series = |labels_refs: &[u32]| TimeSeries2 { labels_refs: labels_refs.to_vec(), ..TimeSeries2::default() };
    let (first, second) = ([1, 2, 3, 4], [1, 2, 3, 5]);
    let histogram = |timestamp| Histogram { count_int: Some(0), timestamp, ..Histogram::default() };
    let check = |timeseries: Vec<TimeSeries2>, expected_written, expected: &str| {
        let (found, text) = refused(write(&writer, V2, &Request { symbols: symbols.clone(), timeseries }));
        assert_eq!(text, expected);
        assert_eq!(found, expected_written);
    };
    let good = |at_ms| TimeSeries2 { samples: one(at_ms), ..series(&first) };
    check(
        vec![good(10), series(&second)],
        written(1, 0, 0),
        r#"TimeSeries must contain at least one sample or histogram for series {__name__="m", a="2"}"#,
    );
    check(
        vec![good(20), TimeSeries2 { samples: one(20), histograms: vec![histogram(21)], ..series(&second) }],
        written(1, 0, 0),
        "TimeSeries must contain either samples or histograms for series {__name__=\"m\", a=\"2\"} not both\n(2 refused in all)",
    );
    check(
        vec![good(30), TimeSeries2 { samples: one(30), ..series(&[1, 2, 3]) }],
        written(1, 0, 0),
        "parsing labels for series [1, 2, 3]: invalid labelRefs length 3",
    );
    check(
        vec![good(40), TimeSeries2 { samples: one(40), ..series(&[1, 7]) }],
        written(1, 0, 0),
        "parsing labels for series [1, 7]: labelRefs 1 (name) = 7 (value) outside of symbols table (size 7)",
    );
    let exemplar = |labels_refs: &[u32]| Exemplar2 { labels_refs: labels_refs.to_vec(), value: 1.0, timestamp: 50 };
    check(
        vec![TimeSeries2 { exemplars: vec![exemplar(&[6, 4]), exemplar(&[9, 9])], ..good(50) }],
        written(1, 0, 1),
        r#"parsing exemplar for series {__name__="m", a="1"}: labelRefs 9 (name) = 9 (value) outside of symbols table (size 7)"#,
    );
    check(
        vec![
            TimeSeries2 { histograms: vec![histogram(60), histogram(70)], ..series(&second) },
            TimeSeries2 { samples: vec![sample(20, 9.0), sample(60, 1.0)], ..series(&first) },
            TimeSeries2 { histograms: vec![histogram(5)], ..series(&[1, 2]) },
        ],
        written(1, 3, 0),
        r#"out of order sample for series {__name__="m", a="1"} at 20 ms"#,
    );
    check(
        vec![
            TimeSeries2 { histograms: vec![histogram(65), histogram(80)], ..series(&second) },
            TimeSeries2 { samples: one(80), ..series(&first) },
        ],
        written(1, 1, 0),
        r#"out of order sample for series {__name__="m", a="2"} at 65 ms"#,
    );
    assert_eq!(&select(&storage, "m")[1].timestamps_ms[..], &[10, 20, 30, 40, 50, 60, 80]);
}

#[test]
fn metadata_comes_with_the_series() {
    let (writer, _) = pair();
    let send = |name: &str, at_ms, kind, help: &str| {
        let symbols = symbols(&["", "__name__", name, help, "seconds"]);
        let metadata = Some(Metadata2 { kind, help_ref: 3, unit_ref: 4 });
        let series = TimeSeries2 { labels_refs: vec![1, 2], samples: one(at_ms), metadata, ..TimeSeries2::default() };
        write(&writer, V2, &Request { symbols, timeseries: vec![series] }).unwrap();
    };
    send("x_bucket", 1, 3, "old");
    send("x_bucket", 2, 3, "new");
    send("y_total", 2, 1, "counts");
    let found = writer.metadata();
    let found: Vec<_> =
        found.iter().map(|(name, about)| (&name[..], about.kind, &about.help[..], &about.unit[..])).collect();
    assert_eq!(
        found,
        [("x", MetricType::Histogram, "new", "seconds"), ("y_total", MetricType::Counter, "counts", "seconds")]
    );
}

fn arb_histogram() -> impl Strategy<Value = Histogram> {
    (any::<bool>(), prop::collection::vec(0..1_000i64, 1..6), -4..=8i32, -9..9i32).prop_map(
        |(whole, counts, schema, offset)| {
            let spans = vec![Span { offset, length: counts.len() as u32 }];
            let sum = counts.iter().sum::<i64>();
            if whole {
                let deltas =
                    counts.iter().scan(0, |last, count| Some(count - std::mem::replace(last, *count))).collect();
                let count_int = Some(sum.cast_unsigned());
                Histogram { count_int, schema, positive_spans: spans, positive_deltas: deltas, ..Histogram::default() }
            } else {
                let counts = counts.iter().map(|count| *count as f64 / 4.0).collect();
                let count_float = Some(sum as f64 / 4.0);
                Histogram {
                    count_float,
                    schema,
                    negative_spans: spans,
                    negative_counts: counts,
                    ..Histogram::default()
                }
            }
        },
    )
}

/// Series of every kind (but no -0.0, which protobuf's encoders take for an absent 0), each with its own labels and rising moments.
fn arb_request() -> impl Strategy<Value = WriteRequest> {
    let one = (
        prop::collection::vec(("[a-z]{1,3}", "\\PC{1,9}"), 0..4),
        prop::collection::vec(any::<f64>(), 0..6),
        prop::collection::vec(arb_histogram(), 0..4),
        prop::collection::vec(("\\PC{0,9}", 0..9_000i64), 0..3),
    );
    prop::collection::vec(one, 0..12).prop_map(|all| {
        let series = all.into_iter().enumerate().map(|(i, (pairs, values, histograms, exemplars))| {
            let pairs: std::collections::BTreeMap<_, _> = pairs.into_iter().collect();
            let name = format!("m{i}");
            let own = [("__name__", name.as_str()), ("job", "j")];
            let labels = own.into_iter().chain(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())));
            let mut series =
                messages::series(&labels.collect::<std::collections::BTreeMap<_, _>>().into_iter().collect::<Vec<_>>());
            series.samples = values.iter().zip(1..).map(|(value, at)| sample(at * 10, *value + 0.0)).collect();
            series.histograms =
                histograms.into_iter().zip(100..).map(|(h, at)| Histogram { timestamp: at * 10, ..h }).collect();
            let exemplar = |(id, timestamp): (String, i64)| Exemplar {
                labels: vec![messages::label("id", &id)],
                value: 1.5,
                timestamp,
            };
            series.exemplars = exemplars.into_iter().map(exemplar).collect();
            series
        });
        let timeseries: Vec<TimeSeries> = series.collect();
        WriteRequest { timeseries, metadata: Vec::new() }
    })
}

proptest! {
    #[test]
    fn both_versions_store_the_same(request in arb_request()) {
        let ((first, first_store), (second, second_store)) = (pair(), pair());
        let done = write(&first, V1, &request).unwrap();
        prop_assert_eq!(done, write(&second, V2, &to_v2(&request)).unwrap());
        let count = |of: fn(&TimeSeries) -> usize| request.timeseries.iter().map(of).sum::<usize>();
        prop_assert_eq!(done, written(count(|s| s.samples.len()), count(|s| s.histograms.len()), count(|s| s.exemplars.len())));
        prop_assert_eq!(dump(&first_store), dump(&second_store));
        for (i, series) in request.timeseries.iter().enumerate() {
            let values: Vec<u64> = series.samples.iter().map(|sample| sample.value.to_bits()).collect();
            let found = select(&first_store, &format!("m{i}"));
            prop_assert_eq!(found.iter().flat_map(|s| &s.values).map(|v| v.to_bits()).collect::<Vec<_>>(), values);
        }
        // Again: everything is there already.
        prop_assert_eq!(write(&first, V1, &last_only(&request)).unwrap().exemplars, done.exemplars);
    }
}

/// Only the newest value of each series, which may be repeated.
fn last_only(request: &WriteRequest) -> WriteRequest {
    let mut request = request.clone();
    for series in &mut request.timeseries {
        let samples = series.samples.len().saturating_sub(1);
        let histograms = series.histograms.len().saturating_sub(1);
        series.samples = if series.histograms.is_empty() { series.samples.split_off(samples) } else { Vec::new() };
        series.histograms = series.histograms.split_off(histograms);
    }
    request
}
