//! Applies rules.

use std::sync::LazyLock;

use md5::{Digest as _, Md5};
use model::LabelsBuilder;

use crate::config::{Action, Config, DEFAULT_PATTERN, Pattern};

/// Applies `rules` in their order; whether the label set is kept. What is dropped is left as it stood at that rule.
pub fn process(labels: &mut LabelsBuilder, rules: &[Config]) -> bool {
    rules.iter().all(|rule| apply(labels, rule))
}

/// Applies one rule; whether the label set is kept.
pub(crate) fn apply(labels: &mut LabelsBuilder, rule: &Config) -> bool {
    let value = joined(labels, rule);
    let matches = |text: &str| rule.regex.as_ref().is_none_or(|regex| regex.compiled().is_match(text));
    match rule.action {
        Action::Drop => return !matches(&value),
        Action::Keep => return matches(&value),
        Action::DropEqual => return labels.get(&rule.target_label).unwrap_or_default() != value,
        Action::KeepEqual => return labels.get(&rule.target_label).unwrap_or_default() == value,
        Action::Replace => {
            if let Some(target) = expand(rule, &value, &rule.target_label)
                && !target.is_empty()
                && let Some(replacement) = expand(rule, &value, &rule.replacement)
            {
                labels.set(&target, &replacement);
            }
        }
        Action::Lowercase => drop(labels.set(&rule.target_label, &lower(&value))),
        Action::Uppercase => drop(labels.set(&rule.target_label, &upper(&value))),
        Action::HashMod => {
            let digest = Md5::digest(value.as_bytes());
            let low = digest[8..].iter().fold(0u64, |hash, byte| hash << 8 | u64::from(*byte));
            // A rule that was checked has a modulus.
            labels.set(&rule.target_label, &(low % rule.modulus.max(1)).to_string());
        }
        Action::LabelMap => {
            let before = labels.build();
            for (name, value) in &before {
                if let Some(copy) = expand(rule, name, &rule.replacement).filter(|copy| !copy.is_empty()) {
                    labels.set(&copy, value);
                }
            }
        }
        Action::LabelDrop => drop(labels.retain(|name| !matches(name))),
        Action::LabelKeep => drop(labels.retain(matches)),
    }
    true
}

pub(crate) fn joined(labels: &LabelsBuilder, rule: &Config) -> String {
    let values = rule.source_labels.iter().map(|name| labels.get(name).unwrap_or_default());
    values.collect::<Vec<_>>().join(&rule.separator)
}

/// Go changes the case of one character at a time and knows nothing of its neighbours.
fn lower(text: &str) -> String {
    // The one character that becomes several in Rust and one in Go.
    text.chars().map(|c| if c == '\u{130}' { 'i' } else { single(c, c.to_lowercase()) }).collect()
}

/// `ß` stays as it is.
fn upper(text: &str) -> String {
    text.chars().map(|c| single(c, c.to_uppercase())).collect()
}

fn single(character: char, mut mapped: impl ExactSizeIterator<Item = char>) -> char {
    if mapped.len() == 1 { mapped.next().unwrap_or(character) } else { character }
}

/// `template` with the groups of what matched in `text`; `None` without a match.
fn expand(rule: &Config, text: &str, template: &str) -> Option<String> {
    match &rule.regex {
        Some(regex) => regex.compiled().expand(text, template),
        None if template == "$1" => Some(text.to_owned()),
        None if !template.contains('$') => Some(template.to_owned()),
        None => ANY.compiled().expand(text, template),
    }
}

/// The pattern of rules that have none.
static ANY: LazyLock<Pattern> = LazyLock::new(|| Pattern::new(DEFAULT_PATTERN).expect("a constant pattern compiles"));

#[cfg(test)]
mod tests {
    use model::Labels;

    use super::*;
    use crate::explain;

