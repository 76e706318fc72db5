//! A histogram whose buckets are named by their index: the form in which histograms are combined.

use std::sync::Arc;

use model::{BucketSpan, Histogram, ResetHint};

use super::buckets::{bound, custom_bound, indexed};
use super::{IncompatibleSchemas, Remarks};
use crate::kahan::KahanSum;

/// A number that is added up: plainly, or with a compensation.
pub(crate) trait Cell: Copy {
    /// From a first value.
    fn new(value: f64) -> Self;
    /// Adds a value.
    fn add(&mut self, value: f64);
    /// Adds another cell.
    fn absorb(&mut self, other: Self);
    /// Multiplies.
    fn multiply(&mut self, factor: f64);
    /// Divides.
    fn divide(&mut self, divisor: f64);
    /// What it amounts to.
    fn value(&self) -> f64;
}

impl Cell for f64 {
    fn new(value: f64) -> Self {
        value
    }
    fn add(&mut self, value: f64) {
        *self += value;
    }
    fn absorb(&mut self, other: Self) {
        *self += other;
    }
    fn multiply(&mut self, factor: f64) {
        *self *= factor;
    }
    fn divide(&mut self, divisor: f64) {
        *self /= divisor;
    }
    fn value(&self) -> f64 {
        *self
    }
}

impl Cell for KahanSum {
    fn new(value: f64) -> Self {
        Self::new(value)
    }
    fn add(&mut self, value: f64) {
        self.add(value);
    }
    fn absorb(&mut self, other: Self) {
        self.absorb(other);
    }
    fn multiply(&mut self, factor: f64) {
        self.multiply(factor);
    }
    fn divide(&mut self, divisor: f64) {
        self.divide(divisor);
    }
    fn value(&self) -> f64 {
        self.value()
    }
}

/// Buckets by rising index.
type Buckets<C> = Vec<(i32, C)>;

/// A histogram in computation.
#[derive(Clone, Debug)]
pub(crate) struct Sparse<C> {
    schema: i8,
    zero_threshold: f64,
    zero: C,
    count: C,
    sum: C,
    positive: Buckets<C>,
    negative: Buckets<C>,
    bounds: Option<Arc<[f64]>>,
    hint: ResetHint,
}

impl<C: Cell> From<&Histogram> for Sparse<C> {
    fn from(histogram: &Histogram) -> Self {
        let cells = |spans, counts| indexed(spans, counts).map(|(index, count)| (index, C::new(count))).collect();
        Self {
            schema: histogram.schema,
            zero_threshold: histogram.zero_threshold,
            zero: C::new(histogram.zero_count),
            count: C::new(histogram.count),
            sum: C::new(histogram.sum),
            positive: cells(&histogram.positive_spans, &histogram.positive_buckets),
            negative: cells(&histogram.negative_spans, &histogram.negative_buckets),
            bounds: histogram.has_custom_bounds().then(|| histogram.custom_bounds.clone().unwrap_or_default()),
            hint: histogram.reset_hint,
        }
    }
}

impl<C: Cell> Sparse<C> {
    /// Adds `sign * other`. Resolution, zero bucket and written out bounds become what both can agree on.
    pub(crate) fn combine(&mut self, other: &Histogram, sign: f64) -> Result<Remarks, IncompatibleSchemas> {
        let mut other = Sparse::<f64>::from(other);
        if self.bounds.is_some() != other.bounds.is_some() {
            return Err(IncompatibleSchemas);
        }
        let resets_collide = self.agree_on_hint(other.hint);
        if sign < 0.0 {
            self.hint = ResetHint::Gauge;
        }
        let bounds_reconciled = self.agree_on_bounds(&mut other);
        if self.bounds.is_none() {
            self.agree_on_zero(&mut other);
            let schema = self.schema.min(other.schema);
            self.reduce_to(schema);
            other.reduce_to(schema);
        }
        self.zero.add(sign * other.zero);
        self.count.add(sign * other.count);
        self.sum.add(sign * other.sum);
        merge(&mut self.positive, &other.positive, sign);
        merge(&mut self.negative, &other.negative, sign);
        Ok(Remarks { resets_collide, bounds_reconciled })
    }

