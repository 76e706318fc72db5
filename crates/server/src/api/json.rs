//! Query results as JSON text, written straight from the columns: a range answer is megabytes of numbers.

use std::fmt::Write as _;

use model::Labels;

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
    fn strings_are_what_a_json_library_reads_back() {
        for text in ["", "a\"b\\c", "tab\tnl\ncr\r\u{1}\u{1f}", "温度 °C", "\u{7f}\u{2028}"] {
            let mut out = String::new();
            write_string(&mut out, text);
            assert_eq!(serde_json::from_str::<String>(&out).unwrap(), text);
        }
    }
}
