//! The printed form of an expression, on one line, as Prometheus prints it.

use std::fmt;

use model::{METRIC_NAME, MatchOp, Matcher, is_legacy_label_name};
use units::duration::format_ms;
use units::float::{shortest_f, shortest_g};

use crate::ast::{
    Aggregate, AtModifier, Binary, Expr, ExprKind, MatchCardinality, MatrixSelector, NumberLiteral, Subquery,
    VectorMatching, VectorSelector,
};
use crate::bytes::quote;
use crate::duration::DurationExpr;

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ExprKind::Number(number) => write_number(f, *number),
            ExprKind::String(text) => f.write_str(&quote(text)),
            ExprKind::Vector(selector) => write!(f, "{selector}"),
            ExprKind::Matrix(matrix) => write!(f, "{matrix}"),
            ExprKind::Subquery(subquery) => {
                write!(f, "{}", subquery.expr)?;
                write_subquery_suffix(f, subquery)
            }
            ExprKind::Call(call) => {
                f.write_str(call.function.name)?;
                f.write_str("(")?;
                write_joined(f, &call.args)?;
                f.write_str(")")
            }
            ExprKind::Aggregate(aggregate) => {
                write_aggregate_head(f, aggregate)?;
                f.write_str("(")?;
                if let Some(param) = &aggregate.param {
                    write!(f, "{param}, ")?;
                }
                write!(f, "{})", aggregate.expr)
            }
            ExprKind::Binary(binary) => {
                write!(f, "{} ", binary.lhs)?;
                write_operator(f, binary)?;
                write!(f, " {}", binary.rhs)
            }
            ExprKind::Unary(unary) => write!(f, "{}{}", unary.op.as_str(), unary.expr),
            ExprKind::Paren(inner) => write!(f, "({inner})"),
        }
    }
}

/// Without the braces if the metric name is the only condition; the conditions sorted by their printed form.
impl fmt::Display for VectorSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_series(f)?;
        write_at(f, self.at)?;
        write_extended(f, self)?;
        write_offset(f, self.offset_ms, self.offset_expr.as_deref())
    }
}

impl VectorSelector {
    fn write_series(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_name = |matcher: &Matcher| {
            matcher.name() == METRIC_NAME
                && matcher.op() == MatchOp::Equal
                && matcher.value() == self.name
                && !self.name.is_empty()
        };
        let mut printed: Vec<String> =
            self.matchers.iter().filter(|matcher| !is_name(matcher)).map(printed_matcher).collect();
        f.write_str(&self.name)?;
        if printed.is_empty() {
            return Ok(());
        }
        printed.sort_unstable();
        write!(f, "{{{}}}", printed.join(","))
    }
}

fn printed_matcher(matcher: &Matcher) -> String {
    let name = matcher.name();
    let name = if is_legacy_label_name(name) { name.to_owned() } else { quote(name) };
    format!("{name}{}{}", matcher.op().as_str(), quote(matcher.value()))
}

impl fmt::Display for MatrixSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.selector.write_series(f)?;
        f.write_str("[")?;
        write_duration(f, self.range_ms, self.range_expr.as_deref())?;
        f.write_str("]")?;
        write_extended(f, &self.selector)?;
        write_at(f, self.selector.at)?;
        write_offset(f, self.selector.offset_ms, self.selector.offset_expr.as_deref())
    }
}

/// `[range:step]` with the modifiers.
pub(crate) fn write_subquery_suffix(f: &mut dyn fmt::Write, subquery: &Subquery) -> fmt::Result {
    f.write_str("[")?;
    write_duration(f, subquery.range_ms, subquery.range_expr.as_deref())?;
    f.write_str(":")?;
    if subquery.step_ms.is_some() || subquery.step_expr.is_some() {
        write_duration(f, subquery.step_ms.unwrap_or_default(), subquery.step_expr.as_deref())?;
    }
    f.write_str("]")?;
    write_at(f, subquery.at)?;
    write_offset(f, subquery.offset_ms, subquery.offset_expr.as_deref())
}

/// `sum by (job) `, or only `sum` without labels to keep.
pub(crate) fn write_aggregate_head(f: &mut dyn fmt::Write, aggregate: &Aggregate) -> fmt::Result {
    f.write_str(aggregate.op.as_str())?;
    match (aggregate.without, aggregate.grouping.as_slice()) {
        (false, []) => return Ok(()),
        (false, _) => f.write_str(" by (")?,
        (true, _) => f.write_str(" without (")?,
    }
    write_labels(f, &aggregate.grouping)?;
    f.write_str(") ")
}

