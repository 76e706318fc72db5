//! A metric family: its name, and what is said about it.

use std::borrow::Cow;

use model::MetricType;
use protobuf::{Fields, Value};

use crate::entry::Entry;
use crate::openmetrics::check_unit;

/// A family of which the metrics are read one by one.
#[derive(Clone, Debug)]
pub(crate) struct Family<'a> {
    pub(crate) name: &'a str,
    pub(crate) kind: MetricType,
    help: &'a str,
    unit: &'a str,
    /// Metrics that were not read yet.
    left: usize,
    fields: Fields<'a>,
}

/// The message behind its length, and how many bytes both have.
pub(crate) fn framed(rest: &[u8]) -> Result<(&[u8], usize), String> {
    let mut fields = Fields::new(rest);
    let length = fields.varint().map_err(|error| format!("the length of a message: {error}"))?;
    let got = fields.rest.len();
    let message = usize::try_from(length).ok().and_then(|length| fields.take(length).ok());
    let message = message.ok_or_else(|| format!("the page breaks off: {length} bytes expected, {got} there"))?;
    Ok((message, rest.len() - fields.rest.len()))
}

/// A text of a message.
pub(crate) fn text<'a>(value: Value<'a>, what: &str) -> Result<&'a str, String> {
    match value {
        Value::Bytes(bytes) => std::str::from_utf8(bytes).map_err(|_cause| format!("{what} is not UTF-8")),
        _ => Err(format!("{what} is not a text")),
    }
}

/// A message inside a message.
pub(crate) fn message<'a>(value: Value<'a>, what: &str) -> Result<&'a [u8], String> {
    match value {
        Value::Bytes(bytes) => Ok(bytes),
        _ => Err(format!("{what} is not a message")),
    }
}

/// The damage as a reason.
pub(crate) fn damaged(error: protobuf::Damaged) -> String {
    format!("the message is damaged: {error}")
}

impl<'a> Family<'a> {
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, String> {
        let mut family =
            Self { name: "", kind: MetricType::Counter, help: "", unit: "", left: 0, fields: Fields::new(bytes) };
        let mut fields = Fields::new(bytes);
        while let Some(field) = fields.next().map_err(damaged)? {
            match field.number {
                1 => family.name = text(field.value, "the name")?,
                2 => family.help = text(field.value, "the help")?,
                3 => family.kind = kind(field.value.int())?,
                4 => family.left += 1,
                5 => family.unit = text(field.value, "the unit")?,
                _ => {}
            }
        }
        if family.name.is_empty() && 0 < family.left {
            return Err("a metric family needs a name".to_owned());
        }
        let unit_of = family.name.strip_suffix("_total").filter(|_| family.kind == MetricType::Counter);
        check_unit(unit_of.unwrap_or(family.name), family.unit)?;
        Ok(family)
    }

    /// Nothing is handed out of a family without metrics.
    pub(crate) const fn is_empty(&self) -> bool {
        self.left == 0
    }

    /// What is said about the metrics, in Prometheus' order.
    pub(crate) fn header(&self) -> impl Iterator<Item = Entry<'a>> {
        let name = self.name;
        let unit = Some(Entry::Unit { name, unit: self.unit }).filter(|_| !self.unit.is_empty());
        let help = Entry::Help { name, text: Cow::Borrowed(self.help) };
        [Some(help), unit, Some(Entry::Type { name, kind: self.kind })].into_iter().flatten()
    }

    /// The next metric's message.
    pub(crate) fn next_metric(&mut self) -> Result<Option<&'a [u8]>, String> {
        while let Some(field) = self.fields.next().map_err(damaged)? {
            if field.number == 4 {
                return message(field.value, "a metric").map(Some);
            }
        }
        Ok(None)
    }
}

/// The enum `MetricType`.
fn kind(number: i64) -> Result<MetricType, String> {
    Ok(match number {
        0 => MetricType::Counter,
        1 => MetricType::Gauge,
        2 => MetricType::Summary,
        3 => MetricType::Unknown,
        4 => MetricType::Histogram,
        5 => MetricType::GaugeHistogram,
        _ => return Err(format!("unknown metric type {number}")),
    })
}
