//! The parser: operators by a stack of their own, the rest by recursive descent, words read only when needed.
//!
//! The next word is looked at as late as an LALR parser would, because the first error found is the one reported: what
//! is wrong with a finished call comes before what is wrong with the word behind it.

mod duration;
mod modifier;
mod operator;
mod primary;
mod selector;

use model::{Labels, METRIC_NAME, MatchOp, Matcher};

use crate::ast::Expr;
use crate::check::check;
use crate::error::ParseError;
use crate::features::Features;
use crate::lexer::Lexer;
use crate::span::Span;
use crate::token::{Token, TokenKind};
use crate::{NESTING_DEPTH_MAX, QUERY_BYTES_MAX, TREE_HEIGHT_MAX};

pub(crate) fn parse_query(query: &str, features: Features) -> Result<Expr, ParseError> {
    let mut parser = Parser::new(query, features)?;
    if parser.peek()?.kind == TokenKind::EndOfInput {
        return Err(ParseError::new(query, Span::default(), "no expression found in input"));
    }
    let mut expr = parser.expression()?.expr;
    parser.expect_end()?;
    check(&mut expr, query)?;
    Ok(expr)
}

pub(crate) fn parse_selector(selector: &str) -> Result<Vec<Matcher>, ParseError> {
    let mut parser = Parser::new(selector, Features::default())?;
    let (parsed, _) = parser.vector_selector()?;
    parser.expect_end()?;
    Ok(parsed.matchers)
}

/// The label set at the start of `text`, and how many bytes it takes.
pub(crate) fn parse_labels(text: &str) -> Result<(Labels, usize), ParseError> {
    let mut parser = Parser::new(text, Features::default())?;
    let token = parser.peek()?;
    let name_only = token.kind.is_metric_name() && !text[token.span.end as usize..].starts_with('{');
    if name_only {
        parser.next()?;
        return Ok((Labels::from_pairs([(METRIC_NAME, token.span.slice(text))]), token.span.end as usize));
    }
    let (parsed, span) = parser.vector_selector()?;
    if let Some(other) = parsed.matchers.iter().find(|matcher| matcher.op() != MatchOp::Equal) {
        return Err(parser.fail(span, format!("unexpected {other} in label set, expected \"=\"")));
    }
    let labels = parsed.matchers.iter().map(|matcher| (matcher.name(), matcher.value())).collect();
    Ok((labels, span.end as usize))
}

/// What an error says about the place where an unexpected word stands.
#[derive(Clone, Copy, Debug)]
struct Context {
    place: &'static str,
    expected: &'static str,
}

/// An expression and how many nodes its longest branch has.
#[derive(Debug)]
struct Parsed {
    expr: Expr,
    height: usize,
}

#[derive(Debug)]
struct Parser<'a> {
    query: &'a str,
    features: Features,
    lexer: Lexer<'a>,
    peeked: Option<Token>,
    /// The end of the last word that was consumed.
    last_end: u32,
    /// The constructs that are open and know what to say about an unexpected word, innermost last.
    contexts: Vec<Context>,
    depth: usize,
}

type Parsing<T> = Result<T, ParseError>;

impl<'a> Parser<'a> {
    fn new(query: &'a str, features: Features) -> Parsing<Self> {
        if QUERY_BYTES_MAX < query.len() {
            let message = format!("the expression is longer than {QUERY_BYTES_MAX} bytes");
            return Err(ParseError::new(query, Span::default(), message));
        }
        let lexer = Lexer::new(query, features);
        Ok(Self { query, features, lexer, peeked: None, last_end: 0, contexts: Vec::new(), depth: 0 })
    }

    fn peek(&mut self) -> Parsing<Token> {
        if let Some(token) = self.peeked {
            return Ok(token);
        }
        let token = self.lexer.next_token()?;
        self.peeked = Some(token);
        Ok(token)
    }

    fn next(&mut self) -> Parsing<Token> {
        let token = self.peek()?;
        self.peeked = None;
        self.last_end = token.span.end;
        Ok(token)
    }

    /// Consumes the next word if it is `kind`.
    fn accept(&mut self, kind: TokenKind) -> Parsing<Option<Token>> {
        if self.peek()?.kind == kind { self.next().map(Some) } else { Ok(None) }
    }

    /// Consumes the next word, which must be `kind`.
    fn expect(&mut self, kind: TokenKind) -> Parsing<Token> {
        match self.accept(kind)? {
            Some(token) => Ok(token),
            None => Err(self.unexpected()),
        }
    }

    fn expect_end(&mut self) -> Parsing<()> {
        self.expect(TokenKind::EndOfInput).map(drop)
    }

    /// Runs `parse` while errors about unexpected words mention `place` and `expected`.
    fn within<T>(
        &mut self,
        place: &'static str,
        expected: &'static str,
        parse: impl FnOnce(&mut Self) -> Parsing<T>,
    ) -> Parsing<T> {
        self.contexts.push(Context { place, expected });
        let result = parse(self);
        self.contexts.pop();
        result
    }

    /// Runs `parse` one level deeper.
    fn nested<T>(&mut self, span: Span, parse: impl FnOnce(&mut Self) -> Parsing<T>) -> Parsing<T> {
        if NESTING_DEPTH_MAX <= self.depth {
            return Err(self.fail(span, format!("the expression is nested more than {NESTING_DEPTH_MAX} levels deep")));
        }
        self.depth += 1;
        let result = parse(self);
        self.depth -= 1;
        result
    }

    /// A node above branches of the given heights.
    fn grown(&self, expr: Expr, below: usize) -> Parsing<Parsed> {
        if TREE_HEIGHT_MAX <= below {
            let message = format!("the expression has more than {TREE_HEIGHT_MAX} operators in a row");
            return Err(self.fail(expr.span, message));
        }
        Ok(Parsed { expr, height: below + 1 })
    }

    /// The error about the next word, in the words of the innermost context.
    fn unexpected(&mut self) -> ParseError {
        let token = match self.peek() {
            Ok(token) => token,
            Err(error) => return error,
        };
        let mut message = format!("unexpected {}", token.describe(self.query));
        if let Some(context) = self.contexts.last() {
            message.push_str(" in ");
            message.push_str(context.place);
            if !context.expected.is_empty() {
                message.push_str(", expected ");
                message.push_str(context.expected);
            }
        }
        self.fail(token.span, message)
    }

    fn fail(&self, span: Span, message: impl Into<String>) -> ParseError {
        ParseError::new(self.query, span, message)
    }
}
