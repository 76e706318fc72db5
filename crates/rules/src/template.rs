//! Templates in an alert's labels and annotations.

use gotemplate::{Functions, Template, TemplateError, Value};
use model::Labels;

/// What Prometheus puts before each template, so that the short names work; error columns are counted without it.
const PREFIX: &str =
    "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}{{$externalURL := .ExternalURL}}{{$value := .Value}}";

/// What templates of one sample see.
pub(crate) struct Expander {
    data: Value,
    functions: Functions,
}

impl Expander {
    /// `labels` and `value` are the sample's.
    pub(crate) fn new(labels: &Labels, value: f64, external_labels: &Labels, external_url: &str) -> Self {
        let map = |labels: &Labels| Value::map(labels.iter().map(|(name, value)| (name, Value::from(value))));
        let data = Value::map([
            ("Labels", map(labels)),
            ("ExternalLabels", map(external_labels)),
            ("ExternalURL", Value::from(external_url)),
            ("Value", Value::Float(value)),
        ]);
        Self { data, functions: Functions::standard() }
    }

    /// The text that a template makes. A template that fails becomes the failure's text: the alert is more important than
    /// its wording.
    pub(crate) fn expand(&self, alert: &str, text: &str) -> String {
        if !text.contains("{{") {
            return text.to_owned();
        }
        let expanded =
            parse(alert, text, &self.functions).and_then(|template| template.execute(&self.data, &self.functions));
        expanded.unwrap_or_else(|error| format!("<error expanding template: {error}>"))
    }
}

fn parse(alert: &str, text: &str, functions: &Functions) -> Result<Template, TemplateError> {
    Template::parse(&format!("__alert_{alert}"), &format!("{PREFIX}{text}"), functions)
}

/// Whether a label or annotation of an alert is a template.
///
/// # Errors
/// Says what is wrong with it.
pub fn check_template(alert: &str, text: &str) -> Result<(), TemplateError> {
    parse(alert, text, &Functions::standard()).map(drop)
}
