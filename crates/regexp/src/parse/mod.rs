//! RE2's grammar with Perl's extensions, as Go's `regexp/syntax` reads it with the flags `Perl`.

mod class;
mod escape;

use std::collections::HashSet;

use crate::PATTERN_BYTES_MAX;
use crate::ast::Node;
use crate::error::RegexpError;

/// How deep groups may nest; Go allows 1000, and nobody writes 100.
pub(crate) const NESTING_DEPTH_MAX: usize = 250;

/// The greatest count in `{n,m}`, and the greatest product of nested counts.
const REPEAT_MAX: u32 = 1_000;

/// What differs between those who compile patterns.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    /// `.` matches the line break unless `(?-s)` says otherwise.
    pub(crate) dot_matches_newline: bool,
}

/// Reads `pattern` into a tree.
pub(crate) fn parse(pattern: &str, options: Options) -> Result<Node, RegexpError> {
    if PATTERN_BYTES_MAX < pattern.len() {
        return Err(RegexpError::new("expression too large", pattern));
    }
    let flags = Flags { newline: options.dot_matches_newline, ..Flags::default() };
    let mut parser =
        Parser { pattern, rest: pattern, flags, open: Vec::new(), level: Level::default(), names: HashSet::new() };
    parser.run()?;
    if !parser.open.is_empty() {
        return Err(RegexpError::new("missing closing )", pattern));
    }
    Ok(parser.level.close())
}

/// `i`, `m`, `s` and `U`.
#[derive(Clone, Copy, Debug, Default)]
struct Flags {
    fold: bool,
    multi_line: bool,
    newline: bool,
    swap_greed: bool,
}

/// What has been read of the innermost open group.
#[derive(Debug, Default)]
struct Level {
    alternatives: Vec<Node>,
    sequence: Vec<Node>,
}

impl Level {
    fn close(mut self) -> Node {
        let last = concat(self.sequence);
        if self.alternatives.is_empty() {
            return last;
        }
        self.alternatives.push(last);
        Node::Alternate(self.alternatives)
    }
}

/// A group that is open: what to go on with behind it.
#[derive(Debug)]
struct Open {
    level: Level,
    flags: Flags,
    capture: Option<Option<String>>,
}

#[derive(Debug)]
struct Parser<'a> {
    pattern: &'a str,
    rest: &'a str,
    flags: Flags,
    open: Vec<Open>,
    level: Level,
    names: HashSet<&'a str>,
}

impl<'a> Parser<'a> {
    fn run(&mut self) -> Result<(), RegexpError> {
        // The text from the last repetition on, if nothing has come since: two in a row are refused.
        let mut last_repetition: Option<&str> = None;
        while let Some(c) = self.rest.chars().next() {
            let before = self.rest;
            let mut repetition = None;
            match c {
                '(' if before.starts_with("(?") => self.flags_or_group()?,
                '(' => {
                    self.bump(1);
                    self.open_group(Some(None))?;
                }
                '|' => {
                    self.bump(1);
                    let sequence = std::mem::take(&mut self.level.sequence);
                    self.level.alternatives.push(concat(sequence));
                }
                ')' => self.close_group()?,
                '^' => self.push(1, if self.flags.multi_line { Node::LineStart } else { Node::TextStart }),
                '$' => self.push(1, if self.flags.multi_line { Node::LineEnd } else { Node::TextEnd }),
                '.' => self.push(1, Node::Any { newline: self.flags.newline }),
                '[' => {
                    let (class, rest) = class::bracketed(before, self.flags.fold)?;
                    self.rest = rest;
                    self.level.sequence.push(Node::Class(class));
                }
                '*' | '+' | '?' => {
                    self.bump(1);
                    let (min, max) = match c {
                        '*' => (0, None),
                        '+' => (1, None),
                        _ => (0, Some(1)),
                    };
                    self.repeat(min, max, before, last_repetition)?;
                    repetition = Some(before);
                }
                '{' => match counts(before) {
                    None => self.push(1, Node::Literal { c, fold: self.flags.fold }),
                    Some((bounds, rest)) => {
                        self.rest = rest;
                        let Some((min, max)) = bounds else {
                            return Err(self.error_since("invalid repeat count", before));
                        };
                        self.repeat(min, max, before, last_repetition)?;
                        repetition = Some(before);
                    }
                },
                '\\' => self.escaped()?,
                c => self.push(c.len_utf8(), Node::Literal { c, fold: self.flags.fold }),
            }
            last_repetition = repetition;
        }
        Ok(())
    }

