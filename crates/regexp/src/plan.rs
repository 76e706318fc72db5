//! Shapes of patterns that need no regex: sets of literals, and literals with `.*` between them.

use crate::ast::{ClassItem, Node};

/// How a pattern is matched.
#[derive(Clone, Debug)]
pub(crate) enum Plan {
    /// `.*`
    Everything,
    /// `.+`
    NotEmpty,
    /// `a|b`; sorted, each once.
    Set(Vec<String>),
    /// `a.*b`
    Pieces(Pieces),
    Search(regex::Regex),
}

/// Literals in order with anything between them: the first at the start, the last at the end.
#[derive(Clone, Debug)]
pub(crate) struct Pieces {
    first: String,
    middle: Vec<String>,
    last: String,
}

/// Combinations of classes and alternatives beyond this many texts are left to the regex.
const SET_PRODUCT_MAX: usize = 256;

/// The plan of a pattern that is a set or a row of pieces.
pub(crate) fn shape(tree: &Node) -> Option<Plan> {
    let parts = anchored_parts(tree);
    match parts {
        [Node::Repeat { inner, min: 1, max: None, .. }] if is_any(inner) => return Some(Plan::NotEmpty),
        [part] if is_anything(part) => return Some(Plan::Everything),
        _ => {}
    }
    pieces(parts).map(Plan::Pieces).or_else(|| {
        let mut texts = set_of_sequence(parts)?;
        texts.sort_unstable();
        texts.dedup();
        Some(Plan::Set(texts))
    })
}

/// The literal that every matching text starts with.
pub(crate) fn prefix(tree: &Node) -> String {
    anchored_parts(tree).iter().map_while(literal).collect()
}

/// The parts of a sequence, without the anchors that are implied anyway.
fn anchored_parts(tree: &Node) -> &[Node] {
    let mut parts = match tree {
        Node::Concat(parts) => parts.as_slice(),
        single => std::slice::from_ref(single),
    };
    while let [Node::TextStart, rest @ ..] = parts {
        parts = rest;
    }
    while let [rest @ .., Node::TextEnd] = parts {
        parts = rest;
    }
    parts
}

fn pieces(parts: &[Node]) -> Option<Pieces> {
    let mut texts = vec![String::new()];
    for part in parts {
        if is_anything(part) {
            texts.push(String::new());
        } else {
            texts.last_mut()?.push(literal(part)?);
        }
    }
    if texts.len() < 2 {
        return None;
    }
    let last = texts.pop()?;
    let first = texts.remove(0);
    texts.retain(|text| !text.is_empty());
    Some(Pieces { first, middle: texts, last })
}

impl Pieces {
    pub(crate) fn is_match(&self, text: &str) -> bool {
        let inner = text.strip_prefix(self.first.as_str()).and_then(|rest| rest.strip_suffix(self.last.as_str()));
        let Some(mut rest) = inner else { return false };
        for piece in &self.middle {
            match rest.split_once(piece.as_str()) {
                Some((_, behind)) => rest = behind,
                None => return false,
            }
        }
        true
    }
}

/// The character, if the node is one and its case counts.
fn literal(node: &Node) -> Option<char> {
    match node {
        Node::Literal { c, fold } if !fold || is_caseless(*c) => Some(*c),
        _ => None,
    }
}

fn is_caseless(c: char) -> bool {
    c.is_ascii() && !c.is_ascii_alphabetic()
}

/// `.*`, also as a group.
fn is_anything(node: &Node) -> bool {
    match node {
        Node::Repeat { inner, min: 0, max: None, .. } => is_any(inner),
        Node::Capture { inner, .. } => is_anything(inner),
        _ => false,
    }
}

const fn is_any(node: &Node) -> bool {
    matches!(node, Node::Any { newline: true })
}

fn set_of_sequence(parts: &[Node]) -> Option<Vec<String>> {
    let mut texts = vec![String::new()];
    for part in parts {
        if let Some(c) = literal(part) {
            texts.iter_mut().for_each(|text| text.push(c));
            continue;
        }
        let tails = set(part)?;
        if texts == [""] {
            texts = tails;
            continue;
        }
        if SET_PRODUCT_MAX < texts.len() * tails.len() {
            return None;
        }
        texts = texts.iter().flat_map(|head| tails.iter().map(move |tail| format!("{head}{tail}"))).collect();
    }
    Some(texts)
}

/// All texts that the node matches, if they can be listed.
fn set(node: &Node) -> Option<Vec<String>> {
    match node {
        Node::Empty => Some(vec![String::new()]),
        Node::Literal { .. } => literal(node).map(|c| vec![c.to_string()]),
        Node::Class(class) if !class.fold && !class.negated => {
            let mut texts = Vec::new();
            for item in &class.items {
                let ClassItem::Range(low, high) = item else { return None };
                let count = u32::from(*high) - u32::from(*low) + 1;
                if SET_PRODUCT_MAX < texts.len() + count as usize {
                    return None;
                }
                texts.extend((*low..=*high).map(String::from));
            }
            Some(texts)
        }
        Node::Capture { inner, .. } => set(inner),
        Node::Concat(parts) => set_of_sequence(parts),
        // Plain literals are as many as the pattern is long; only what multiplies is counted.
        Node::Alternate(alternatives) => {
            let mut texts = Vec::new();
            for alternative in alternatives {
                let more = set(alternative)?;
                if more.len() > 1 && SET_PRODUCT_MAX < texts.len() + more.len() {
                    return None;
                }
                texts.extend(more);
            }
            Some(texts)
        }
        Node::Repeat { inner, min: 0, max: Some(1), .. } => {
            let mut texts = set(inner)?;
            texts.push(String::new());
            Some(texts)
        }
        _ => None,
    }
}
