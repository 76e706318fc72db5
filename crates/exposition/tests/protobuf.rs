//! A protobuf page says what the same page says as text, and more.

use exposition::{Entry, Format, FoundExemplar, Options, Parser, labels_of, write_text};
use model::{BucketSpan, Family, Labels, MetricType, ResetHint};
use proptest::prelude::*;

/// Writes messages field by field.
#[derive(Clone, Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(mut self, number: u8, mut value: u64) -> Self {
        self.0.push(number << 3);
        loop {
            let more = if 0x7f < value { 0x80 } else { 0 };
            self.0.push((value & 0x7f) as u8 | more);
            value >>= 7;
            if more == 0 {
                return self;
            }
        }
    }

    fn zigzag(self, number: u8, value: i64) -> Self {
        self.varint(number, ((value << 1) ^ (value >> 63)).cast_unsigned())
    }

    fn double(mut self, number: u8, value: f64) -> Self {
        self.0.push(number << 3 | 1);
        self.0.extend(value.to_bits().to_le_bytes());
        self
    }

    fn bytes(mut self, number: u16, bytes: &[u8]) -> Self {
        // Field numbers above 15 take two bytes.
        let key = number << 3 | 2;
        self.0.extend(if key < 0x80 { vec![key as u8] } else { vec![key as u8 | 0x80, (key >> 7) as u8] });
        self.0.extend(framed(bytes));
        self
    }

    fn message(self, number: u16, message: &Self) -> Self {
        self.bytes(number, &message.0)
    }
}

/// A message behind its length.
fn framed(message: &[u8]) -> Vec<u8> {
    let length = Message::default().varint(0, message.len() as u64).0;
    [&length[1..], message].concat()
}

fn label(name: &str, value: &str) -> Message {
    Message::default().bytes(1, name.as_bytes()).bytes(2, value.as_bytes())
}

/// A family with one metric for each set of labels and message.
fn family(name: &str, kind: u64, body_number: u16, metrics: &[(&[(&str, &str)], Message)]) -> Vec<u8> {
    let mut family = Message::default().bytes(1, name.as_bytes()).bytes(2, b"help").varint(3, kind);
    for (labels, body) in metrics {
        let metric =
            labels.iter().fold(Message::default(), |metric, (name, value)| metric.message(1, &label(name, value)));
        family = family.message(4, &metric.message(body_number, body));
    }
    framed(&family.0)
}

/// What a page says: a line for each entry.
fn shown(format: Format, body: &[u8], options: Options) -> Vec<String> {
    let mut parser = Parser::with_options(format, body, options);
    let mut lines = Vec::new();
    while let Some(entry) = parser.next() {
        let series = |raw: &[u8]| labels_of(raw, parser.kind()).map_or_else(|error| error, |labels| labels.to_string());
        lines.push(match entry {
            Ok(Entry::Series { raw, value, timestamp_ms }) => {
                let at = timestamp_ms.map(|at| format!(" @{at}")).unwrap_or_default();
                format!("{} {value}{at}", series(&raw))
            }
            Ok(Entry::Histogram { raw, value, .. }) => {
                format!("{} count {} sum {}", series(&raw), value.count, value.sum)
            }
            Ok(Entry::Type { name, kind }) => format!("# {name} is {}", kind.as_str()),
            Ok(Entry::Help { name, text }) => format!("# {name}: {text}"),
            Ok(Entry::Unit { name, unit }) => format!("# {name} in {unit}"),
            Ok(Entry::Comment(text)) => text.to_owned(),
            Err(error) => format!("! {error}"),
        });
        while let Some(FoundExemplar { labels, value, at_ms }) = parser.take_exemplar() {
            lines.push(format!("  {} {value} {at_ms:?}", labels.to_braces()));
        }
    }
    lines
}

fn classic_histogram() -> Message {
    let bucket = |bound: f64, count: u64| Message::default().varint(1, count).double(2, bound);
    let first = bucket(0.5, 1).message(3, &Message::default().message(1, &label("id", "x")).double(2, 0.25));
    let histogram = Message::default().varint(1, 4).double(2, 3.5);
    histogram.message(3, &first).message(3, &bucket(1.0, 3))
}

