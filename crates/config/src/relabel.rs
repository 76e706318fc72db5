//! `relabel_config`: rules that rewrite label sets, as scrape configs, remote write and alerting share them.

use std::path::Path;

use regexp::RegexpError;
use relabel::{Action, Config, ConfigError, Pattern};

use crate::Loaded;
use crate::hints::nearest;
use crate::section::{Field, Findings, Section};
use crate::tables::relabel::RELABEL;
use crate::walk;

/// Reads the text of a YAML list of rules; `file` is where findings are said to be.
pub fn parse_relabel(text: &str, file: &Path) -> Loaded<Vec<Config>> {
    let findings = Findings::new(file);
    let mut value = Vec::new();
    if let Some(node) = findings.parse(text) {
        let list = Field::root(&findings, &node);
        for item in list.items() {
            if item.is_null() {
                item.error("empty or null relabeling rule");
            } else {
                value.extend(walk::hold(item, &RELABEL).section().and_then(|mut section| rule(&mut section)));
            }
        }
    }
    Loaded { value, problems: findings.into_problems() }
}

/// Reads a list of rules that was held against its table.
pub(crate) fn rules(section: &mut Section<'_>, key: &'static str) -> Vec<Config> {
    let items = section.items(key);
    let items = items.iter().filter(|item| !item.is_null());
    items.filter_map(|item| item.section().and_then(|mut section| rule(&mut section))).collect()
}

/// Finds fault with a rule.
pub(crate) fn check(section: &mut Section<'_>) {
    rule(section);
}

/// A rule, if there is nothing wrong with it.
fn rule(section: &mut Section<'_>) -> Option<Config> {
    let mut rule = Config::default();
    let mut sound = true;
    for label in section.items("source_labels") {
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
            let action = field.parsed(|word| {
                Action::parse(word).map_err(|error| match nearest(&word.to_lowercase(), &ACTIONS) {
                    Some(near) => format!("{error}; did you mean {near}?"),
                    None => error.to_string(),
                })
            });
            sound &= action.is_some();
            rule.action = action.unwrap_or_default();
        }
        None => {}
    }
    if !sound {
        return None;
    }
    match rule.check() {
        Ok(()) => Some(rule),
        Err(error) => {
            section.error_at(culprit(&error), error.to_string());
            None
        }
    }
}

/// The words that a near miss may have meant.
const ACTIONS: [&str; 11] = [
    "replace",
    "keep",
    "drop",
    "keepequal",
    "dropequal",
    "hashmod",
    "labelmap",
    "labeldrop",
    "labelkeep",
    "lowercase",
    "uppercase",
];

/// Names that a rule would make and that the legacy scheme does not allow, each as an error at its rule.
pub(crate) fn refuse_foreign_names(section: &mut Section<'_>, key: &'static str) {
    for item in section.items(key) {
        let Some(mut section) = item.section().filter(|_| !item.is_null()) else { continue };
        let Some(rule) = rule(&mut section) else { continue };
        let word = rule.action;
        let (key, name, plain) = match rule.action {
            Action::Replace => ("target_label", rule.target_label, false),
            Action::LabelMap => ("replacement", rule.replacement, false),
            Action::HashMod | Action::Lowercase | Action::Uppercase | Action::KeepEqual | Action::DropEqual => {
                ("target_label", rule.target_label, true)
            }
            Action::Keep | Action::Drop | Action::LabelDrop | Action::LabelKeep => continue,
        };
        let sound = if plain { model::is_legacy_label_name(&name) } else { is_legacy_template(&name) };
        if !sound {
            section.error_at(key, format!("{name:?} is invalid '{key}' for {word} action"));
        }
    }
}

/// Whether a template makes a legacy name if its groups do: `a_$1`, `${name}_b`.
fn is_legacy_template(text: &str) -> bool {
    let mut name = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        name.push_str(&rest[..at]);
        name.push('a');
        rest = &rest[at + 1..];
        let braced = rest.strip_prefix('{').and_then(|inner| inner.split_once('}'));
        let (group, after) = braced.unwrap_or_else(|| {
            rest.split_at(rest.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count())
        });
        if group.is_empty() || !group.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            return false;
        }
        rest = after;
    }
    name.push_str(rest);
    model::is_legacy_label_name(&name)
}

/// A pattern; Prometheus' error quotes it with the anchors that it stands between.
fn pattern(text: &str) -> Result<Pattern, RegexpError> {
    Pattern::new(text).map_err(|error| Pattern::new(&format!("^(?s:{text})$")).err().unwrap_or(error))
}

/// The key that can mend it.
const fn culprit(error: &ConfigError) -> &'static str {
    match error {
        ConfigError::NoModulus => "modulus",
        ConfigError::InvalidTarget(..) => "target_label",
        ConfigError::InvalidReplacement(..) | ConfigError::UselessReplacement(_) => "replacement",
        _ => "action",
    }
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
    fn templates_make_legacy_names() {
        for (text, expected) in [
            ("a_$1", true),
            ("${name}_b", true),
            ("$1", true),
            ("a-b", false),
            ("${a-b}", false),
            ("a$", false),
            ("1$1", false),
        ] {
            assert_eq!(is_legacy_template(text), expected, "{text}");
        }
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
        check("action: keep", "r:1:1: expected a list, found a mapping; put `- ` before its first key");
    }
}
