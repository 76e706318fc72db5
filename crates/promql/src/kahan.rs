//! Sums that lose little to rounding: Neumaier's improvement of Kahan's algorithm, with Prometheus' care for infinities.

/// A running sum with its compensation.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct KahanSum {
    sum: f64,
    compensation: f64,
}

impl KahanSum {
    pub(crate) const fn new(sum: f64) -> Self {
        Self { sum, compensation: 0.0 }
    }

    pub(crate) fn add(&mut self, value: f64) {
        let total = self.sum + value;
        if total.is_infinite() {
            self.compensation = 0.0;
        } else if value.abs() <= self.sum.abs() {
            self.compensation += (self.sum - total) + value;
        } else {
            self.compensation += (value - total) + self.sum;
        }
        self.sum = total;
    }

    /// The mean of `count` values whose sum this is, if no infinity or NaN came up on the way.
    pub(crate) fn mean(&self, count: f64) -> Option<f64> {
        self.sum.is_finite().then(|| self.sum / count + self.compensation / count)
    }

    /// Adds another sum with its compensation.
    pub(crate) fn absorb(&mut self, other: Self) {
        self.add(other.sum);
        self.compensation += other.compensation;
    }

    pub(crate) fn multiply(&mut self, factor: f64) {
        self.sum *= factor;
        self.compensation *= factor;
    }

    pub(crate) fn divide(&mut self, divisor: f64) {
        self.sum /= divisor;
        self.compensation /= divisor;
    }

    pub(crate) fn value(&self) -> f64 {
        if self.sum.is_infinite() { self.sum } else { self.sum + self.compensation }
    }
}

/// A running mean: the sum divided by the count, until the sum would overflow; then incrementally.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct KahanMean {
    sum: KahanSum,
    incremental: bool,
    mean: f64,
    compensation: f64,
    count: f64,
}

impl KahanMean {
    pub(crate) fn add(&mut self, value: f64) {
        self.count += 1.0;
        if self.count == 1.0 {
            self.sum = KahanSum::new(value);
            return;
        }
        if !self.incremental {
            let mut next = self.sum;
            next.add(value);
            if !next.value().is_infinite() {
                self.sum = next;
                return;
            }
            // The sum overflows, or a value is infinite: go on from the mean so far.
            self.incremental = true;
            self.mean = self.sum.sum / (self.count - 1.0);
            self.compensation = self.sum.compensation / (self.count - 1.0);
        }
        let weight = (self.count - 1.0) / self.count;
        let mut mean = KahanSum { sum: weight * self.mean, compensation: weight * self.compensation };
        mean.add(value / self.count);
        (self.mean, self.compensation) = (mean.sum, mean.compensation);
    }

    pub(crate) fn value(&self) -> f64 {
        if self.incremental {
            self.mean + self.compensation
        } else {
            self.sum.sum / self.count + self.sum.compensation / self.count
        }
    }
}

/// Variance of a population, by Welford with compensated sums.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Welford {
    count: f64,
    mean: KahanSum,
    squares: KahanSum,
}

impl Welford {
    pub(crate) fn add(&mut self, value: f64) {
        self.count += 1.0;
        let delta = value - self.mean.value();
        self.mean.add(delta / self.count);
        self.squares.add(delta * (value - self.mean.value()));
    }

    pub(crate) fn variance(&self) -> f64 {
        self.squares.value() / self.count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_values_survive_beside_large_ones() {
        let mut sum = KahanSum::default();
        [1e100, 1.0, -1e100].into_iter().for_each(|value| sum.add(value));
        assert_eq!(sum.value(), 1.0);
        let mut mean = KahanMean::default();
        [f64::MAX, f64::MAX].into_iter().for_each(|value| mean.add(value));
        assert_eq!(mean.value(), f64::MAX);
    }
}
