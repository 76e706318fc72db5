//! Holds a file against its table: unknown keys, values of another kind, keys without effect.

use crate::hints;
use crate::problem::Severity;
use crate::schema::{Key, Kind, Schema, State};
use crate::section::Field;
use crate::yaml::{self, Value};

/// Holds the document or section `field` against `schema` and gives it back, ready to be read by that table.
pub(crate) fn hold<'a>(field: Field<'a>, schema: &'static Schema) -> Field<'a> {
    let field = field.of_kind(Kind::Section(schema));
    let walk = Walk { file: schema };
    #[cfg(test)]
    crate::reads::pause(true);
    walk.section(&field, schema, false);
    #[cfg(test)]
    crate::reads::pause(false);
    field
}

struct Walk {
    /// The table of the whole file.
    file: &'static Schema,
}

impl Walk {
    /// `silent` below a key without effect: one warning is enough.
    fn section(&self, field: &Field<'_>, schema: &'static Schema, silent: bool) {
        let Some(mut section) = field.section() else { return };
        if let Value::Mapping(entries) = &field.node().value {
            for (name, node) in entries {
                match schema.key(&name.text).filter(|_| name.is_text) {
                    Some(row) => {
                        let value = field.entry(&name.text, node, Some(row.kind));
                        let silent = self.state(field, name, row, &value, silent);
                        self.value(&value, row.kind, silent);
                    }
                    None => {
                        let hint = hints::unknown_key(&name.text, schema, self.file);
                        field.add_at(Severity::Error, name, format!("unknown key{hint}"));
                    }
                }
            }
        }
        for check in schema.groups.iter().filter_map(|group| group.check) {
            check(&mut section);
        }
    }

    /// Says what a key's state has to say; whether to be silent below it.
    fn state(&self, field: &Field<'_>, name: &yaml::Key, row: &Key, value: &Field<'_>, silent: bool) -> bool {
        // A key with an empty list behind it asks for nothing.
        let nothing = value.is_null() || matches!(&value.node().value, Value::Sequence(items) if items.is_empty());
        match row.state {
            _ if nothing => {}
            State::Active => {}
            State::Refused(instead) => field.add_at(Severity::Error, name, instead),
            State::Inactive(_) | State::Foreign(_) if silent => {}
            State::Inactive(why) => {
                field.add_at(Severity::Warning, name, format!("has no effect here: {why}"));
                return true;
            }
            State::Foreign(taken_as) => {
                field.add_at(Severity::Warning, name, format!("Prometheus has no such key; {taken_as}"));
            }
        }
        silent
    }

    fn value(&self, field: &Field<'_>, kind: Kind, silent: bool) {
        if field.is_null() {
            return;
        }
        match kind {
            Kind::Text | Kind::Secret | Kind::Path => drop(field.text()),
            Kind::Url => drop(field.parsed(crate::go_url::parse)),
            Kind::Boolean => drop(field.boolean()),
            Kind::Count => drop(field.count()),
            Kind::Integer => drop(field.integer()),
            Kind::Float => drop(field.float()),
            Kind::Duration => drop(field.duration_ms()),
            Kind::Size => drop(field.size_bytes()),
            Kind::Labels => labels(field),
            Kind::Any => {}
            Kind::List(inner) => {
                for item in field.items() {
                    self.value(&item, *inner, silent);
                }
            }
            Kind::Map(inner) => {
                for (_, value) in field.pairs() {
                    self.value(&value, *inner, silent);
                }
            }
            Kind::Section(schema) => self.section(field, schema, silent),
            Kind::Sections(schema, empty) => {
                for item in field.items() {
                    if item.is_null() {
                        item.error(empty);
                    } else {
                        self.section(&item, schema, silent);
                    }
                }
            }
        }
    }
}

/// Names and values of labels: any UTF-8, but a name.
fn labels(field: &Field<'_>) {
    let Value::Mapping(entries) = &field.node().value else { return drop(field.pairs()) };
    for (name, node) in entries {
        let value = field.entry(&name.text, node, None);
        if !name.is_text || name.text.is_empty() {
            field.add_at(Severity::Error, name, format!("{:?} is not a valid label name", name.text));
        }
        let _text = value.text();
    }
}
