//! The protobuf exposition: `MetricFamily` messages of client_model's metrics.proto, each behind its length. What Prometheus'
//! `textparse.ProtobufParser` hands out of one decides, and in which order.
//!
//! A series is written as the classic text writes it, so that everything behind the parser knows only one spelling.

mod family;
mod metric;
mod native;
mod spelling;

use std::borrow::Cow;
use std::collections::VecDeque;

use model::MetricType;

use self::family::Family;
use self::metric::{Item, Metric, Value};
use self::spelling::Spelling;
use crate::entry::{Entry, FoundExemplar};
use crate::error::ParseError;
use crate::parser::Options;

/// Walks a page.
#[derive(Clone, Debug)]
pub(crate) struct Delimited<'a> {
    body: &'a [u8],
    options: Options,
    /// Where the next family begins.
    at: usize,
    /// Where the present family begins, and which one it is, counted from 1.
    family_at: usize,
    family_number: usize,
    family: Option<Family<'a>>,
    /// What the present family says of itself, until it was handed out.
    header: VecDeque<Entry<'a>>,
    /// What the present metric consists of, until it was handed out.
    items: VecDeque<Item<'a>>,
    spelling: Spelling,
    timestamp_ms: Option<i64>,
    /// The first of `items` is spelled.
    spelled: bool,
    exemplars: VecDeque<FoundExemplar>,
    pub(crate) kind: MetricType,
    /// Why the page cannot be read on, until it was handed out.
    failure: Option<String>,
    ended: bool,
}

impl<'a> Delimited<'a> {
    pub(crate) const fn new(body: &'a [u8], options: Options) -> Self {
        Self {
            body,
            options,
            at: 0,
            family_at: 0,
            family_number: 0,
            family: None,
            header: VecDeque::new(),
            items: VecDeque::new(),
            spelling: Spelling::new(),
            timestamp_ms: None,
            spelled: false,
            exemplars: VecDeque::new(),
            kind: MetricType::Unknown,
            failure: None,
            ended: false,
        }
    }

    /// The family of the last entry, counted from 1.
    pub(crate) const fn family_number(&self) -> usize {
        self.family_number
    }

    /// The present family's name.
    pub(crate) fn family(&self) -> &'a str {
        self.family.as_ref().map_or("", |family| family.name)
    }

    /// Reads a sample if its series is this one.
    pub(crate) fn next_known(&mut self, raw: &[u8]) -> Option<(f64, Option<i64>)> {
        // What cannot be read is told by the slow way.
        if !self.prepare() || !self.header.is_empty() {
            return None;
        }
        match self.items.front() {
            Some(Item { value: Value::Float(value), .. }) if self.spelling.text() == raw => {
                let value = *value;
                self.take_item();
                Some((value, self.timestamp_ms))
            }
            _ => None,
        }
    }

    pub(crate) fn take_exemplar(&mut self) -> Option<FoundExemplar> {
        self.exemplars.pop_front()
    }

    /// Makes the next entry ready; whether there is one.
    fn prepare(&mut self) -> bool {
        if self.ended || self.failure.is_some() {
            return false;
        }
        self.failure = self.advance().err();
        self.spell();
        self.failure.is_none() && !(self.header.is_empty() && self.items.is_empty())
    }

    fn spell(&mut self) {
        if let (false, Some(item), Some(family)) = (self.spelled, self.items.front(), &self.family) {
            self.spelling.spell(family.name, item.part);
            self.spelled = true;
        }
    }

    fn take_item(&mut self) -> Option<Value> {
        let item = self.items.pop_front()?;
        self.spelled = false;
        self.exemplars.clear();
        self.exemplars.extend(item.exemplars.iter().filter_map(|message| metric::exemplar(message).ok().flatten()));
        if matches!(item.value, Value::Native(_)) {
            // Which of them are new cannot be told without their moments.
            self.exemplars.retain(|exemplar| exemplar.at_ms.is_some());
        }
        Some(item.value)
    }

    /// Makes sure that there is something to hand out, unless the page is at its end.
    fn advance(&mut self) -> Result<(), String> {
        while self.header.is_empty() && self.items.is_empty() {
            if let Some(family) = &mut self.family {
                match family.next_metric()? {
                    Some(message) => {
                        let metric = Metric::read(message, family.kind)?;
                        self.timestamp_ms = metric.timestamp_ms;
                        self.spelling.begin(&metric.labels);
                        metric.items(self.options, &mut self.items)?;
                    }
                    None => self.family = None,
                }
                continue;
            }
            if self.at == self.body.len() {
                return Ok(());
            }
            self.family_at = self.at;
            self.family_number += 1;
            let (message, length) = family::framed(&self.body[self.at..])?;
            self.at += length;
            let family = Family::read(message)?;
            if !family.is_empty() {
                self.kind = family.kind;
                self.header.extend(family.header());
                self.family = Some(family);
            }
        }
        Ok(())
    }
}

/// Ends with the first error.
impl<'a> Iterator for Delimited<'a> {
    type Item = Result<Entry<'a>, ParseError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.exemplars.clear();
        if !self.prepare() {
            self.ended = true;
            let reason = self.failure.take()?;
            return Some(Err(ParseError::Message { family: self.family_number, offset: self.family_at, reason }));
        }
        if let Some(entry) = self.header.pop_front() {
            return Some(Ok(entry));
        }
        let raw = Cow::Owned(self.spelling.text().to_vec());
        let timestamp_ms = self.timestamp_ms;
        self.take_item().map(|value| match value {
            Value::Float(value) => Ok(Entry::Series { raw, value, timestamp_ms }),
            Value::Native(value) => Ok(Entry::Histogram { raw, value, timestamp_ms }),
        })
    }
}
