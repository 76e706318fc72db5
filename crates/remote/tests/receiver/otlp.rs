//! OTLP's metrics.

use proptest::prelude::*;
use prost::Message as _;
use remote::{OtlpConfig, OtlpEncoding, OtlpFormat, WriteError, Writer, Written};

use super::otlp_messages::{
    AnyValue, Buckets, Data, Exemplar, Exponential, Exponentials, Histogram, Histograms, KeyValue, Metric, Number,
    Numbers, Quantile, Request, Resource, ResourceMetrics, Scope, ScopeMetrics, Summaries, Summary, text,
};
use super::{NOW, dump, pair, refused, written};

/// A second in nanoseconds.
const S: u64 = 1_000_000_000;
const DELTA: i32 = 1;
const CUMULATIVE: i32 = 2;

fn request(metrics: Vec<Metric>) -> Request {
    let attributes = vec![
        text("service.name", "shop"),
        text("service.namespace", "eu"),
        text("service.instance.id", "i-1"),
        text("host.name", "box"),
    ];
    let scope = Scope { name: "lib".to_owned(), version: "1.2".to_owned(), attributes: vec![text("a.b", "c")] };
    let scope_metrics = vec![ScopeMetrics { scope: Some(scope), metrics, schema_url: "http://schema".to_owned() }];
    Request { resource_metrics: vec![ResourceMetrics { resource: Some(Resource { attributes }), scope_metrics }] }
}

fn metric(name: &str, unit: &str, data: Data) -> Metric {
    let description = format!("What {name} is.");
    Metric { name: name.to_owned(), description, unit: unit.to_owned(), data: Some(data) }
}

fn number(at_s: u64, value: f64) -> Number {
    Number { time_unix_nano: at_s * S, as_double: Some(value), ..Number::default() }
}

fn sum(data_points: Vec<Number>, aggregation_temporality: i32) -> Data {
    Data::Sum(Numbers { data_points, aggregation_temporality, is_monotonic: true })
}

fn write(writer: &Writer, request: &Request) -> Result<Written, WriteError> {
    writer.write_otlp(OtlpFormat::Protobuf, OtlpEncoding::Identity, &request.encode_to_vec(), NOW)
}

/// What is stored of one metric, but for its `target_info`.
fn stored(config: OtlpConfig, metric: Metric) -> String {
    let (writer, storage) = pair();
    writer.set_otlp(config);
    write(&writer, &request(vec![metric])).unwrap();
    dump(&storage).replace("target_info{host_name=\"box\", instance=\"i-1\", job=\"eu/shop\"}\n  10000 1\n", "")
}

#[test]
fn numbers_get_names_and_targets() {
    let (writer, storage) = pair();
    let mut labelled = number(10, 0.0);
    labelled.attributes = vec![
        text("http.method", "GET"),
        text("http_method", "again"),
        KeyValue { key: "code".to_owned(), value: Some(AnyValue { string_value: None, int_value: Some(200) }) },
    ];
    labelled.as_double = None;
    labelled.as_int = Some(7);
    let ended = Number { flags: 1, ..number(11, 0.0) };
    let metrics = vec![
        metric("http.server.requests", "1", sum(vec![labelled], CUMULATIVE)),
        metric(
            "cpu.utilization",
            "1",
            Data::Gauge(Numbers { data_points: vec![number(10, 0.5)], ..Numbers::default() }),
        ),
        metric(
            "queue.length",
            "{item}",
            Data::Sum(Numbers {
                data_points: vec![number(10, 3.0), ended],
                aggregation_temporality: CUMULATIVE,
                is_monotonic: false,
            }),
        ),
    ];
    assert_eq!(write(&writer, &request(metrics)).unwrap(), written(6, 0, 0));
    assert_eq!(
        dump(&storage),
        "cpu_utilization_ratio{instance=\"i-1\", job=\"eu/shop\"}\n  10000 0.5\n\
         http_server_requests_total{code=\"200\", http_method=\"GET;again\", instance=\"i-1\", job=\"eu/shop\"}\n  10000 7\n\
         queue_length{instance=\"i-1\", job=\"eu/shop\"}\n  10000 3\n  11000 NaN\n\
         target_info{host_name=\"box\", instance=\"i-1\", job=\"eu/shop\"}\n  10000 1\n  11000 1\n"
    );
    let about = writer.metadata();
    let about: Vec<_> = about.iter().map(|(name, m)| (&name[..], m.kind.as_str(), &m.help[..], &m.unit[..])).collect();
    assert_eq!(about[1], ("http_server_requests_total", "counter", "What http.server.requests is.", ""));
}

