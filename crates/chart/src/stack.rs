//! Series on top of each other.

use std::collections::BTreeMap;

/// Samples of one series: when, and what, if anything.
pub(crate) type Samples = Vec<(i64, Option<f64>)>;

/// A stacked series: its lower and upper edge wherever any series has a sample, and its line only where it has one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Layer {
    pub(crate) base: Samples,
    pub(crate) top: Samples,
    pub(crate) line: Samples,
}

/// Stacks series in their order; a series without a sample at a moment has no thickness there.
pub(crate) fn stack(series: &[Samples]) -> Vec<Layer> {
    let mut columns: BTreeMap<i64, Vec<Option<f64>>> = BTreeMap::new();
    for (index, samples) in series.iter().enumerate() {
        for (at, value) in samples {
            columns.entry(*at).or_insert_with(|| vec![None; series.len()])[index] = *value;
        }
    }
    let mut layers = vec![Layer::default(); series.len()];
    for (at, column) in columns {
        let nothing = column.iter().all(Option::is_none);
        let mut sum = 0.0;
        for (layer, value) in layers.iter_mut().zip(column) {
            layer.base.push((at, (!nothing).then_some(sum)));
            sum = crate::frame::bounded(sum + value.unwrap_or(0.0));
            layer.top.push((at, (!nothing).then_some(sum)));
            layer.line.push((at, value.map(|_| sum)));
        }
    }
    layers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_sample_has_no_thickness_and_no_line() {
        let layers = stack(&[vec![(0, Some(1.0)), (10, None), (20, Some(2.0))], vec![(0, Some(3.0)), (20, None)]]);
        assert_eq!(layers[1].base, [(0, Some(1.0)), (10, None), (20, Some(2.0))]);
        assert_eq!(layers[1].top, [(0, Some(4.0)), (10, None), (20, Some(2.0))]);
        assert_eq!(layers[1].line, [(0, Some(4.0)), (10, None), (20, None)]);
    }
}