/// `== bool on (job) group_left (instance)`
pub(crate) fn write_operator(f: &mut dyn fmt::Write, binary: &Binary) -> fmt::Result {
    f.write_str(binary.op.as_str())?;
    if binary.return_bool {
        f.write_str(" bool")?;
    }
    binary.matching.as_ref().map_or(Ok(()), |matching| write_matching(f, matching))
}

fn write_matching(f: &mut dyn fmt::Write, matching: &VectorMatching) -> fmt::Result {
    let group = match matching.cardinality {
        MatchCardinality::ManyToOne => Some(" group_left ("),
        MatchCardinality::OneToMany => Some(" group_right ("),
        MatchCardinality::OneToOne | MatchCardinality::ManyToMany => None,
    };
    if matching.on || !matching.labels.is_empty() || group.is_some() {
        f.write_str(if matching.on { " on (" } else { " ignoring (" })?;
        write_labels(f, &matching.labels)?;
        f.write_str(")")?;
    }
    if let Some(group) = group {
        f.write_str(group)?;
        write_labels(f, &matching.include)?;
        f.write_str(")")?;
    }
    match (matching.fill_lhs, matching.fill_rhs) {
        (Some(lhs), Some(rhs)) if lhs.to_bits() == rhs.to_bits() => write!(f, " fill ({})", shortest_g(lhs)),
        (lhs, rhs) => {
            if let Some(lhs) = lhs {
                write!(f, " fill_left ({})", shortest_g(lhs))?;
            }
            if let Some(rhs) = rhs {
                write!(f, " fill_right ({})", shortest_g(rhs))?;
            }
            Ok(())
        }
    }
}

/// A number as it was written, a duration as a duration.
pub(crate) fn write_number(f: &mut dyn fmt::Write, number: NumberLiteral) -> fmt::Result {
    let duration = number.is_duration.then(|| crate::duration::seconds_to_ms(number.value)).flatten();
    match duration {
        Some(ms) => f.write_str(&format_ms(ms)),
        None => f.write_str(&shortest_f(number.value)),
    }
}

fn write_duration(f: &mut dyn fmt::Write, ms: i64, computed: Option<&DurationExpr>) -> fmt::Result {
    match computed {
        Some(computed) => write!(f, "{computed}"),
        None => f.write_str(&format_ms(ms)),
    }
}

fn write_offset(f: &mut dyn fmt::Write, offset_ms: i64, computed: Option<&DurationExpr>) -> fmt::Result {
    if offset_ms == 0 && computed.is_none() {
        return Ok(());
    }
    f.write_str(" offset ")?;
    write_duration(f, offset_ms, computed)
}

/// Three digits of seconds, as Go's `%.3f` prints milliseconds divided by 1000.
fn write_at(f: &mut dyn fmt::Write, at: Option<AtModifier>) -> fmt::Result {
    match at {
        None => Ok(()),
        #[expect(clippy::cast_precision_loss, reason = "Prometheus prints the same rounded value")]
        Some(AtModifier::Timestamp(ms)) => write!(f, " @ {:.3}", ms as f64 / 1000.0),
        Some(AtModifier::Start) => f.write_str(" @ start()"),
        Some(AtModifier::End) => f.write_str(" @ end()"),
    }
}

fn write_extended(f: &mut dyn fmt::Write, selector: &VectorSelector) -> fmt::Result {
    match (selector.anchored, selector.smoothed) {
        (true, _) => f.write_str(" anchored"),
        (_, true) => f.write_str(" smoothed"),
        _ => Ok(()),
    }
}

fn write_joined(f: &mut fmt::Formatter<'_>, exprs: &[Expr]) -> fmt::Result {
    for (i, expr) in exprs.iter().enumerate() {
        if i > 0 {
            f.write_str(", ")?;
        }
        write!(f, "{expr}")?;
    }
    Ok(())
}

/// Names that the classic syntax does not allow stand in quotes.
fn write_labels(f: &mut dyn fmt::Write, labels: &[String]) -> fmt::Result {
    for (i, label) in labels.iter().enumerate() {
        if i > 0 {
            f.write_str(", ")?;
        }
        if is_legacy_label_name(label) {
            f.write_str(label)?;
        } else {
            f.write_str(&quote(label))?;
        }
    }
    Ok(())
}
