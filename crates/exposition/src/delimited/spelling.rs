//! A metric's series as the classic text would write them.

use super::metric::Part;
use crate::series::open_metrics_float;
use crate::write::push_quoted;

/// The series that was spelled last, in memory that is used again.
#[derive(Clone, Debug)]
pub(crate) struct Spelling {
    /// The metric's own labels, with commas between them.
    labels: String,
    series: String,
}

impl Spelling {
    pub(crate) const fn new() -> Self {
        Self { labels: String::new(), series: String::new() }
    }

    /// A metric with these labels comes.
    pub(crate) fn begin(&mut self, labels: &[(&str, &str)]) {
        self.labels.clear();
        for (name, value) in labels {
            if !self.labels.is_empty() {
                self.labels.push(',');
            }
            push_name(&mut self.labels, name, model::is_legacy_label_name(name));
            self.labels.push('=');
            push_quoted(&mut self.labels, value);
        }
    }

    /// One of its samples.
    pub(crate) fn spell(&mut self, family: &str, part: Part) {
        let (suffix, bound) = match part {
            Part::Whole => ("", None),
            Part::Count => ("_count", None),
            Part::Sum => ("_sum", None),
            Part::Bucket(bound) => ("_bucket", Some(("le", bound))),
            Part::Quantile(quantile) => ("", Some(("quantile", quantile))),
        };
        let out = &mut self.series;
        out.clear();
        let legacy = model::is_legacy_metric_name(family);
        if legacy {
            out.extend([family, suffix]);
        }
        if legacy && self.labels.is_empty() && bound.is_none() {
            return;
        }
        out.push('{');
        if !legacy {
            push_quoted(out, &format!("{family}{suffix}"));
        }
        let bound = bound.map(|(name, bound)| format!("{name}=\"{}\"", open_metrics_float(bound)));
        for labels in [Some(self.labels.as_str()).filter(|labels| !labels.is_empty()), bound.as_deref()] {
            let Some(labels) = labels else { continue };
            if !out.ends_with('{') {
                out.push(',');
            }
            out.push_str(labels);
        }
        out.push('}');
    }

    pub(crate) fn text(&self) -> &[u8] {
        self.series.as_bytes()
    }
}

fn push_name(out: &mut String, name: &str, bare: bool) {
    if bare { out.push_str(name) } else { push_quoted(out, name) }
}
