//! A series' values over the steps of a query, with a bit for each step that has one.

/// One bit for each step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bits(Vec<u64>);

impl Bits {
    /// `len` bits, all clear.
    pub(crate) fn none(len: usize) -> Self {
        Self(vec![0; len.div_ceil(64)])
    }

    /// Whether bit `at` is set.
    pub(crate) fn get(&self, at: usize) -> bool {
        self.0[at / 64] >> (at % 64) & 1 == 1
    }

    /// Sets bit `at`.
    pub(crate) fn set(&mut self, at: usize) {
        self.0[at / 64] |= 1 << (at % 64);
    }

    /// Clears bit `at`.
    pub(crate) fn clear(&mut self, at: usize) {
        self.0[at / 64] &= !(1 << (at % 64));
    }

    /// Whether any bit is set.
    pub(crate) fn any(&self) -> bool {
        self.0.iter().any(|word| *word != 0)
    }

    /// Whether both have a bit set at the same place.
    pub(crate) fn intersects(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).any(|(a, b)| a & b != 0)
    }

    /// Sets the bits that are set in `other`.
    pub(crate) fn union(&mut self, other: &Self) {
        for (word, other) in self.0.iter_mut().zip(&other.0) {
            *word |= other;
        }
    }

    /// The set bits, in rising order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.0.iter().enumerate().flat_map(|(index, word)| {
            let mut rest = *word;
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

/// The values; where a step has none, the value means nothing. NaN is a value, so absence is a bit of its own.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    pub(crate) values: Vec<f64>,
    pub(crate) present: Bits,
}

impl Column {
    /// A column without any value.
    pub(crate) fn empty(len: usize) -> Self {
        Self { values: vec![0.0; len], present: Bits::none(len) }
    }

    /// The value at step `at`.
    pub(crate) fn get(&self, at: usize) -> Option<f64> {
        self.present.get(at).then(|| self.values[at])
    }

    /// Gives step `at` a value.
    pub(crate) fn put(&mut self, at: usize, value: f64) {
        self.values[at] = value;
        self.present.set(at);
    }

    /// The steps that have a value, with it.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, f64)> + '_ {
        self.present.iter().map(|at| (at, self.values[at]))
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
