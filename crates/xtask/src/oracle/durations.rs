//! Prometheus' durations: `text`, `ms` and `string`, or `error`.

use serde_json::Value;
use units::duration::{format_ms, parse_ms};

use super::{Kind, Verdict, text};

pub(super) const KIND: Kind = Kind { name: "durations", checker: || Box::new(check) };

fn check(line: &Value) -> anyhow::Result<Verdict> {
    let parsed = parse_ms(text(line, "text")?);
    if line.get("error").is_some() {
        let got = parsed.map_or_else(|error| error.to_string(), |ms| format!("no error, but {ms} ms"));
        return Ok(Verdict::of([("error", text(line, "error")?.to_owned(), got)]));
    }
    let (ms, printed) = match parsed {
        Ok(ms) => (ms.to_string(), format_ms(ms)),
        Err(error) => (error.to_string(), String::new()),
    };
    Ok(Verdict::of([("ms", line["ms"].to_string(), ms), ("string", text(line, "string")?.to_owned(), printed)]))
}
