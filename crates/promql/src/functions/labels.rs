//! `label_replace` and `label_join`.

use model::METRIC_NAME;
use promql_syntax::{Expr, is_utf8};
use regexp::Replacer;

use crate::error::{EvalError, fail};
use crate::evaluation::Evaluation;
use crate::series::{Series, merge};

pub(super) fn replace(evaluation: &Evaluation<'_>, args: &[Expr]) -> Result<Vec<Series>, EvalError> {
    let target = evaluation.text(&args[1])?;
    let template = evaluation.text(&args[2])?;
    let source = evaluation.text(&args[3])?;
    let pattern = evaluation.text(&args[4])?;
    let Ok(replacer) = Replacer::anchored(&pattern) else {
        return fail(format!("invalid regular expression in label_replace(): {pattern}"));
    };
    if !is_label_name(&target) {
        return fail(format!("invalid destination label name in label_replace(): {target}"));
    }
    let mut vector = evaluation.vector(&args[0])?;
    for series in &mut vector {
        let value = series.labels.get(&source).unwrap_or_default();
        if let Some(value) = replacer.expand(value, &template) {
            set(series, &target, &value);
        }
    }
    merge(vector)
}

pub(super) fn join(evaluation: &Evaluation<'_>, args: &[Expr]) -> Result<Vec<Series>, EvalError> {
    let target = evaluation.text(&args[1])?;
    let separator = evaluation.text(&args[2])?;
    let sources = args[3..].iter().map(|arg| evaluation.text(arg)).collect::<Result<Vec<_>, _>>()?;
    if let Some(bad) = sources.iter().find(|source| !is_label_name(source)) {
        return fail(format!("invalid source label name in label_join(): {bad}"));
    }
    if !is_label_name(&target) {
        return fail(format!("invalid destination label name in label_join(): {target}"));
    }
    let mut vector = evaluation.vector(&args[0])?;
    for series in &mut vector {
        let values: Vec<&str> = sources.iter().map(|source| series.labels.get(source).unwrap_or_default()).collect();
        let value = values.join(&separator);
        set(series, &target, &value);
    }
    merge(vector)
}

/// Whether a text may be a label's name: any that is UTF-8 and not empty.
pub(crate) fn is_label_name(name: &str) -> bool {
    !name.is_empty() && is_utf8(name)
}

/// Sets a label; a name that is set is not to be dropped any more.
fn set(series: &mut Series, name: &str, value: &str) {
    if name == METRIC_NAME {
        series.drop_name = false;
    }
    series.labels = series.labels.to_builder().set(name, value).build();
}
