//! Writes metric families in the classic text format.

use model::{Family, METRIC_NAME, MetricType};

/// The page, families in the order given.
pub fn write_text(families: &[Family]) -> String {
    let mut out = String::new();
    for family in families {
        if family.samples.is_empty() {
            continue;
        }
        let kind = match family.kind {
            MetricType::Counter => "counter",
            MetricType::Gauge | MetricType::Info | MetricType::StateSet => "gauge",
            MetricType::Histogram | MetricType::GaugeHistogram => "histogram",
            MetricType::Summary => "summary",
            MetricType::Unknown => "untyped",
        };
        let help = family.help.replace('\\', "\\\\").replace('\n', "\\n");
        let bare = model::is_legacy_metric_name(&family.name);
        let name = if bare { family.name.clone() } else { quoted(&family.name) };
        out.push_str(&format!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
        for (labels, value) in &family.samples {
            let name = labels.metric_name();
            let bare = model::is_legacy_metric_name(name);
            if bare {
                out.push_str(name);
            }
            let pairs = labels.iter().filter(|(label, _)| *label != METRIC_NAME);
            let mut parts: Vec<String> = if bare { Vec::new() } else { vec![quoted(name)] };
            parts.extend(pairs.map(|(label, value)| {
                let label = if model::is_legacy_label_name(label) { label.to_owned() } else { quoted(label) };
                format!("{label}={}", quoted(value))
            }));
            if !parts.is_empty() {
                out.push_str(&format!("{{{}}}", parts.join(",")));
            }
            out.push(' ');
            out.push_str(&units::float::shortest_g(*value));
            out.push('\n');
        }
    }
    out
}

fn quoted(text: &str) -> String {
    let mut out = String::new();
    push_quoted(&mut out, text);
    out
}

/// Appends a text in quotes.
pub(crate) fn push_quoted(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            '\n' => out.push_str("\\n"),
            c => out.push(c),
        }
    }
    out.push('"');
}
