//! Replacing what a pattern matches, with Go's templates (`$1`, `${name}`): relabelling, `label_replace`,
//! `reReplaceAll`.

use crate::error::RegexpError;
use crate::parse::{self, Options};
use crate::{compile, emit};

/// A pattern with its groups.
#[derive(Clone, Debug)]
pub struct Replacer {
    compiled: regex::Regex,
}

impl Replacer {
    /// A pattern that matches a whole text, `.` including the line break: `^(?s:PATTERN)$`.
    ///
    /// # Errors
    /// The pattern is not RE2's, or too large.
    pub fn anchored(pattern: &str) -> Result<Self, RegexpError> {
        let tree = parse::parse(pattern, Options { dot_matches_newline: true })?;
        compile(pattern, &format!(r"\A(?:{})\z", emit::emit(&tree))).map(|compiled| Self { compiled })
    }

    /// A pattern that matches anywhere in a text, as Go's `regexp.Compile` gives it; `.` stops at line breaks.
    ///
    /// # Errors
    /// The pattern is not RE2's, or too large.
    pub fn unanchored(pattern: &str) -> Result<Self, RegexpError> {
        let tree = parse::parse(pattern, Options { dot_matches_newline: false })?;
        compile(pattern, &emit::emit(&tree)).map(|compiled| Self { compiled })
    }

    /// Whether the pattern matches `text`, whole or anywhere.
    pub fn is_match(&self, text: &str) -> bool {
        self.compiled.is_match(text)
    }

    /// `template` filled from the first match in `text`; `None` without a match. `$1`, `${1}`, `$name` and `${name}`
    /// are groups, `$1x` is the group named `1x`, groups that are not there are empty, `$$` is a dollar.
    pub fn expand(&self, text: &str, template: &str) -> Option<String> {
        let captures = self.compiled.captures(text)?;
        let mut out = String::new();
        push_expanded(&mut out, &captures, template);
        Some(out)
    }

    /// `text` with every match replaced by the filled `template`.
    pub fn replace_all(&self, text: &str, template: &str) -> String {
        let expanded = |captures: &regex::Captures<'_>| {
            let mut out = String::new();
            push_expanded(&mut out, captures, template);
            out
        };
        self.compiled.replace_all(text, expanded).into_owned()
    }
}

fn push_expanded(out: &mut String, captures: &regex::Captures<'_>, template: &str) {
    let mut rest = template;
    while let Some((before, behind)) = rest.split_once('$') {
        out.push_str(before);
        if let Some(behind) = behind.strip_prefix('$') {
            out.push('$');
            rest = behind;
            continue;
        }
        match reference(behind) {
            Some((name, behind)) => {
                let group = match index(name) {
                    Some(index) => captures.get(index),
                    None => captures.name(&emit::group_name(name)),
                };
                out.push_str(group.map_or("", |group| group.as_str()));
                rest = behind;
            }
            None => {
                out.push('$');
                rest = behind;
            }
        }
    }
    out.push_str(rest);
}

/// The name of a group behind a dollar, and what follows it.
fn reference(text: &str) -> Option<(&str, &str)> {
    let braced = text.strip_prefix('{');
    let text = braced.unwrap_or(text);
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    if name.is_empty() {
        return None;
    }
    if braced.is_some() { rest.strip_prefix('}').map(|rest| (name, rest)) } else { Some((name, rest)) }
}

/// A number without leading zeros is an index.
fn index(name: &str) -> Option<usize> {
    let is_number = name.bytes().all(|byte| byte.is_ascii_digit()) && (name == "0" || !name.starts_with('0'));
    is_number.then(|| name.parse().unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_gos() {
        let replacer = Replacer::anchored("(?P<host>.*):(.*)").expect("a pattern");
        for (template, expected) in [
            ("$1", "a"),
            ("${1}x", "ax"),
            ("$1x", ""),
            ("$host-$2", "a-9100"),
            ("$$1 $ ${1 ${} $9", "$1 $ ${1 ${} "),
            ("$01|$0", "|a:9100"),
        ] {
            assert_eq!(replacer.expand("a:9100", template).as_deref(), Some(expected), "{template}");
        }
        assert_eq!(replacer.expand("a", "$1"), None);
        let digit_in_front = Replacer::anchored("(?P<1x>.)b").expect("a pattern");
        assert_eq!(digit_in_front.expand("ab", "$1x").as_deref(), Some("a"));
    }

    #[test]
    fn every_match_is_replaced() {
        for (pattern, text, template, expected) in [
            ("a*", "baac", "x", "xbxcx"),
            ("(b)(.)", "abcb\n", "$2$1", "acbb\n"),
            (r"\d+", "a1b22", "<$0>", "a<1>b<22>"),
        ] {
            let replacer = Replacer::unanchored(pattern).expect(pattern);
            assert_eq!(replacer.replace_all(text, template), expected, "{pattern}");
        }
    }
}
