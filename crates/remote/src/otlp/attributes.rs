//! Attributes: names with values of several kinds (opentelemetry/proto/common/v1/common.proto), as text.

use std::fmt::Write as _;

use protobuf::{Damaged, Fields, Value};

/// How deep lists and maps may lie in each other; what is deeper is left out.
const DEPTH_MAX: usize = 16;

/// A name and a value as text.
pub(crate) type Attribute = (String, String);

/// Reads a `KeyValue`; the text of values is what OpenTelemetry's collector makes of them (`pcommon.Value.AsString`).
pub(crate) fn read(message: &[u8]) -> Result<Attribute, Damaged> {
    let (name, value) = split(message)?;
    Ok((text(name)?.to_owned(), as_string(value)?))
}

fn split(message: &[u8]) -> Result<(&[u8], &[u8]), Damaged> {
    let (mut name, mut value) = (&b""[..], &b""[..]);
    let mut fields = Fields::new(message);
    while let Some(field) = fields.next()? {
        match (field.number, field.value) {
            (1, Value::Bytes(bytes)) => name = bytes,
            (2, Value::Bytes(bytes)) => value = bytes,
            _ => {}
        }
    }
    Ok((name, value))
}

/// The text of an `AnyValue`.
fn as_string(message: &[u8]) -> Result<String, Damaged> {
    let mut out = String::new();
    let mut fields = Fields::new(message);
    while let Some(field) = fields.next()? {
        out.clear();
        match (field.number, field.value) {
            (1, Value::Bytes(bytes)) => text(bytes)?.clone_into(&mut out),
            (7, Value::Bytes(bytes)) => base64(&mut out, bytes),
            (5 | 6, _) => push_json(&mut out, message, 0)?,
            _ => push_number(&mut out, field.number, field.value),
        }
    }
    Ok(out)
}

/// Booleans, whole and floating numbers look the same alone and in JSON.
fn push_number(out: &mut String, number: u64, value: Value<'_>) {
    // Writing to a String cannot fail.
    let _infallible = match number {
        2 => write!(out, "{}", value.int() != 0),
        3 => write!(out, "{}", value.int()),
        4 => write!(out, "{}", float(value.double())),
        _ => Ok(()),
    };
}

/// As Go's encoding/json writes floats: with an exponent only where they are very small or very large.
fn float(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-6..1e21).contains(&size) && value.is_finite() {
        let plain = format!("{value:e}");
        let (digits, exponent) = plain.split_once('e').unwrap_or((&plain, "0"));
        return match exponent.strip_prefix('-') {
            Some(exponent) => format!("{digits}e-{exponent}"),
            None => format!("{digits}e+{exponent}"),
        };
    }
    if value.is_finite() { format!("{value}") } else { "json: unsupported value".to_owned() }
}

/// An `AnyValue` inside a list or a map, as Go's encoding/json writes it.
fn push_json(out: &mut String, message: &[u8], depth: usize) -> Result<(), Damaged> {
    let mut fields = Fields::new(message);
    let Some(field) = fields.next()?.filter(|_| depth < DEPTH_MAX) else {
        out.push_str("null");
        return Ok(());
    };
    match (field.number, field.value) {
        (1, Value::Bytes(bytes)) => push_quoted(out, text(bytes)?),
        (5, Value::Bytes(list)) => {
            out.push('[');
            let mut items = Fields::new(list);
            let mut first = true;
            while let Some(item) = items.next()? {
                if let (1, Value::Bytes(item)) = (item.number, item.value) {
                    push_comma(out, &mut first);
                    push_json(out, item, depth + 1)?;
                }
            }
            out.push(']');
        }
        (6, Value::Bytes(map)) => {
            let mut entries = Vec::new();
            let mut items = Fields::new(map);
            while let Some(item) = items.next()? {
                if let (1, Value::Bytes(item)) = (item.number, item.value) {
                    entries.push(split(item)?);
                }
            }
            entries.sort_by_key(|(name, _)| *name);
            out.push('{');
            let mut first = true;
            for (name, value) in entries {
                push_comma(out, &mut first);
                push_quoted(out, text(name)?);
                out.push(':');
                push_json(out, value, depth + 1)?;
            }
            out.push('}');
        }
        (7, Value::Bytes(bytes)) => {
            out.push('"');
            base64(out, bytes);
            out.push('"');
        }
        (number, value) => push_number(out, number, value),
    }
    Ok(())
}

fn push_comma(out: &mut String, first: &mut bool) {
    if !std::mem::take(first) {
        out.push(',');
    }
}

/// Go writes what could be HTML as escapes.
fn push_quoted(out: &mut String, text: &str) {
    let quoted = serde_json::Value::from(text).to_string();
    out.push_str(&quoted.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026"));
}

fn text(bytes: &[u8]) -> Result<&str, Damaged> {
    str::from_utf8(bytes).map_err(|_cause| Damaged("an attribute is not UTF-8"))
}

/// Base 64 with padding (RFC 4648).
fn base64(out: &mut String, bytes: &[u8]) {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * place) & 63) as usize];
            out.push(if chunk.len() < place { '=' } else { char::from(digit) });
        }
    }
}

/// Hexadecimal digits, as trace ids are written.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        // Writing to a String cannot fail.
        let _infallible = write!(out, "{byte:02x}");
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use protobuf::put_bytes;

    fn any(number: u8, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        put_bytes(&mut out, number, bytes);
        out
    }

    fn double(value: f64) -> Vec<u8> {
        [vec![4 << 3 | 1], value.to_le_bytes().to_vec()].concat()
    }

    #[test]
    fn values_become_text() {
        let check = |message: &[u8], expected: &str| assert_eq!(as_string(message).as_deref(), Ok(expected));
        check(&any(1, b"x<y"), "x<y");
        check(&[2 << 3, 1], "true");
        check(&[3 << 3, 42], "42");
        check(&double(1.5), "1.5");
        check(&double(100.0), "100");
        check(&double(1e21), "1e+21");
        check(&double(2.5e-7), "2.5e-7");
        check(&any(7, b"hello"), "aGVsbG8=");
        check(&any(7, b"ab"), "YWI=");
        check(&any(7, b"a"), "YQ==");
        let list = [any(1, &any(1, b"a<")), any(1, &[3 << 3, 1]), any(1, b"")].concat();
        check(&any(5, &list), r#"["a\u003c",1,null]"#);
        let entry = |name: &[u8], value: &[u8]| any(1, &[any(1, name), any(2, value)].concat());
        check(
            &any(6, &[entry(b"b", &any(5, &list)), entry(b"a", &double(0.5))].concat()),
            r#"{"a":0.5,"b":["a\u003c",1,null]}"#,
        );
        check(b"", "");
        assert_eq!(hex(&[0, 0xab]), "00ab");
    }

    #[test]
    fn deep_nesting_ends() {
        let mut value = any(1, b"x");
        for _ in 0..10_000 {
            value = any(5, &any(1, &value));
        }
        assert!(as_string(&value).is_ok_and(|text| text.contains("null")));
    }
}
