//! `info`: adds the labels of info series, such as `target_info`, to the series that they describe.

use std::collections::{BTreeMap, BTreeSet};

use model::{Labels, METRIC_NAME, MatchOp, Matcher, Timestamp};
use promql_syntax::{Expr, ExprKind, VectorSelector};
use storage::SeriesColumns;

use crate::column::Column;
use crate::error::{EvalError, fail};
use crate::evaluation::Evaluation;
use crate::selector::{self, References};
use crate::series::{Series, merge};

/// The info metric where none is named.
const TARGET_INFO: &str = "target_info";

/// What info metrics are called where only names that they do not have are given.
const INFO_NAMES: &str = ".+_info";

/// The labels by which an info series and the series that it describes find each other.
const IDENTIFYING_LABELS: [&str; 2] = ["instance", "job"];

/// Which info series are wanted, and which of their labels.
struct Wanted {
    names: Vec<Matcher>,
    /// Conditions on other labels. If there are any, only these labels are added.
    data: Vec<Matcher>,
    /// Whether a series that is an info series of this kind itself is to stay as it is.
    spares_info: bool,
}

impl Wanted {
    fn of(arg: Option<&Expr>) -> Result<Self, EvalError> {
        let matchers = match arg.map(|arg| &arg.unwrap_parens().kind) {
            Some(ExprKind::Vector(selector)) => selector.matchers.clone(),
            _ => Vec::new(),
        };
        let (mut names, data): (Vec<_>, Vec<_>) =
            matchers.into_iter().partition(|matcher| matcher.name() == METRIC_NAME);
        if names.is_empty() {
            names.push(Matcher::equal(METRIC_NAME, TARGET_INFO));
        }
        let positive = |matcher: &Matcher| matches!(matcher.op(), MatchOp::Equal | MatchOp::Regexp);
        let spares_info = names.iter().any(positive);
        if !spares_info {
            names.push(regexp(METRIC_NAME, INFO_NAMES)?);
        }
        Ok(Self { names, data, spares_info })
    }

    fn is_info(&self, metric: &str) -> bool {
        self.spares_info && self.names.iter().all(|matcher| matcher.matches(metric))
    }

    fn wants_label(&self, name: &str) -> bool {
        name != METRIC_NAME && (self.data.is_empty() || self.data.iter().any(|matcher| matcher.name() == name))
    }
}

fn regexp(name: &str, pattern: &str) -> Result<Matcher, EvalError> {
    Matcher::new(MatchOp::Regexp, name, pattern)
        .map_err(|error| EvalError::Execution(format!("info() cannot select by {name}: {error}")))
}

/// An info series: at each step the moment of the newest sample.
struct InfoSeries {
    labels: Labels,
    newest: Column,
}

/// An info metric's name with the identifying labels: what must agree.
type Signature = (String, Labels);

pub(super) fn call(evaluation: &Evaluation<'_>, args: &[Expr]) -> Result<Vec<Series>, EvalError> {
    let base = evaluation.vector(&args[0])?;
    let wanted = Wanted::of(args.get(1))?;
    let references = references(evaluation, &args[0]);
    let infos = info_series(evaluation, &base, &wanted, &references)?;
    let metrics: BTreeSet<&str> = infos.iter().map(|info| info.labels.metric_name()).collect();
    let mut by_signature: BTreeMap<Signature, Vec<usize>> = BTreeMap::new();
    for (position, info) in infos.iter().enumerate() {
        let signature = (info.labels.metric_name().to_owned(), identity(&info.labels));
        by_signature.entry(signature).or_default().push(position);
    }
    // Of the info series with one signature, the one with the newest sample counts, step by step.
    let mut chosen: BTreeMap<&Signature, Vec<Option<usize>>> = BTreeMap::new();
    for (signature, positions) in &by_signature {
        let steps = (0..evaluation.steps.count).map(|step| newest(&infos, positions, step));
        chosen.insert(signature, steps.collect::<Result<_, _>>()?);
    }
    let needs_match = wanted.data.iter().any(|matcher| !matcher.matches_absent());
    let mut out = Vec::with_capacity(base.len());
    for series in base {
        if wanted.is_info(series.labels.metric_name()) {
            out.push(series);
            continue;
        }
        let identity = identity(&series.labels);
        let signatures: Vec<Signature> =
            metrics.iter().map(|metric| ((*metric).to_owned(), identity.clone())).collect();
        let matched: Vec<&Vec<Option<usize>>> = signatures.iter().filter_map(|key| chosen.get(key)).collect();
        let mut enriched: Vec<(Vec<usize>, Series)> = Vec::new();
        for (step, point) in series.column.points() {
            let found: Vec<usize> = matched.iter().filter_map(|steps| steps[step]).collect();
            if found.is_empty() && needs_match {
                continue;
            }
            let at = match enriched.iter().position(|(known, _)| *known == found) {
                Some(at) => at,
                None => {
                    let labels = with_labels(&series.labels, found.iter().map(|at| &infos[*at].labels), &wanted)?;
                    let column = Column::empty(evaluation.steps.count);
                    enriched.push((found, Series { labels, drop_name: series.drop_name, column }));
                    enriched.len() - 1
                }
            };
            enriched[at].1.column.put_point(step, point);
        }
        out.extend(enriched.into_iter().map(|(_, series)| series));
    }
    merge(out)
}

