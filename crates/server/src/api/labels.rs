//! Label names and values.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State as Extract};
use axum::response::Response;

use super::answer::{ApiError, success_with};
use super::params::{Params, truncate};
use crate::State;

/// `/api/v1/labels`
pub(crate) async fn names(Extract(state): Extract<State>, params: Params) -> Result<Response, ApiError> {
    let (selectors, range, limit) = (params.selectors()?, params.range()?, params.limit()?);
    let mut names = state.read(move |storage| storage.label_names(&selectors, range)).await?;
    let warnings = truncate(&mut names, limit);
    Ok(success_with(&names, &warnings))
}

/// `/api/v1/label/NAME/values`
pub(crate) async fn values(
    Extract(state): Extract<State>,
    name: Result<Path<String>, PathRejection>,
    params: Params,
) -> Result<Response, ApiError> {
    let bad = |why: String| ApiError::bad_data(format!("invalid label name: {why}"));
    let Path(name) = name.map_err(|not_utf8| bad(not_utf8.body_text()))?;
    let name = unescape_name(&name);
    if name.is_empty() {
        return Err(bad("it is empty".to_owned()));
    }
    let (selectors, range, limit) = (params.selectors()?, params.range()?, params.limit()?);
    let mut values = state.read(move |storage| storage.label_values(&name, &selectors, range)).await?;
    let warnings = truncate(&mut values, limit);
    Ok(success_with(&values, &warnings))
}

/// `U__a_2e_b` stands for `a.b`: how Prometheus' clients write UTF-8 names into a path (prometheus/common, values
/// escaping). A malformed escape leaves the name as it is.
fn unescape_name(name: &str) -> String {
    let Some(escaped) = name.strip_prefix("U__") else { return name.to_owned() };
    let mut out = String::new();
    let mut rest = escaped;
    while let Some(at) = rest.find('_') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('_') {
            out.push('_');
            rest = after;
            continue;
        }
        let Some((code, after)) = rest.split_once('_') else { return name.to_owned() };
        let Some(c) = u32::from_str_radix(code, 16).ok().and_then(char::from_u32) else { return name.to_owned() };
        out.push(c);
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaped_names_are_read_back() {
        for (escaped, expected) in
            [("job", "job"), ("U__a_2e_b", "a.b"), ("U__a__b", "a_b"), ("U__a_zz_", "U__a_zz_"), ("U__a_2e", "U__a_2e")]
        {
            assert_eq!(unescape_name(escaped), expected);
        }
    }
}
