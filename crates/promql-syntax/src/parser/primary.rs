//! Operands: literals, selectors, parentheses, calls and aggregations.

use crate::ast::{Aggregate, Call, Expr, ExprKind, NumberLiteral};
use crate::functions::function;
use crate::literal;
use crate::operator::AggregateOp;
use crate::span::Span;
use crate::token::{Keyword, Token, TokenKind};

use super::{Parsed, Parser, Parsing};

impl Parser<'_> {
    /// An operand without its modifiers.
    pub(super) fn primary(&mut self) -> Parsing<Parsed> {
        let token = self.peek()?;
        let leaf = |kind, span| Parsed { expr: Expr { kind, span }, height: 1 };
        match token.kind {
            TokenKind::Number | TokenKind::Duration => {
                self.next()?;
                Ok(leaf(ExprKind::Number(self.number_literal(token)?), token.span))
            }
            TokenKind::String => {
                self.next()?;
                Ok(leaf(ExprKind::String(self.string_value(token)), token.span))
            }
            TokenKind::LeftParen => {
                self.next()?;
                let inner = self.nested(token.span, Self::expression)?;
                let close = self.expect(TokenKind::RightParen)?;
                let expr = Expr { kind: ExprKind::Paren(Box::new(inner.expr)), span: token.span.to(close.span) };
                self.grown(expr, inner.height)
            }
            TokenKind::LeftBrace => {
                let (selector, span) = self.vector_selector()?;
                Ok(leaf(ExprKind::Vector(selector), span))
            }
            kind if kind.is_metric_name() => {
                self.next()?;
                let follows = self.peek()?.kind;
                match (kind, follows) {
                    (TokenKind::Identifier | TokenKind::Preprocessor(_), TokenKind::LeftParen) => self.call(token),
                    (
                        TokenKind::Aggregate(op),
                        TokenKind::LeftParen | TokenKind::Keyword(Keyword::By | Keyword::Without),
                    ) => self.within("aggregation", "", |parser| parser.aggregate(op, token)),
                    _ => {
                        let (selector, span) = self.vector_selector_after(token)?;
                        Ok(leaf(ExprKind::Vector(selector), span))
                    }
                }
            }
            _ => Err(self.unexpected()),
        }
    }

    fn call(&mut self, name: Token) -> Parsing<Parsed> {
        let (args, below) = self.arguments(name.span)?;
        let text = name.span.slice(self.query);
        let lower: String;
        // Keywords are written in any case, functions are not.
        let text = if matches!(name.kind, TokenKind::Preprocessor(_)) {
            lower = text.to_ascii_lowercase();
            &lower
        } else {
            text
        };
        let quoted = || units::quote::quote(text);
        let function =
            function(text).ok_or_else(|| self.fail(name.span, format!("unknown function with name {}", quoted())))?;
        if function.experimental && !self.features.experimental_functions {
            return Err(self.fail(name.span, format!("function {} is not enabled", quoted())));
        }
        let span = Span { start: name.span.start, end: self.last_end };
        self.grown(Expr { kind: ExprKind::Call(Call { function, args }), span }, below)
    }

    fn aggregate(&mut self, op: AggregateOp, name: Token) -> Parsing<Parsed> {
        let mut modifier = self.aggregate_modifier()?;
        let (args, below) = self.arguments(name.span)?;
        if modifier.is_none() {
            modifier = self.aggregate_modifier()?;
        }
        let span = Span { start: name.span.start, end: self.last_end };
        if args.is_empty() {
            return Err(self.fail(span, "no arguments for aggregate expression provided"));
        }
        if op.is_experimental() && !self.features.experimental_functions {
            let message = format!(
                "{}() is experimental and must be enabled with --enable-feature=promql-experimental-functions",
                op.as_str()
            );
            return Err(self.fail(span, message));
        }
        let wanted = 1 + usize::from(op.takes_param());
        let given = args.len();
        let mut args = args.into_iter();
        let param = if op.takes_param() { args.next() } else { None };
        let (Some(expr), None) = (args.next(), args.next()) else {
            let message =
                format!("wrong number of arguments for aggregate expression provided, expected {wanted}, got {given}");
            return Err(self.fail(span, message));
        };
        let (without, grouping) = modifier.unwrap_or_default();
        let aggregate = Aggregate { op, expr, param, grouping, without };
        self.grown(Expr { kind: ExprKind::Aggregate(Box::new(aggregate)), span }, below)
    }

    /// `by (..)` or `without (..)`: whether it is `without`, and the labels.
    fn aggregate_modifier(&mut self) -> Parsing<Option<(bool, Vec<String>)>> {
        let without = match self.peek()?.kind {
            TokenKind::Keyword(Keyword::By) => false,
            TokenKind::Keyword(Keyword::Without) => true,
            _ => return Ok(None),
        };
        self.next()?;
        Ok(Some((without, self.grouping_labels()?)))
    }

    /// `(a, b)`: the arguments, and the height of the highest.
    fn arguments(&mut self, at: Span) -> Parsing<(Vec<Expr>, usize)> {
        self.expect(TokenKind::LeftParen)?;
        let (mut args, mut height) = (Vec::new(), 0);
        if self.accept(TokenKind::RightParen)?.is_some() {
            return Ok((args, height));
        }
        loop {
            let arg = self.nested(at, Self::expression)?;
            height = height.max(arg.height);
            args.push(arg.expr);
            let Some(comma) = self.accept(TokenKind::Comma)? else { break };
            if !self.starts_expression()? {
                return Err(self.fail(comma.span, "trailing commas not allowed in function call args"));
            }
        }
        self.expect(TokenKind::RightParen)?;
        Ok((args, height))
    }

    fn starts_expression(&mut self) -> Parsing<bool> {
        use crate::operator::BinaryOp;
        Ok(match self.peek()?.kind {
            TokenKind::Number
            | TokenKind::Duration
            | TokenKind::String
            | TokenKind::LeftParen
            | TokenKind::LeftBrace
            | TokenKind::Operator(BinaryOp::Add | BinaryOp::Sub) => true,
            kind => kind.is_metric_name(),
        })
    }

    /// The value of a number or duration.
    pub(super) fn number_literal(&self, token: Token) -> Parsing<NumberLiteral> {
        if token.kind == TokenKind::Duration {
            let text = token.span.slice(self.query);
            return literal::parse_duration(text).map_err(|message| self.fail(token.span, message));
        }
        Ok(NumberLiteral { value: self.number_value(token)?, is_duration: false })
    }

    pub(super) fn number_value(&self, token: Token) -> Parsing<f64> {
        literal::parse_number(token.span.slice(self.query)).map_err(|message| self.fail(token.span, message))
    }

    pub(super) fn string_value(&self, token: Token) -> String {
        literal::unquote(token.span.slice(self.query))
    }
}
