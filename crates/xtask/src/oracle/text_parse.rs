//! Pages as text: `file`, `content_type`; `entries` (series as sorted `name="value"` pairs, the value's bits, `ts` in
//! milliseconds; type, help, unit) and the `error` at which Prometheus' parser stopped, whose text is its own.

use anyhow::Context as _;
use exposition::{Entry, Format, Parser, labels_of};
use model::MetricType;
use serde_json::{Value, json};

use super::{Kind, Verdict, text};
use crate::shell::root;

pub(super) const KIND: Kind = Kind { name: "text_parse", checker: || Box::new(check) };

fn check(line: &Value) -> anyhow::Result<Verdict> {
    let file = text(line, "file")?;
    let folder = root().join("../shared/data");
    let path = [folder.join(file), folder.join("openmetrics").join(file)].into_iter().find(|path| path.exists());
    let path = path.with_context(|| format!("no file {file}"))?;
    let body = std::fs::read(&path).with_context(|| path.display().to_string())?;
    let format = Format::of(line["content_type"].as_str(), None, &body)?;
    let (entries, error) = read(format, &body);
    let mut expected = line["entries"].as_array().map_or(&[][..], Vec::as_slice);
    let mut expected_error = line["error"].as_str();
    // Prometheus' parser hands out a series that says a label twice, and its store refuses the page for it; ours is
    // refused when the labels are read.
    if let Some(double) = expected.iter().position(says_a_label_twice) {
        expected = &expected[..double];
        expected_error = Some("label name is not unique");
    }
    let differs = entries.iter().zip(expected).find(|(ours, theirs)| **ours != without_empty(theirs));
    let (ours, theirs) = differs.map_or((String::new(), String::new()), |(a, b)| (a.to_string(), b.to_string()));
    let counts = (expected.len().to_string(), entries.len().to_string());
    let failed = |error: Option<&str>| error.map_or("read to the end", |_| "failed").to_owned();
    Ok(Verdict::of([
        ("entry", theirs, ours),
        ("entries", counts.0, counts.1),
        ("error", failed(expected_error), failed(error.as_deref())),
    ]))
}

/// Labels with empty values are not labels: Prometheus drops them behind its parser, ours never has them.
fn without_empty(entry: &Value) -> Value {
    let mut entry = entry.clone();
    if let Some(series) = entry.get_mut("series")
        && let Some(pairs) = series.as_str()
    {
        let kept: Vec<&str> = pairs.split(',').filter(|pair| !pair.ends_with("=\"\"")).collect();
        *series = json!(kept.join(","));
    }
    entry
}

fn says_a_label_twice(entry: &Value) -> bool {
    let pairs = entry["series"].as_str().unwrap_or_default().split(',');
    let names: Vec<&str> = pairs.filter_map(|pair| Some(pair.split_once("=\"")?.0)).collect();
    names.windows(2).any(|pair| pair[0] == pair[1])
}

/// What our parser reads, in the oracle's form, and the error at which it stopped.
fn read(format: Format, body: &[u8]) -> (Vec<Value>, Option<String>) {
    let mut entries = Vec::new();
    let mut parser = Parser::of(format, body);
    while let Some(entry) = parser.next() {
        match entry {
            Ok(Entry::Series { raw, value, timestamp_ms }) => match labels_of(&raw, parser.kind()) {
                Ok(labels) => {
                    let pairs: Vec<String> =
                        labels.iter().map(|(n, v)| format!("{n}={}", units::quote::quote(v))).collect();
                    let mut entry = json!({"series": pairs.join(","), "bits": format!("{:016x}", value.to_bits())});
                    if let Some(at) = timestamp_ms {
                        entry["ts"] = json!(at);
                    }
                    entries.push(entry);
                }
                Err(error) => return (entries, Some(error)),
            },
            Ok(Entry::Type { name, kind }) => {
                let kind = if kind == MetricType::Unknown { "unknown" } else { kind.as_str() };
                entries.push(json!({"name": name, "type": kind}));
            }
            Ok(Entry::Help { name, text }) => entries.push(json!({"name": name, "help": text})),
            Ok(Entry::Unit { name, unit }) => entries.push(json!({"name": name, "unit": unit})),
            Ok(Entry::Histogram { .. } | Entry::Comment(_)) => {}
            Err(error) => return (entries, Some(error.to_string())),
        }
    }
    (entries, None)
}
