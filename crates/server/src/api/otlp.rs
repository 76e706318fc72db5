//! OTLP's metrics.

use std::sync::Arc;

use axum::extract::{Request, State as Extract};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use remote::{OtlpEncoding, OtlpFormat, Refused, WriteError, Written};

use super::write::{Failed, answer, refusal, text_of, with_body};
use crate::State;

/// `/api/v1/otlp/v1/metrics`. What was refused is said in a partial success, as OTLP has it; a request of which nothing
/// could be stored gets 400, as from Prometheus.
pub(crate) async fn receive(Extract(state): Extract<State>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let (format, encoding) = match negotiate(&head.headers) {
        Ok(both) => both,
        Err(why) => return answer(StatusCode::BAD_REQUEST, &why),
    };
    let writer = Arc::clone(&state.writer);
    let outcome = with_body(body, move |body| writer.write_otlp(format, encoding, body, state.now())).await;
    match outcome {
        Ok(_) => success(format, None),
        Err(Failed::Write(WriteError::Refused { written, refused })) if written != Written::default() => {
            success(format, Some(&refused))
        }
        Err(failed) => refusal(&failed),
    }
}

/// How a body is written and compressed; the texts are those of Prometheus' receiver.
fn negotiate(headers: &HeaderMap) -> Result<(OtlpFormat, OtlpEncoding), String> {
    let kind = text_of(headers, &header::CONTENT_TYPE);
    let format = match kind.split(';').next().unwrap_or_default().trim() {
        "application/x-protobuf" => OtlpFormat::Protobuf,
        "application/json" => OtlpFormat::Json,
        _ => {
            return Err(format!(
                "unsupported content type: {kind}, supported: [application/json, application/x-protobuf]"
            ));
        }
    };
    let encoding = match text_of(headers, &header::CONTENT_ENCODING) {
        "" | "identity" | "none" => OtlpEncoding::Identity,
        "gzip" => OtlpEncoding::Gzip,
        other => {
            return Err(format!("unsupported compression: {other}. Only \"gzip\" or no compression supported"));
        }
    };
    Ok((format, encoding))
}

/// An `ExportMetricsServiceResponse`, which is empty if all is stored.
fn success(format: OtlpFormat, refused: Option<&Refused>) -> Response {
    let (kind, body) = match format {
        OtlpFormat::Protobuf => ("application/x-protobuf", refused.map(Refused::to_otlp_protobuf).unwrap_or_default()),
        OtlpFormat::Json => {
            let partial = refused.map(|refused| {
                serde_json::json!({"partialSuccess": {
                    "rejectedDataPoints": refused.count.to_string(),
                    "errorMessage": refused.to_string(),
                }})
            });
            ("application/json", partial.map_or_else(|| "{}".to_owned(), |value| value.to_string()).into_bytes())
        }
    };
    (StatusCode::OK, [(header::CONTENT_TYPE, kind)], body).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_say_how_a_body_is_written() {
        let check = |kind: &str, encoding: &str, expected: Result<(OtlpFormat, OtlpEncoding), &str>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, kind.parse().unwrap());
            headers.insert(header::CONTENT_ENCODING, encoding.parse().unwrap());
            match (negotiate(&headers), expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected),
                (Err(found), Err(expected)) => assert!(found.contains(expected), "{found}"),
                (found, _) => panic!("{kind} {encoding}: {found:?}"),
            }
        };
        check("application/x-protobuf", "gzip", Ok((OtlpFormat::Protobuf, OtlpEncoding::Gzip)));
        check("application/json; charset=utf-8", "", Ok((OtlpFormat::Json, OtlpEncoding::Identity)));
        check("text/plain", "", Err("unsupported content type: text/plain"));
        check("application/json", "zstd", Err("unsupported compression: zstd"));
    }
}
