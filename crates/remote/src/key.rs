//! The bytes that series are known by: their labels as remote write 1.0 has them.
//!
//! A key is a row of `Label` messages (prometheus/prompb/types.proto), each behind its tag and length. Version 1.0 sends
//! just that; the others are brought into the same form, so that all share what is known.

use std::borrow::Cow;

use model::Labels;

use protobuf::{Damaged, Fields, Value, put_bytes, put_varint, varint_len};

/// The tag of a `Label` in a `TimeSeries`.
const LABEL: u64 = 1;

/// Characters that the labels of an exemplar may have (Prometheus' `ExemplarMaxLabelSetLength`).
const EXEMPLAR_CHARACTERS_MAX: usize = 128;

/// Appends a label to a key.
#[inline]
pub(crate) fn push(key: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    let part = |text: &[u8]| 1 + varint_len(text.len() as u64) + text.len();
    key.push(0x0a);
    put_varint(key, (part(name) + part(value)) as u64);
    put_bytes(key, 1, name);
    put_bytes(key, 2, value);
}

/// Name and value of a label.
type Pair<'a> = (&'a [u8], &'a [u8]);

/// Name and value of each label of a key, sorted.
pub(crate) fn pairs(key: &[u8]) -> Result<Vec<Pair<'_>>, Damaged> {
    let mut pairs = Vec::new();
    let mut fields = Fields::new(key);
    while let Some(field) = fields.next()? {
        let (LABEL, Value::Bytes(message)) = (field.number, field.value) else { continue };
        let (mut name, mut value) = (&b""[..], &b""[..]);
        let mut parts = Fields::new(message);
        while let Some(part) = parts.next()? {
            match (part.number, part.value) {
                (1, Value::Bytes(bytes)) => name = bytes,
                (2, Value::Bytes(bytes)) => value = bytes,
                _ => {}
            }
        }
        pairs.push((name, value));
    }
    pairs.sort_unstable();
    Ok(pairs)
}

/// The labels of a series, or why they cannot be, in the words of Prometheus' receiver.
pub(crate) fn series_labels(key: &[u8]) -> Result<Labels, String> {
    let pairs = pairs(key).map_err(|damaged| format!("parsing labels: {damaged}"))?;
    let mut texts = Vec::with_capacity(pairs.len());
    for (name, value) in &pairs {
        match (str::from_utf8(name), str::from_utf8(value)) {
            (Ok(name), Ok(value)) if !name.is_empty() => texts.push((name, value)),
            _ => return Err(format!("invalid metric name or labels, got {}", shown(&pairs))),
        }
    }
    if let Some(twice) = texts.windows(2).find(|two| two[0].0 == two[1].0) {
        let shown = shown(&pairs);
        return Err(format!("invalid labels for series, labels {shown}, duplicated label {}", twice[0].0));
    }
    if !texts.iter().any(|(name, value)| *name == model::METRIC_NAME && !value.is_empty()) {
        return Err(format!("invalid metric name or labels, got {}", shown(&pairs)));
    }
    Ok(Labels::from_sorted(texts.into_iter().filter(|(_, value)| !value.is_empty())))
}

/// The labels of an exemplar, which may be none; `None` if they cannot be.
pub(crate) fn exemplar_labels(key: &[u8]) -> Option<Labels> {
    let pairs = pairs(key).ok()?;
    if pairs.windows(2).any(|two| two[0].0 == two[1].0) {
        return None;
    }
    let texts: Option<Vec<(&str, &str)>> =
        pairs.iter().map(|(name, value)| Some((str::from_utf8(name).ok()?, str::from_utf8(value).ok()?))).collect();
    let texts = texts?;
    let characters: usize = texts.iter().map(|(name, value)| name.chars().count() + value.chars().count()).sum();
    if texts.iter().any(|(name, _)| name.is_empty()) || EXEMPLAR_CHARACTERS_MAX < characters {
        return None;
    }
    Some(Labels::from_sorted(texts.into_iter().filter(|(_, value)| !value.is_empty())))
}

/// A key's labels for people, whatever they are.
pub(crate) fn shown_key(key: &[u8]) -> String {
    shown(&pairs(key).unwrap_or_default())
}

fn shown(pairs: &[Pair<'_>]) -> String {
    let mut out = String::from("{");
    for (i, (name, value)) in pairs.iter().enumerate() {
        if 0 < i {
            out.push_str(", ");
        }
        let name: Cow<'_, str> = String::from_utf8_lossy(name);
        if model::is_legacy_label_name(&name) {
            out.push_str(&name);
        } else {
            units::quote::write_quoted(&mut out, &name);
        }
        out.push('=');
        units::quote::write_quoted(&mut out, &String::from_utf8_lossy(value));
    }
    out.push('}');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(labels: &[(&[u8], &[u8])]) -> Vec<u8> {
        let mut key = Vec::new();
        for (name, value) in labels {
            push(&mut key, name, value);
        }
        key
    }

    #[test]
    fn labels_are_held_against_prometheus_rules() {
        let check = |labels: &[(&[u8], &[u8])], expected: Result<&str, &str>| {
            let found = series_labels(&key(labels)).map(|labels| labels.to_string());
            assert_eq!(found.as_deref().map_err(String::as_str), expected);
        };
        check(&[(b"__name__", b"m"), (b"b", b"2"), (b"a", b"1"), (b"c", b"")], Ok(r#"m{a="1", b="2"}"#));
        check(&[("__name__".as_bytes(), "温.x".as_bytes())], Ok(r#"{"温.x"}"#));
        check(&[(b"a", b"1")], Err(r#"invalid metric name or labels, got {a="1"}"#));
        check(&[(b"__name__", b"")], Err(r#"invalid metric name or labels, got {__name__=""}"#));
        check(&[(b"__name__", b"m"), (b"", b"1")], Err(r#"invalid metric name or labels, got {""="1", __name__="m"}"#));
        check(
            &[(b"__name__", b"m"), (b"a", b"\xff")],
            Err("invalid metric name or labels, got {__name__=\"m\", a=\"\u{fffd}\"}"),
        );
        check(
            &[(b"__name__", b"m"), (b"a", b"1"), (b"a", b"1")],
            Err(r#"invalid labels for series, labels {__name__="m", a="1", a="1"}, duplicated label a"#),
        );
        check(&[], Err("invalid metric name or labels, got {}"));
    }
}
