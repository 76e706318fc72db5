//! Families in the making.

use std::collections::HashMap;

use model::{Family, MetricType};

/// Families by name, in the order of their first sample.
#[derive(Debug, Default)]
pub(crate) struct Families {
    list: Vec<Family>,
    places: HashMap<String, usize>,
}

impl Families {
    /// Adds a sample.
    pub(crate) fn add(&mut self, name: &str, help: &str, kind: MetricType, labels: &[(&str, &str)], value: f64) {
        let place = *self.places.entry(name.to_owned()).or_insert_with(|| {
            self.list.push(Family::new(name, help, kind));
            self.list.len() - 1
        });
        self.list[place].push(labels.iter().copied(), value);
    }

    /// Adds the only sample of a family.
    pub(crate) fn single(&mut self, name: &str, help: &str, kind: MetricType, value: f64) {
        self.add(name, help, kind, &[], value);
    }

    pub(crate) fn into_vec(self) -> Vec<Family> {
        self.list
    }
}
