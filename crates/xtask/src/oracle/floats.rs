//! Go's floats: `text` read into `bits`, or `error`; and printed as `sample_value` (`model.SampleValue`), `f` (shortest without
//! exponent), `v` (`%v`) and `g4` (`%.4g`).

use serde_json::Value;
use units::float::{FloatError, general, parse, shortest_f, shortest_g};

use super::{Kind, Verdict, text};

pub(super) const KIND: Kind = Kind { name: "floats", checker: || Box::new(check) };

fn check(line: &Value) -> anyhow::Result<Verdict> {
    let value = match parse(text(line, "text")?) {
        // Go returns the infinity together with the error, and the oracle took it.
        Ok(value) | Err(FloatError::Range(value)) => Some(value),
        Err(FloatError::Invalid) => None,
    };
    let expects_error = line.get("error").is_some();
    let Some(value) = value.filter(|_| !expects_error) else {
        return Ok(Verdict::of([("invalid", expects_error.to_string(), value.is_none().to_string())]));
    };
    let answers = [
        ("bits", format!("{:016x}", value.to_bits())),
        ("sample_value", shortest_f(value)),
        ("f", shortest_f(value)),
        ("v", shortest_g(value)),
        ("g4", general(value, 4)),
    ];
    let pairs: anyhow::Result<Vec<_>> =
        answers.into_iter().map(|(field, got)| Ok((field, text(line, field)?.to_owned(), got))).collect();
    Ok(Verdict::of(pairs?))
}
