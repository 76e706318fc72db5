//! Anchored regular expressions: the first line holds `strings`; then `pattern`, and `error`, or `matches`: which of
//! the strings match.

use regexp::Regexp;
use serde_json::Value;

use super::{Checker, Kind, Verdict, text};

pub(super) const KIND: Kind = Kind { name: "regexp", checker: || Box::new(Patterns::default()) };

#[derive(Default)]
struct Patterns {
    strings: Vec<String>,
}

impl Checker for Patterns {
    fn check(&mut self, line: &Value) -> anyhow::Result<Verdict> {
        if let Some(strings) = line.get("strings") {
            self.strings = texts(strings);
            return Ok(Verdict::Preamble);
        }
        let compiled = Regexp::new(text(line, "pattern")?);
        if line.get("error").is_some() {
            let got = compiled.map_or_else(|error| error.to_string(), |_| "no error".to_owned());
            return Ok(Verdict::of([("error", text(line, "error")?.to_owned(), got)]));
        }
        let expected = texts(&line["matches"]);
        let got = match compiled {
            Ok(regexp) => {
                let matching: Vec<_> = self.strings.iter().filter(|string| regexp.is_match(string)).collect();
                format!("{matching:?}")
            }
            Err(error) => error.to_string(),
        };
        Ok(Verdict::of([("matches", format!("{expected:?}"), got)]))
    }
}

fn texts(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}