fn identity(labels: &Labels) -> Labels {
    labels.filtered(|name| IDENTIFYING_LABELS.contains(&name))
}

/// The labels with those of the info series added that are not there yet.
fn with_labels<'a>(
    base: &Labels,
    infos: impl Iterator<Item = &'a Labels>,
    wanted: &Wanted,
) -> Result<Labels, EvalError> {
    let mut added: BTreeMap<&str, &str> = BTreeMap::new();
    for (name, value) in infos.flat_map(Labels::iter).filter(|(name, _)| wanted.wants_label(name)) {
        if added.get(name).is_some_and(|known| *known != value) {
            return fail(format!("conflicting label: {name}"));
        }
        if base.get(name).is_none() {
            added.insert(name, value);
        }
    }
    let mut builder = base.to_builder();
    for (name, value) in added {
        builder.set(name, value);
    }
    Ok(builder.build())
}

/// The moments at which the base series' samples are looked up: those of the first selector in the expression.
fn references(evaluation: &Evaluation<'_>, base: &Expr) -> References {
    fn first_selector<'a>(expr: &'a Expr, path: &mut Vec<&'a Expr>) -> Option<&'a VectorSelector> {
        path.push(expr);
        let found = match &expr.kind {
            ExprKind::Vector(selector) => Some(selector),
            ExprKind::Matrix(matrix) => Some(&matrix.selector),
            _ => expr.children().into_iter().find_map(|child| first_selector(child, path)),
        };
        if found.is_none() {
            path.pop();
        }
        found
    }
    let mut references = References::new(evaluation, None, 0);
    let mut path = Vec::new();
    let Some(selector) = first_selector(base, &mut path) else { return references };
    for expr in path {
        if let ExprKind::Subquery(subquery) = &expr.kind {
            references = references.then(evaluation, subquery.at, subquery.offset_ms);
        }
    }
    references.then(evaluation, selector.at, selector.offset_ms)
}

/// The info series that may describe any of the base series.
fn info_series(
    evaluation: &Evaluation<'_>,
    base: &[Series],
    wanted: &Wanted,
    references: &References,
) -> Result<Vec<InfoSeries>, EvalError> {
    let described = || base.iter().filter(|series| !wanted.is_info(series.labels.metric_name()));
    let mut matchers: Vec<Matcher> = wanted.names.iter().chain(&wanted.data).cloned().collect();
    let mut identified = false;
    for name in IDENTIFYING_LABELS {
        let values: BTreeSet<&str> = described().filter_map(|series| series.labels.get(name)).collect();
        if values.is_empty() {
            continue;
        }
        identified = true;
        let pattern: Vec<String> = values.into_iter().map(quoted).collect();
        matchers.push(regexp(name, &pattern.join("|"))?);
    }
    if !identified {
        return Ok(Vec::new());
    }
    let selector = VectorSelector { matchers, ..VectorSelector::default() };
    let lookback_ms = evaluation.options.lookback_ms;
    let found = selector::read(evaluation, &selector, references, (lookback_ms, 0), "info")?;
    found.into_iter().map(|series| newest_moments(evaluation, series, references)).collect()
}

/// A text as a regular expression that matches nothing else.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if r"\.+*?()|[]{}^$".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

fn newest_moments(
    evaluation: &Evaluation<'_>,
    series: SeriesColumns,
    references: &References,
) -> Result<InfoSeries, EvalError> {
    let lookback_ms = evaluation.options.lookback_ms;
    let mut newest = Column::empty(evaluation.steps.count);
    for step in 0..evaluation.steps.count {
        let at_ms = references.at(step);
        let float = series.timestamps_ms.partition_point(|at| *at <= at_ms).checked_sub(1);
        let float = float.map(|at| (series.timestamps_ms[at], series.values[at]));
        let histogram = series.histograms.partition_point(|(at, _)| *at <= at_ms).checked_sub(1);
        let histogram = histogram.map(|at| &series.histograms[at]);
        if let Some((histogram_ms, histogram)) = histogram
            && at_ms - lookback_ms < *histogram_ms
            && float.is_none_or(|(float_ms, _)| float_ms < *histogram_ms)
        {
            if histogram.is_stale() {
                continue;
            }
            return fail("info sample should be float");
        }
        if let Some((sample_ms, value)) = float
            && at_ms - lookback_ms < sample_ms
            && !model::is_stale(value)
        {
            newest.put(step, sample_ms as f64);
        }
    }
    Ok(InfoSeries { labels: series.labels, newest })
}

/// Which of the info series at `positions` has the newest sample at `step`.
fn newest(infos: &[InfoSeries], positions: &[usize], step: usize) -> Result<Option<usize>, EvalError> {
    let mut best: Option<(usize, f64)> = None;
    for position in positions {
        let Some(at_ms) = infos[*position].newest.get(step) else { continue };
        match best {
            Some((known, known_ms)) if known_ms == at_ms => {
                let braces = |at: usize| infos[at].labels.to_braces();
                let moment = Timestamp::from_ms(at_ms as i64).as_ms();
                return fail(format!(
                    "found duplicate series for info metric: existing {} @ {moment}, new {} @ {moment}",
                    braces(known),
                    braces(*position)
                ));
            }
            Some((_, known_ms)) if at_ms < known_ms => {}
            _ => best = Some((*position, at_ms)),
        }
    }
    Ok(best.map(|(position, _)| position))
}