#[test]
fn what_is_no_cumulative_metric_is_refused() {
    let (writer, storage) = pair();
    let good = || metric("good", "", sum(vec![number(10, 1.0)], CUMULATIVE));
    let check = |wrong: Metric, expected: &str| {
        let (_, text) = refused(write(&writer, &request(vec![wrong, good()])));
        assert_eq!(text, expected);
    };
    check(
        metric("d", "", sum(vec![number(10, 1.0), number(20, 1.0)], DELTA)),
        "invalid temporality and type combination for metric \"d\"\n(2 refused in all)",
    );
    check(metric("e", "", sum(Vec::new(), CUMULATIVE)), "empty data points. e is dropped");
    check(Metric { data: None, ..good() }, "could not read metric \"good\" as it has an unsupported metric type");
    let nameless = Data::Gauge(Numbers { data_points: vec![number(1, 1.0)], ..Numbers::default() });
    check(metric("@", "", nameless), "normalization for metric \"@\" resulted in empty name");
    // An earlier point makes an earlier target_info, which is late, and none of the sender's business.
    let early = Data::Gauge(Numbers { data_points: vec![number(1, 1.0)], ..Numbers::default() });
    assert_eq!(write(&writer, &request(vec![metric("early", "", early)])).unwrap(), written(1, 0, 0));
    let target = "instance=\"i-1\", job=\"eu/shop\"";
    let expected = format!(
        "early{{{target}}}\n  1000 1\ngood_total{{{target}}}\n  10000 1\ntarget_info{{host_name=\"box\", {target}}}\n  10000 1\n"
    );
    assert_eq!(dump(&storage), expected);
}

fn histogram() -> Histogram {
    let exemplar = |value, id: u8| Exemplar {
        time_unix_nano: 9 * S,
        as_double: Some(value),
        trace_id: vec![id; 16],
        span_id: Vec::new(),
        filtered_attributes: vec![text("user", "x")],
    };
    Histogram {
        time_unix_nano: 10 * S,
        count: 6,
        sum: Some(7.5),
        bucket_counts: vec![0, 1, 2, 3],
        explicit_bounds: vec![0.1, 1.0, 2.5],
        exemplars: vec![exemplar(0.5, 1), exemplar(9.0, 2)],
        ..Histogram::default()
    }
}

#[test]
fn histograms_become_classic_or_native_ones() {
    let data = || Data::Histogram(Histograms { data_points: vec![histogram()], aggregation_temporality: CUMULATIVE });
    let target = "instance=\"i-1\", job=\"eu/shop\"";
    let [first, second] = ["01", "02"].map(|id| format!("  9000 {{trace_id=\"{}\", user=\"x\"}}", id.repeat(16)));
    assert_eq!(
        stored(OtlpConfig::default(), metric("t", "s", data())),
        format!(
            "t_seconds_bucket{{{target}, le=\"+Inf\"}}\n  10000 6\nt_seconds_bucket{{{target}, le=\"0.1\"}}\n  10000 0\n\
             t_seconds_bucket{{{target}, le=\"1\"}}\n  10000 1\nt_seconds_bucket{{{target}, le=\"2.5\"}}\n  10000 3\n\
             t_seconds_count{{{target}}}\n  10000 6\nt_seconds_sum{{{target}}}\n  10000 7.5\n\
             exemplars of t_seconds_bucket{{{target}, le=\"+Inf\"}}\n{second} 9\n\
             exemplars of t_seconds_bucket{{{target}, le=\"1\"}}\n{first} 0.5\n"
        )
    );
    let native = OtlpConfig { convert_histograms_to_nhcb: true, ..OtlpConfig::default() };
    let text = stored(native, metric("t", "s", data()));
    assert!(text.contains("positive_buckets: [1.0, 2.0, 3.0]"), "{text}");
    assert!(text.contains("custom_bounds: Some([0.1, 1.0, 2.5])"), "{text}");
    assert!(text.contains("positive_spans: [BucketSpan { offset: 1, length: 3 }]"), "{text}");
}

