//! Remote write 1.0 (prometheus/prompb/remote.proto).

use model::{Exemplar, MetricType, Timestamp};

use crate::error::WriteError;
use crate::histogram;
use crate::key;
use crate::request::{Cursor, Request};
use protobuf::{Damaged, Fields, Value};

/// Every encoder writes fields in the order of their numbers, labels first.
const LABELS_LATE: Damaged = Damaged("labels after samples");

/// The tag of a sample's value.
const VALUE: u8 = 1 << 3 | 1;
/// The tag of a sample's moment.
const MOMENT: u8 = 2 << 3;

/// Reads a `WriteRequest`.
pub(crate) fn read(message: &[u8], request: &mut Request<'_>) -> Result<(), WriteError> {
    let mut fields = Fields::new(message);
    while let Some(field) = fields.next()? {
        match (field.number, field.value) {
            (1, Value::Bytes(series)) => read_series(series, request)?,
            (3, Value::Bytes(metadata)) => read_metadata(metadata, request)?,
            _ => {}
        }
    }
    Ok(())
}

/// Reads a `TimeSeries`.
fn read_series(message: &[u8], request: &mut Request<'_>) -> Result<(), WriteError> {
    let (key, rest) = split_key(message)?;
    let count = || count(rest);
    let Some(mut cursor) = request.series(key, count)? else { return Ok(()) };
    let mut fields = Fields::new(rest);
    while let Some(field) = fields.next()? {
        match (field.number, field.value) {
            (2, Value::Bytes(sample)) => {
                let (at_ms, value) = read_sample(sample)?;
                request.float(&mut cursor, at_ms, value)?;
            }
            (3, Value::Bytes(exemplar)) => read_exemplar(exemplar, &cursor, request)?,
            (4, Value::Bytes(message)) => read_histogram(message, key, &mut cursor, request)?,
            (1, _) => return Err(LABELS_LATE.into()),
            _ => {}
        }
    }
    Ok(())
}

/// The labels of a series or an exemplar, and what comes after them.
fn split_key(message: &[u8]) -> Result<(&[u8], &[u8]), Damaged> {
    let mut fields = Fields::new(message);
    let mut rest = message;
    while let Some(field) = fields.next()? {
        if field.number != 1 {
            break;
        }
        rest = fields.rest;
    }
    Ok((&message[..message.len() - rest.len()], rest))
}

/// How many samples and histograms there are.
fn count(rest: &[u8]) -> usize {
    let mut fields = Fields::new(rest);
    let mut count = 0;
    while let Ok(Some(field)) = fields.next() {
        count += usize::from(matches!(field.number, 2 | 4));
    }
    count
}

/// Reads a `Sample`, which 2.0 has too.
#[inline]
pub(crate) fn read_sample(message: &[u8]) -> Result<(i64, f64), Damaged> {
    // As senders write it: the value, then the moment, both there.
    if let [VALUE, rest @ ..] = message
        && let Some((value, [MOMENT, moment @ ..])) = rest.split_first_chunk()
    {
        let mut fields = Fields::new(moment);
        let at_ms = fields.varint()?.cast_signed();
        if fields.rest.is_empty() {
            return Ok((at_ms, f64::from_le_bytes(*value)));
        }
    }
    let (mut at_ms, mut value) = (0, 0.0);
    let mut fields = Fields::new(message);
    while let Some(field) = fields.next()? {
        match field.number {
            1 => value = field.value.double(),
            2 => at_ms = field.value.int(),
            _ => {}
        }
    }
    Ok((at_ms, value))
}

/// Reads a `Histogram`, which 2.0 has too.
pub(crate) fn read_histogram(
    message: &[u8],
    key: &[u8],
    cursor: &mut Cursor,
    request: &mut Request<'_>,
) -> Result<(), WriteError> {
    let (at_ms, histogram) = histogram::read(message)?;
    match histogram {
        Ok(histogram) => request.histogram(cursor, at_ms, histogram)?,
        Err(reason) => request.refuse(1, || format!("{reason} for series {}", key::shown_key(key))),
    }
    Ok(())
}

/// Reads an `Exemplar`. One that cannot be is passed over, as Prometheus does.
fn read_exemplar(message: &[u8], cursor: &Cursor, request: &mut Request<'_>) -> Result<(), WriteError> {
    let (key, rest) = split_key(message)?;
    let (mut value, mut at_ms) = (0.0, 0);
    let mut fields = Fields::new(rest);
    while let Some(field) = fields.next()? {
        match field.number {
            1 => return Err(LABELS_LATE.into()),
            2 => value = field.value.double(),
            3 => at_ms = field.value.int(),
            _ => {}
        }
    }
    if let Some(labels) = key::exemplar_labels(key) {
        request.exemplar(cursor, Exemplar { labels, value, at: Timestamp::from_ms(at_ms) })?;
    }
    Ok(())
}

/// Reads a `MetricMetadata`.
fn read_metadata(message: &[u8], request: &Request<'_>) -> Result<(), WriteError> {
    let (mut kind, mut name, mut help, mut unit) = (MetricType::Unknown, &b""[..], &b""[..], &b""[..]);
    let mut fields = Fields::new(message);
    while let Some(field) = fields.next()? {
        match (field.number, field.value) {
            (1, Value::Varint(number)) => kind = metric_type(number),
            (2, Value::Bytes(text)) => name = text,
            (4, Value::Bytes(text)) => help = text,
            (5, Value::Bytes(text)) => unit = text,
            _ => {}
        }
    }
    request.describe(name, kind, help, unit);
    Ok(())
}

/// `MetricMetadata.MetricType`.
const fn metric_type(number: u64) -> MetricType {
    match number {
        1 => MetricType::Counter,
        2 => MetricType::Gauge,
        3 => MetricType::Histogram,
        4 => MetricType::GaugeHistogram,
        5 => MetricType::Summary,
        6 => MetricType::Info,
        7 => MetricType::StateSet,
        _ => MetricType::Unknown,
    }
}
