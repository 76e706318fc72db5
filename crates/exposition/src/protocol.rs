//! The formats that a page can have, by the names that `scrape_protocols` gives them.

use thiserror::Error;

/// A format, and its version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protocol {
    /// `PrometheusProto`: delimited protobuf messages.
    Protobuf,
    /// `PrometheusText0.0.4`
    Text004,
    /// `PrometheusText1.0.0`: as 0.0.4, with quoted UTF-8 names.
    Text100,
    /// `OpenMetricsText0.0.1`
    OpenMetrics001,
    /// `OpenMetricsText1.0.0`
    OpenMetrics100,
}

/// How names outside `[a-zA-Z_:][a-zA-Z0-9_:]*` are to be written by the target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Escaping {
    /// As they are, in quotes.
    #[default]
    AllowUtf8,
    /// Each foreign character as `_`.
    Underscores,
    /// Dots as `_dot_`, and so on.
    Dots,
    /// With the code of each character.
    Values,
}

impl Escaping {
    /// The word in headers and in configurations.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AllowUtf8 => "allow-utf-8",
            Self::Underscores => "underscores",
            Self::Dots => "dots",
            Self::Values => "values",
        }
    }
}

/// A word that names no format.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error(
    "unknown scrape protocol {0}, supported: [OpenMetricsText0.0.1 OpenMetricsText1.0.0 PrometheusProto \
     PrometheusText0.0.4 PrometheusText1.0.0]"
)]
pub struct UnknownProtocol(pub String);

impl Protocol {
    /// What is asked for unless a configuration says otherwise, best first. The classic text goes first: Python's client
    /// library renames metrics with colons in OpenMetrics unless it is told `escaping=allow-utf-8`, and older ones do
    /// not know that word.
    pub const DEFAULT: [Self; 4] = [Self::Text004, Self::Text100, Self::OpenMetrics100, Self::OpenMetrics001];

    /// Reads a name from a configuration.
    ///
    /// # Errors
    /// There is no such format.
    pub fn parse(name: &str) -> Result<Self, UnknownProtocol> {
        match name {
            "PrometheusProto" => Ok(Self::Protobuf),
            "PrometheusText0.0.4" => Ok(Self::Text004),
            "PrometheusText1.0.0" => Ok(Self::Text100),
            "OpenMetricsText0.0.1" => Ok(Self::OpenMetrics001),
            "OpenMetricsText1.0.0" => Ok(Self::OpenMetrics100),
            _ => Err(UnknownProtocol(name.to_owned())),
        }
    }
}