    fn rule(action: Action, source: &[&str], regex: Option<&str>, target: &str, replacement: &str) -> Config {
        Config {
            source_labels: source.iter().map(|name| (*name).to_owned()).collect(),
            regex: regex.map(|text| Pattern::new(text).unwrap()),
            target_label: target.to_owned(),
            replacement: replacement.to_owned(),
            modulus: 8,
            action,
            ..Config::default()
        }
    }

    fn check(rule: &Config, expected: &str) {
        let labels = Labels::from_pairs([("a", "foo"), ("b", "Bar"), ("meta_x", "1"), ("empty", "")]);
        let mut builder = labels.to_builder();
        let shown = if process(&mut builder, std::slice::from_ref(rule)) {
            builder.build().to_braces()
        } else {
            "dropped".to_owned()
        };
        assert_eq!(shown, expected, "{rule:?}");
    }

    #[test]
    fn each_action() {
        use Action::*;
        let same = r#"{a="foo", b="Bar", meta_x="1"}"#;
        check(&rule(Keep, &["a"], Some("fo"), "", "$1"), "dropped");
        check(&rule(Keep, &["a", "b"], Some("foo;Bar"), "", "$1"), same);
        check(&rule(Drop, &["a"], Some("f.*"), "", "$1"), "dropped");
        check(&rule(KeepEqual, &["a"], None, "b", "$1"), "dropped");
        check(&rule(DropEqual, &["a"], None, "b", "$1"), same);
        check(&rule(Replace, &["a"], Some("(f)(o)o"), "x_$2", "$1"), r#"{a="foo", b="Bar", meta_x="1", x_o="f"}"#);
        check(&rule(Replace, &["a"], Some("nothing"), "x", "y"), same);
        check(&rule(Replace, &["a"], None, "a", ""), r#"{b="Bar", meta_x="1"}"#);
        check(&rule(Replace, &["none"], None, "x", "${1}y"), r#"{a="foo", b="Bar", meta_x="1", x="y"}"#);
        check(&rule(Lowercase, &["b"], None, "b", "$1"), r#"{a="foo", b="bar", meta_x="1"}"#);
        check(&rule(Uppercase, &["b"], None, "b", "$1"), r#"{a="foo", b="BAR", meta_x="1"}"#);
        check(&rule(HashMod, &["a"], None, "h", "$1"), r#"{a="foo", b="Bar", h="0", meta_x="1"}"#);
        check(&rule(LabelMap, &[], Some("meta_(.+)"), "", "$1"), r#"{a="foo", b="Bar", meta_x="1", x="1"}"#);
        check(&rule(LabelDrop, &[], Some("meta_.*|a"), "", "$1"), r#"{b="Bar"}"#);
        check(&rule(LabelKeep, &[], Some("meta_.*|a"), "", "$1"), r#"{a="foo", meta_x="1"}"#);
    }

    #[test]
    fn case_is_changed_as_go_does() {
        for (text, lowered, uppered) in
            [("Foo-ÄÖ", "foo-äö", "FOO-ÄÖ"), ("ΟΔΟΣ", "οδοσ", "ΟΔΟΣ"), ("\u{130}", "i", "\u{130}"), ("ß", "ß", "ß")]
        {
            assert_eq!((lower(text).as_str(), upper(text).as_str()), (lowered, uppered));
        }
    }

    #[test]
    fn each_step_is_shown() {
        let rules = [
            rule(Action::Replace, &["a"], None, "c", "$1"),
            rule(Action::Drop, &["c"], Some("foo"), "", "$1"),
            rule(Action::Replace, &["a"], None, "d", "$1"),
        ];
        let steps = explain(&Labels::from_pairs([("a", "foo")]), &rules);
        let shown: Vec<_> = steps.iter().map(|step| step.labels.as_ref().map(Labels::to_braces)).collect();
        assert_eq!(shown, [Some(r#"{a="foo", c="foo"}"#.to_owned()), None]);
        assert_eq!(steps[1].input, "foo");
    }
}
