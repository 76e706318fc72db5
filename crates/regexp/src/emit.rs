//! The tree in Rust's syntax; every node says its own flags, so that none leaks into its neighbours.

use std::fmt::Write as _;

use crate::ast::{Class, ClassItem, Node};

/// What a group's name becomes: Go's may start with a digit, Rust's may not.
pub(crate) fn group_name(name: &str) -> String {
    format!("g{name}")
}

pub(crate) fn emit(node: &Node) -> String {
    let mut out = String::new();
    push_node(&mut out, node);
    out
}

fn push_node(out: &mut String, node: &Node) {
    match node {
        Node::Empty => out.push_str("(?:)"),
        Node::Literal { c, fold: false } => push_literal(out, *c),
        Node::Literal { c, fold: true } => {
            out.push_str("(?i:");
            push_literal(out, *c);
            out.push(')');
        }
        Node::Class(class) => push_class(out, class),
        Node::Any { newline: true } => out.push_str("(?s:.)"),
        Node::Any { newline: false } => out.push_str(r"[^\n]"),
        Node::TextStart => out.push_str(r"\A"),
        Node::TextEnd => out.push_str(r"\z"),
        Node::LineStart => out.push_str("(?m:^)"),
        Node::LineEnd => out.push_str("(?m:$)"),
        Node::WordBoundary => out.push_str(r"(?-u:\b)"),
        Node::NotWordBoundary => out.push_str(r"(?-u:\B)"),
        Node::Capture { name, inner } => {
            out.push('(');
            if let Some(name) = name {
                push(out, format_args!("?P<{}>", group_name(name)));
            }
            push_node(out, inner);
            out.push(')');
        }
        Node::Concat(nodes) => push_concat(out, nodes),
        Node::Alternate(nodes) => {
            out.push_str("(?:");
            for (i, node) in nodes.iter().enumerate() {
                if i > 0 {
                    out.push('|');
                }
                push_node(out, node);
            }
            out.push(')');
        }
        Node::Repeat { inner, min, max, greedy } => {
            out.push_str("(?:");
            push_node(out, inner);
            out.push(')');
            match (min, max) {
                (0, None) => out.push('*'),
                (1, None) => out.push('+'),
                (0, Some(1)) => out.push('?'),
                (min, None) => push(out, format_args!("{{{min},}}")),
                (min, Some(max)) => push(out, format_args!("{{{min},{max}}}")),
            }
            if !greedy {
                out.push('?');
            }
        }
    }
}

/// Literals without regard to case share one group.
fn push_concat(out: &mut String, nodes: &[Node]) {
    let mut folding = false;
    for node in nodes {
        let folds = matches!(node, Node::Literal { fold: true, .. });
        if folds != folding {
            out.push_str(if folds { "(?i:" } else { ")" });
            folding = folds;
        }
        match node {
            Node::Literal { c, .. } => push_literal(out, *c),
            other => push_node(out, other),
        }
    }
    if folding {
        out.push(')');
    }
}

fn push_literal(out: &mut String, c: char) {
    out.push_str(&regex_syntax::escape(c.encode_utf8(&mut [0; 4])));
}

fn push_class(out: &mut String, class: &Class) {
    if class.fold {
        out.push_str("(?i:");
    }
    out.push_str(if class.negated { "[^" } else { "[" });
    if class.items.is_empty() {
        // Rust writes the empty class so; its complement follows.
        out.push_str(r"[^\x00-\x{10FFFF}]");
    }
    for item in &class.items {
        match item {
            ClassItem::Range(low, high) => push_range(out, *low, *high),
            ClassItem::Ascii { ranges, negated } => {
                out.push_str(if *negated { "[^" } else { "[" });
                for (low, high) in *ranges {
                    push_range(out, *low, *high);
                }
                out.push(']');
            }
            ClassItem::Unicode { property, negated } => {
                push(out, format_args!(r"[{}\p{{{property}}}]", if *negated { "^" } else { "" }));
            }
        }
    }
    out.push(']');
    if class.fold {
        out.push(')');
    }
}

fn push_range(out: &mut String, low: char, high: char) {
    push(out, format_args!(r"\x{{{:x}}}-\x{{{:x}}}", u32::from(low), u32::from(high)));
}

fn push(out: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _infallible = out.write_fmt(arguments);
}
