//! Alertmanager's matchers in text: two grammars, the classic one and the UTF-8 one, and how the two are reconciled.

mod classic;
mod lexer;
mod unquote;
mod utf8;

use model::{MatchOp, Matcher};
use regexp::Regexp;
use thiserror::Error;

/// A list of matchers longer than this many bytes is refused.
pub const INPUT_BYTES_MAX: usize = 64 << 10;

/// Why a text is not a list of matchers, in Alertmanager's words.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{0}")]
pub struct MatcherError(String);

/// Matchers that were read, and what their author should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed {
    /// The conditions, in the order of the text.
    pub matchers: Vec<Matcher>,
    /// Where the two grammars do not agree.
    pub caution: Option<Caution>,
}

/// Where the two grammars do not agree; the classic reading was taken.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Caution {
    /// The text is only valid in the classic grammar.
    #[error("the matchers are not valid in the UTF-8 grammar, write {suggestion}")]
    ClassicOnly {
        /// The same conditions in a form that both grammars read alike.
        suggestion: String,
    },
    /// The two grammars read the text differently.
    #[error("the matchers mean different things in the classic and in the UTF-8 grammar, write {suggestion}")]
    Disagreement {
        /// The same conditions in a form that both grammars read alike.
        suggestion: String,
    },
}

/// Reads a list such as `severity=~"warning|critical", team!=gpu`, in braces or not.
///
/// The UTF-8 grammar counts, unless only the classic one can read the text or reads something else.
///
/// # Errors
/// Neither grammar can read the text; the words are the classic one's.
pub fn parse(input: &str) -> Result<Parsed, MatcherError> {
    let (utf8, classic) = (parse_utf8(input), parse_classic(input));
    let suggestion = |matchers: &[Matcher]| format_list(matchers);
    match (utf8, classic) {
        (Err(_), Err(error)) => Err(error),
        (Ok(matchers), Err(_)) => Ok(Parsed { matchers, caution: None }),
        (Err(_), Ok(matchers)) => {
            let caution = Some(Caution::ClassicOnly { suggestion: suggestion(&matchers) });
            Ok(Parsed { matchers, caution })
        }
        (Ok(utf8), Ok(matchers)) => {
            let caution = (utf8 != matchers).then(|| Caution::Disagreement { suggestion: suggestion(&matchers) });
            Ok(Parsed { matchers, caution })
        }
    }
}

/// [`parse`] for those who have nobody to caution.
///
/// # Errors
/// As [`parse`].
pub fn parse_matchers(input: &str) -> Result<Vec<Matcher>, MatcherError> {
    parse(input).map(|parsed| parsed.matchers)
}

/// Reads a list by the grammar before UTF-8 names.
///
/// # Errors
/// The text is not in this grammar.
pub fn parse_classic(input: &str) -> Result<Vec<Matcher>, MatcherError> {
    check_length(input)?;
    classic::parse(input)
}

/// Reads a list by the grammar with UTF-8 names.
///
/// # Errors
/// The text is not in this grammar.
pub fn parse_utf8(input: &str) -> Result<Vec<Matcher>, MatcherError> {
    check_length(input)?;
    utf8::parse(input)
}

/// A matcher as Alertmanager prints it: `severity=~"a|b"`, the name quoted only where it must be.
pub fn format(matcher: &Matcher) -> String {
    let name = if matcher.name().chars().any(lexer::is_reserved) {
        units::quote::quote(matcher.name())
    } else {
        matcher.name().to_owned()
    };
    let mut out = format!("{name}{}\"", matcher.op().as_str());
    for c in matcher.value().chars() {
        match c {
            '\\' => out.push_str(r"\\"),
            '\n' => out.push_str(r"\n"),
            '"' => out.push_str("\\\""),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// `{a="b",c="d"}`, a part of a route's key.
pub fn format_list(matchers: &[Matcher]) -> String {
    let parts: Vec<String> = matchers.iter().map(format).collect();
    format!("{{{}}}", parts.join(","))
}

fn check_length(input: &str) -> Result<(), MatcherError> {
    if INPUT_BYTES_MAX < input.len() {
        return Err(MatcherError(format!("matchers of more than {INPUT_BYTES_MAX} bytes")));
    }
    Ok(())
}

fn matcher(op: MatchOp, name: &str, value: String) -> Result<Matcher, MatcherError> {
    let wrong = |error: regexp::RegexpError| MatcherError(error.to_string());
    if matches!(op, MatchOp::Regexp | MatchOp::NotRegexp) {
        // Alertmanager anchors by wrapping, and its error texts show the wrapped pattern.
        Regexp::new(&format!("^(?:{value})$")).map_err(wrong)?;
    }
    Matcher::new(op, name, value).map_err(wrong)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn printed(parsed: Result<Vec<Matcher>, MatcherError>) -> Value {
        match parsed {
            Ok(matchers) => serde_json::json!({"matchers": matchers.iter().map(format).collect::<Vec<_>>()}),
            Err(error) => serde_json::json!({"error": error.to_string()}),
        }
    }

    #[test]
    fn alertmanager_reads_the_same() {
        let Some(file) = test_support::shared_data("oracle/matchers.jsonl") else { return };
        let text = std::fs::read_to_string(file).expect("the file");
        let mut asked = 0;
        for line in text.lines() {
            let line: Value = serde_json::from_str(line).expect("JSON");
            let input = line["input"].as_str().expect("text");
            assert_eq!(printed(parse_classic(input)), line["classic"], "classic {input:?}");
            assert_eq!(printed(parse_utf8(input)), line["utf8"], "utf8 {input:?}");
            assert_eq!(printed(parse(input).map(|parsed| parsed.matchers)), line["fallback"], "fallback {input:?}");
            asked += 1;
        }
        assert_eq!(asked, 55);
    }

    #[test]
    fn who_wrote_something_doubtful_is_told() {
        let caution = |input| parse(input).expect(input).caution;
        assert_eq!(caution("a=b"), None);
        assert_eq!(caution("é=b"), None);
        assert_eq!(caution("a=b c"), Some(Caution::ClassicOnly { suggestion: r#"{a="b c"}"#.to_owned() }));
        let suggestion = r#"{a="\\u4e2d"}"#.to_owned();
        assert_eq!(caution(r#"a="\u4e2d""#), Some(Caution::Disagreement { suggestion }));
    }

    #[test]
    fn an_operator_that_is_cut_off() {
        let error = |input| parse_utf8(input).expect_err(input).to_string();
        assert_eq!(
            error("a!"),
            "1:2: unexpected end of input, expected one of '=~': expected an operator such as '=', '!=', '=~' or '!~'"
        );
        assert_eq!(error("a!b"), "1:2: !: expected one of '=~': expected an operator such as '=', '!=', '=~' or '!~'");
    }

    proptest! {
        #[test]
        fn nothing_panics(input in "[{}a,=!~\"\\\\ é'n]{0,12}") {
            drop((parse(&input), parse_classic(&input), parse_utf8(&input)));
        }

        #[test]
        fn what_is_printed_is_read_alike(name in "[a-z]{1,3}", value in "\\PC{0,12}") {
            let matcher = Matcher::equal(name, value);
            let list = format_list(std::slice::from_ref(&matcher));
            prop_assert_eq!(parse_utf8(&list), Ok(vec![matcher]));
        }
    }
}
