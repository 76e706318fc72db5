//! What a job's rules make of a target, step by step: part of the dropped targets' view, and a page for the others.

use axum::extract::{Query, State as Extract};
use axum::response::Response;
use model::Labels;

use super::super::view::shell::{Section, Shell};
use super::super::view::targets::{StepView, StepsPage, StepsView};
use super::super::{firing, not_found, show};
use super::raw::KeyParams;
use super::tags;
use crate::State;

/// `GET /targets/relabel?key=…`
pub(crate) async fn page(Extract(state): Extract<State>, Query(params): Query<KeyParams>) -> Response {
    let found = state.targets.targets().into_iter().find(|target| target.key == params.key);
    let Some(target) = found else {
        return not_found(&state, Section::Targets, "There is no such target. It may have gone with a reload.");
    };
    let shell = Shell {
        facts: vec![target.pool.clone(), target.url.clone()],
        firing: firing(&state),
        ..Shell::new(Section::Targets, "Relabelling", super::key_href("/targets/relabel", &params.key))
    };
    show(&StepsPage {
        shell,
        discovered: tags(&target.discovered_labels),
        steps: of(&state, &target.pool, &target.discovered_labels),
        labels: tags(&target.labels),
    })
}

/// The steps of a job's rules for a label set.
pub(crate) fn of(state: &State, pool: &str, labels: &Labels) -> StepsView {
    let steps = state.targets.relabel_steps(pool, labels).unwrap_or_default();
    let mut before = labels.clone();
    let mut shown = Vec::with_capacity(steps.len());
    for (index, (rule, step)) in steps.into_iter().enumerate() {
        let changes = step.labels.as_ref().map(|after| changes(&before, after));
        shown.push(StepView {
            number: index + 1,
            rule: rule_line(&rule),
            input: if rule.source_labels.is_empty() { String::new() } else { step.input },
            dropped: changes.is_none(),
            changes: changes.unwrap_or_default(),
        });
        before = step.labels.unwrap_or_else(Labels::empty);
    }
    StepsView { steps: shown }
}

/// No steps at all.
pub(crate) const fn none() -> StepsView {
    StepsView { steps: Vec::new() }
}

/// What differs between two label sets: `+a=b`, `−a=b`.
fn changes(before: &Labels, after: &Labels) -> Vec<String> {
    let gone = before.iter().filter(|(name, value)| after.get(name) != Some(value));
    let new = after.iter().filter(|(name, value)| before.get(name) != Some(value));
    let minus = gone.map(|(name, value)| format!("\u{2212}{name}={value}"));
    minus.chain(new.map(|(name, value)| format!("+{name}={value}"))).collect()
}

/// A rule in one line of YAML, without what is its default.
fn rule_line(rule: &relabel::Config) -> String {
    let default = relabel::Config::default();
    let mut parts = vec![format!("action: {}", rule.action)];
    if !rule.source_labels.is_empty() {
        parts.push(format!("source_labels: [{}]", rule.source_labels.join(", ")));
    }
    if rule.separator != default.separator {
        parts.push(format!("separator: {:?}", rule.separator));
    }
    if let Some(regex) = &rule.regex {
        parts.push(format!("regex: {}", regex.as_str()));
    }
    if rule.modulus != 0 {
        parts.push(format!("modulus: {}", rule.modulus));
    }
    if !rule.target_label.is_empty() {
        parts.push(format!("target_label: {}", rule.target_label));
    }
    if rule.replacement != default.replacement {
        parts.push(format!("replacement: {:?}", rule.replacement));
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_one_line_without_its_defaults() {
        let rule = relabel::Config {
            source_labels: vec!["__address__".to_owned(), "job".to_owned()],
            regex: Some(relabel::Pattern::new("a:(.*)").expect("a pattern")),
            target_label: "port".to_owned(),
            ..relabel::Config::default()
        };
        let expected = "action: replace, source_labels: [__address__, job], regex: a:(.*), target_label: port";
        assert_eq!(rule_line(&rule), expected);
    }

    #[test]
    fn changes_are_what_went_and_what_came() {
        let labels = |pairs: &[(&str, &str)]| Labels::from_pairs(pairs.iter().copied());
        let (before, after) =
            (labels(&[("a", "1"), ("b", "2"), ("c", "3")]), labels(&[("a", "1"), ("b", "9"), ("d", "4")]));
        assert_eq!(changes(&before, &after), ["\u{2212}b=2", "\u{2212}c=3", "+b=9", "+d=4"]);
    }
}
