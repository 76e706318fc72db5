//! Shows what each rule does, for those who write rules.

use model::Labels;

use crate::config::Config;
use crate::process::{apply, joined};

/// What one rule did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The joined values of the source labels.
    pub input: String,
    /// The label set after the rule; `None` if the rule dropped it.
    pub labels: Option<Labels>,
}

/// Applies `rules` one by one; ends with the rule that drops the label set.
pub fn explain(labels: &Labels, rules: &[Config]) -> Vec<Step> {
    let mut builder = labels.to_builder();
    let mut steps = Vec::with_capacity(rules.len());
    for rule in rules {
        let input = joined(&builder, rule);
        let kept = apply(&mut builder, rule);
        steps.push(Step { input, labels: kept.then(|| builder.build()) });
        if !kept {
            break;
        }
    }
    steps
}
