//! RE2's syntax and semantics on Rust's regex, anchored as Prometheus' matchers are; must not know labels.
//!
//! Patterns are read by a parser of RE2's grammar, with Go's error texts, and written anew in Rust's, because the two
//! differ: `\d` is ASCII in RE2, `[a&&b]` is no intersection, `\Q..\E` quotes, `(?x)` does not exist. Shapes that are
//! common on labels (a literal, a set of literals, `prefix.*`) are matched without a regex.

mod ast;
mod emit;
mod error;
mod parse;
mod plan;
mod replace;

pub use error::RegexpError;
pub use replace::Replacer;

use parse::Options;
use plan::Plan;

/// Patterns longer than this many bytes are refused.
pub const PATTERN_BYTES_MAX: usize = 64 << 10;

/// Compiled patterns are refused beyond this size in bytes, so that one query cannot take the machine.
const COMPILED_BYTES_MAX: usize = 2 << 20;

/// The cache of states that a search may fill, in bytes.
const SEARCH_CACHE_BYTES_MAX: usize = 1 << 20;

/// A pattern that matches a whole text, `.` including the line break: `^(?s:PATTERN)$`.
#[derive(Clone, Debug)]
pub struct Regexp {
    pattern: String,
    prefix: String,
    plan: Plan,
}

impl Regexp {
    /// Compiles `pattern`.
    ///
    /// # Errors
    /// The pattern is not RE2's, or too large.
    pub fn new(pattern: &str) -> Result<Self, RegexpError> {
        let tree = parse::parse(pattern, Options { dot_matches_newline: true })?;
        let plan = match plan::shape(&tree) {
            Some(plan) => plan,
            None => Plan::Search(compile(pattern, &format!(r"\A(?:{})\z", emit::emit(&tree)))?),
        };
        Ok(Self { pattern: pattern.to_owned(), prefix: plan::prefix(&tree), plan })
    }

    /// The pattern as it was given, without anchors.
    pub fn pattern(&self) -> &str {
        &self.pattern
    }

    /// Whether the whole of `text` matches.
    pub fn is_match(&self, text: &str) -> bool {
        match &self.plan {
            Plan::Everything => true,
            Plan::NotEmpty => !text.is_empty(),
            Plan::Set(texts) => texts.binary_search_by(|candidate| candidate.as_str().cmp(text)).is_ok(),
            Plan::Pieces(pieces) => pieces.is_match(text),
            Plan::Search(compiled) => text.starts_with(&self.prefix) && compiled.is_match(text),
        }
    }

    /// The texts that match, sorted, if they are few enough to list (`a|b`, `gpu[0-7]`): who has an index looks them up.
    pub fn set_matches(&self) -> Option<&[String]> {
        match &self.plan {
            Plan::Set(texts) => Some(texts),
            _ => None,
        }
    }

    /// What every matching text starts with; empty if nothing is known.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Whether every text matches (`.*`).
    pub const fn matches_everything(&self) -> bool {
        matches!(self.plan, Plan::Everything)
    }
}

fn compile(pattern: &str, rust_pattern: &str) -> Result<regex::Regex, RegexpError> {
    regex::RegexBuilder::new(rust_pattern)
        .size_limit(COMPILED_BYTES_MAX)
        .dfa_size_limit(SEARCH_CACHE_BYTES_MAX)
        .nest_limit(RUST_NESTING_MAX)
        .build()
        // What the parser lets through, Rust takes; what is left is size.
        .map_err(|_too_large| RegexpError::new("expression too large", pattern))
}

