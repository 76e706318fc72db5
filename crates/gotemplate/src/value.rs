//! What a template works with.

use std::collections::BTreeMap;
use std::fmt;

/// A value.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value {
    /// Nothing.
    #[default]
    Nil,
    /// A truth.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A float.
    Float(f64),
    /// A text.
    Text(String),
    /// Values in order.
    List(Vec<Value>),
    /// Values by name.
    Map(BTreeMap<String, Value>),
}

impl Value {
    /// A map.
    pub fn map<N: Into<String>>(entries: impl IntoIterator<Item = (N, Self)>) -> Self {
        Self::Map(entries.into_iter().map(|(name, value)| (name.into(), value)).collect())
    }

    /// What Go's `if` thinks of it.
    pub(crate) fn truth(&self) -> bool {
        match self {
            Self::Nil => false,
            Self::Bool(value) => *value,
            Self::Int(value) => *value != 0,
            Self::Float(value) => *value != 0.0,
            Self::Text(text) => !text.is_empty(),
            Self::List(list) => !list.is_empty(),
            Self::Map(map) => !map.is_empty(),
        }
    }

    /// A field; `missingkey=zero`: a map of texts gives the empty text for a name that it does not have.
    pub(crate) fn field(&self, name: &str) -> Result<Self, String> {
        match self {
            Self::Map(map) => Ok(map.get(name).cloned().unwrap_or_else(|| {
                let texts = map.values().all(|value| matches!(value, Self::Text(_)));
                if texts { Self::Text(String::new()) } else { Self::Nil }
            })),
            Self::Nil => Err(format!("nil data; no entry for key {name:?}")),
            other => Err(format!("can't evaluate field {name} in {other}")),
        }
    }

    /// As a number, from a number or from a text that is one.
    pub(crate) fn number(&self) -> Result<f64, String> {
        match self {
            Self::Int(value) => Ok(*value as f64),
            Self::Float(value) => Ok(*value),
            Self::Text(text) => units::float::parse(text).map_err(|_cause| format!("{text:?} is not a number")),
            other => Err(format!("{other} is not a number")),
        }
    }

    /// As a text, which it must be.
    pub(crate) fn text(&self) -> Result<&str, String> {
        match self {
            Self::Text(text) => Ok(text),
            other => Err(format!("expected a string, got {other}")),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// Go's `%v`.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nil => f.write_str("<no value>"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Int(value) => write!(f, "{value}"),
            Self::Float(value) => f.write_str(&units::float::shortest_g(*value)),
            Self::Text(text) => f.write_str(text),
            Self::List(list) => {
                let items: Vec<String> = list.iter().map(ToString::to_string).collect();
                write!(f, "[{}]", items.join(" "))
            }
            Self::Map(map) => {
                let entries: Vec<String> = map.iter().map(|(name, value)| format!("{name}:{value}")).collect();
                write!(f, "map[{}]", entries.join(" "))
            }
        }
    }
}