    fn bump(&mut self, bytes: usize) {
        self.rest = &self.rest[bytes..];
    }

    fn push(&mut self, bytes: usize, node: Node) {
        self.bump(bytes);
        self.level.sequence.push(node);
    }

    /// An error about the text from `before` up to here.
    fn error_since(&self, reason: &'static str, before: &str) -> RegexpError {
        RegexpError::new(reason, &before[..before.len() - self.rest.len()])
    }

    fn open_group(&mut self, capture: Option<Option<String>>) -> Result<(), RegexpError> {
        if NESTING_DEPTH_MAX <= self.open.len() {
            return Err(RegexpError::new("expression nests too deeply", self.pattern));
        }
        let level = std::mem::take(&mut self.level);
        self.open.push(Open { level, flags: self.flags, capture });
        Ok(())
    }

    fn close_group(&mut self) -> Result<(), RegexpError> {
        let Some(open) = self.open.pop() else {
            return Err(RegexpError::new("unexpected )", self.pattern));
        };
        self.bump(1);
        self.flags = open.flags;
        let inner = std::mem::replace(&mut self.level, open.level).close();
        self.level.sequence.push(match open.capture {
            Some(name) => Node::Capture { name, inner: Box::new(inner) },
            None => inner,
        });
        Ok(())
    }

    /// `(?i)`, `(?i:..)`, `(?P<name>..)`, `(?<name>..)`
    fn flags_or_group(&mut self) -> Result<(), RegexpError> {
        let before = self.rest;
        let named = before.strip_prefix("(?P<").or_else(|| before.strip_prefix("(?<"));
        if let Some(behind) = named.filter(|behind| !behind.is_empty()) {
            let Some(end) = behind.find('>') else {
                return Err(RegexpError::new("invalid named capture", before));
            };
            let name = &behind[..end];
            self.rest = &behind[end + 1..];
            let valid = name.bytes().all(|byte| byte == b'_' || byte.is_ascii_alphanumeric());
            if name.is_empty() || !valid || !self.names.insert(name) {
                return Err(self.error_since("invalid named capture", before));
            }
            return self.open_group(Some(Some(name.to_owned())));
        }
        self.bump(2);
        let (mut flags, mut value, mut seen) = (self.flags, true, false);
        while let Some(c) = self.rest.chars().next() {
            self.bump(c.len_utf8());
            seen |= matches!(c, 'i' | 'm' | 's' | 'U');
            match c {
                'i' => flags.fold = value,
                'm' => flags.multi_line = value,
                's' => flags.newline = value,
                'U' => flags.swap_greed = value,
                '-' if value => (value, seen) = (false, false),
                ':' | ')' if value || seen => {
                    if c == ':' {
                        self.open_group(None)?;
                    }
                    self.flags = flags;
                    return Ok(());
                }
                _ => break,
            }
        }
        Err(self.error_since("invalid or unsupported Perl syntax", before))
    }

