//! The words of the language, and how error texts describe them.

use units::quote::quote;

use crate::operator::{AggregateOp, BinaryOp};
use crate::span::Span;

/// A word and its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    pub(crate) span: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenKind {
    EndOfInput,
    Comma,
    Colon,
    LeftParen,
    RightParen,
    LeftBrace,
    RightBrace,
    LeftBracket,
    RightBracket,
    /// `=`
    Assign,
    /// `=~`
    MatchRegexp,
    /// `!~`
    MatchNotRegexp,
    /// `@`
    At,
    Number,
    Duration,
    String,
    Identifier,
    /// An identifier with a colon.
    MetricIdentifier,
    Operator(BinaryOp),
    Aggregate(AggregateOp),
    Keyword(Keyword),
    /// `start`, `end`, `step`, `range`
    Preprocessor(Preprocessor),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keyword {
    Anchored,
    Bool,
    By,
    Fill,
    FillLeft,
    FillRight,
    GroupLeft,
    GroupRight,
    Ignoring,
    Offset,
    On,
    Smoothed,
    Without,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Preprocessor {
    Start,
    End,
    Step,
    Range,
}

impl TokenKind {
    /// The meaning of a bare word outside braces; `None` for an identifier. Case does not count.
    pub(crate) fn of_word(word: &str) -> Option<Self> {
        use Keyword as K;
        use Preprocessor as P;
        let lower = word.to_ascii_lowercase();
        if let Some(op) = AggregateOp::ALL.into_iter().find(|op| op.as_str() == lower) {
            return Some(Self::Aggregate(op));
        }
        Some(match lower.as_str() {
            "and" => Self::Operator(BinaryOp::And),
            "or" => Self::Operator(BinaryOp::Or),
            "unless" => Self::Operator(BinaryOp::Unless),
            "atan2" => Self::Operator(BinaryOp::Atan2),
            "anchored" => Self::Keyword(K::Anchored),
            "bool" => Self::Keyword(K::Bool),
            "by" => Self::Keyword(K::By),
            "fill" => Self::Keyword(K::Fill),
            "fill_left" => Self::Keyword(K::FillLeft),
            "fill_right" => Self::Keyword(K::FillRight),
            "group_left" => Self::Keyword(K::GroupLeft),
            "group_right" => Self::Keyword(K::GroupRight),
            "ignoring" => Self::Keyword(K::Ignoring),
            "offset" => Self::Keyword(K::Offset),
            "on" => Self::Keyword(K::On),
            "smoothed" => Self::Keyword(K::Smoothed),
            "without" => Self::Keyword(K::Without),
            "start" => Self::Preprocessor(P::Start),
            "end" => Self::Preprocessor(P::End),
            "step" => Self::Preprocessor(P::Step),
            "range" => Self::Preprocessor(P::Range),
            "inf" | "nan" => Self::Number,
            _ => return None,
        })
    }

    /// Whether the word may stand where a metric name is expected.
    pub(crate) const fn is_metric_name(self) -> bool {
        match self {
            Self::Identifier | Self::MetricIdentifier | Self::Aggregate(_) | Self::Preprocessor(_) => true,
            Self::Operator(op) => op.is_set(),
            Self::Keyword(keyword) => !matches!(
                keyword,
                Keyword::Bool | Keyword::GroupLeft | Keyword::GroupRight | Keyword::Ignoring | Keyword::On
            ),
            _ => false,
        }
    }

    /// Whether the word may stand where a label name is expected outside braces.
    pub(crate) const fn is_label_name(self) -> bool {
        match self {
            Self::Keyword(_) => true,
            Self::Operator(op) => op.is_set() || matches!(op, BinaryOp::Atan2),
            other => other.is_metric_name(),
        }
    }
}

impl Token {
    /// How an error text names it: `identifier "x"`, `<by>`, `<op:+>`, `"}"`, `end of input`.
    pub(crate) fn describe(self, query: &str) -> String {
        let text = self.span.slice(query);
        match self.kind {
            TokenKind::EndOfInput => "end of input".to_owned(),
            TokenKind::Identifier => format!("identifier {}", quote(text)),
            TokenKind::MetricIdentifier => format!("metric identifier {}", quote(text)),
            TokenKind::String => format!("string {}", abbreviated(text)),
            TokenKind::Number => format!("number {}", abbreviated(text)),
            TokenKind::Duration => format!("duration {}", abbreviated(text)),
            TokenKind::Keyword(_) => format!("<{text}>"),
            TokenKind::Operator(_) | TokenKind::MatchRegexp | TokenKind::MatchNotRegexp | TokenKind::At => {
                format!("<op:{text}>")
            }
            TokenKind::Aggregate(_) => format!("<aggr:{text}>"),
            _ => abbreviated(text),
        }
    }
}

/// Quoted, cut to ten characters if it is longer than ten bytes.
fn abbreviated(text: &str) -> String {
    if text.len() <= 10 {
        return quote(text);
    }
    format!("{}...", quote(&text.chars().take(10).collect::<String>()))
}