/// Every group of ours becomes at most three of Rust's.
const RUST_NESTING_MAX: u32 = 4 * parse::NESTING_DEPTH_MAX as u32;

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, matching: &[&str], others: &[&str]) {
        let regexp = Regexp::new(pattern).expect(pattern);
        for text in matching {
            assert!(regexp.is_match(text), "{pattern} {text:?} {regexp:?}");
            assert!(text.starts_with(regexp.prefix()), "{pattern} {text:?} {regexp:?}");
        }
        for text in others {
            assert!(!regexp.is_match(text), "{pattern} {text:?} {regexp:?}");
        }
    }

    #[test]
    fn classes_are_ascii_and_no_sets() {
        check(r"\d+", &["12"], &["٣"]);
        check(r"[\w&&a]+", &["a&_"], &["é"]);
        check(r"(?i)[^\W]+", &["sS", "\u{17f}"], &["-"]);
        check(r"[a~~b]", &["~"], &["~~"]);
        check(r"[[:^alpha:]x]", &["x", "1"], &["y"]);
        check(r".\bb", &["-b"], &["éb!", "ab"]);
        check(r"é\bb", &["éb"], &[]);
        check(r"a\Bé", &[], &["aé"]);
    }

    #[test]
    fn flags_reach_to_the_end_of_their_group() {
        check("(a(?i)b|c)d", &["aBd", "Cd"], &["Abd", "aBD"]);
        check("(?-s)a.b", &["a b"], &["a\nb"]);
        check("a(?i)*", &["", "aaa"], &["A"]);
        check("(?m)a$\n^b", &["a\nb"], &[]);
        check("a$\n^b", &[], &["a\nb"]);
    }

    #[test]
    fn shapes_need_no_search() {
        for (pattern, expected) in [
            ("foo", Some(vec!["foo"])),
            ("^(?:b|a|b)$", Some(vec!["a", "b"])),
            ("gpu[0-2]|x?", Some(vec!["", "gpu0", "gpu1", "gpu2", "x"])),
            ("(?i)12", Some(vec!["12"])),
            ("(?i)a", None),
            ("a+", None),
            (".*", None),
        ] {
            let regexp = Regexp::new(pattern).expect(pattern);
            let set = regexp.set_matches().map(|texts| texts.iter().map(String::as_str).collect::<Vec<_>>());
            assert_eq!(set, expected, "{pattern}");
        }
        check("foo.*bar.*baz", &["foobarbaz", "foo\nbarbarbaz"], &["foobaz", "foobarba", "xfoobarbaz"]);
        check("ab.*ba", &["abba", "ab-ba"], &["aba"]);
        check(".*x.*y", &["xy", "axby"], &["y", "yx"]);
        assert_eq!(Regexp::new("foo(bar|baz)+").expect("a pattern").prefix(), "foo");
        assert_eq!(Regexp::new("foo*").expect("a pattern").prefix(), "fo");
    }

    #[test]
    fn refusals_have_gos_words() {
        for (pattern, expected) in [
            ("a{1001}", "invalid repeat count: `{1001}`"),
            ("(a{100}){100}", "invalid repeat count: `{100}`"),
            ("(?P<a.b>x)", "invalid named capture: `(?P<a.b>`"),
            ("(?P<a>x)(?P<a>x)", "invalid named capture: `(?P<a>`"),
            ("a|*", "missing argument to repetition operator: `*`"),
            ("a+*?", "invalid nested repetition operator: `+*?`"),
            (r"\pX", r"invalid character class range: `\pX`"),
            (r"\p{han}", r"invalid character class range: `\p{han}`"),
            (r"\x{110000}", r"invalid escape sequence: `\x{110000`"),
            (r"(?i-", "invalid or unsupported Perl syntax: `(?i-`"),
        ] {
            let error = Regexp::new(pattern).expect_err(pattern).to_string();
            assert_eq!(error, format!("error parsing regexp: {expected}"));
        }
        let deep = format!("{}{}", "(".repeat(2_000), ")".repeat(2_000));
        assert!(Regexp::new(&deep).is_err_and(|error| error.to_string().contains("nests too deeply")));
        assert!(Regexp::new(&"a".repeat(PATTERN_BYTES_MAX + 1)).is_err());
        assert!(Regexp::new(r"(\pL{50}|\pN{50}){20}").is_err_and(|error| error.to_string().contains("too large")));
    }

    fn pattern_soup() -> impl proptest::strategy::Strategy<Value = String> {
        use proptest::prelude::*;
        let parts = [
            "a",
            "b",
            "foo",
            ".*",
            ".+",
            "|",
            "(",
            ")",
            "(?:",
            "(?i)",
            "(?P<n>",
            "[ab]",
            "[^a]",
            "[[:alpha:]",
            "]",
            "[",
            r"\d",
            r"\W",
            r"\b",
            r"\pL",
            r"\Q",
            r"\E",
            r"\x41",
            "^",
            "$",
            "?",
            "*",
            "+",
            "{2}",
            "{1,3}",
            "{",
            "}",
            "-",
            "é",
            r"\",
            ".",
            "\n",
        ];
        prop::collection::vec(prop::sample::select(parts.to_vec()), 0..12).prop_map(|parts| parts.concat())
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig { cases: 3_000, ..Default::default() })]

        /// What is matched without a regex is matched as the regex would, and what is known about texts holds.
        #[test]
        fn plans_agree_with_the_search(pattern in pattern_soup(), text in "(a|b|foo|A|é|-|\n){0,4}") {
            let (regexp, search) = (Regexp::new(&pattern), Replacer::anchored(&pattern));
            proptest::prop_assert_eq!(regexp.as_ref().err(), search.as_ref().err());
            if let (Ok(regexp), Ok(search)) = (regexp, search) {
                let mut texts = regexp.set_matches().unwrap_or_default().to_vec();
                texts.push(text);
                for text in texts {
                    proptest::prop_assert_eq!(regexp.is_match(&text), search.is_match(&text), "{} {:?}", pattern, text);
                    proptest::prop_assert!(!regexp.is_match(&text) || text.starts_with(regexp.prefix()));
                }
            }
        }
    }
}
