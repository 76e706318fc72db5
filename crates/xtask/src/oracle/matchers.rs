//! Alertmanager's matcher lists: `input`, and what the `classic` and the `utf8` grammar and both together (`fallback`)
//! make of it: `matchers` or `error`.

use alerting::matchers::{MatcherError, format, parse, parse_classic, parse_utf8};
use model::Matcher;
use serde_json::{Value, json};

use super::{Kind, Verdict, text};

pub(super) const KIND: Kind = Kind { name: "matchers", checker: || Box::new(check) };

fn check(line: &Value) -> anyhow::Result<Verdict> {
    let input = text(line, "input")?;
    let answers = [
        ("classic", shown(parse_classic(input))),
        ("utf8", shown(parse_utf8(input))),
        ("fallback", shown(parse(input).map(|parsed| parsed.matchers))),
    ];
    Ok(Verdict::of(answers.map(|(grammar, got)| (grammar, line[grammar].to_string(), got.to_string()))))
}

fn shown(parsed: Result<Vec<Matcher>, MatcherError>) -> Value {
    match parsed {
        Ok(matchers) => json!({"matchers": matchers.iter().map(format).collect::<Vec<_>>()}),
        Err(error) => json!({"error": error.to_string()}),
    }
}
