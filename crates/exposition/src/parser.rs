//! One front for all formats.

use model::MetricType;

use crate::delimited::Delimited;
use crate::entry::{Entry, FoundExemplar};
use crate::error::ParseError;
use crate::format::Format;
use crate::series::Dialect;
use crate::text::Text;

/// What is wanted of a page that says a thing in two ways.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Native histograms; without this they are read as classic ones, which may have no other bucket than the last.
    pub native_histograms: bool,
    /// Also the classic buckets of a histogram that has native ones.
    pub classic_histograms: bool,
}

/// Walks a page and hands out one thing after the other; ends with the first error. A series' labels are left unread:
/// whoever reads the same page again and again knows them by their bytes.
#[derive(Clone, Debug)]
pub struct Parser<'a>(Inner<'a>);

#[derive(Clone, Debug)]
enum Inner<'a> {
    Text(Text<'a>),
    Delimited(Box<Delimited<'a>>),
}

impl<'a> Parser<'a> {
    /// A parser at the start of a page of classic text.
    pub fn new(body: &'a [u8]) -> Self {
        Self::of(Format::Text, body)
    }

    /// A parser at the start of a page; histograms are read as classic ones.
    pub fn of(format: Format, body: &'a [u8]) -> Self {
        Self::with_options(format, body, Options::default())
    }

    /// A parser at the start of a page.
    pub fn with_options(format: Format, body: &'a [u8], options: Options) -> Self {
        Self(match format {
            Format::Protobuf => Inner::Delimited(Box::new(Delimited::new(body, options))),
            Format::Text => Inner::Text(Text::new(body, Dialect::Classic)),
            Format::OpenMetrics => Inner::Text(Text::new(body, Dialect::OpenMetrics)),
        })
    }

    /// The line of the last entry, counted from 1; of a protobuf page the metric family.
    pub fn line(&self) -> usize {
        match &self.0 {
            Inner::Text(text) => text.line(),
            Inner::Delimited(delimited) => delimited.family_number(),
        }
    }

    /// The type that the last [`Entry::Type`] gave.
    pub fn kind(&self) -> MetricType {
        match &self.0 {
            Inner::Text(text) => text.kind,
            Inner::Delimited(delimited) => delimited.kind,
        }
    }

    /// The metric family that this type is of; empty before the first.
    pub fn family(&self) -> &'a str {
        match &self.0 {
            Inner::Text(text) => text.family(),
            Inner::Delimited(delimited) => delimited.family(),
        }
    }

    /// If the next sample's series is `raw`, takes the sample without looking at the labels: the fast way for a page that
    /// was read before. Value, and moment in milliseconds if it has one of its own.
    #[inline]
    pub fn next_known(&mut self, raw: &[u8]) -> Option<(f64, Option<i64>)> {
        match &mut self.0 {
            Inner::Text(text) => text.next_known(raw),
            Inner::Delimited(delimited) => delimited.next_known(raw),
        }
    }

    /// The bytes of the last entry's line with its end, for [`Parser::skip_known`]; `None` for formats without lines, and
    /// for a line that the page's end cut off.
    pub fn last_line(&self) -> Option<&'a [u8]> {
        match &self.0 {
            Inner::Text(text) => text.last_line(),
            Inner::Delimited(_) => None,
        }
    }

    /// If the next line is `line`, which [`Parser::last_line`] gave for something other than a sample, reads past it. A
    /// line that gave a type is skipped with this type.
    #[inline]
    pub fn skip_known(&mut self, line: &[u8], kind: Option<MetricType>) -> bool {
        match &mut self.0 {
            Inner::Text(text) => text.skip_known(line, kind),
            Inner::Delimited(_) => false,
        }
    }

    /// Takes the next exemplar of the last sample.
    #[inline]
    pub fn take_exemplar(&mut self) -> Option<FoundExemplar> {
        match &mut self.0 {
            Inner::Text(text) => text.take_exemplar(),
            Inner::Delimited(delimited) => delimited.take_exemplar(),
        }
    }
}