    /// The hint of a sum; whether a reset meets a known absence of one.
    fn agree_on_hint(&mut self, other: ResetHint) -> bool {
        use ResetHint::{CounterReset, Gauge, NotCounterReset, Unknown};
        let collide = matches!((self.hint, other), (CounterReset, NotCounterReset) | (NotCounterReset, CounterReset));
        self.hint = match (self.hint, other) {
            (Gauge, _) | (_, Gauge) => Gauge,
            (own, other) if own == other => own,
            _ => Unknown,
        };
        collide
    }

    /// Brings both to the bounds that both have, if they have different ones.
    pub(super) fn agree_on_bounds<D: Cell>(&mut self, other: &mut Sparse<D>) -> bool {
        let (Some(own), Some(others)) = (&self.bounds, &other.bounds) else { return false };
        if own == others {
            return false;
        }
        let common: Arc<[f64]> = own.iter().copied().filter(|bound| others.contains(bound)).collect();
        self.rebound(&common);
        other.rebound(&common);
        true
    }

    /// Moves every bucket into the first of the new buckets that covers it; the new bounds are among the old ones.
    fn rebound(&mut self, bounds: &Arc<[f64]>) {
        let Some(old) = self.bounds.replace(Arc::clone(bounds)) else { return };
        let target = |index: i32| {
            let upper = custom_bound(&old, index);
            i32::try_from(bounds.partition_point(|bound| *bound < upper)).unwrap_or(i32::MAX)
        };
        renumber(&mut self.positive, target);
    }

    /// Widens the narrower zero bucket until both are equally wide.
    pub(super) fn agree_on_zero<D: Cell>(&mut self, other: &mut Sparse<D>) {
        while self.zero_threshold != other.zero_threshold {
            if other.zero_threshold < self.zero_threshold {
                other.widen_zero(self.zero_threshold);
            } else {
                self.widen_zero(other.zero_threshold);
            }
            if self.zero_threshold.is_nan() || other.zero_threshold.is_nan() {
                return;
            }
        }
    }

    /// Takes every bucket that begins below `threshold` into the zero bucket; a populated bucket that reaches beyond makes
    /// the zero bucket reach as far.
    pub(super) fn widen_zero(&mut self, threshold: f64) {
        let mut threshold = threshold;
        loop {
            let beyond = self.positive.iter().chain(&self.negative).find_map(|(index, count)| {
                let upper = bound(*index, self.schema);
                let straddles = bound(index - 1, self.schema) < threshold && threshold < upper;
                (straddles && count.value() != 0.0).then_some(upper)
            });
            match beyond {
                Some(upper) => threshold = upper,
                None => break,
            }
        }
        let schema = self.schema;
        for side in [&mut self.positive, &mut self.negative] {
            side.retain(|(index, count)| {
                let inside = bound(index - 1, schema) < threshold;
                if inside {
                    self.zero.absorb(*count);
                }
                !inside
            });
        }
        self.zero_threshold = threshold;
    }

    /// Halves the resolution until it is that of `schema`, which must not be higher.
    pub(crate) fn reduce_to(&mut self, schema: i8) {
        if self.schema <= schema || self.bounds.is_some() {
            return;
        }
        let halvings = u32::from(self.schema.abs_diff(schema));
        self.schema = schema;
        for side in [&mut self.positive, &mut self.negative] {
            renumber(side, |index| ((index - 1) >> halvings) + 1);
        }
    }

    /// Multiplies all counts and the sum; a negative factor makes a gauge.
    pub(crate) fn multiply(&mut self, factor: f64) {
        self.for_each(|cell| cell.multiply(factor));
        if factor < 0.0 {
            self.hint = ResetHint::Gauge;
        }
    }

    /// Divides all counts and the sum; division by zero leaves no buckets.
    pub(crate) fn divide(&mut self, divisor: f64) {
        self.for_each(|cell| cell.divide(divisor));
        if divisor == 0.0 {
            self.positive.clear();
            self.negative.clear();
        }
        if divisor < 0.0 {
            self.hint = ResetHint::Gauge;
        }
    }

    fn for_each(&mut self, mut function: impl FnMut(&mut C)) {
        for cell in [&mut self.zero, &mut self.count, &mut self.sum] {
            function(cell);
        }
        for (_, cell) in self.positive.iter_mut().chain(&mut self.negative) {
            function(cell);
        }
    }

    /// Whether anything has become infinite.
    pub(crate) fn has_overflowed(&self) -> bool {
        let buckets = self.positive.iter().chain(&self.negative).map(|(_, cell)| cell);
        [&self.zero, &self.count, &self.sum].into_iter().chain(buckets).any(|cell| cell.value().is_infinite())
    }

