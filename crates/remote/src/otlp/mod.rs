//! OTLP's metrics (opentelemetry/proto/metrics/v1/metrics.proto), read field by field as remote write is, into the series
//! that Prometheus would make of them.

mod attributes;
mod config;
mod exemplars;
mod histograms;
mod json;
mod labels;
mod metric;
mod names;
mod points;
mod receive;

use model::Timestamp;

pub use config::{OtlpConfig, TranslationStrategy};
use labels::{Resource, make_key, scope_labels};
use metric::Span;
pub use receive::{OtlpEncoding, OtlpFormat};

use crate::error::WriteError;
use crate::request::Request;
use protobuf::{Fields, Value};

/// The series that carries a resource's attributes.
const TARGET_INFO: &str = "target_info";
/// A sample of it stands at least this often between the first and the last point, in milliseconds: half of PromQL's
/// default lookback.
const TARGET_INFO_INTERVAL_MS: i64 = 150_000;
/// Samples of it that a request makes; earlier ones are left out.
const TARGET_INFO_MAX: i64 = 1_000;

/// Reads an `ExportMetricsServiceRequest`.
pub(crate) fn read(message: &[u8], config: &OtlpConfig, request: &mut Request<'_>) -> Result<(), WriteError> {
    let mut fields = Fields::new(message);
    while let Some(field) = fields.next()? {
        if let (1, Value::Bytes(metrics)) = (field.number, field.value) {
            read_resource(metrics, config, request)?;
        }
    }
    Ok(())
}

/// Reads a `ResourceMetrics`.
fn read_resource(message: &[u8], config: &OtlpConfig, request: &mut Request<'_>) -> Result<(), WriteError> {
    let mut resource = &b""[..];
    let mut fields = Fields::new(message);
    while let Some(field) = fields.next()? {
        if let (1, Value::Bytes(message)) = (field.number, field.value) {
            resource = message;
        }
    }
    let resource = Resource::read(resource, config)?;
    let mut span = Span { first: Timestamp::MAX, last: Timestamp::MIN };
    let mut fields = Fields::new(message);
    while let Some(field) = fields.next()? {
        if let (2, Value::Bytes(metrics)) = (field.number, field.value) {
            read_scope(metrics, &resource, config, &mut span, request)?;
        }
    }
    if let Some(labels) = resource.target_info(config).filter(|_| span.first <= span.last) {
        let mut key = Vec::new();
        make_key(&mut key, &labels, TARGET_INFO, None);
        if let Some(mut cursor) = request.series(&key, || 1)? {
            request.make_up(&cursor);
            let last_ms = span.last.as_ms();
            let mut at_ms = span.first.max(span.last - TARGET_INFO_MAX * TARGET_INFO_INTERVAL_MS).as_ms();
            while at_ms < last_ms {
                request.float(&mut cursor, at_ms, 1.0)?;
                at_ms += TARGET_INFO_INTERVAL_MS;
            }
            request.float(&mut cursor, last_ms, 1.0)?;
        }
    }
    Ok(())
}

/// Reads a `ScopeMetrics`.
fn read_scope(
    message: &[u8],
    resource: &Resource,
    config: &OtlpConfig,
    span: &mut Span,
    request: &mut Request<'_>,
) -> Result<(), WriteError> {
    let (mut scope, mut schema_url) = (&b""[..], &b""[..]);
    let mut fields = Fields::new(message);
    while let Some(field) = fields.next()? {
        match (field.number, field.value) {
            (1, Value::Bytes(message)) => scope = message,
            (3, Value::Bytes(text)) => schema_url = text,
            _ => {}
        }
    }
    let scope = scope_labels(scope, schema_url, config)?;
    let mut fields = Fields::new(message);
    while let Some(field) = fields.next()? {
        if let (2, Value::Bytes(message)) = (field.number, field.value) {
            metric::read(message, resource, &scope, config, span, request)?;
        }
    }
    Ok(())
}
