//! A metric, and the samples that it consists of.

use std::collections::VecDeque;

use model::{Histogram, Labels, MetricType};
use protobuf::{Fields, Value as FieldValue};

use super::family::{damaged, message, text};
use super::native::Native;
use crate::entry::FoundExemplar;
use crate::parser::Options;

/// A metric as its message has it.
#[derive(Debug)]
pub(crate) struct Metric<'a> {
    pub(crate) labels: Vec<(&'a str, &'a str)>,
    pub(crate) timestamp_ms: Option<i64>,
    kind: MetricType,
    /// The message that belongs to the family's type; empty if there is none.
    body: &'a [u8],
}

/// One sample or native histogram of a metric.
#[derive(Clone, Debug)]
pub(crate) struct Item<'a> {
    pub(crate) part: Part,
    pub(crate) value: Value,
    /// Messages of exemplars.
    pub(crate) exemplars: Vec<&'a [u8]>,
}

#[derive(Clone, Debug)]
pub(crate) enum Value {
    Float(f64),
    Native(Box<Histogram>),
}

/// Which sample of a metric it is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Part {
    /// The only one.
    Whole,
    Count,
    Sum,
    /// Up to a bound.
    Bucket(f64),
    Quantile(f64),
}

impl<'a> Metric<'a> {
    /// Reads a metric of a family of this type.
    pub(crate) fn read(bytes: &'a [u8], kind: MetricType) -> Result<Self, String> {
        let body_number = match kind {
            MetricType::Gauge => 2,
            MetricType::Counter => 3,
            MetricType::Summary => 4,
            MetricType::Histogram | MetricType::GaugeHistogram => 7,
            MetricType::Unknown | MetricType::Info | MetricType::StateSet => 5,
        };
        let mut metric = Self { labels: Vec::new(), timestamp_ms: None, kind, body: &[] };
        let mut fields = Fields::new(bytes);
        while let Some(field) = fields.next().map_err(damaged)? {
            match field.number {
                1 => metric.labels.push(label(message(field.value, "a label")?)?),
                // Without a moment of its own the number is 0 or not there.
                6 => metric.timestamp_ms = Some(field.value.int()).filter(|at_ms| *at_ms != 0),
                number if number == body_number => metric.body = message(field.value, "a value")?,
                _ => {}
            }
        }
        Ok(metric)
    }

    /// The samples, in Prometheus' order.
    pub(crate) fn items(&self, options: Options, out: &mut VecDeque<Item<'a>>) -> Result<(), String> {
        match self.kind {
            MetricType::Summary => self.summary(out),
            MetricType::Histogram | MetricType::GaugeHistogram => self.histogram(options, out),
            _ => {
                let (mut value, mut exemplars) = (0.0, Vec::new());
                let mut fields = Fields::new(self.body);
                while let Some(field) = fields.next().map_err(damaged)? {
                    match field.number {
                        1 => value = field.value.double(),
                        2 if self.kind == MetricType::Counter => {
                            exemplars = vec![message(field.value, "an exemplar")?];
                        }
                        _ => {}
                    }
                }
                out.push_back(Item { part: Part::Whole, value: Value::Float(value), exemplars });
                Ok(())
            }
        }
    }

    fn summary(&self, out: &mut VecDeque<Item<'a>>) -> Result<(), String> {
        let (mut count, mut sum, mut quantiles) = (0.0, 0.0, Vec::new());
        let mut fields = Fields::new(self.body);
        while let Some(field) = fields.next().map_err(damaged)? {
            match field.number {
                1 => count = whole(field.value),
                2 => sum = field.value.double(),
                3 => {
                    let (mut quantile, mut value) = (0.0, 0.0);
                    let mut fields = Fields::new(message(field.value, "a quantile")?);
                    while let Some(field) = fields.next().map_err(damaged)? {
                        match field.number {
                            1 => quantile = field.value.double(),
                            2 => value = field.value.double(),
                            _ => {}
                        }
                    }
                    quantiles.push((Part::Quantile(quantile), value));
                }
                _ => {}
            }
        }
        let parts = [(Part::Count, count), (Part::Sum, sum)].into_iter().chain(quantiles);
        out.extend(parts.map(|(part, value)| Item { part, value: Value::Float(value), exemplars: Vec::new() }));
        Ok(())
    }