    pub(crate) fn set_hint(&mut self, hint: ResetHint) {
        self.hint = hint;
    }

    pub(super) fn schema(&self) -> i8 {
        self.schema
    }

    pub(super) fn zero(&self) -> (f64, f64) {
        (self.zero_threshold, self.zero.value())
    }

    /// Whether some bucket holds less here than in `before`.
    pub(super) fn any_bucket_below(&self, before: &Self) -> bool {
        any_below(&self.positive, &before.positive) || any_below(&self.negative, &before.negative)
    }

    /// Equal by bits, empty buckets aside.
    pub(super) fn same(&self, other: &Self) -> bool {
        let bits = |cell: &C| cell.value().to_bits();
        let populated = |buckets: &Buckets<C>| -> Vec<(i32, u64)> {
            let populated = buckets.iter().filter(|(_, cell)| cell.value() != 0.0);
            populated.map(|(index, cell)| (*index, bits(cell))).collect()
        };
        self.schema == other.schema
            && self.bounds == other.bounds
            && self.zero_threshold == other.zero_threshold
            && bits(&self.zero) == bits(&other.zero)
            && bits(&self.count) == bits(&other.count)
            && bits(&self.sum) == bits(&other.sum)
            && populated(&self.positive) == populated(&other.positive)
            && populated(&self.negative) == populated(&other.negative)
    }

    /// The stored form, without empty buckets.
    pub(crate) fn into_histogram(self) -> Histogram {
        let (positive_spans, positive_buckets) = spans(&self.positive);
        let (negative_spans, negative_buckets) = spans(&self.negative);
        Histogram {
            schema: self.schema,
            zero_threshold: self.zero_threshold,
            zero_count: self.zero.value(),
            count: self.count.value(),
            sum: self.sum.value(),
            positive_spans,
            positive_buckets,
            negative_spans,
            negative_buckets,
            custom_bounds: self.bounds,
            reset_hint: self.hint,
        }
    }
}

/// Adds `sign * from` bucket by bucket.
fn merge<C: Cell>(into: &mut Buckets<C>, from: &Buckets<f64>, sign: f64) {
    let mut merged = Vec::with_capacity(into.len().max(from.len()));
    let mut own = into.iter().copied().peekable();
    for (index, value) in from {
        while let Some(before) = own.next_if(|(at, _)| at < index) {
            merged.push(before);
        }
        let mut cell = own.next_if(|(at, _)| at == index).map_or_else(|| C::new(0.0), |(_, cell)| cell);
        cell.add(sign * value);
        merged.push((*index, cell));
    }
    merged.extend(own);
    *into = merged;
}

/// Gives buckets other indices, which rise as the old ones do, and adds up those that become one.
fn renumber<C: Cell>(buckets: &mut Buckets<C>, target: impl Fn(i32) -> i32) {
    let mut merged: Buckets<C> = Vec::with_capacity(buckets.len());
    for (index, cell) in buckets.drain(..) {
        let index = target(index);
        match merged.last_mut() {
            Some((last, sum)) if *last == index => sum.absorb(cell),
            _ => merged.push((index, cell)),
        }
    }
    *buckets = merged;
}

fn any_below<C: Cell>(now: &Buckets<C>, before: &Buckets<C>) -> bool {
    let mut now = now.iter().peekable();
    before.iter().any(|(index, count)| {
        while now.next_if(|(at, _)| at < index).is_some() {}
        let here = now.peek().filter(|(at, _)| at == index).map_or(0.0, |(_, cell)| cell.value());
        here < count.value()
    })
}

fn spans<C: Cell>(buckets: &Buckets<C>) -> (Vec<BucketSpan>, Vec<f64>) {
    let mut spans: Vec<BucketSpan> = Vec::new();
    let mut counts = Vec::with_capacity(buckets.len());
    let mut next = 0; // the index after the last bucket
    for (index, cell) in buckets.iter().filter(|(_, cell)| cell.value() != 0.0) {
        match spans.last_mut() {
            Some(span) if *index == next => span.length += 1,
            _ => spans.push(BucketSpan { offset: index - next, length: 1 }),
        }
        next = index + 1;
        counts.push(cell.value());
    }
    (spans, counts)
}
