//! A series' values over the steps of a query, with a bit for each step that has one.

use std::sync::Arc;

use model::Histogram;

/// One bit for each step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bits {
    /// The first 64, which are all for most queries, and need no allocation.
    first: u64,
    rest: Vec<u64>,
}

impl Bits {
    /// `len` bits, all clear.
    pub(crate) fn none(len: usize) -> Self {
        Self { first: 0, rest: vec![0; len.div_ceil(64).saturating_sub(1)] }
    }

    /// Whether bit `at` is set.
    pub(crate) fn get(&self, at: usize) -> bool {
        let word = if at < 64 { self.first } else { self.rest[at / 64 - 1] };
        word >> (at % 64) & 1 == 1
    }

    /// Sets bit `at`.
    pub(crate) fn set(&mut self, at: usize) {
        *self.word(at) |= 1 << (at % 64);
    }

    /// Clears bit `at`.
    pub(crate) fn clear(&mut self, at: usize) {
        *self.word(at) &= !(1 << (at % 64));
    }

    fn word(&mut self, at: usize) -> &mut u64 {
        if at < 64 { &mut self.first } else { &mut self.rest[at / 64 - 1] }
    }

    fn words(&self) -> impl Iterator<Item = u64> + '_ {
        std::iter::once(self.first).chain(self.rest.iter().copied())
    }

    /// Changes each word by the one at the same place in `other`.
    fn combine(&mut self, other: &Self, change: impl Fn(&mut u64, u64)) {
        change(&mut self.first, other.first);
        self.rest.iter_mut().zip(&other.rest).for_each(|(word, other)| change(word, *other));
    }

    /// Whether any bit is set.
    pub(crate) fn any(&self) -> bool {
        self.words().any(|word| word != 0)
    }

    /// Whether both have a bit set at the same place.
    pub(crate) fn intersects(&self, other: &Self) -> bool {
        self.words().zip(other.words()).any(|(a, b)| a & b != 0)
    }

    /// Sets the bits that are set in `other`.
    pub(crate) fn union(&mut self, other: &Self) {
        self.combine(other, |word, other| *word |= other);
    }

    /// Clears the bits that are clear in `other`.
    pub(crate) fn intersect(&mut self, other: &Self) {
        self.combine(other, |word, other| *word &= other);
    }

    /// Clears the bits that are set in `other`.
    pub(crate) fn subtract(&mut self, other: &Self) {
        self.combine(other, |word, other| *word &= !other);
    }

    /// The set bits, in rising order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.words().enumerate().flat_map(|(index, word)| {
            let mut rest = word;
            std::iter::from_fn(move || {
                (rest != 0).then(|| {
                    let bit = rest.trailing_zeros() as usize;
                    rest &= rest - 1;
                    index * 64 + bit
                })
            })
        })
    }
}

/// What a series has at one step.
#[derive(Clone, Debug)]
pub(crate) enum Point {
    Float(f64),
    Histogram(Arc<Histogram>),
}

/// What a series has over the steps. NaN is a value, so absence is a bit of its own.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    /// Means something only at steps that are present and have no histogram.
    pub(crate) values: Vec<f64>,
    pub(crate) present: Bits,
    /// Native histograms by step. Nearly every column has none at all, and is then spared all thought of them.
    histograms: Option<Vec<Option<Arc<Histogram>>>>,
}

impl Column {
    /// A column without any value.
    pub(crate) fn empty(len: usize) -> Self {
        Self { values: vec![0.0; len], present: Bits::none(len), histograms: None }
    }

    /// The float at step `at`.
    pub(crate) fn get(&self, at: usize) -> Option<f64> {
        (self.present.get(at) && self.histogram(at).is_none()).then(|| self.values[at])
    }

    /// The histogram at step `at`.
    pub(crate) fn histogram(&self, at: usize) -> Option<&Arc<Histogram>> {
        self.histograms.as_ref().and_then(|histograms| histograms[at].as_ref())
    }

    /// Whatever is at step `at`.
    pub(crate) fn point(&self, at: usize) -> Option<Point> {
        match self.histogram(at) {
            Some(histogram) => Some(Point::Histogram(Arc::clone(histogram))),
            None => self.present.get(at).then(|| Point::Float(self.values[at])),
        }
    }

    /// Gives step `at` a value.
    pub(crate) fn put(&mut self, at: usize, value: f64) {
        self.values[at] = value;
        self.present.set(at);
        if let Some(histograms) = &mut self.histograms {
            histograms[at] = None;
        }
    }

    /// Gives step `at` a histogram.
    pub(crate) fn put_histogram(&mut self, at: usize, histogram: Arc<Histogram>) {
        let len = self.values.len();
        self.histograms.get_or_insert_with(|| vec![None; len])[at] = Some(histogram);
        self.present.set(at);
    }

    pub(crate) fn put_point(&mut self, at: usize, point: Point) {
        match point {
            Point::Float(value) => self.put(at, value),
            Point::Histogram(histogram) => self.put_histogram(at, histogram),
        }
    }

    /// Takes away what is at step `at`.
    pub(crate) fn remove(&mut self, at: usize) {
        self.present.clear(at);
        if let Some(histograms) = &mut self.histograms {
            histograms[at] = None;
        }
    }

    /// Keeps only the steps that are set in `kept`.
    pub(crate) fn keep(&mut self, kept: &Bits) {
        self.present.intersect(kept);
        if let Some(histograms) = &mut self.histograms {
            for (at, histogram) in histograms.iter_mut().enumerate().filter(|(at, _)| !kept.get(*at)) {
                debug_assert!(!self.present.get(at));
                *histogram = None;
            }
        }
    }

    /// Whether there may be histograms.
    pub(crate) fn has_histograms(&self) -> bool {
        self.histograms.is_some()
    }

    /// Takes the histograms away, and says whether there were any.
    pub(crate) fn drop_histograms(&mut self) -> bool {
        let Some(histograms) = self.histograms.take() else { return false };
        let mut any = false;
        for (at, _) in histograms.iter().enumerate().filter(|(_, histogram)| histogram.is_some()) {
            self.present.clear(at);
            any = true;
        }
        any
    }

    /// Replaces every histogram.
    pub(crate) fn map_histograms(&mut self, function: impl Fn(&Histogram) -> Histogram) {
        for histogram in self.histograms.iter_mut().flatten().flatten() {
            *histogram = Arc::new(function(histogram));
        }
    }

    /// Whether any step has a float.
    pub(crate) fn has_floats(&self) -> bool {
        if self.histograms.is_none() { self.present.any() } else { self.iter().next().is_some() }
    }

    /// The steps that have a float, with it.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, f64)> + '_ {
        let steps = self.present.iter().filter(|at| self.histograms.is_none() || self.histogram(*at).is_none());
        steps.map(|at| (at, self.values[at]))
    }

    /// The steps that have a histogram, with it.
    pub(crate) fn histograms(&self) -> impl Iterator<Item = (usize, &Arc<Histogram>)> + '_ {
        let by_step = self.histograms.iter().flatten().enumerate();
        by_step.filter_map(|(at, histogram)| histogram.as_ref().map(|histogram| (at, histogram)))
    }

    /// The steps that have anything, with it.
    pub(crate) fn points(&self) -> impl Iterator<Item = (usize, Point)> + '_ {
        self.present.iter().filter_map(|at| self.point(at).map(|point| (at, point)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_found_again() {
        let mut bits = Bits::none(130);
        for at in [0, 63, 64, 129] {
            bits.set(at);
        }
        bits.clear(64);
        assert_eq!(bits.iter().collect::<Vec<_>>(), [0, 63, 129]);
    }
}
