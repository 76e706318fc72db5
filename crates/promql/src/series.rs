//! A series inside an evaluation.

use std::collections::HashMap;

use model::{Labels, METRIC_NAME};

use crate::column::Column;
use crate::error::{EvalError, fail};

/// Labels that go with the name when it is dropped.
const NAMING: [&str; 3] = [METRIC_NAME, "__type__", "__unit__"];

/// A series and its values over the steps.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    pub(crate) labels: Labels,
    /// The name is to be dropped, but only at the very end: `label_replace` and `by (__name__)` may still want it.
    pub(crate) drop_name: bool,
    pub(crate) column: Column,
}

impl Series {
    /// A series without labels that has a value at each step.
    pub(crate) fn constant(values: Vec<f64>) -> Self {
        let mut column = Column::empty(values.len());
        values.into_iter().enumerate().for_each(|(step, value)| column.put(step, value));
        Self { labels: Labels::empty(), drop_name: false, column }
    }
}

/// The labels without the metric's name, type and unit.
pub(crate) fn without_naming(labels: &Labels) -> Labels {
    labels.filtered(|name| !NAMING.contains(&name))
}

/// Drops the names that are to be dropped and merges series that are then equal.
pub(crate) fn finish(mut series: Vec<Series>) -> Result<Vec<Series>, EvalError> {
    for one in series.iter_mut().filter(|one| one.drop_name) {
        one.labels = without_naming(&one.labels);
        one.drop_name = false;
    }
    merge(series)
}

/// Makes one of series with equal labels, which must not have values at the same step.
pub(crate) fn merge(mut series: Vec<Series>) -> Result<Vec<Series>, EvalError> {
    if series.windows(2).all(|pair| pair[0].labels < pair[1].labels) {
        // In order, and therefore all different: the usual case.
        series.retain(|one| one.column.present.any());
        return Ok(series);
    }
    let mut first: HashMap<Labels, usize> = HashMap::with_capacity(series.len());
    let mut merged: Vec<Series> = Vec::with_capacity(series.len());
    for one in series {
        if !one.column.present.any() {
            continue;
        }
        let Some(&at) = first.get(&one.labels) else {
            first.insert(one.labels.clone(), merged.len());
            merged.push(one);
            continue;
        };
        let into = &mut merged[at];
        if into.column.present.intersects(&one.column.present) {
            return fail("vector cannot contain metrics with the same labelset");
        }
        into.drop_name |= one.drop_name;
        for (step, point) in one.column.points() {
            into.column.put_point(step, point);
        }
    }
    Ok(merged)
}