impl<'a> Iterator for Parser<'a> {
    type Item = Result<Entry<'a>, ParseError>;

    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.0 {
            Inner::Text(text) => text.next(),
            Inner::Delimited(delimited) => delimited.next(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{labels_of, write_text};

    fn shown(format: Format, body: &[u8]) -> String {
        let mut parser = Parser::of(format, body);
        let mut lines = Vec::new();
        while let Some(entry) = parser.next() {
            lines.push(match entry {
                Ok(Entry::Series { raw, value, timestamp_ms }) => {
                    let at = timestamp_ms.map(|at| format!("@{at}")).unwrap_or_default();
                    let labels = labels_of(&raw, parser.kind()).map_or_else(|error| error, |labels| labels.to_braces());
                    let exemplar = parser.take_exemplar().map(|exemplar| {
                        let at = exemplar.at_ms.map(|at| format!("@{at}")).unwrap_or_default();
                        format!(" # {} {}{at}", exemplar.labels.to_braces(), exemplar.value)
                    });
                    format!("{labels} {value}{at}{}", exemplar.unwrap_or_default())
                }
                Ok(Entry::Histogram { .. }) => "a histogram".to_owned(),
                Ok(Entry::Type { name, kind }) => format!("{name} is {}", kind.as_str()),
                Ok(Entry::Help { name, text }) => format!("{name}: {text}"),
                Ok(Entry::Unit { name, unit }) => format!("{name} in {unit}"),
                Ok(Entry::Comment(text)) => text.to_owned(),
                Err(error) => format!("! {error}"),
            });
        }
        lines.join("\n")
    }

    #[test]
    fn classic_lines_are_read_as_prometheus_reads_them() {
        for (body, expected) in [
            ("a 1\n", r#"{__name__="a"} 1"#),
            ("a{} 1.5 123\n\n  b\t2", "{__name__=\"a\"} 1.5@123\n{__name__=\"b\"} 2"),
            (r#"vllm:x{a="1,}=",b="q\"\\\n",} 3"#, r#"{__name__="vllm:x", a="1,}=", b="q\"\\\n"} 3"#),
            (r#"{"a.b", c="d"} +Inf"#, r#"{__name__="a.b", c="d"} inf"#),
            (r#"h_bucket{le="1.0"} 3"#, r#"{__name__="h_bucket", le="1.0"} 3"#),
            ("a {x=\"1\" y=\"2\"}3", r#"{__name__="a", x="1", y="2"} 3"#),
            ("a{x=\"1\n2\"} 3\nb", "{__name__=\"a\", x=\"1\\n2\"} 3\n! line 3: expected a value: \"b\""),
            ("# TYPE a counter\n# HELP a b\\\\\\n\\c\n#x\n# EOF", "a is counter\na: b\\\n\\c\n#x\n# EOF"),
            ("# HELP a\n# TYPE\n#TYPE a b", "a: \n# TYPE\n#TYPE a b"),
            ("a 0x1p2", "! line 1: \"0x1p2\" is not a value: \"a 0x1p2\""),
            ("a 1\nb x", "{__name__=\"a\"} 1\n! line 2: \"x\" is not a value: \"b x\""),
            ("a", "! line 1: expected a value: \"a\""),
            ("a 1 2 3", "! line 1: expected the end of the line: \"a 1 2 3\""),
            ("a 1 -2", "! line 1: \"-2\" is not a timestamp in milliseconds: \"a 1 -2\""),
            ("{x=\"1\"} 1", "! line 1: a series needs a name: \"{x=\\\"1\\\"} 1\""),
            ("# TYPE a gauge\r", "! line 1: invalid metric type \"gauge\\r\": \"# TYPE a gauge\\r\""),
            ("# TYPE a  gauge", "! line 1: invalid metric type \" gauge\": \"# TYPE a  gauge\""),
            ("1bad 1", "! line 1: expected a metric name: \"1bad 1\""),
            ("a{b=\"c} 1", "! line 1: a quote is not closed: \"a{b=\\\"c} 1\""),
        ] {
            assert_eq!(shown(Format::Text, body.as_bytes()), expected, "{body}");
        }
    }

    #[test]
    fn open_metrics_is_read_as_prometheus_reads_it() {
        for (body, expected) in [
            ("a 1\n# EOF\n", r#"{__name__="a"} 1"#),
            ("a{x=\"1\",} 1.5 1.5\n# EOF", r#"{__name__="a", x="1"} 1.5@1500"#),
            (
                "# TYPE a_s histogram\n# UNIT a_s s\na_s_bucket{le=\"1\"} 2 # {id=\"x\"} 0.5 1.25\n# EOF",
                "a_s is histogram\na_s in s\n{__name__=\"a_s_bucket\", le=\"1.0\"} 2 # {id=\"x\"} 0.5@1250",
            ),
            ("a 1 2 # {} 3\n# EOF", r#"{__name__="a"} 1@2000 # {} 3"#),
            ("# HELP a b \\\"c\\\"\n# EOF", "a: b \"c\""),
            ("{\"a.b\"} 1\n# EOF", r#"{__name__="a.b"} 1"#),
            ("a 1", "! line 1: data does not end with # EOF: \"a 1\""),
            ("a 1\n", "{__name__=\"a\"} 1\n! line 2: data does not end with # EOF: \"\""),
            ("a 1\n# EOF\nb 1\n", "{__name__=\"a\"} 1\n! line 2: unexpected data after # EOF: \"# EOF\""),
            (
                "a 1 \n# EOF",
                "{__name__=\"a\"} 1\n! line 1: expected a timestamp, an exemplar or the end of the line: \"a 1 \"",
            ),
            (
                "a{x=\"1\" y=\"2\"} 1\n# EOF",
                "! line 1: expected , or } after a label: \"a{x=\\\"1\\\" y=\\\"2\\\"} 1\"",
            ),
            ("# UNIT a_s m\n# EOF", "! line 1: unit \"m\" not a suffix of metric \"a_s\": \"# UNIT a_s m\""),
        ] {
            assert_eq!(shown(Format::OpenMetrics, body.as_bytes()), expected, "{body}");
        }
    }

    #[test]
    fn a_known_series_is_taken_without_its_labels() {
        let mut parser = Parser::new(b"a{b=\"c\"} 1\na{b=\"c\"}d 2\n");
        assert_eq!(parser.next_known(b"a{b=\"c\"}"), Some((1.0, None)));
        assert_eq!(parser.next_known(b"a{b=\"c\"}"), None);
        assert_eq!(parser.line(), 1);
        let mut parser = Parser::new(b"a {b=\"c\"} 1\n");
        assert_eq!(parser.next_known(b"a"), None);
    }

    #[test]
    fn a_known_line_is_skipped_with_its_type() {
        let body = b"# TYPE h histogram\nh_bucket{le=\"1\"} 2\n# TYPE h";
        let mut parser = Parser::new(body);
        let entry = parser.next().unwrap().unwrap();
        let (line, kind) = (parser.last_line().unwrap(), parser.kind());
        assert!(matches!(entry, Entry::Type { name: "h", kind: MetricType::Histogram }) && line == &body[..19]);
        let mut parser = Parser::new(body);
        assert!(parser.skip_known(line, Some(kind)) && !parser.skip_known(line, Some(kind)));
        assert_eq!((parser.kind(), parser.family(), parser.line()), (MetricType::Histogram, "h", 1));
        assert_eq!(parser.next_known(b"h_bucket{le=\"1\"}"), Some((2.0, None)));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
            for format in [Format::Text, Format::OpenMetrics, Format::Protobuf] {
                let _lines = shown(format, &body);
            }
        }

        #[test]
        fn what_is_written_is_read_back(value in any::<f64>(), label in "\\PC*") {
            let mut family = model::Family::new("m", "help \\ \n", MetricType::Gauge);
            family.push([("l", label.as_str())], value);
            let text = write_text(&[family.clone()]);
            let found: Vec<_> = Parser::new(text.as_bytes()).filter_map(|entry| match entry.unwrap() {
                Entry::Series { raw, value, .. } => Some((labels_of(&raw, MetricType::Gauge).unwrap(), value)),
                _ => None,
            }).collect();
            prop_assert_eq!(found.len(), 1);
            prop_assert_eq!(&found[0].0, &family.samples[0].0);
            prop_assert!(found[0].1 == value || (found[0].1.is_nan() && value.is_nan()));
        }
    }
}
