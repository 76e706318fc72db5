//! Matchers as `alertmanager.yml` writes them: `severity="critical", team=~"a|b"`, quotes optional.

use model::{MatchOp, Matcher};
use thiserror::Error;

/// Why a text is no list of matchers.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("bad matcher {text:?}: {reason}")]
pub struct MatcherError {
    /// The text.
    pub text: String,
    /// What is wrong.
    pub reason: String,
}

/// Reads a list of matchers, with or without braces around it.
///
/// # Errors
/// A part of it is no matcher.
pub fn parse_matchers(text: &str) -> Result<Vec<Matcher>, MatcherError> {
    let fault = |reason: &str| MatcherError { text: text.to_owned(), reason: reason.to_owned() };
    let trimmed = text.trim();
    let mut rest = match (trimmed.strip_prefix('{'), trimmed.ends_with('}')) {
        (Some(inner), true) => inner.strip_suffix('}').unwrap_or(inner),
        (None, false) => trimmed,
        _ => return Err(fault("a brace without its partner")),
    };
    let mut matchers = Vec::new();
    loop {
        rest = rest.trim_start_matches([' ', '\t', '\n', ',']);
        if rest.is_empty() {
            return Ok(matchers);
        }
        let (name, after) = match rest.strip_prefix('"') {
            Some(_) => quoted(rest).ok_or_else(|| fault("a quote is not closed"))?,
            None => {
                let end = rest.find(['=', '!', ' ', '\t']).unwrap_or(rest.len());
                (rest[..end].to_owned(), &rest[end..])
            }
        };
        if name.is_empty() {
            return Err(fault("a label name is missing"));
        }
        let after = after.trim_start();
        let ops =
            [("=~", MatchOp::Regexp), ("!~", MatchOp::NotRegexp), ("!=", MatchOp::NotEqual), ("=", MatchOp::Equal)];
        let found = ops.into_iter().find_map(|(sign, op)| Some((op, after.strip_prefix(sign)?)));
        let (op, after) = found.ok_or_else(|| fault("expected =, !=, =~ or !~"))?;
        let after = after.trim_start();
        let (value, after) = match after.strip_prefix('"') {
            Some(_) => quoted(after).ok_or_else(|| fault("a quote is not closed"))?,
            None => {
                let end = after.find(',').unwrap_or(after.len());
                (after[..end].trim_end().to_owned(), &after[end..])
            }
        };
        let after = after.trim_start();
        if !after.is_empty() && !after.starts_with(',') {
            return Err(fault("expected a comma between matchers"));
        }
        matchers.push(Matcher::new(op, name, value).map_err(|error| fault(&error.to_string()))?);
        rest = after;
    }
}

/// The text between quotes, escapes resolved, and what follows.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut out = String::new();
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((out, &text[at + 1..])),
            '\\' => match chars.next()?.1 {
                'n' => out.push('\n'),
                escaped => out.push(escaped),
            },
            other => out.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_with_and_without_quotes() {
        for (text, expected) in [
            (r#"severity="critical""#, r#"severity="critical""#),
            (r#"{a=b, c=~"d|e",f!="g\"h"}"#, r#"a="b" c=~"d|e" f!="g\"h""#),
            ("", ""),
            (r#"a!~x.*"#, r#"a!~"x.*""#),
            ("a", "! expected =, !=, =~ or !~"),
            ("{a=b", "! a brace without its partner"),
            ("a=\"b", "! a quote is not closed"),
        ] {
            let shown = match parse_matchers(text) {
                Ok(matchers) => matchers.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
                Err(error) => format!("! {}", error.reason),
            };
            assert_eq!(shown, expected, "{text}");
        }
    }
}
