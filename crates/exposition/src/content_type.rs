//! What we ask for, and what we take.

/// The header of a scrape's request: the classic text format first. Python's client library renames metrics with colons
/// when OpenMetrics is asked for without `escaping=allow-utf-8`, and vLLM's names have colons.
pub const ACCEPT: &str = "text/plain;version=0.0.4;q=0.9,text/plain;q=0.5,*/*;q=0.1";

/// What [`crate::write_text`] writes.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Whether a body of this type and beginning can be read as the classic text format.
///
/// # Errors
/// Says what the body is instead.
pub fn check_content_type(content_type: Option<&str>, body: &[u8]) -> Result<(), String> {
    let full = content_type.unwrap_or_default();
    let kind = full.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match kind.as_str() {
        "application/openmetrics-text" => Err("the endpoint answered in OpenMetrics, which is not read yet".to_owned()),
        "application/vnd.google.protobuf" => Err("the endpoint answered in protobuf, which is not read yet".to_owned()),
        "application/json" => Err("the endpoint returned JSON, not metrics".to_owned()),
        "text/html" => Err("the endpoint returned a web page, not metrics".to_owned()),
        _ => match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
            Some(b'<') => Err("the endpoint returned a web page, not metrics".to_owned()),
            Some(b'[') => Err("the endpoint returned JSON, not metrics".to_owned()),
            _ => Ok(()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_answers_are_named() {
        let check = |content_type, body: &str, word: &str| {
            let found = check_content_type(content_type, body.as_bytes()).err().unwrap_or_default();
            assert!(found.contains(word) && found.is_empty() == word.is_empty(), "{content_type:?} {body}: {found}");
        };
        check(Some("text/plain; version=0.0.4"), "a 1\n", "");
        check(None, "a 1\n", "");
        check(Some("application/json"), "{}", "JSON");
        check(Some("text/plain"), "[\"# HELP", "JSON");
        check(None, " <html>", "web page");
        check(Some("application/openmetrics-text; version=1.0.0"), "a 1\n# EOF\n", "OpenMetrics");
    }
}
