//! Remote write 1.0.

use model::{BucketSpan, MetricType, STALE_NAN};
use remote::Protocol::V1;

use super::messages::{Exemplar, Histogram, MetricMetadata, Span, TimeSeries, WriteRequest, label, sample, series};
use super::{dump, labels, pair, refused, select, write, written};

const A: &[(&str, &str)] = &[("__name__", "m"), ("instance", "1"), ("job", "j")];
const B: &[(&str, &str)] = &[("__name__", "m"), ("instance", "2"), ("job", "j")];

fn request(timeseries: impl IntoIterator<Item = TimeSeries>) -> WriteRequest {
    WriteRequest { timeseries: timeseries.into_iter().collect(), metadata: Vec::new() }
}

fn with(labels: &[(&str, &str)], samples: &[(i64, f64)]) -> TimeSeries {
    TimeSeries { samples: samples.iter().map(|(at, value)| sample(*at, *value)).collect(), ..series(labels) }
}

#[test]
fn samples_arrive_under_their_labels() {
    let (writer, storage) = pair();
    let first = request([with(A, &[(-5, 1.0), (10, f64::NAN)]), with(B, &[(10, STALE_NAN)])]);
    assert_eq!(write(&writer, V1, &first).unwrap(), written(3, 0, 0));
    assert_eq!(write(&writer, V1, &request([with(A, &[(20, 2.0)])])).unwrap(), written(1, 0, 0));
    let found = select(&storage, "m");
    assert_eq!(found.len(), 2);
    assert_eq!(&found[0].timestamps_ms[..], &[-5, 10, 20]);
    assert_eq!(found[0].labels, labels(A));
    assert!(model::is_stale(found[1].values[0]));
}

#[test]
fn what_is_refused_is_named_and_the_rest_is_stored() {
    let (writer, storage) = pair();
    write(&writer, V1, &request([with(A, &[(20, 2.0)])])).unwrap();
    let check = |request, expected_written, expected: &str| {
        let (found, text) = refused(write(&writer, V1, &request));
        assert_eq!(found, expected_written, "{text}");
        assert_eq!(text, expected);
    };
    check(
        request([with(A, &[(15, 2.0), (30, 3.0)]), with(B, &[(30, 1.0)])]),
        written(2, 0, 0),
        r#"out of order sample for series {__name__="m", instance="1", job="j"} at 15 ms"#,
    );
    check(
        request([with(A, &[(30, 4.0)]), with(B, &[(30, 1.0)])]),
        written(1, 0, 0),
        r#"duplicate sample for timestamp for series {__name__="m", instance="1", job="j"} at 30 ms"#,
    );
    check(
        request([with(A, &[(2_000_000, 4.0)]), with(B, &[(40, 1.0)])]),
        written(1, 0, 0),
        r#"too far in the future for series {__name__="m", instance="1", job="j"} at 2000000 ms"#,
    );
    check(
        request([with(&[("a", "1")], &[(1, 1.0), (2, 2.0)]), with(B, &[(50, 1.0)])]),
        written(1, 0, 0),
        "invalid metric name or labels, got {a=\"1\"}\n(2 refused in all)",
    );
    check(
        request([with(&[("__name__", "m"), ("x", "1"), ("x", "2")], &[(1, 1.0)]), with(B, &[(60, 1.0)])]),
        written(1, 0, 0),
        r#"invalid labels for series, labels {__name__="m", x="1", x="2"}, duplicated label x"#,
    );
    assert_eq!(select(&storage, "m")[1].values, [1.0; 4]);
}

#[test]
fn only_the_first_refused_series_are_named() {
    let (writer, _) = pair();
    let names: Vec<String> = (0..30).map(|i| i.to_string()).collect();
    let at = |at_ms| request(names.iter().map(|name| with(&[("__name__", "m"), ("i", name)], &[(at_ms, 1.0)])));
    write(&writer, V1, &at(20)).unwrap();
    let (found, text) = refused(write(&writer, V1, &at(10)));
    assert_eq!(found, written(0, 0, 0));
    assert_eq!(text.lines().count(), 11, "{text}");
    assert!(text.ends_with("(30 refused in all)"), "{text}");
}

#[test]
fn a_series_that_comes_twice_is_one_series() {
    let (writer, storage) = pair();
    let twice = request([with(A, &[(10, 1.0), (20, 2.0)]), with(A, &[(10, 1.0), (30, 3.0)])]);
    assert_eq!(write(&writer, V1, &twice).unwrap(), written(4, 0, 0));
    let unordered = request([with(A, &[(50, 5.0), (40, 4.0), (40, 4.0)])]);
    assert_eq!(write(&writer, V1, &unordered).unwrap(), written(3, 0, 0));
    assert_eq!(&select(&storage, "m")[0].timestamps_ms[..], &[10, 20, 30, 40, 50]);
    let (found, text) = refused(write(&writer, V1, &request([with(A, &[(60, 6.0), (60, 7.0), (5, 1.0), (5, 1.0)])])));
    assert_eq!(found, written(1, 0, 0), "{text}");
    assert!(text.starts_with("duplicate sample for timestamp for series"), "{text}");
    assert!(text.ends_with("(3 refused in all)"), "{text}");
}

fn histogram(at_ms: i64) -> Histogram {
    Histogram {
        count_int: Some(10),
        sum: 4.5,
        schema: 3,
        zero_threshold: 0.001,
        zero_count_int: Some(1),
        positive_spans: vec![Span { offset: -2, length: 2 }, Span { offset: 3, length: 1 }],
        positive_deltas: vec![1, 2, -1],
        negative_spans: vec![Span { offset: 0, length: 1 }],
        negative_deltas: vec![3],
        timestamp: at_ms,
        reset_hint: 2,
        ..Histogram::default()
    }
}

