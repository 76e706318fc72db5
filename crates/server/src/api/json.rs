//! Query results as JSON text, written straight from the columns: a range answer is megabytes of numbers.

use std::fmt::Write as _;

use model::{Histogram, Labels};
use promql::histogram::buckets;

/// `{"name":"value",…}`
pub(crate) fn write_labels(out: &mut String, labels: &Labels) {
    out.push('{');
    for (position, (name, value)) in labels.iter().enumerate() {
        if position != 0 {
            out.push(',');
        }
        write_string(out, name);
        out.push(':');
        write_string(out, value);
    }
    out.push('}');
}

/// A JSON string.
pub(crate) fn write_string(out: &mut String, text: &str) {
    out.push('"');
    let mut plain_from = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte != b'"' && byte != b'\\' && 0x20 <= byte {
            continue;
        }
        out.push_str(&text[plain_from..at]);
        plain_from = at + 1;
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            other => push(out, format_args!("\\u{other:04x}")),
        }
    }
    out.push_str(&text[plain_from..]);
    out.push('"');
}

/// `[1435781430.781,"1"]`
pub(crate) fn write_point(out: &mut String, at_ms: i64, value: f64) {
    out.push('[');
    write_seconds(out, at_ms);
    out.push_str(",\"");
    units::float::write_api_value(out, value);
    out.push_str("\"]");
}

/// `[1435781430.781,{"count":"3","sum":"2.5","buckets":[[0,"0.5","1","3"]]}]`, empty buckets left out; a bucket's first
/// number says which of its bounds belong to it.
pub(crate) fn write_histogram_point(out: &mut String, at_ms: i64, histogram: &Histogram) {
    let float = |out: &mut String, value| {
        out.push('"');
        units::float::write_api_value(out, value);
        out.push('"');
    };
    out.push('[');
    write_seconds(out, at_ms);
    out.push_str(",{\"count\":");
    float(out, histogram.count);
    out.push_str(",\"sum\":");
    float(out, histogram.sum);
    let mut opening = ",\"buckets\":[";
    for bucket in buckets(histogram).iter().filter(|bucket| bucket.count != 0.0) {
        out.push_str(opening);
        opening = ",";
        push(out, format_args!("[{}", bucket.boundary_rule()));
        for value in [bucket.lower, bucket.upper, bucket.count] {
            out.push(',');
            float(out, value);
        }
        out.push(']');
    }
    if opening == "," {
        out.push(']');
    }
    out.push_str("}]");
}

/// Seconds with three decimals where they are not a whole number, as `jsonutil.MarshalTimestamp` writes.
pub(crate) fn write_seconds(out: &mut String, at_ms: i64) {
    if at_ms < 0 {
        out.push('-');
    }
    let magnitude = at_ms.unsigned_abs();
    push(out, format_args!("{}", magnitude / 1000));
    if !magnitude.is_multiple_of(1000) {
        push(out, format_args!(".{:03}", magnitude % 1000));
    }
}

fn push(out: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _infallible = out.write_fmt(arguments);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_written_as_prometheus_writes_them() {
        for (at_ms, value, expected) in [
            (1_435_781_430_781, 1.0, r#"[1435781430.781,"1"]"#),
            (1_435_781_430_050, -0.0, r#"[1435781430.050,"-0"]"#),
            (0, f64::NAN, r#"[0,"NaN"]"#),
            (-1_500, 1e-7, r#"[-1.500,"1e-07"]"#),
        ] {
            let mut out = String::new();
            write_point(&mut out, at_ms, value);
            assert_eq!(out, expected);
        }
    }

    #[test]
    fn histograms_are_written_as_prometheus_writes_them() {
        let check = |histogram: &Histogram, expected: &str| {
            let mut out = String::new();
            write_histogram_point(&mut out, 1_500, histogram);
            assert_eq!(out, expected);
            serde_json::from_str::<serde_json::Value>(&out).unwrap();
        };
        check(&Histogram::default(), r#"[1.500,{"count":"0","sum":"0"}]"#);
        let histogram = Histogram {
            count: 6.0,
            sum: -0.5,
            zero_threshold: 0.001,
            zero_count: 1.0,
            positive_spans: vec![model::BucketSpan { offset: 0, length: 2 }],
            positive_buckets: vec![2.0, 0.0],
            negative_spans: vec![model::BucketSpan { offset: 0, length: 1 }],
            negative_buckets: vec![3.0],
            ..Histogram::default()
        };
        check(
            &histogram,
            r#"[1.500,{"count":"6","sum":"-0.5","buckets":[[1,"-1","-0.5","3"],[3,"-0.001","0.001","1"],[0,"0.5","1","2"]]}]"#,
        );
    }

    #[test]
    fn strings_are_what_a_json_library_reads_back() {
        for text in ["", "a\"b\\c", "tab\tnl\ncr\r\u{1}\u{1f}", "温度 °C", "\u{7f}\u{2028}"] {
            let mut out = String::new();
            write_string(&mut out, text);
            assert_eq!(serde_json::from_str::<String>(&out).unwrap(), text);
        }
    }
}
