//! Labels that a person wrote.

use model::Labels;

use crate::section::Field;

/// Labels that were held against their table.
pub(crate) fn read(field: &Field<'_>) -> Labels {
    Labels::from_pairs(field.text_pairs())
}

/// Labels of a rule: any UTF-8 name but `__name__`.
pub(crate) fn of_rule(field: &Field<'_>) -> Labels {
    for (name, value) in &field.pairs() {
        if name.is_empty() || *name == model::METRIC_NAME {
            value.error(format!("{name:?} is not a valid label name"));
        }
    }
    read(field)
}