#[test]
fn exponential_histograms_become_native_ones() {
    let point = |scale, counts: Vec<u64>| Exponential {
        time_unix_nano: 10 * S,
        count: counts.iter().sum::<u64>() + 1,
        sum: Some(2.0),
        scale,
        zero_count: 1,
        positive: Some(Buckets { offset: -1, bucket_counts: counts }),
        negative: None,
    };
    let data =
        |point| Data::Exponential(Exponentials { data_points: vec![point], aggregation_temporality: CUMULATIVE });
    let text = stored(OtlpConfig::default(), metric("e", "", data(point(3, vec![1, 2]))));
    assert!(text.contains("schema: 3, zero_threshold: 1e-128, zero_count: 1.0, count: 4.0, sum: 2.0"), "{text}");
    assert!(
        text.contains("positive_spans: [BucketSpan { offset: 0, length: 2 }], positive_buckets: [1.0, 2.0]"),
        "{text}"
    );
    let text = stored(OtlpConfig::default(), metric("e", "", data(point(9, vec![1, 2, 4]))));
    // OTLP's -1, 0, 1 at scale 9 are -1, 0, 0 at scale 8: Prometheus' 0, 1, 1.
    assert!(text.contains("schema: 8") && text.contains("positive_buckets: [1.0, 6.0]"), "{text}");
    for (scale, wrong) in [(-5, "Scale must be >= -4, was -5"), (0, "Count field is 9")] {
        let mut point = point(scale, vec![1, 2]);
        point.count = 9;
        let (_, text) = refused(write(&pair().0, &request(vec![metric("e", "", data(point))])));
        assert!(text.contains(wrong), "{text}");
    }
}

#[test]
fn summaries_become_quantiles() {
    let quantile_values = vec![Quantile { quantile: 0.5, value: 1.5 }, Quantile { quantile: 1.0, value: 9.0 }];
    let point = Summary { time_unix_nano: 10 * S, count: 3, sum: 12.0, quantile_values };
    let target = "instance=\"i-1\", job=\"eu/shop\"";
    assert_eq!(
        stored(OtlpConfig::default(), metric("q", "", Data::Summary(Summaries { data_points: vec![point] }))),
        format!(
            "q{{{target}, quantile=\"0.5\"}}\n  10000 1.5\nq{{{target}, quantile=\"1\"}}\n  10000 9\n\
             q_count{{{target}}}\n  10000 3\nq_sum{{{target}}}\n  10000 12\n"
        )
    );
}

