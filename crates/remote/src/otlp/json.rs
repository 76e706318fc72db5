//! OTLP's JSON brought into protobuf's wire format (opentelemetry.io/docs/specs/otlp, "JSON Protobuf Encoding"): whole
//! numbers of 64 bits may be text, ids are hexadecimal, enums are numbers.

use serde_json::{Map, Value};

use protobuf::{put_bytes, put_varint};

/// The largest body in bytes: a tree of JSON takes several times as much.
const BODY_BYTES_MAX: usize = 8 << 20;

/// What a field holds.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    Double,
    /// `fixed64` and `sfixed64`
    Fixed,
    /// `int64`, `uint32`, enums
    Int,
    /// `sint32`
    Zigzag,
    Bool,
    /// Bytes as hexadecimal digits.
    Hex,
    /// Bytes in base 64.
    Base64,
    Message(&'static [Field]),
    /// Repeated, one field each.
    Each(&'static Kind),
    /// Repeated numbers, packed into one field.
    Packed(&'static Kind),
}

/// A field's JSON name, its number and what it holds.
type Field = (&'static str, u8, Kind);

const REQUEST: &[Field] = &[("resourceMetrics", 1, Kind::Each(&Kind::Message(RESOURCE_METRICS)))];
const RESOURCE_METRICS: &[Field] = &[
    ("resource", 1, Kind::Message(&[("attributes", 1, ATTRIBUTES)])),
    ("scopeMetrics", 2, Kind::Each(&Kind::Message(SCOPE_METRICS))),
];
const SCOPE_METRICS: &[Field] = &[
    ("scope", 1, Kind::Message(&[("name", 1, Kind::Text), ("version", 2, Kind::Text), ("attributes", 3, ATTRIBUTES)])),
    ("metrics", 2, Kind::Each(&Kind::Message(METRIC))),
    ("schemaUrl", 3, Kind::Text),
];
const METRIC: &[Field] = &[
    ("name", 1, Kind::Text),
    ("description", 2, Kind::Text),
    ("unit", 3, Kind::Text),
    ("gauge", 5, Kind::Message(&[("dataPoints", 1, Kind::Each(&Kind::Message(NUMBER)))])),
    (
        "sum",
        7,
        Kind::Message(&[
            ("dataPoints", 1, Kind::Each(&Kind::Message(NUMBER))),
            ("aggregationTemporality", 2, Kind::Int),
            ("isMonotonic", 3, Kind::Bool),
        ]),
    ),
    (
        "histogram",
        9,
        Kind::Message(&[
            ("dataPoints", 1, Kind::Each(&Kind::Message(HISTOGRAM))),
            ("aggregationTemporality", 2, Kind::Int),
        ]),
    ),
    (
        "exponentialHistogram",
        10,
        Kind::Message(&[
            ("dataPoints", 1, Kind::Each(&Kind::Message(EXPONENTIAL))),
            ("aggregationTemporality", 2, Kind::Int),
        ]),
    ),
    ("summary", 11, Kind::Message(&[("dataPoints", 1, Kind::Each(&Kind::Message(SUMMARY)))])),
];
const NUMBER: &[Field] = &[
    ("timeUnixNano", 3, Kind::Fixed),
    ("asDouble", 4, Kind::Double),
    ("exemplars", 5, Kind::Each(&Kind::Message(EXEMPLAR))),
    ("asInt", 6, Kind::Fixed),
    ("attributes", 7, ATTRIBUTES),
    ("flags", 8, Kind::Int),
];
const HISTOGRAM: &[Field] = &[
    ("timeUnixNano", 3, Kind::Fixed),
    ("count", 4, Kind::Fixed),
    ("sum", 5, Kind::Double),
    ("bucketCounts", 6, Kind::Packed(&Kind::Fixed)),
    ("explicitBounds", 7, Kind::Packed(&Kind::Double)),
    ("exemplars", 8, Kind::Each(&Kind::Message(EXEMPLAR))),
    ("attributes", 9, ATTRIBUTES),
    ("flags", 10, Kind::Int),
];
const EXPONENTIAL: &[Field] = &[
    ("attributes", 1, ATTRIBUTES),
    ("timeUnixNano", 3, Kind::Fixed),
    ("count", 4, Kind::Fixed),
    ("sum", 5, Kind::Double),
    ("scale", 6, Kind::Zigzag),
    ("zeroCount", 7, Kind::Fixed),
    ("positive", 8, Kind::Message(BUCKETS)),
    ("negative", 9, Kind::Message(BUCKETS)),
    ("flags", 10, Kind::Int),
    ("exemplars", 11, Kind::Each(&Kind::Message(EXEMPLAR))),
    ("zeroThreshold", 14, Kind::Double),
];
const BUCKETS: &[Field] = &[("offset", 1, Kind::Zigzag), ("bucketCounts", 2, Kind::Packed(&Kind::Int))];
const SUMMARY: &[Field] = &[
    ("timeUnixNano", 3, Kind::Fixed),
    ("count", 4, Kind::Fixed),
    ("sum", 5, Kind::Double),
    ("quantileValues", 6, Kind::Each(&Kind::Message(&[("quantile", 1, Kind::Double), ("value", 2, Kind::Double)]))),
    ("attributes", 7, ATTRIBUTES),
    ("flags", 8, Kind::Int),
];
const EXEMPLAR: &[Field] = &[
    ("timeUnixNano", 2, Kind::Fixed),
    ("asDouble", 3, Kind::Double),
    ("spanId", 4, Kind::Hex),
    ("traceId", 5, Kind::Hex),
    ("asInt", 6, Kind::Fixed),
    ("filteredAttributes", 7, ATTRIBUTES),
];
const ATTRIBUTES: Kind = Kind::Each(&Kind::Message(&KEY_VALUE));
static KEY_VALUE: [Field; 2] = [("key", 1, Kind::Text), ("value", 2, Kind::Message(&ANY_VALUE))];
static ANY_VALUE: [Field; 7] = [
    ("stringValue", 1, Kind::Text),
    ("boolValue", 2, Kind::Bool),
    ("intValue", 3, Kind::Int),
    ("doubleValue", 4, Kind::Double),
    ("arrayValue", 5, Kind::Message(&[("values", 1, Kind::Each(&Kind::Message(&ANY_VALUE)))])),
    ("kvlistValue", 6, Kind::Message(&[("values", 1, Kind::Each(&Kind::Message(&KEY_VALUE)))])),
    ("bytesValue", 7, Kind::Base64),
];

/// The same request in protobuf.
pub(crate) fn to_protobuf(body: &[u8]) -> Result<Vec<u8>, String> {
    if BODY_BYTES_MAX < body.len() {
        return Err(format!("{} bytes are more than the {BODY_BYTES_MAX} that are taken: send protobuf", body.len()));
    }
    let value: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let Value::Object(request) = value else { return Err("the request is no object".to_owned()) };
    let mut out = Vec::new();
    put_message(&mut out, &request, REQUEST)?;
    Ok(out)
}

fn put_message(out: &mut Vec<u8>, object: &Map<String, Value>, fields: &[Field]) -> Result<(), String> {
    for (name, number, kind) in fields {
        // As in protobuf's own JSON, null is an absent field, and the names of the .proto files are understood too.
        let value = object.get(*name).or_else(|| object.get(&snake_case(name)));
        if let Some(value) = value.filter(|value| !value.is_null()) {
            put(out, *number, *kind, value).ok_or_else(|| format!("{name}: {}", shortened(value)))?;
        }
    }
    Ok(())
}

/// Appends a field; `None` if the value is not of its kind.
fn put(out: &mut Vec<u8>, number: u8, kind: Kind, value: &Value) -> Option<()> {
    let tag = |out: &mut Vec<u8>, wire| put_varint(out, u64::from(number) << 3 | wire);
    match kind {
        Kind::Text => put_bytes(out, number, value.as_str()?.as_bytes()),
        Kind::Hex => put_bytes(out, number, &hex(value.as_str()?)?),
        Kind::Base64 => put_bytes(out, number, &base64(value.as_str()?)?),
        Kind::Double | Kind::Fixed => {
            tag(out, 1);
            out.extend_from_slice(&number_bits(kind, value)?.to_le_bytes());
        }
        Kind::Int | Kind::Zigzag | Kind::Bool => {
            tag(out, 0);
            put_varint(out, number_bits(kind, value)?);
        }
        Kind::Message(fields) => {
            let mut message = Vec::new();
            put_message(&mut message, value.as_object()?, fields).ok()?;
            put_bytes(out, number, &message);
        }
        Kind::Each(kind) => {
            for item in value.as_array()? {
                put(out, number, *kind, item)?;
            }
        }
        Kind::Packed(kind) => {
            let mut packed = Vec::new();
            for item in value.as_array()? {
                let bits = number_bits(*kind, item)?;
                match kind {
                    Kind::Double | Kind::Fixed => packed.extend_from_slice(&bits.to_le_bytes()),
                    _ => put_varint(&mut packed, bits),
                }
            }
            put_bytes(out, number, &packed);
        }
    }
    Some(())
}

fn number_bits(kind: Kind, value: &Value) -> Option<u64> {
    let whole = || match value {
        Value::String(text) => text.parse().ok().or_else(|| text.parse().ok().map(i64::cast_unsigned)),
        value => value.as_u64().or_else(|| value.as_i64().map(i64::cast_unsigned)),
    };
    match kind {
        Kind::Double => match value {
            Value::String(text) => match text.as_str() {
                "NaN" => Some(f64::NAN),
                "Infinity" => Some(f64::INFINITY),
                "-Infinity" => Some(f64::NEG_INFINITY),
                text => text.parse().ok(),
            },
            value => value.as_f64(),
        }
        .map(f64::to_bits),
        Kind::Zigzag => whole().map(|bits| (bits << 1) ^ (bits.cast_signed() >> 63).cast_unsigned()),
        Kind::Bool => value.as_bool().map(u64::from),
        _ => whole(),
    }
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text.chars().map(|c| Some(c.to_digit(16)? as u8)).collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    Some(digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

fn base64(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let (mut bits, mut have) = (0u32, 0);
    for byte in text.trim_end_matches('=').bytes() {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        bits = (bits << 6 | u32::from(digit)) & 0xffff;
        have += 6;
        if 8 <= have {
            have -= 8;
            out.push((bits >> have) as u8);
        }
    }
    Some(out)
}

fn snake_case(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 2);
    for c in name.chars() {
        if c.is_ascii_uppercase() {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

fn shortened(value: &Value) -> String {
    let mut text = value.to_string();
    text.truncate(text.floor_char_boundary(100));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_is_named() {
        let check = |body: &str, expected: &str| {
            let error = to_protobuf(body.as_bytes()).unwrap_err();
            assert!(error.contains(expected), "{error}");
        };
        check("{", "EOF");
        check("[]", "no object");
        check(r#"{"resourceMetrics": 7}"#, "resourceMetrics: 7");
        check(&format!("{{\"a\": \"{}\"}}", "x".repeat(BODY_BYTES_MAX)), "send protobuf");
        check(&format!("{{\"resourceMetrics\": {}", "[".repeat(100_000)), "recursion limit");
    }

    #[test]
    fn bytes_are_read() {
        assert_eq!(hex("00aB"), Some(vec![0, 0xab]));
        assert_eq!(hex("0"), None);
        for text in ["aGVsbG8=", "aGVsbG8"] {
            assert_eq!(base64(text).as_deref(), Some(&b"hello"[..]));
        }
        assert_eq!(base64("?"), None);
    }
}
