//! Points of gauges, sums and summaries.

use model::{STALE_NAN, Timestamp};

use super::metric::Metric;
use super::{attributes, exemplars};
use crate::error::WriteError;
use crate::request::Request;
use protobuf::{Damaged, Fields, Value};

/// The flag that says that a point stands for the end of its series.
const NO_RECORDED_VALUE: u64 = 1;
/// Nanoseconds in a millisecond.
const MS_NS: u64 = 1_000_000;

/// A moment in nanoseconds, as OTLP has them, in milliseconds.
pub(crate) fn to_ms(nanoseconds: Value<'_>) -> Timestamp {
    // A u64 of nanoseconds is at most 2^64 / 10^6 milliseconds.
    Timestamp::from_ms((nanoseconds.int().cast_unsigned() / MS_NS).cast_signed())
}

/// Whether flags say that the series has ended.
pub(crate) const fn is_end(flags: Value<'_>) -> bool {
    flags.int().cast_unsigned() & NO_RECORDED_VALUE != 0
}

/// Reads a `NumberDataPoint`.
pub(crate) fn read_number(
    message: &[u8],
    metric: &mut Metric<'_>,
    request: &mut Request<'_>,
) -> Result<(), WriteError> {
    let (mut value, mut at, mut ended) = (0.0, Timestamp::default(), false);
    let (mut own, mut examples) = (Vec::new(), Vec::new());
    let mut fields = Fields::new(message);
    while let Some(field) = fields.next()? {
        match (field.number, field.value) {
            (3, nanoseconds) => at = to_ms(nanoseconds),
            (4, number) => value = number.double(),
            (5, Value::Bytes(example)) => examples.push(exemplars::read(example)?),
            #[expect(clippy::cast_precision_loss, reason = "Prometheus' values are floating")]
            (6, number) => value = number.int() as f64,
            (7, Value::Bytes(attribute)) => own.push(attributes::read(attribute)?),
            (8, flags) => ended = is_end(flags),
            _ => {}
        }
    }
    let labels = metric.labels(own, at);
    let cursor = metric.sample(&labels, "", None, at, if ended { STALE_NAN } else { value }, request)?;
    if let Some(cursor) = cursor.filter(|_| metric.is_sum()) {
        for exemplar in examples {
            request.exemplar(&cursor, exemplar)?;
        }
    }
    Ok(())
}

/// Reads a `SummaryDataPoint`.
pub(crate) fn read_summary(
    message: &[u8],
    metric: &mut Metric<'_>,
    request: &mut Request<'_>,
) -> Result<(), WriteError> {
    let (mut count, mut sum, mut at, mut ended) = (0, 0.0, Timestamp::default(), false);
    let (mut own, mut quantiles) = (Vec::new(), Vec::new());
    let mut fields = Fields::new(message);
    while let Some(field) = fields.next()? {
        match (field.number, field.value) {
            (3, nanoseconds) => at = to_ms(nanoseconds),
            (4, number) => count = number.int().cast_unsigned(),
            (5, number) => sum = number.double(),
            (6, Value::Bytes(quantile)) => quantiles.push(read_quantile(quantile)?),
            (7, Value::Bytes(attribute)) => own.push(attributes::read(attribute)?),
            (8, flags) => ended = is_end(flags),
            _ => {}
        }
    }
    let labels = metric.labels(own, at);
    let value = |value| if ended { STALE_NAN } else { value };
    metric.sample(&labels, "_sum", None, at, value(sum), request)?;
    #[expect(clippy::cast_precision_loss, reason = "Prometheus' values are floating")]
    metric.sample(&labels, "_count", None, at, value(count as f64), request)?;
    for (quantile, found) in quantiles {
        let quantile = decimal(quantile);
        metric.sample(&labels, "", Some(("quantile", &quantile)), at, value(found), request)?;
    }
    Ok(())
}

fn read_quantile(message: &[u8]) -> Result<(f64, f64), Damaged> {
    let (mut quantile, mut value) = (0.0, 0.0);
    let mut fields = Fields::new(message);
    while let Some(field) = fields.next()? {
        match field.number {
            1 => quantile = field.value.double(),
            2 => value = field.value.double(),
            _ => {}
        }
    }
    Ok((quantile, value))
}

/// Go's `FormatFloat(value, 'f', -1, 64)`: never an exponent.
pub(crate) fn decimal(value: f64) -> String {
    match value {
        f64::INFINITY => "+Inf".to_owned(),
        f64::NEG_INFINITY => "-Inf".to_owned(),
        value => value.to_string(),
    }
}
