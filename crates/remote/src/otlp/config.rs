//! How OTLP's metrics become Prometheus' series.

/// What `prometheus.yml` says under `otlp`, with Prometheus' defaults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtlpConfig {
    /// `translation_strategy`
    pub translation_strategy: TranslationStrategy,
    /// `promote_all_resource_attributes`: every resource attribute becomes a label of every series.
    pub promote_all_resource_attributes: bool,
    /// `promote_resource_attributes`: the resource attributes that become labels of every series.
    pub promote_resource_attributes: Vec<String>,
    /// `ignore_resource_attributes`: those that do not, where all others do.
    pub ignore_resource_attributes: Vec<String>,
    /// `keep_identifying_resource_attributes`: `target_info` has those that became `job` and `instance`, too.
    pub keep_identifying_resource_attributes: bool,
    /// `convert_histograms_to_nhcb`: histograms become native ones with custom buckets.
    pub convert_histograms_to_nhcb: bool,
    /// `promote_scope_metadata`: name, version, schema and attributes of the scope become `otel_scope_…` labels.
    pub promote_scope_metadata: bool,
    /// `label_name_underscore_sanitization`: labels that begin with one underscore get `key` in front.
    pub label_name_underscore_sanitization: bool,
    /// `label_name_preserve_multiple_underscores`: underscores in a row stay as many.
    pub label_name_preserve_multiple_underscores: bool,
}

/// How names are translated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TranslationStrategy {
    /// `UnderscoreEscapingWithSuffixes`
    #[default]
    UnderscoreEscapingWithSuffixes,
    /// `UnderscoreEscapingWithoutSuffixes`
    UnderscoreEscapingWithoutSuffixes,
    /// `NoUTF8EscapingWithSuffixes`
    NoUtf8EscapingWithSuffixes,
    /// `NoTranslation`
    NoTranslation,
}

impl TranslationStrategy {
    /// From its name in the configuration.
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "UnderscoreEscapingWithSuffixes" => Self::UnderscoreEscapingWithSuffixes,
            "UnderscoreEscapingWithoutSuffixes" => Self::UnderscoreEscapingWithoutSuffixes,
            "NoUTF8EscapingWithSuffixes" => Self::NoUtf8EscapingWithSuffixes,
            "NoTranslation" => Self::NoTranslation,
            _ => return None,
        })
    }

    /// Whether characters that the classic text format does not know become underscores.
    pub const fn escapes(self) -> bool {
        matches!(self, Self::UnderscoreEscapingWithSuffixes | Self::UnderscoreEscapingWithoutSuffixes)
    }

    /// Whether names get unit and `_total`.
    pub const fn has_suffixes(self) -> bool {
        matches!(self, Self::UnderscoreEscapingWithSuffixes | Self::NoUtf8EscapingWithSuffixes)
    }
}

impl Default for OtlpConfig {
    fn default() -> Self {
        Self {
            translation_strategy: TranslationStrategy::default(),
            promote_all_resource_attributes: false,
            promote_resource_attributes: Vec::new(),
            ignore_resource_attributes: Vec::new(),
            keep_identifying_resource_attributes: false,
            convert_histograms_to_nhcb: false,
            promote_scope_metadata: false,
            label_name_underscore_sanitization: true,
            label_name_preserve_multiple_underscores: true,
        }
    }
}

impl OtlpConfig {
    /// Whether a resource attribute becomes a label of every series.
    pub(crate) fn promotes(&self, attribute: &str) -> bool {
        if self.promote_all_resource_attributes {
            !self.ignore_resource_attributes.iter().any(|ignored| ignored == attribute)
        } else {
            self.promote_resource_attributes.iter().any(|promoted| promoted == attribute)
        }
    }
}