    fn histogram(&self, options: Options, out: &mut VecDeque<Item<'a>>) -> Result<(), String> {
        let mut native = Native::default();
        let mut buckets: Vec<Bucket<'a>> = Vec::new();
        let mut exemplars: Vec<&'a [u8]> = Vec::new();
        let mut fields = Fields::new(self.body);
        while let Some(field) = fields.next().map_err(damaged)? {
            match field.number {
                3 => buckets.push(Bucket::read(message(field.value, "a bucket")?)?),
                16 => exemplars.push(message(field.value, "an exemplar")?),
                _ => native.take(&field).map_err(damaged)?,
            }
        }
        let count = native.count();
        let sum = native.sum;
        if options.native_histograms && native.is_native() {
            if exemplars.is_empty() {
                exemplars.extend(buckets.iter().filter_map(|bucket| bucket.exemplar));
            }
            let histogram = native.finish(self.kind == MetricType::GaugeHistogram)?;
            out.push_back(Item { part: Part::Whole, value: Value::Native(Box::new(histogram)), exemplars });
            if !options.classic_histograms || buckets.is_empty() {
                return Ok(());
            }
        }
        let float = |part, value, exemplars| Item { part, value: Value::Float(value), exemplars };
        out.extend([float(Part::Count, count, Vec::new()), float(Part::Sum, sum, Vec::new())]);
        // Nothing is handed out behind the last bucket that there can be; where it is missing it has all observations.
        let end = buckets.iter().position(|bucket| bucket.bound == f64::INFINITY);
        buckets.truncate(end.map_or(buckets.len(), |end| end + 1));
        if end.is_none() {
            buckets.push(Bucket { bound: f64::INFINITY, count, exemplar: None });
        }
        out.extend(
            buckets
                .into_iter()
                .map(|bucket| float(Part::Bucket(bucket.bound), bucket.count, bucket.exemplar.into_iter().collect())),
        );
        Ok(())
    }
}

/// A classic bucket.
struct Bucket<'a> {
    bound: f64,
    count: f64,
    exemplar: Option<&'a [u8]>,
}

impl<'a> Bucket<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, String> {
        let mut bucket = Self { bound: 0.0, count: 0.0, exemplar: None };
        let mut count_float = 0.0;
        let mut fields = Fields::new(bytes);
        while let Some(field) = fields.next().map_err(damaged)? {
            match field.number {
                1 => bucket.count = whole(field.value),
                2 => bucket.bound = field.value.double(),
                3 => bucket.exemplar = Some(message(field.value, "an exemplar")?),
                4 => count_float = field.value.double(),
                _ => {}
            }
        }
        if count_float != 0.0 {
            bucket.count = count_float;
        }
        Ok(bucket)
    }
}

/// A `uint64` as a value.
#[expect(clippy::cast_precision_loss, reason = "values are floats; exact below 2^53")]
fn whole(value: FieldValue<'_>) -> f64 {
    value.int().cast_unsigned() as f64
}

fn label(bytes: &[u8]) -> Result<(&str, &str), String> {
    let (mut name, mut value) = ("", "");
    let mut fields = Fields::new(bytes);
    while let Some(field) = fields.next().map_err(damaged)? {
        match field.number {
            1 => name = text(field.value, "a label's name")?,
            2 => value = text(field.value, "a label's value")?,
            _ => {}
        }
    }
    if name.is_empty() { Err("a label needs a name".to_owned()) } else { Ok((name, value)) }
}

/// An exemplar; `None` if it says a label twice, which no store takes.
pub(crate) fn exemplar(bytes: &[u8]) -> Result<Option<FoundExemplar>, String> {
    let (mut labels, mut value, mut at_ms) = (Vec::new(), 0.0, None);
    let mut fields = Fields::new(bytes);
    while let Some(field) = fields.next().map_err(damaged)? {
        match field.number {
            1 => labels.push(label(message(field.value, "a label")?)?),
            2 => value = field.value.double(),
            3 => at_ms = Some(moment_ms(message(field.value, "a moment")?)?),
            _ => {}
        }
    }
    labels.sort_unstable();
    let unique = labels.windows(2).all(|pair| pair[0].0 != pair[1].0);
    Ok(unique.then(|| FoundExemplar { labels: Labels::from_pairs(labels), value, at_ms }))
}

/// A `google.protobuf.Timestamp`.
fn moment_ms(bytes: &[u8]) -> Result<i64, String> {
    let (mut seconds, mut nanos) = (0i64, 0i64);
    let mut fields = Fields::new(bytes);
    while let Some(field) = fields.next().map_err(damaged)? {
        match field.number {
            1 => seconds = field.value.int(),
            2 => nanos = field.value.int(),
            _ => {}
        }
    }
    Ok(seconds.saturating_mul(1_000).saturating_add(nanos / 1_000_000))
}
