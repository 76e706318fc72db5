//! `relabel_config`: rules that rewrite label sets, as scrape configs, remote write and alerting share them.

use std::path::Path;

use regexp::RegexpError;
use relabel::{Action, Config, ConfigError, Pattern};

use crate::Loaded;
use crate::section::{Field, Findings};

/// Reads the text of a YAML list of rules; `file` is where findings are said to be.
pub fn parse_relabel(text: &str, file: &Path) -> Loaded<Vec<Config>> {
    let findings = Findings::new(file);
    let value = findings.parse(text).map(|node| rules(&Field::root(&findings, &node), "relabeling rule"));
    Loaded { value: value.unwrap_or_default(), problems: findings.into_problems() }
}

/// Reads a list of rules; `what` names them where one is nothing at all.
pub(crate) fn rules(list: &Field<'_>, what: &str) -> Vec<Config> {
    list.items().iter().filter_map(|item| rule(item, what)).collect()
}

fn rule(field: &Field<'_>, what: &str) -> Option<Config> {
    if field.is_null() {
        field.error(format!("empty or null {what}"));
        return None;
    }
    let mut section = field.section()?;
    let mut rule = Config::default();
    let mut sound = true;
    for label in section.get("source_labels").map(|labels| labels.items()).unwrap_or_default() {
        let name = label.text()?;
        if name.is_empty() {
            label.error(format!("{name:?} is not a valid label name"));
            sound = false;
        }
        rule.source_labels.push(name.to_owned());
    }
    // A key with nothing behind it is the empty text, not the default.
    for (key, text) in [
        ("separator", &mut rule.separator),
        ("target_label", &mut rule.target_label),
        ("replacement", &mut rule.replacement),
    ] {
        if let Some(field) = section.present(key) {
            *text = field.text()?.to_owned();
        }
    }
    if let Some(field) = section.present("regex") {
        rule.regex = field.parsed(pattern);
        sound &= rule.regex.is_some();
    }
    if let Some(field) = section.get("modulus") {
        let count = field.count();
        sound &= count.is_some();
        rule.modulus = count.unwrap_or(0) as u64;
    }
    match section.present("action") {
        Some(field) if field.is_null() => {
            field.error("relabel action cannot be empty");
            sound = false;
        }
        Some(field) => {
            let action = field.parsed(Action::parse);
            sound &= action.is_some();
            rule.action = action.unwrap_or_default();
        }
        None => {}
    }
    section.finish();
    if !sound {
        return None;
    }
    match rule.check() {
        Ok(()) => Some(rule),
        Err(error) => {
            section_error(field, &error);
            None
        }
    }
}

/// A pattern; Prometheus' error quotes it with the anchors that it stands between.
fn pattern(text: &str) -> Result<Pattern, RegexpError> {
    Pattern::new(text).map_err(|error| Pattern::new(&format!("^(?s:{text})$")).err().unwrap_or(error))
}

/// Says what does not fit together at the key that can mend it, if that key is there.
fn section_error(field: &Field<'_>, error: &ConfigError) {
    let key = match error {
        ConfigError::NoModulus => "modulus",
        ConfigError::InvalidTarget(..) => "target_label",
        ConfigError::InvalidReplacement(..) | ConfigError::UselessReplacement(_) => "replacement",
        _ => "action",
    };
    let culprit = field.pairs().into_iter().find(|(name, _)| *name == key).map(|(_, value)| value);
    culprit.as_ref().unwrap_or(field).error(error.to_string());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let Loaded { value, problems } = parse_relabel(text, Path::new("r"));
        let found = if problems.is_empty() {
            let shown: Vec<String> = value
                .iter()
                .map(|rule| {
                    let regex = rule.regex.as_ref().map_or("", Pattern::as_str);
                    format!(
                        "{} {:?} {regex} {}={}",
                        rule.action, rule.source_labels, rule.target_label, rule.replacement
                    )
                })
                .collect();
            shown.join("\n")
        } else {
            problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
        };
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn rules_are_read() {
        check("- {source_labels: [a, b], regex: 1, target_label: c}", "replace [\"a\", \"b\"] 1 c=$1");
        check("- {action: KEEP, regex: , source_labels: [a]}", "keep [\"a\"]  =$1");
        check(
            "- {action: labelmap, regex: a(.*), replacement: $1}\n- {action: labeldrop, regex: b}",
            "labelmap [] a(.*) =$1\nlabeldrop [] b =$1",
        );
        check("", "");
    }

    #[test]
    fn faults_are_prometheus_words_at_their_place() {
        check("- {}", "r:1:3: [0]: relabel configuration for replace action requires 'target_label' value");
        check("- \n", "r:1:3: [0]: empty or null relabeling rule");
        check("- action: null", "r:1:11: [0].action: relabel action cannot be empty");
        check("- action: nosuch", "r:1:11: [0].action: unknown relabel action \"nosuch\"");
        check(
            "- {action: hashmod, target_label: a, modulus: 0}",
            "r:1:47: [0].modulus: relabel configuration for hashmod requires non-zero modulus",
        );
        check(
            "- {regex: '(', target_label: a}",
            "r:1:11: [0].regex: error parsing regexp: missing closing ): `^(?s:()$`",
        );
        check("- {target_label: a, bogus: 1}", "r:1:21: [0].bogus: unknown key");
        check("action: keep", "r:1:1: expected a list, found a mapping");
    }
}
