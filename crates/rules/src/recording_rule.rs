//! A recording rule: a vector in, samples of a series with another name out.

use std::collections::HashSet;

use model::{Labels, METRIC_NAME};
use promql::VectorSample;

/// The samples that the rule writes.
///
/// # Errors
/// Two samples have the same labels once they carry the rule's name.
pub(crate) fn evaluate(record: &str, labels: &Labels, vector: &[VectorSample]) -> Result<Vec<(Labels, f64)>, String> {
    let mut seen = HashSet::new();
    vector
        .iter()
        .map(|sample| {
            let mut builder = sample.labels.to_builder();
            builder.set(METRIC_NAME, record);
            for (name, value) in labels {
                builder.set(name, value);
            }
            let labels = builder.build();
            if seen.insert(labels.clone()) {
                Ok((labels, sample.value))
            } else {
                Err("vector contains metrics with the same labelset after applying rule labels".to_owned())
            }
        })
        .collect()
}