#[test]
fn both_forms_of_a_page_say_the_same() {
    let summary = Message::default().varint(1, 2).double(2, 7.0);
    let quantile = |q: f64, value: f64| Message::default().double(1, q).double(2, value);
    let summary = summary.message(3, &quantile(0.5, 3.0)).message(3, &quantile(1.0, 4.0));
    let page = [
        family("a_total", 0, 3, &[(&[("x", "1\n\"")], Message::default().double(1, 5.0)), (&[], Message::default())]),
        family("vllm:b", 1, 2, &[(&[("y.z", "é")], Message::default().double(1, -0.5))]),
        family("h.seconds", 4, 7, &[(&[("z", "1")], classic_histogram())]),
        family("s", 2, 4, &[(&[], summary)]),
        family("u", 3, 5, &[(&[], Message::default().double(1, f64::INFINITY))]),
        family("empty", 1, 2, &[]),
    ]
    .concat();
    let text = r#"# HELP a_total help
# TYPE a_total counter
a_total{x="1\n\""} 5
a_total 0
# HELP vllm:b help
# TYPE vllm:b gauge
vllm:b{"y.z"="é"} -0.5
# HELP "h.seconds" help
# TYPE "h.seconds" histogram
{"h.seconds_count",z="1"} 4
{"h.seconds_sum",z="1"} 3.5
{"h.seconds_bucket",z="1",le="0.5"} 1
{"h.seconds_bucket",z="1",le="1"} 3
{"h.seconds_bucket",z="1",le="+Inf"} 4
# HELP s help
# TYPE s summary
s_count 2
s_sum 7
s{quantile="0.5"} 3
s{quantile="1"} 4
# HELP u help
# TYPE u untyped
u +Inf
"#;
    let ours = shown(Format::Protobuf, &page, Options::default());
    let (exemplars, ours): (Vec<_>, Vec<_>) = ours.into_iter().partition(|line| line.starts_with(' '));
    assert_eq!(ours, shown(Format::Text, text.as_bytes(), Options::default()));
    assert_eq!(exemplars, [r#"  {id="x"} 0.25 None"#]);
}

fn native_histogram() -> Message {
    let span = |offset: i64, length: u64| Message::default().zigzag(1, offset).varint(2, length);
    let moment = Message::default().varint(1, 7).varint(2, 500_000_000);
    let exemplar = |value: f64| Message::default().message(1, &label("id", "n")).double(2, value);
    classic_histogram()
        .zigzag(5, 3)
        .double(6, 0.001)
        .varint(7, 1)
        .message(12, &span(-1, 2))
        .message(12, &span(3, 1))
        .zigzag(13, 1)
        .zigzag(13, -1)
        .zigzag(13, 2)
        .message(16, &exemplar(1.0))
        .message(16, &exemplar(2.0).message(3, &moment))
}

#[test]
fn native_histograms_are_read_with_their_spans() {
    let page = family("h", 4, 7, &[(&[("z", "1")], native_histogram())]);
    let options = Options { native_histograms: true, classic_histograms: false };
    let mut parser = Parser::with_options(Format::Protobuf, &page, options);
    let Some(Ok(Entry::Histogram { raw, value, timestamp_ms: None })) = parser.nth(2) else { panic!("no histogram") };
    assert_eq!(&*raw, br#"h{z="1"}"#);
    assert_eq!(
        (value.schema, value.zero_threshold, value.zero_count, value.count, value.sum),
        (3, 0.001, 1.0, 4.0, 3.5)
    );
    // The empty bucket between the others is left out.
    let span = |offset, length| BucketSpan { offset, length };
    assert_eq!(value.positive_spans, [span(-1, 1), span(4, 1)]);
    assert_eq!((value.positive_buckets, value.reset_hint), (vec![1.0, 2.0], ResetHint::Unknown));
    // Without a moment nobody knows whether an exemplar is a new one.
    let exemplar = parser.take_exemplar().map(|exemplar| (exemplar.value, exemplar.at_ms));
    assert_eq!((exemplar, parser.take_exemplar()), (Some((2.0, Some(7_500))), None));
    assert!(parser.next().is_none());

    let names = |options| shown(Format::Protobuf, &page, options).join("\n").matches("h_bucket").count();
    assert_eq!(names(Options { native_histograms: true, classic_histograms: true }), 3);
    assert_eq!((names(options), names(Options::default())), (0, 3));
}

#[test]
fn floating_counts_and_gauges_are_read() {
    let span = Message::default().zigzag(1, 0).varint(2, 2);
    let body = Message::default().double(4, 2.5).double(2, 1.0).zigzag(5, 9).message(12, &span);
    let body = body.double(14, 1.5).double(14, 1.0);
    let page = family("g", 5, 7, &[(&[], body)]);
    let mut parser =
        Parser::with_options(Format::Protobuf, &page, Options { native_histograms: true, ..Options::default() });
    let Some(Ok(Entry::Histogram { value, .. })) = parser.nth(2) else { panic!("no histogram") };
    assert_eq!((parser.kind(), value.reset_hint), (MetricType::GaugeHistogram, ResetHint::Gauge));
    // A finer resolution than is stored becomes the finest that is: the buckets 0 and 1 are 0 and 1 then, too.
    assert_eq!((value.schema, value.count, value.positive_buckets), (8, 2.5, vec![1.5, 1.0]));
}

#[test]
fn a_page_that_breaks_off_or_is_damaged_says_where() {
    let first = family("a", 1, 2, &[(&[], Message::default().double(1, 1.0))]);
    let check = |second: &[u8], expected: &str| {
        let lines = shown(Format::Protobuf, &[&first[..], second].concat(), Options::default());
        assert_eq!(lines.last().unwrap(), expected);
        assert_eq!(lines[2], "a 1");
    };
    let at = first.len();
    check(
        &first[..3],
        &format!("! metric family 2 (from byte {at}): the page breaks off: {} bytes expected, 2 there", at - 1),
    );
    check(&[0xff; 11], &format!("! metric family 2 (from byte {at}): the length of a message: a number does not end"));
    check(&family("b", 9, 2, &[]), &format!("! metric family 2 (from byte {at}): unknown metric type 9"));
    check(
        &family("", 1, 2, &[(&[], Message::default())]),
        &format!("! metric family 2 (from byte {at}): a metric family needs a name"),
    );
    let unit = framed(&Message::default().bytes(1, b"a_m").bytes(5, b"s").message(4, &Message::default()).0);
    check(&unit, &format!("! metric family 2 (from byte {at}): unit \"s\" not a suffix of metric \"a_m\""));
    let span = Message::default().zigzag(1, 0).varint(2, 1_000_000_000);
    let body = Message::default().message(12, &span);
    let page = family("h", 4, 7, &[(&[], body)]);
    let lines = shown(Format::Protobuf, &page, Options { native_histograms: true, ..Options::default() });
    assert!(lines[2].contains("spans need 1000000000 buckets, have 0 buckets"), "{lines:?}");
}

proptest! {
    #[test]
    fn gauges_of_any_name_and_label_are_the_same_in_both_forms(
        name in "[a-z.é]{1,5}", label_name in "[a-z.é]{1,5}", value in "\\PC{0,5}", number: f64
    ) {
        let body = Message::default().double(1, number);
        let page = family(&name, 1, 2, &[(&[(&label_name, &value)], body)]);
        let mut written = Family::new(&name, "", MetricType::Gauge);
        let pairs = [("__name__", name.as_str()), (label_name.as_str(), value.as_str())];
        written.samples.push((Labels::from_pairs(pairs), number));
        let text = write_text(&[written]);
        let series = |lines: Vec<String>| -> Vec<String> { lines.into_iter().filter(|line| !line.starts_with('#')).collect() };
        prop_assert_eq!(
            series(shown(Format::Protobuf, &page, Options::default())),
            series(shown(Format::Text, text.as_bytes(), Options::default()))
        );
    }

    #[test]
    fn damage_never_makes_it_panic(at in 0usize..400, byte: u8) {
        let mut page = family("h", 4, 7, &[(&[("z", "1")], native_histogram())]);
        let at = at % page.len();
        page[at] = byte;
        let options = Options { native_histograms: true, classic_histograms: true };
        let mut parser = Parser::with_options(Format::Protobuf, &page, options);
        while parser.next().is_some() {
            while parser.take_exemplar().is_some() {}
        }
    }

    #[test]
    fn the_fast_way_reads_what_the_slow_way_reads(number: f64) {
        let page = [
            family("h", 4, 7, &[(&[("z", "1")], classic_histogram())]),
            family("a", 1, 2, &[(&[], Message::default().double(1, number))]),
        ].concat();
        let slow: Vec<_> = Parser::with_options(Format::Protobuf, &page, Options::default()).map(Result::unwrap).collect();
        let mut fast = Parser::with_options(Format::Protobuf, &page, Options::default());
        for entry in slow {
            if let Entry::Series { raw, value, timestamp_ms } = entry {
                prop_assert_eq!(fast.next_known(b"other"), None);
                let known = fast.next_known(&raw).map(|(value, at)| (value.to_bits(), at));
                prop_assert_eq!(known, Some((value.to_bits(), timestamp_ms)));
            } else {
                let known = fast.next_known(b"h_count{z=\"1\"}");
                prop_assert!(known.is_none());
                fast.next();
            }
        }
        prop_assert!(fast.next().is_none());
    }
}
