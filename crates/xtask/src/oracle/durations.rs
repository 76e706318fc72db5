//! Prometheus' durations: `text`, `ms` and `string`, or `error`.

use serde_json::Value;
use units::duration::{format_ms, parse_ms};

use super::{Kind, Verdict, text};

pub(super) const KIND: Kind = Kind { name: "durations", checker: || Box::new(check) };

fn check(line: &Value) -> anyhow::Result<Verdict> {
    let input = text(line, "text")?;
    let expected = match line.get("error") {
        Some(error) => Err(error.as_str().unwrap_or_default().to_owned()),
        None => Ok((line["ms"].to_string(), text(line, "string")?.to_owned())),
    };
    let got = parse_ms(input).map(|ms| (ms.to_string(), format_ms(ms))).map_err(|error| error.to_string());
    Ok(Verdict::of([("milliseconds and printed form", format!("{expected:?}"), format!("{got:?}"))]))
}