    fn repeat(
        &mut self,
        min: u32,
        max: Option<u32>,
        before: &str,
        last_repetition: Option<&str>,
    ) -> Result<(), RegexpError> {
        let mut greedy = !self.flags.swap_greed;
        if self.rest.starts_with('?') {
            self.bump(1);
            greedy = !greedy;
        }
        if let Some(last) = last_repetition {
            return Err(self.error_since("invalid nested repetition operator", last));
        }
        let Some(inner) = self.level.sequence.pop() else {
            return Err(self.error_since("missing argument to repetition operator", before));
        };
        let node = Node::Repeat { inner: Box::new(inner), min, max, greedy };
        if (min >= 2 || max.is_some_and(|max| max >= 2)) && !repeats_at_most(&node, REPEAT_MAX) {
            return Err(self.error_since("invalid repeat count", before));
        }
        self.level.sequence.push(node);
        Ok(())
    }

    fn escaped(&mut self) -> Result<(), RegexpError> {
        let before = self.rest;
        let assertion = match before.as_bytes().get(1) {
            Some(b'A') => Some(Node::TextStart),
            Some(b'z') => Some(Node::TextEnd),
            Some(b'b') => Some(Node::WordBoundary),
            Some(b'B') => Some(Node::NotWordBoundary),
            Some(b'Q') => {
                let quoted = &before[2..];
                let (literal, rest) = quoted.split_once(r"\E").unwrap_or((quoted, ""));
                let fold = self.flags.fold;
                self.level.sequence.extend(literal.chars().map(|c| Node::Literal { c, fold }));
                self.rest = rest;
                return Ok(());
            }
            _ => None,
        };
        if let Some(assertion) = assertion {
            self.push(2, assertion);
            return Ok(());
        }
        if let Some((item, rest)) = class::escaped(before)? {
            self.rest = rest;
            self.level.sequence.push(Node::Class(class::single(item, self.flags.fold)));
            return Ok(());
        }
        let (code, rest) = escape::character(before)?;
        self.rest = rest;
        self.level.sequence.push(match char::from_u32(code) {
            Some(c) => Node::Literal { c, fold: self.flags.fold },
            // Half of a surrogate pair is in no text.
            None => Node::Class(class::nothing()),
        });
        Ok(())
    }
}

fn concat(mut nodes: Vec<Node>) -> Node {
    match nodes.len() {
        0 => Node::Empty,
        1 => nodes.remove(0),
        _ => Node::Concat(nodes),
    }
}

type Bounds = (u32, Option<u32>);

/// `{n}`, `{n,}`, `{n,m}` at the start of `text`: the bounds, `None` if they are too great or in the wrong order, and
/// what follows. Nothing if the brace is an ordinary character.
fn counts(text: &str) -> Option<(Option<Bounds>, &str)> {
    let (min, rest) = count(&text[1..])?;
    let (max, rest) = match rest.strip_prefix(',') {
        None => (Some(min), rest),
        Some(rest) if rest.starts_with('}') => (None, rest),
        Some(rest) => {
            let (max, rest) = count(rest)?;
            (Some(max), rest)
        }
    };
    let rest = rest.strip_prefix('}')?;
    let in_order = min <= REPEAT_MAX && max.is_none_or(|max| min <= max && max <= REPEAT_MAX);
    Some((in_order.then_some((min, max)), rest))
}

/// Digits without leading zeros; a number that is far too great is only that.
fn count(text: &str) -> Option<(u32, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at(digits);
    if number.is_empty() || (number.len() > 1 && number.starts_with('0')) {
        return None;
    }
    Some((number.parse().unwrap_or(u32::MAX), rest))
}

/// Whether nested counts multiply to at most `limit`.
fn repeats_at_most(node: &Node, limit: u32) -> bool {
    match node {
        Node::Repeat { inner, min, max, .. } => {
            let times = max.unwrap_or(*min);
            match (max, times) {
                (Some(0), _) => true,
                _ if limit < times => false,
                _ => repeats_at_most(inner, limit.checked_div(times).unwrap_or(limit)),
            }
        }
        Node::Capture { inner, .. } => repeats_at_most(inner, limit),
        Node::Concat(nodes) | Node::Alternate(nodes) => nodes.iter().all(|node| repeats_at_most(node, limit)),
        _ => true,
    }
}