#[test]
fn resource_and_scope_become_labels_where_wanted() {
    let gauge = || metric("g", "", Data::Gauge(Numbers { data_points: vec![number(10, 1.0)], ..Numbers::default() }));
    let check = |config, expected: &str| {
        let text = stored(config, gauge());
        assert_eq!(text.lines().next(), Some(expected));
    };
    let promoted = OtlpConfig { promote_resource_attributes: vec!["host.name".to_owned()], ..OtlpConfig::default() };
    check(promoted, r#"g{host_name="box", instance="i-1", job="eu/shop"}"#);
    let all = OtlpConfig {
        promote_all_resource_attributes: true,
        ignore_resource_attributes: vec!["service.namespace".to_owned(), "host.name".to_owned()],
        ..OtlpConfig::default()
    };
    check(all, r#"g{instance="i-1", job="eu/shop", service_instance_id="i-1", service_name="shop"}"#);
    let scoped = OtlpConfig { promote_scope_metadata: true, ..OtlpConfig::default() };
    check(
        scoped,
        "g{instance=\"i-1\", job=\"eu/shop\", otel_scope_a_b=\"c\", otel_scope_name=\"lib\", \
         otel_scope_schema_url=\"http://schema\", otel_scope_version=\"1.2\"}",
    );
    let kept = OtlpConfig { keep_identifying_resource_attributes: true, ..OtlpConfig::default() };
    let text = stored(kept, gauge());
    assert!(
        text.contains("target_info{host_name=\"box\", instance=\"i-1\", job=\"eu/shop\", service_instance_id=\"i-1\""),
        "{text}"
    );
}

#[test]
fn json_and_gzip_say_the_same() {
    let json = r#"{"resourceMetrics": [{"resource": {"attributes": [
        {"key": "service.name", "value": {"stringValue": "shop"}}, {"key": "list", "value": {"arrayValue": {"values": [{"intValue": "1"}, {"boolValue": true}]}}}]},
      "scopeMetrics": [{"scope": {"name": "lib"}, "metrics": [
        {"name": "a", "unit": "By", "gauge": {"dataPoints": [{"timeUnixNano": "10000000000", "asInt": "-3", "attributes": []}]}},
        {"name": "h", "histogram": {"aggregationTemporality": 2, "dataPoints": [{"timeUnixNano": 10000000000, "count": "3", "sum": 1.5, "bucketCounts": ["1", 2], "explicitBounds": [0.5],
          "exemplars": [{"timeUnixNano": "9000000000", "asDouble": 0.25, "traceId": "0AF7651916CD43DD8448EB211C80319C"}]}]}},
        {"name": "e", "exponentialHistogram": {"aggregationTemporality": 2, "dataPoints": [{"timeUnixNano": "10000000000", "count": "2", "scale": -1, "positive": {"offset": -2, "bucketCounts": ["2"]}}]}},
        {"name": "s", "sum": {"aggregationTemporality": 2, "isMonotonic": true, "dataPoints": [{"timeUnixNano": "10000000000", "asDouble": "NaN"}]}}]}]}]}"#;
    let (writer, storage) = pair();
    let compressed = {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut encoder, json.as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    let done = writer.write_otlp(OtlpFormat::Json, OtlpEncoding::Gzip, &compressed, NOW).unwrap();
    assert_eq!(done, written(7, 1, 1));
    let text = dump(&storage);
    for expected in [
        "a_bytes{job=\"shop\"}\n  10000 -3\n",
        "h_bucket{job=\"shop\", le=\"0.5\"}\n  10000 1\n",
        "s_total{job=\"shop\"}\n  10000 NaN\n",
        "target_info{job=\"shop\", list=\"[1,true]\"}\n  10000 1\n",
        "exemplars of h_bucket{job=\"shop\", le=\"0.5\"}\n  9000 {trace_id=\"0af7651916cd43dd8448eb211c80319c\"} 0.25\n",
        "schema: -1",
        "BucketSpan { offset: -1, length: 1 }",
    ] {
        assert!(text.contains(expected), "{expected} in {text}");
    }
}

#[test]
fn a_long_course_gets_target_info_all_along_it() {
    let (writer, storage) = pair();
    let metrics = vec![metric(
        "g",
        "",
        Data::Gauge(Numbers { data_points: vec![number(10, 1.0), number(400, 1.0)], ..Numbers::default() }),
    )];
    write(&writer, &request(metrics)).unwrap();
    let text = dump(&storage);
    assert!(text.ends_with("  10000 1\n  160000 1\n  310000 1\n  400000 1\n"), "{text}");
}

proptest! {
    #[test]
    fn no_damage_makes_it_panic(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6)) {
        let exponential = Exponential { count: 3, positive: Some(Buckets { offset: 1, bucket_counts: vec![1, 2] }), ..Exponential::default() };
        let metrics = vec![
            metric("h", "s", Data::Histogram(Histograms { data_points: vec![histogram()], aggregation_temporality: CUMULATIVE })),
            metric("e", "", Data::Exponential(Exponentials { data_points: vec![exponential], aggregation_temporality: CUMULATIVE })),
        ];
        let mut message = request(metrics).encode_to_vec();
        for (at, byte) in &changes {
            let at = at.index(message.len());
            message[at] = *byte;
        }
        let (writer, _) = pair();
        writer.set_otlp(OtlpConfig { promote_scope_metadata: true, ..OtlpConfig::default() });
        let _outcome = writer.write_otlp(OtlpFormat::Protobuf, OtlpEncoding::Identity, &message, NOW);
        let _outcome = writer.write_otlp(OtlpFormat::Protobuf, OtlpEncoding::Gzip, &message, NOW);
        let _outcome = writer.write_otlp(OtlpFormat::Json, OtlpEncoding::Identity, &message, NOW);
    }

    #[test]
    fn no_json_makes_it_panic(text in r#"[\[\]\{\}":, a-z0-9]{0,60}"#) {
        let body = format!(r#"{{"resourceMetrics": [{text}]}}"#);
        let _outcome = pair().0.write_otlp(OtlpFormat::Json, OtlpEncoding::Identity, body.as_bytes(), NOW);
    }
}