#[test]
fn native_histograms_arrive() {
    let (writer, storage) = pair();
    let floats = Histogram {
        count_int: None,
        count_float: Some(2.5),
        zero_count_int: None,
        zero_count_float: Some(0.5),
        positive_deltas: Vec::new(),
        positive_counts: vec![0.5, 0.5, 1.0],
        negative_spans: Vec::new(),
        negative_deltas: Vec::new(),
        reset_hint: 3,
        ..histogram(20)
    };
    let custom = Histogram {
        count_int: Some(3),
        schema: -53,
        custom_values: vec![0.1, 2.5],
        positive_spans: vec![Span { offset: 0, length: 3 }],
        positive_deltas: vec![1, 0, 0],
        timestamp: 30,
        ..Histogram::default()
    };
    let stale = Histogram { sum: STALE_NAN, timestamp: 40, ..Histogram::default() };
    let message = TimeSeries { histograms: vec![histogram(10), floats, custom, stale], ..series(A) };
    assert_eq!(write(&writer, V1, &request([message])).unwrap(), written(0, 4, 0));
    let found = select(&storage, "m");
    let values: Vec<_> = found[0].histograms.iter().map(|(_, histogram)| (**histogram).clone()).collect();
    let span = |offset, length| BucketSpan { offset, length };
    assert_eq!(
        values[0],
        model::Histogram {
            schema: 3,
            zero_threshold: 0.001,
            zero_count: 1.0,
            count: 10.0,
            sum: 4.5,
            positive_spans: vec![span(-2, 2), span(3, 1)],
            positive_buckets: vec![1.0, 3.0, 2.0],
            negative_spans: vec![span(0, 1)],
            negative_buckets: vec![3.0],
            custom_bounds: None,
            reset_hint: model::ResetHint::NotCounterReset,
        }
    );
    assert_eq!(values[1].positive_buckets, [0.5, 0.5, 1.0]);
    assert_eq!((values[1].count, values[1].reset_hint), (2.5, model::ResetHint::Gauge));
    assert_eq!(values[2].custom_bounds.as_deref(), Some(&[0.1, 2.5][..]));
    assert!(values[3].is_stale());
}

#[test]
fn histograms_that_cannot_be_are_refused() {
    let (writer, _) = pair();
    let check = |wrong: Histogram, expected: &str| {
        let message = TimeSeries { histograms: vec![wrong], ..series(A) };
        let (found, text) = refused(write(&writer, V1, &request([message, with(B, &[(10, 1.0)])])));
        assert_eq!(found, written(1, 0, 0));
        assert!(text.contains(expected) && text.contains("instance=\"1\""), "{text}");
    };
    check(
        Histogram { count_int: Some(9), ..histogram(1) },
        "10 observations found in buckets, but the Count field is 9",
    );
    check(Histogram { schema: -5, ..histogram(1) }, "got schema -5");
    check(Histogram { positive_deltas: vec![1, -2, 3], ..histogram(1) }, "bucket number 2 has observation count of -1");
    check(Histogram { positive_deltas: vec![1, 2], ..histogram(1) }, "spans need 3 buckets, have 2 buckets");
}

#[test]
fn finer_schemas_are_made_coarser() {
    let (writer, storage) = pair();
    let fine = Histogram {
        count_int: Some(4),
        schema: 9,
        positive_spans: vec![Span { offset: 0, length: 4 }],
        positive_deltas: vec![1, 0, 0, 0],
        timestamp: 1,
        ..Histogram::default()
    };
    write(&writer, V1, &request([TimeSeries { histograms: vec![fine], ..series(A) }])).unwrap();
    let found = select(&storage, "m");
    let histogram = &found[0].histograms[0].1;
    assert_eq!((histogram.schema, &histogram.positive_buckets[..]), (8, &[1.0, 2.0, 1.0][..]));
}

#[test]
fn exemplars_arrive_with_samples_or_alone() {
    let (writer, storage) = pair();
    let exemplar = |timestamp, id: &str| Exemplar { labels: vec![label("trace_id", id)], value: 0.5, timestamp };
    let too_long = "x".repeat(200);
    let message = request([
        TimeSeries { exemplars: vec![exemplar(9, "a"), exemplar(9, &too_long)], ..with(A, &[(10, 1.0)]) },
        TimeSeries { exemplars: vec![exemplar(11, "b")], ..series(B) },
    ]);
    assert_eq!(write(&writer, V1, &message).unwrap(), written(1, 0, 2));
    assert_eq!(
        dump(&storage),
        "m{instance=\"1\", job=\"j\"}\n  10 1\nexemplars of m{instance=\"1\", job=\"j\"}\n  9 {trace_id=\"a\"} 0.5\n\
         exemplars of m{instance=\"2\", job=\"j\"}\n  11 {trace_id=\"b\"} 0.5\n"
    );
}

#[test]
fn metadata_is_kept() {
    let (writer, _) = pair();
    let metadata = |name: &str, help: &str| MetricMetadata {
        kind: 5,
        metric_family_name: name.to_owned(),
        help: help.to_owned(),
        unit: "seconds".to_owned(),
    };
    let message = WriteRequest {
        timeseries: Vec::new(),
        metadata: vec![metadata("b", "x"), metadata("a", "y"), metadata("b", "z")],
    };
    assert_eq!(write(&writer, V1, &message).unwrap(), written(0, 0, 0));
    let found = writer.metadata();
    assert_eq!(
        found.iter().map(|(name, about)| (&name[..], &about.help[..])).collect::<Vec<_>>(),
        [("a", "y"), ("b", "z")]
    );
    assert_eq!((found[0].1.kind, &found[0].1.unit[..]), (MetricType::Summary, "seconds"));
}
