//! A metric and its points.

use model::{MetricType, Timestamp};

use super::attributes::Attribute;
use super::config::OtlpConfig;
use super::labels::{LabelMap, Resource, make_key, point_labels};
use super::{histograms, names, points};
use crate::error::WriteError;
use crate::request::{Cursor, Request};
use protobuf::{Damaged, Fields, Value};

/// `AGGREGATION_TEMPORALITY_CUMULATIVE`, the only one that Prometheus knows.
const CUMULATIVE: u64 = 2;

/// A metric that is being read.
pub(crate) struct Metric<'a> {
    pub(crate) config: &'a OtlpConfig,
    resource: &'a Resource,
    scope: &'a [Attribute],
    /// What its series are called, less their suffixes.
    name: String,
    data: Data,
    key: Vec<u8>,
    /// The first and the last moment of its points.
    span: &'a mut Span,
}

/// The first and the last moment of a resource's points.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub(crate) first: Timestamp,
    pub(crate) last: Timestamp,
}

/// The kinds of metrics, by the number of their field in `Metric`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Data {
    Gauge,
    Sum { is_monotonic: bool },
    Histogram,
    Exponential,
    Summary,
}

impl Data {
    const fn kind(self) -> MetricType {
        match self {
            Self::Gauge | Self::Sum { is_monotonic: false } => MetricType::Gauge,
            Self::Sum { is_monotonic: true } => MetricType::Counter,
            Self::Histogram | Self::Exponential => MetricType::Histogram,
            Self::Summary => MetricType::Summary,
        }
    }

    /// The kind that its name is made for: a sum that goes up and down has no suffix, and is no gauge.
    const fn named_kind(self) -> MetricType {
        match self {
            Self::Sum { is_monotonic: false } => MetricType::Unknown,
            other => other.kind(),
        }
    }
}

/// Reads a `Metric` and its points.
pub(crate) fn read(
    message: &[u8],
    resource: &Resource,
    scope: &[Attribute],
    config: &OtlpConfig,
    span: &mut Span,
    request: &mut Request<'_>,
) -> Result<(), WriteError> {
    let (mut name, mut help, mut unit, mut data) = (&b""[..], &b""[..], &b""[..], None);
    let mut fields = Fields::new(message);
    while let Some(field) = fields.next()? {
        match (field.number, field.value) {
            (1, Value::Bytes(text)) => name = text,
            (2, Value::Bytes(text)) => help = text,
            (3, Value::Bytes(text)) => unit = text,
            (number @ (5 | 7 | 9 | 10 | 11), Value::Bytes(message)) => data = Some((number, message)),
            _ => {}
        }
    }
    let (name, unit) = (String::from_utf8_lossy(name), String::from_utf8_lossy(unit));
    let Some((number, message)) = data else {
        request.refuse(1, || format!("could not read metric {name:?} as it has an unsupported metric type"));
        return Ok(());
    };
    let (data, cumulative, count) = describe(number, message)?;
    if !cumulative {
        request.refuse(count, || format!("invalid temporality and type combination for metric {name:?}"));
        return Ok(());
    }
    if count == 0 {
        request.refuse(1, || format!("empty data points. {name} is dropped"));
        return Ok(());
    }
    let Some(series_name) = names::metric(&name, &unit, data.named_kind(), config) else {
        request.refuse(count, || format!("normalization for metric {name:?} resulted in empty name"));
        return Ok(());
    };
    request.describe(series_name.as_bytes(), data.kind(), help, names::unit(&unit, config).as_bytes());
    let mut metric = Metric { config, resource, scope, name: series_name, data, key: Vec::new(), span };
    let mut fields = Fields::new(message);
    while let Some(field) = fields.next()? {
        let (1, Value::Bytes(point)) = (field.number, field.value) else { continue };
        match data {
            Data::Gauge | Data::Sum { .. } => points::read_number(point, &mut metric, request)?,
            Data::Histogram => histograms::read_explicit(point, &mut metric, request)?,
            Data::Exponential => histograms::read_exponential(point, &mut metric, request)?,
            Data::Summary => points::read_summary(point, &mut metric, request)?,
        }
    }
    Ok(())
}

/// What kind of metric a `Gauge`, `Sum`, … is, whether its points are cumulative (or need not be), and how many there are.
fn describe(number: u64, message: &[u8]) -> Result<(Data, bool, usize), Damaged> {
    let (mut temporality, mut is_monotonic, mut count) = (0, false, 0);
    let mut fields = Fields::new(message);
    while let Some(field) = fields.next()? {
        match field.number {
            1 => count += 1,
            2 => temporality = field.value.int().cast_unsigned(),
            3 => is_monotonic = field.value.int() != 0,
            _ => {}
        }
    }
    let cumulative = temporality == CUMULATIVE;
    Ok(match number {
        7 => (Data::Sum { is_monotonic }, cumulative, count),
        9 => (Data::Histogram, cumulative, count),
        10 => (Data::Exponential, cumulative, count),
        11 => (Data::Summary, true, count),
        _ => (Data::Gauge, true, count),
    })
}

impl Metric<'_> {
    /// The labels of a point, whose moment is noted.
    pub(crate) fn labels(&mut self, attributes: Vec<Attribute>, at: Timestamp) -> LabelMap {
        self.span.first = self.span.first.min(at);
        self.span.last = self.span.last.max(at);
        point_labels(attributes, self.resource, self.scope, self.config)
    }

    pub(crate) const fn is_sum(&self) -> bool {
        matches!(self.data, Data::Sum { .. })
    }

    /// Adds a sample to the series with a suffix and perhaps one more label.
    pub(crate) fn sample(
        &mut self,
        labels: &LabelMap,
        suffix: &str,
        extra: Option<(&str, &str)>,
        at: Timestamp,
        value: f64,
        request: &mut Request<'_>,
    ) -> Result<Option<Cursor>, WriteError> {
        let mut cursor = self.series(labels, suffix, extra, request)?;
        if let Some(cursor) = &mut cursor {
            request.float(cursor, at.as_ms(), value)?;
        }
        Ok(cursor)
    }

    /// The series with a suffix and perhaps one more label.
    pub(crate) fn series(
        &mut self,
        labels: &LabelMap,
        suffix: &str,
        extra: Option<(&str, &str)>,
        request: &mut Request<'_>,
    ) -> Result<Option<Cursor>, WriteError> {
        make_key(&mut self.key, labels, &format!("{}{suffix}", self.name), extra);
        request.series(&self.key, || 1)
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}
