//! `otlp`: how received OTLP metrics become series.

use super::http::one_of;
use crate::schema::{Group, Kind, Schema, key};
use crate::section::Section;

const STRATEGIES: [&str; 4] = [
    "UnderscoreEscapingWithSuffixes",
    "UnderscoreEscapingWithoutSuffixes",
    "NoUTF8EscapingWithSuffixes",
    "NoTranslation",
];

/// The translation.
pub(crate) static OTLP: Schema = Schema {
    name: "otlp",
    groups: &[&Group {
        keys: &[
            key("promote_all_resource_attributes", Kind::Boolean),
            key("promote_resource_attributes", Kind::List(&Kind::Text)),
            key("ignore_resource_attributes", Kind::List(&Kind::Text)),
            key("translation_strategy", Kind::Text),
            key("keep_identifying_resource_attributes", Kind::Boolean),
            key("convert_histograms_to_nhcb", Kind::Boolean),
            key("promote_scope_metadata", Kind::Boolean),
            key("label_name_underscore_sanitization", Kind::Boolean),
            key("label_name_preserve_multiple_underscores", Kind::Boolean),
        ],
        check: Some(check),
    }],
};

fn check(section: &mut Section<'_>) {
    one_of(section, "translation_strategy", &STRATEGIES, |found| {
        format!("unsupported OTLP translation strategy {found:?}")
    });
    let promote_all = section.boolean("promote_all_resource_attributes").unwrap_or(false);
    let [promoted, ignored] =
        ["promote_resource_attributes", "ignore_resource_attributes"].map(|key| section.texts(key));
    if promote_all && !promoted.is_empty() {
        section.error_at(
            "promote_resource_attributes",
            "'promote_all_resource_attributes' and 'promote_resource_attributes' cannot be configured simultaneously",
        );
    }
    if !promote_all && !ignored.is_empty() {
        section.error_at(
            "ignore_resource_attributes",
            "'ignore_resource_attributes' cannot be configured unless 'promote_all_resource_attributes' is true",
        );
    }
    let (key, word) = if promote_all {
        ("ignore_resource_attributes", "ignored")
    } else {
        ("promote_resource_attributes", "promoted")
    };
    let mut seen: Vec<String> = Vec::new();
    for item in section.items(key) {
        let Some(name) = item.text().map(|text| text.trim().to_owned()) else { continue };
        if name.is_empty() {
            item.error(format!("invalid '{key}': empty {word} OTel resource attribute"));
        } else if seen.contains(&name) {
            item.error(format!("invalid '{key}': duplicated {word} OTel resource attribute {name:?}"));
        }
        seen.push(name);
    }
}

/// A strategy that leaves foreign names needs a store that takes them.
pub(super) fn check_names(root: &mut Section<'_>) {
    let scheme = root.subsection("global").and_then(|mut global| global.text("metric_name_validation_scheme"));
    let Some(mut otlp) = root.subsection("otlp") else { return };
    let strategy = otlp.text("translation_strategy").unwrap_or_default();
    if scheme.as_deref() == Some("legacy")
        && matches!(strategy.as_str(), "NoTranslation" | "NoUTF8EscapingWithSuffixes")
    {
        otlp.error_at(
            "translation_strategy",
            format!("OTLP translation strategy {strategy:?} is not allowed when UTF8 is disabled"),
        );
    }
}
