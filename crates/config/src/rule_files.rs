//! Rule files: groups of recording and alerting rules.

use std::path::Path;

use rules::{GroupConfig, RuleConfig};

use crate::Loaded;
use crate::labels;
use crate::problem::Problem;
use crate::section::{Field, Findings};

/// Reads one rule file. With any error among the problems the value must not be used.
pub fn load(path: &Path) -> Loaded<Vec<GroupConfig>> {
    match std::fs::read_to_string(path) {
        Ok(text) => {
            let (value, problems) = parse(&text, path);
            Loaded { value, problems }
        }
        Err(error) => Loaded::unreadable(path, &error),
    }
}

fn parse(text: &str, path: &Path) -> (Vec<GroupConfig>, Vec<Problem>) {
    let findings = Findings::new(path);
    let mut groups: Vec<GroupConfig> = Vec::new();
    if let Some(node) = findings.parse(text)
        && let Some(mut root) = Field::root(&findings, &node).section()
    {
        for field in root.get("groups").map(|field| field.items()).unwrap_or_default() {
            let Some(group) = group(&field, path) else { continue };
            if groups.iter().any(|earlier| earlier.name == group.name) {
                field.error(format!("groupname: {:?} is repeated in the same file", group.name));
            }
            groups.push(group);
        }
        root.finish();
    }
    (groups, findings.into_problems())
}

fn group(field: &Field<'_>, path: &Path) -> Option<GroupConfig> {
    let mut section = field.section()?;
    let name = section.text("name").unwrap_or_default();
    if name.is_empty() {
        section.error("Groupname must not be empty");
    }
    let labels = section.get("labels").map(|labels| labels::of_rule(&labels)).unwrap_or_default();
    let group = GroupConfig {
        file: path.display().to_string(),
        name,
        interval_ms: section.duration_ms("interval"),
        limit: section.get("limit").and_then(|limit| limit.count()).unwrap_or(0),
        query_offset_ms: section.duration_ms("query_offset"),
        labels,
        rules: section.get("rules").map(|list| list.items()).unwrap_or_default().iter().filter_map(rule).collect(),
    };
    section.finish();
    Some(group)
}

fn rule(field: &Field<'_>) -> Option<RuleConfig> {
    let mut section = field.section()?;
    let (record, alert) = (section.get("record"), section.get("alert"));
    let for_ = section.get("for");
    let keep_firing_for = section.get("keep_firing_for");
    let annotations = section.get("annotations");
    let labels_field = section.get("labels");
    let labels = labels_field.as_ref().map(labels::of_rule).unwrap_or_default();
    let Some(expression) = section.get("expr") else {
        section.error("field 'expr' must be set in rule");
        return None;
    };
    section.finish();
    let text = expression.text()?.trim().to_owned();
    let expr = expression
        .parsed(|text| promql_syntax::parse(text).map_err(|error| format!("could not parse expression: {error}")))?;
    match (record, alert) {
        (None, None) => {
            field.error("one of 'record' or 'alert' must be set");
            None
        }
        (Some(_), Some(_)) => {
            field.error("only one of 'record' and 'alert' must be set");
            None
        }
        (Some(record), None) => {
            for (wrong, name) in [(&for_, "for"), (&keep_firing_for, "keep_firing_for"), (&annotations, "annotations")]
            {
                if let Some(wrong) = wrong {
                    wrong.error(format!("invalid field '{name}' in recording rule"));
                }
            }
            let name = record.text()?.to_owned();
            if name.contains(['{', '}']) {
                record.error(format!("braces present in the recording rule name; should it be in expr?: {name}"));
            }
            Some(RuleConfig::Recording { record: name, text, expr, labels })
        }
        (None, Some(alert)) => {
            let alert_name = alert.text()?.to_owned();
            let annotations_read = annotations.as_ref().map(labels::of_rule).unwrap_or_default();
            for (field, what) in [(&labels_field, "label"), (&annotations, "annotation")] {
                for (name, value) in field.iter().flat_map(Field::pairs) {
                    if let Some(Err(why)) = value.text().map(|template| rules::check_template(&alert_name, template)) {
                        value.error(format!("{what} {name:?}: {why}"));
                    }
                }
            }
            Some(RuleConfig::Alerting {
                alert: alert_name,
                text,
                expr,
                for_ms: for_.and_then(|field| field.duration_ms()).unwrap_or(0),
                keep_firing_for_ms: keep_firing_for.and_then(|field| field.duration_ms()).unwrap_or(0),
                labels,
                annotations: annotations_read,
            })
        }
    }
}
