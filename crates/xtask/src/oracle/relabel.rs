//! Prometheus' relabelling: `config` (a YAML list of rules), and its `error` or what it makes of label sets: `results` with
//! `in`, `keep` and `out`.

use std::path::Path;

use anyhow::Context as _;
use config::{Severity, parse_relabel};
use model::Labels;
use serde_json::{Map, Value, json};

use super::{Kind, Verdict, text};

pub(super) const KIND: Kind = Kind { name: "relabel", checker: || Box::new(check) };

fn check(line: &Value) -> anyhow::Result<Verdict> {
    let loaded = parse_relabel(text(line, "config")?, Path::new(""));
    let error = loaded.problems.iter().find(|problem| problem.severity == Severity::Error);
    let expected = line["error"].as_str().unwrap_or_default();
    if let Some(key) = unknown_key(expected) {
        // Prometheus stops there; ours also says what is missing without the key.
        let unknown = loaded.problems.iter().find(|problem| problem.message.starts_with("unknown key"));
        let ours = unknown.and_then(|problem| problem.path.rsplit('.').next()).unwrap_or_default();
        return Ok(Verdict::of([("unknown key", key.to_owned(), ours.to_owned())]));
    }
    let refused = error.map(|problem| problem.message.as_str()).unwrap_or_default();
    if !refused.is_empty() || !expected.is_empty() {
        return Ok(Verdict::of([("error", expected.to_owned(), refused.to_owned())]));
    }
    let results = line["results"].as_array().context("no results")?;
    let answers = results.iter().map(|result| {
        let mut builder = labels(&result["in"]).to_builder();
        let keep = relabel::process(&mut builder, &loaded.value);
        let out = if keep { builder.build() } else { Labels::empty() };
        let expected = json!({"keep": result["keep"], "out": object(&labels(&result["out"]))});
        let got = json!({"keep": keep, "out": object(&out)});
        ("result", expected.to_string(), got.to_string())
    });
    Ok(Verdict::of(answers.collect::<Vec<_>>()))
}

/// The key that Go's YAML library does not know. Its message names a Go type and is not worth imitating; ours has to be
/// about the same key.
fn unknown_key(error: &str) -> Option<&str> {
    let (_, rest) = error.split_once(": field ")?;
    Some(rest.split_once(" not found in type ")?.0)
}

fn labels(object: &Value) -> Labels {
    let pairs = object.as_object().into_iter().flatten();
    Labels::from_pairs(pairs.map(|(name, value)| (name.as_str(), value.as_str().unwrap_or_default())))
}

fn object(labels: &Labels) -> Value {
    Value::Object(labels.iter().map(|(name, value)| (name.to_owned(), json!(value))).collect::<Map<_, _>>())
}
