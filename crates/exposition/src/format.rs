//! Which format an answer has.

use thiserror::Error;

use crate::protocol::Protocol;

/// A format that [`crate::Parser`] reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The classic text, versions 0.0.4 and 1.0.0.
    Text,
    /// OpenMetrics as text.
    OpenMetrics,
    /// Protobuf messages, each behind its length.
    Protobuf,
}

/// What an answer is instead of metrics.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum FormatError {
    /// JSON.
    #[error("the endpoint returned JSON, not metrics")]
    Json,
    /// HTML.
    #[error("the endpoint returned a web page, not metrics")]
    WebPage,
    /// Protobuf, but in a form that was not asked for.
    #[error("the endpoint answered in protobuf with {0}, not as io.prometheus.client.MetricFamily, delimited")]
    OtherProtobuf(String),
}

impl Format {
    /// The format of an answer. Where its `Content-Type` says nothing that is known it is `fallback`, and the classic text
    /// without one; Prometheus 3 refuses the answer then.
    ///
    /// # Errors
    /// The answer is JSON or a web page: by its type, unless there is a fallback, or by how it begins.
    pub fn of(content_type: Option<&str>, fallback: Option<Protocol>, body: &[u8]) -> Result<Self, FormatError> {
        let full = content_type.unwrap_or_default();
        let kind = full.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let format = match kind.as_str() {
            "text/plain" => Self::Text,
            "application/openmetrics-text" => Self::OpenMetrics,
            "application/vnd.google.protobuf" => {
                let wrong = full.split(';').skip(1).map(str::trim).find(|parameter| is_foreign(parameter));
                return wrong.map_or(Ok(Self::Protobuf), |wrong| Err(FormatError::OtherProtobuf(wrong.to_owned())));
            }
            "application/json" if fallback.is_none() => return Err(FormatError::Json),
            "text/html" if fallback.is_none() => return Err(FormatError::WebPage),
            _ => match fallback {
                Some(Protocol::OpenMetrics001 | Protocol::OpenMetrics100) => Self::OpenMetrics,
                Some(Protocol::Protobuf) => return Ok(Self::Protobuf),
                Some(Protocol::Text004 | Protocol::Text100) | None => Self::Text,
            },
        };
        sniff(body).map_or(Ok(format), Err)
    }
}

/// Whether a parameter of protobuf's `Content-Type` says that it is another message or another framing.
fn is_foreign(parameter: &str) -> bool {
    match parameter.split_once('=') {
        Some(("proto", message)) => message.trim_matches('"') != "io.prometheus.client.MetricFamily",
        Some(("encoding", framing)) => framing.trim_matches('"') != "delimited",
        _ => false,
    }
}

/// What a body that begins like no exposition is.
fn sniff(body: &[u8]) -> Option<FormatError> {
    let text = body.trim_ascii_start();
    match text.first()? {
        b'<' => Some(FormatError::WebPage),
        b'[' => Some(FormatError::Json),
        b'{' => {
            let inner = text[1..].trim_ascii();
            let key = inner.strip_prefix(b"\"").unwrap_or_default();
            // A series may begin with a brace and its name in quotes, but no colon follows that.
            let value = crate::series::closing_quote(key, false).map(|end| key[end + 1..].trim_ascii_start());
            let is_object = inner == b"}" || value.is_some_and(|value| value.first() == Some(&b':'));
            is_object.then_some(FormatError::Json)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_type_decides_and_then_the_fallback() {
        let check = |content_type: Option<&str>, fallback, expected| {
            assert_eq!(Format::of(content_type, fallback, b"a 1\n"), expected);
        };
        check(Some("text/plain; version=0.0.4"), None, Ok(Format::Text));
        check(Some("text/plain; version=1.0.0"), Some(Protocol::OpenMetrics100), Ok(Format::Text));
        check(Some("Application/OpenMetrics-Text; version=1.0.0"), None, Ok(Format::OpenMetrics));
        check(None, None, Ok(Format::Text));
        check(Some("application/octet-stream"), Some(Protocol::OpenMetrics001), Ok(Format::OpenMetrics));
        let protobuf = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=";
        check(Some(&format!("{protobuf}delimited")), None, Ok(Format::Protobuf));
        check(Some(&format!("{protobuf}text")), None, Err(FormatError::OtherProtobuf("encoding=text".to_owned())));
        check(Some("application/json"), None, Err(FormatError::Json));
        check(Some("application/json"), Some(Protocol::Text004), Ok(Format::Text));
        check(Some("text/html; charset=utf-8"), None, Err(FormatError::WebPage));
    }

    #[test]
    fn other_answers_are_known_by_how_they_begin() {
        let check = |body: &str, expected| assert_eq!(sniff(body.as_bytes()), expected, "{body}");
        check("[\"# HELP", Some(FormatError::Json));
        check("{\"status\" : 1}", Some(FormatError::Json));
        check("{\n  \"a\\\"b\":", Some(FormatError::Json));
        check("\n <html>", Some(FormatError::WebPage));
        check("{\"http.requests\"} 1", None);
        check("{\"http.requests\",a=\"b\"} 1", None);
        check("", None);
        check("{", None);
        check("{ }\n", Some(FormatError::Json));
    }
}
