//! Files with every key of a table, for tests that have to see all of them.

use crate::schema::{Kind, Schema};

/// A text that must appear nowhere.
pub(crate) const CANARY: &str = "canary-7f3a";

/// A file with every key of a section and of the sections below it, with values as `value` has them.
pub(crate) fn document(schema: &'static Schema, value: &dyn Fn(Kind) -> Option<String>) -> String {
    let entries: Vec<String> = schema.keys().map(|key| format!("{}: {}", key.name, of_kind(key.kind, value))).collect();
    format!("{{{}}}", entries.join(", "))
}

fn of_kind(kind: Kind, value: &dyn Fn(Kind) -> Option<String>) -> String {
    if let Some(text) = value(kind) {
        return text;
    }
    match kind {
        Kind::List(inner) => format!("[{}]", of_kind(*inner, value)),
        Kind::Map(inner) => format!("{{name: {}}}", of_kind(*inner, value)),
        Kind::Section(schema) => document(schema, value),
        Kind::Sections(schema, _) => format!("[{}]", document(schema, value)),
        _ => "~".to_owned(),
    }
}

/// A value that is fine as far as its kind goes.
pub(crate) fn value(kind: Kind) -> Option<String> {
    let text = match kind {
        Kind::Text => "text",
        Kind::Secret => CANARY,
        Kind::Path => "a/b.yml",
        Kind::Url => "'http://host:9090/'",
        Kind::Boolean => "true",
        Kind::Count | Kind::Integer => "7",
        Kind::Float => "1.5",
        Kind::Duration => "1m",
        Kind::Size => "16MB",
        Kind::Labels => "{name: value}",
        Kind::Any => "[{a: b}]",
        Kind::List(_) | Kind::Map(_) | Kind::Section(_) | Kind::Sections(..) => return None,
    };
    Some(text.to_owned())
}
