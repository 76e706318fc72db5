//! PromQL's parser: `query`, and `error` with its place, or `type`, `string` (printed) and `pretty` (formatted).

use promql_syntax::{parse, pretty};
use serde_json::Value;

use super::{Kind, Verdict, text};

pub(super) const KIND: Kind = Kind { name: "promql_parse", checker: || Box::new(check) };

fn check(line: &Value) -> anyhow::Result<Verdict> {
    let parsed = parse(text(line, "query")?);
    if line.get("error").is_some() {
        let got = parsed.map_or_else(|error| error.to_string(), |expr| format!("no error, but {expr}"));
        return Ok(Verdict::of([("error", text(line, "error")?.to_owned(), got)]));
    }
    let expected = |field| text(line, field).map(str::to_owned);
    let expr = match parsed {
        Ok(expr) => expr,
        Err(error) => return Ok(Verdict::of([("string", expected("string")?, error.to_string())])),
    };
    Ok(Verdict::of([
        ("type", expected("type")?, expr.value_type().as_str().to_owned()),
        ("string", expected("string")?, expr.to_string()),
        ("pretty", expected("pretty")?, pretty(&expr)),
    ]))
}
