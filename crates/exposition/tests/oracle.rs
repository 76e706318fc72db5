//! What Prometheus' own parser reads from real and broken pages, for those in the classic format.

use exposition::{Entry, Parser, labels_of};
use serde_json::{Value, json};

/// What our parser reads, in the oracle's form, and whether it stopped at an error.
fn read(body: &[u8]) -> (Vec<Value>, Option<String>) {
    let mut entries = Vec::new();
    let mut parser = Parser::new(body);
    while let Some(entry) = parser.next() {
        match entry {
            Ok(Entry::Series { raw, value, timestamp_ms }) => match labels_of(raw, parser.kind()) {
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
                let kind = if kind == model::MetricType::Unknown { "unknown" } else { kind.as_str() };
                entries.push(json!({"name": name, "type": kind}));
            }
            Ok(Entry::Help { name, text }) => {
                entries.push(json!({"name": name, "help": text.replace("\\n", "\n").replace("\\\\", "\\")}));
            }
            Ok(Entry::Comment(_)) => {}
            Err(error) => return (entries, Some(error.to_string())),
        }
    }
    (entries, None)
}

#[test]
fn classic_pages_are_read_as_prometheus_reads_them() {
    let Some(path) = test_support::shared_data("oracle/text_parse.jsonl") else { return };
    let mut read_count = 0;
    let mut wrong = Vec::new();
    for line in std::fs::read_to_string(path).unwrap().lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        if !case["content_type"].as_str().unwrap_or_default().starts_with("text/plain") {
            continue;
        }
        let file = case["file"].as_str().unwrap();
        let body = std::fs::read(test_support::shared_data(file).unwrap()).unwrap();
        let (entries, error) = read(&body);
        let mut expected = case["entries"].as_array().cloned().unwrap_or_default();
        // Labels with empty values are not labels; Prometheus drops them after parsing, ours never has them.
        for series in expected.iter_mut().filter_map(|entry| entry.get_mut("series")) {
            let kept: Vec<&str> = series.as_str().unwrap().split(',').filter(|pair| !pair.ends_with("=\"\"")).collect();
            *series = json!(kept.join(","));
        }
        let differs = entries.iter().zip(&expected).find(|(a, b)| a != b);
        if entries.len() != expected.len() || differs.is_some() || error.is_some() != case["error"].is_string() {
            wrong.push(format!(
                "{file}: {} entries, {} expected; {error:?} {}; {differs:?}",
                entries.len(),
                expected.len(),
                case["error"]
            ));
        }
        read_count += 1;
    }
    assert!(wrong.is_empty(), "{} of {read_count}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(10 < read_count);
}

/// The crate that others use drops names with colons; where there are none, it is a second opinion.
#[test]
fn another_parser_finds_the_same_values() {
    let body = "# TYPE a counter\na{x=\"1\"} 5\na{x=\"2\"} 7.5\n# TYPE b gauge\nb -3\n";
    let theirs = prometheus_parse::Scrape::parse(body.lines().map(|line| Ok(line.to_owned()))).unwrap();
    let ours: Vec<f64> = Parser::new(body.as_bytes())
        .filter_map(|entry| match entry.unwrap() {
            Entry::Series { value, .. } => Some(value),
            _ => None,
        })
        .collect();
    let theirs: Vec<f64> = theirs
        .samples
        .iter()
        .map(|sample| match sample.value {
            prometheus_parse::Value::Counter(value)
            | prometheus_parse::Value::Gauge(value)
            | prometheus_parse::Value::Untyped(value) => value,
            _ => f64::NAN,
        })
        .collect();
    assert_eq!(ours, theirs);
}
