//! Vector selectors: a metric name, conditions in braces, or both.

use model::{METRIC_NAME, MatchOp, Matcher};

use crate::ast::VectorSelector;
use crate::operator::BinaryOp;
use crate::span::Span;
use crate::token::{Token, TokenKind};

use super::{Parser, Parsing};

const PLACE: &str = "label matching";

impl Parser<'_> {
    pub(super) fn vector_selector(&mut self) -> Parsing<(VectorSelector, Span)> {
        let token = self.peek()?;
        match token.kind {
            TokenKind::LeftBrace => {
                let (matchers, span) = self.label_matchers()?;
                Ok((VectorSelector { matchers, ..VectorSelector::default() }, span))
            }
            kind if kind.is_metric_name() => {
                self.next()?;
                self.vector_selector_after(token)
            }
            _ => Err(self.unexpected()),
        }
    }

    /// The name has been consumed.
    pub(super) fn vector_selector_after(&mut self, name: Token) -> Parsing<(VectorSelector, Span)> {
        let (mut matchers, span) = if self.peek()?.kind == TokenKind::LeftBrace {
            let (matchers, braces) = self.label_matchers()?;
            (matchers, name.span.to(braces))
        } else {
            (Vec::new(), name.span)
        };
        let name = name.span.slice(self.query).to_owned();
        matchers.push(Matcher::equal(METRIC_NAME, name.clone()));
        Ok((VectorSelector { name, matchers, ..VectorSelector::default() }, span))
    }

    /// `{a="b", "c.d"!="e", "metric.name"}`
    fn label_matchers(&mut self) -> Parsing<(Vec<Matcher>, Span)> {
        let open = self.expect(TokenKind::LeftBrace)?;
        let mut matchers = Vec::new();
        loop {
            if let Some(close) = self.accept(TokenKind::RightBrace)? {
                return Ok((matchers, open.span.to(close.span)));
            }
            matchers.push(self.within(PLACE, "identifier or \"}\"", Self::label_matcher)?);
            self.within(PLACE, "\",\" or \"}\"", |parser| match parser.peek()?.kind {
                TokenKind::Comma => parser.next().map(drop),
                TokenKind::RightBrace => Ok(()),
                _ => Err(parser.unexpected()),
            })?;
        }
    }

    fn label_matcher(&mut self) -> Parsing<Matcher> {
        let name_token = self.peek()?;
        let (name, quoted) = match name_token.kind {
            TokenKind::Identifier => (name_token.span.slice(self.query).to_owned(), false),
            TokenKind::String => (self.string_value(name_token), true),
            _ => return Err(self.unexpected()),
        };
        self.next()?;
        let op = match self.peek()?.kind {
            TokenKind::Assign => MatchOp::Equal,
            TokenKind::Operator(BinaryOp::NotEqual) => MatchOp::NotEqual,
            TokenKind::MatchRegexp => MatchOp::Regexp,
            TokenKind::MatchNotRegexp => MatchOp::NotRegexp,
            // A quoted text alone is the metric's name.
            _ if quoted => return Ok(Matcher::equal(METRIC_NAME, name)),
            _ => return self.within(PLACE, "label matching operator", |parser| Err(parser.unexpected())),
        };
        self.next()?;
        let value = self.within(PLACE, "string", |parser| parser.expect(TokenKind::String))?;
        let text = self.string_value(value);
        Matcher::new(op, name, text).map_err(|error| self.fail(name_token.span.to(value.span), error.to_string()))
    }
}
