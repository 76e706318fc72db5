//! The printed form of an expression on several lines, as `/api/v1/format_query` gives it.

use std::fmt::Write as _;

use crate::ast::{Expr, ExprKind};
use crate::printer::{write_aggregate_head, write_operator, write_subquery_suffix};

/// An expression whose one-line form is longer than this many bytes is split.
const LINE_BYTES_MAX: usize = 100;

const INDENT: &str = "  ";

/// The expression on as many lines as it needs, indented by two spaces a level.
pub fn pretty(expr: &Expr) -> String {
    let mut out = String::new();
    write_pretty(&mut out, expr, 0);
    out
}

fn write_pretty(out: &mut String, expr: &Expr, level: usize) {
    let line = expr.to_string();
    if line.len() <= LINE_BYTES_MAX {
        // Prometheus forgets the indentation of a subquery that fits into a line.
        if !matches!(expr.kind, ExprKind::Subquery(_)) {
            push_indent(out, level);
        }
        out.push_str(&line);
        return;
    }
    match &expr.kind {
        ExprKind::Number(_) | ExprKind::String(_) | ExprKind::Vector(_) | ExprKind::Matrix(_) => {
            push_indent(out, level);
            out.push_str(&line);
        }
        ExprKind::Subquery(subquery) => {
            write_pretty(out, &subquery.expr, level);
            infallible(write_subquery_suffix(out, subquery));
        }
        ExprKind::Call(call) => {
            push_indent(out, level);
            infallible(writeln!(out, "{}(", call.function.name));
            for (i, arg) in call.args.iter().enumerate() {
                if i > 0 {
                    out.push_str(",\n");
                }
                write_pretty(out, arg, level + 1);
            }
            close(out, level);
        }
        ExprKind::Aggregate(aggregate) => {
            push_indent(out, level);
            infallible(write_aggregate_head(out, aggregate));
            out.push_str("(\n");
            if let Some(param) = &aggregate.param {
                write_pretty(out, param, level + 1);
                out.push_str(",\n");
            }
            write_pretty(out, &aggregate.expr, level + 1);
            close(out, level);
        }
        ExprKind::Binary(binary) => {
            write_pretty(out, &binary.lhs, level + 1);
            out.push('\n');
            push_indent(out, level);
            infallible(write_operator(out, binary));
            out.push('\n');
            write_pretty(out, &binary.rhs, level + 1);
        }
        ExprKind::Unary(unary) => {
            push_indent(out, level);
            out.push_str(unary.op.as_str());
            let mut operand = String::new();
            write_pretty(&mut operand, &unary.expr, level);
            out.push_str(operand.trim());
        }
        ExprKind::Paren(inner) => {
            push_indent(out, level);
            out.push_str("(\n");
            write_pretty(out, inner, level + 1);
            close(out, level);
        }
    }
}

fn close(out: &mut String, level: usize) {
    out.push('\n');
    push_indent(out, level);
    out.push(')');
}

fn push_indent(out: &mut String, level: usize) {
    for _ in 0..level {
        out.push_str(INDENT);
    }
}

/// Writing to a String cannot fail.
fn infallible(_: std::fmt::Result) {}
