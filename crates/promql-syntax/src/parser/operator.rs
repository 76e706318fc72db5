//! Expressions of operators: signs and binary operators wait on a stack until something binds less tightly, so that
//! long rows of operators need no recursion.

use crate::ast::{Binary, Expr, ExprKind, MatchCardinality, Unary, VectorMatching};
use crate::bytes::{is_utf8, quote};
use crate::operator::{BinaryOp, UnaryOp};
use crate::span::Span;
use crate::token::{Keyword, Token, TokenKind};

use super::{Parsed, Parser, Parsing};

/// A sign binds as `*` does, so that `-a ^ 2` is `-(a ^ 2)` and `-a * b` is `(-a) * b`.
const SIGN_PRECEDENCE: u8 = BinaryOp::Mul.precedence();

/// An operator whose right side is being read.
enum Pending {
    Sign(UnaryOp, Span),
    Binary { op: BinaryOp, return_bool: bool, matching: VectorMatching },
}

impl Pending {
    const fn precedence(&self) -> u8 {
        match self {
            Self::Sign(..) => SIGN_PRECEDENCE,
            Self::Binary { op, .. } => op.precedence(),
        }
    }
}

impl Parser<'_> {
    pub(super) fn expression(&mut self) -> Parsing<Parsed> {
        let (mut operands, mut pending): (Vec<Parsed>, Vec<Pending>) = (Vec::new(), Vec::new());
        loop {
            while let Some((sign, span)) = self.accept_sign()? {
                pending.push(Pending::Sign(sign, span));
            }
            let operand = self.primary()?;
            operands.push(self.with_modifiers(operand)?);
            let TokenKind::Operator(op) = self.peek()?.kind else {
                self.reduce(&mut operands, &mut pending, 0)?;
                // Every reduction leaves one operand, and there is at least one.
                return operands.pop().ok_or_else(|| self.fail(Span::default(), "no expression found in input"));
            };
            self.next()?;
            // `^` binds to the right: what waits with the same precedence goes on waiting.
            let binds_left = op.precedence() + u8::from(op == BinaryOp::Pow);
            self.reduce(&mut operands, &mut pending, binds_left)?;
            let (return_bool, matching) = self.binary_modifiers()?;
            pending.push(Pending::Binary { op, return_bool, matching });
        }
    }

    pub(super) fn accept_sign(&mut self) -> Parsing<Option<(UnaryOp, Span)>> {
        let sign = match self.peek()?.kind {
            TokenKind::Operator(BinaryOp::Add) => UnaryOp::Plus,
            TokenKind::Operator(BinaryOp::Sub) => UnaryOp::Minus,
            _ => return Ok(None),
        };
        Ok(Some((sign, self.next()?.span)))
    }

    /// Builds the nodes of waiting operators that bind at least as tightly as `precedence`.
    fn reduce(&self, operands: &mut Vec<Parsed>, pending: &mut Vec<Pending>, precedence: u8) -> Parsing<()> {
        while pending.last().is_some_and(|waiting| precedence <= waiting.precedence()) {
            let (Some(waiting), Some(right)) = (pending.pop(), operands.pop()) else { break };
            let node = match waiting {
                Pending::Sign(op, at) => self.signed(op, at, right)?,
                Pending::Binary { op, return_bool, matching } => {
                    let Some(left) = operands.pop() else { break };
                    let span = left.expr.span.to(right.expr.span);
                    let below = left.height.max(right.height);
                    let matching = Some(matching);
                    let binary = Binary { op, lhs: left.expr, rhs: right.expr, return_bool, matching };
                    self.grown(Expr { kind: ExprKind::Binary(Box::new(binary)), span }, below)?
                }
            };
            operands.push(node);
        }
        Ok(())
    }

    /// A sign before a number belongs to the number.
    fn signed(&self, op: UnaryOp, at: Span, mut operand: Parsed) -> Parsing<Parsed> {
        let span = at.to(operand.expr.span);
        if let ExprKind::Number(number) = &mut operand.expr.kind {
            if op == UnaryOp::Minus {
                number.value = -number.value;
            }
            operand.expr.span = span;
            return Ok(operand);
        }
        let unary = Unary { op, expr: operand.expr };
        self.grown(Expr { kind: ExprKind::Unary(Box::new(unary)), span }, operand.height)
    }

    /// `bool`, `on (..)`, `group_left (..)`, `fill (..)` behind a binary operator.
    fn binary_modifiers(&mut self) -> Parsing<(bool, VectorMatching)> {
        let return_bool = self.accept(TokenKind::Keyword(Keyword::Bool))?.is_some();
        let mut matching = VectorMatching::default();
        if let TokenKind::Keyword(keyword @ (Keyword::On | Keyword::Ignoring)) = self.peek()?.kind {
            self.next()?;
            matching.on = keyword == Keyword::On;
            matching.labels = self.grouping_labels()?;
            if let TokenKind::Keyword(keyword @ (Keyword::GroupLeft | Keyword::GroupRight)) = self.peek()?.kind {
                self.next()?;
                matching.cardinality = if keyword == Keyword::GroupLeft {
                    MatchCardinality::ManyToOne
                } else {
                    MatchCardinality::OneToMany
                };
                if self.peek()?.kind == TokenKind::LeftParen {
                    matching.include = self.grouping_labels()?;
                }
            }
        }
        while let TokenKind::Keyword(keyword @ (Keyword::Fill | Keyword::FillLeft | Keyword::FillRight)) =
            self.peek()?.kind
        {
            let token = self.next()?;
            let value = self.fill_value()?;
            let (left, right) = (keyword != Keyword::FillRight, keyword != Keyword::FillLeft);
            if (left && matching.fill_lhs.is_some()) || (right && matching.fill_rhs.is_some()) {
                return Err(self.fail(token.span, "fill value may not be set multiple times"));
            }
            matching.fill_lhs = if left { Some(value) } else { matching.fill_lhs };
            matching.fill_rhs = if right { Some(value) } else { matching.fill_rhs };
        }
        Ok((return_bool, matching))
    }

    /// `(0)`
    fn fill_value(&mut self) -> Parsing<f64> {
        self.within("fill value", "number", |parser| {
            parser.expect(TokenKind::LeftParen)?;
            let value = parser.signed_number()?;
            parser.expect(TokenKind::RightParen)?;
            Ok(value)
        })
    }

    /// A number that may have a sign; durations are no numbers here.
    pub(super) fn signed_number(&mut self) -> Parsing<f64> {
        let sign = self.accept_sign()?;
        let token: Token = self.expect(TokenKind::Number)?;
        let value = self.number_value(token)?;
        Ok(if matches!(sign, Some((UnaryOp::Minus, _))) { -value } else { value })
    }

    /// `(job, "a.b")`
    pub(super) fn grouping_labels(&mut self) -> Parsing<Vec<String>> {
        const PLACE: &str = "grouping opts";
        let mut labels = Vec::new();
        self.within(PLACE, "\"(\"", |parser| parser.expect(TokenKind::LeftParen))?;
        while self.accept(TokenKind::RightParen)?.is_none() {
            let label = self.within(PLACE, "label", Self::grouping_label)?;
            labels.push(label);
            self.within(PLACE, "\",\" or \")\"", |parser| match parser.peek()?.kind {
                TokenKind::Comma => parser.next().map(drop),
                TokenKind::RightParen => Ok(()),
                _ => Err(parser.unexpected()),
            })?;
        }
        Ok(labels)
    }

    fn grouping_label(&mut self) -> Parsing<String> {
        let token = self.peek()?;
        let label = match token.kind {
            TokenKind::String => self.string_value(token),
            kind if kind.is_label_name() => token.span.slice(self.query).to_owned(),
            _ => return Err(self.unexpected()),
        };
        self.next()?;
        if label.is_empty() || !is_utf8(&label) {
            return Err(self.fail(token.span, format!("invalid label name for grouping: {}", quote(&label))));
        }
        Ok(label)
    }
}
