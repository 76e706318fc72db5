//! Durations in brackets and behind `offset`: a literal, or with the feature an expression of literals, `step()` and
//! `range()`.

use crate::duration::{DurationExpr, DurationKind, DurationOp, seconds_to_ms};
use crate::operator::{BinaryOp, UnaryOp};
use crate::span::Span;
use crate::token::{Preprocessor, TokenKind};

use super::{Parser, Parsing};

/// Binds as tightly as `*`, as a sign does in expressions.
const SIGN_PRECEDENCE: u8 = DurationOp::Mul.precedence();

impl Parser<'_> {
    /// A duration with operators.
    pub(super) fn duration_expression(&mut self) -> Parsing<DurationExpr> {
        let depth = self.depth;
        let duration = self.duration_above(0);
        self.depth = depth;
        duration
    }

    /// Behind `offset` a literal or call ends the duration (`a offset 2 ^ 2` is `(a offset 2) ^ 2`); only parentheses
    /// without a sign take operators.
    pub(super) fn offset_duration(&mut self) -> Parsing<DurationExpr> {
        if self.peek()?.kind == TokenKind::LeftParen {
            return self.duration_expression();
        }
        match self.accept_sign()? {
            None => self.duration_operand(),
            Some((sign, span)) => {
                let operand = self.duration_operand()?;
                Ok(signed(sign, span, operand))
            }
        }
    }

    fn duration_above(&mut self, precedence: u8) -> Parsing<DurationExpr> {
        let mut left = match self.accept_sign()? {
            None => self.duration_operand()?,
            Some((sign, span)) => {
                let operand = self.nested(span, |parser| parser.duration_above(SIGN_PRECEDENCE + 1))?;
                signed(sign, span, operand)
            }
        };
        while let Some(op) = duration_op(self.peek()?.kind) {
            if op.precedence() < precedence {
                break;
            }
            let token = self.next()?;
            let binds_left = op.precedence() + u8::from(op != DurationOp::Pow);
            let right = self.nested(token.span, |parser| parser.duration_above(binds_left))?;
            // Operators in a row make the tree higher, too: they count as depth until the whole duration ends.
            self.depth += 1;
            self.require_feature(left.span)?;
            if matches!(right.kind, DurationKind::Number(number) if number.value == 0.0) {
                match op {
                    DurationOp::Div => return Err(self.fail(token.span, "division by zero")),
                    DurationOp::Mod => return Err(self.fail(token.span, "modulo by zero")),
                    _ => {}
                }
            }
            let span = left.span.to(right.span);
            left = DurationExpr { kind: DurationKind::Binary(op, Box::new(left), Box::new(right)), span };
        }
        Ok(left)
    }

    fn duration_operand(&mut self) -> Parsing<DurationExpr> {
        let token = self.peek()?;
        match token.kind {
            TokenKind::Number | TokenKind::Duration => {
                self.next()?;
                let number = self.number_literal(token)?;
                if seconds_to_ms(number.value).is_none() {
                    return Err(self.fail(token.span, "duration out of range"));
                }
                Ok(DurationExpr { kind: DurationKind::Number(number), span: token.span })
            }
            TokenKind::LeftParen => {
                self.next()?;
                let inner = self.nested(token.span, |parser| parser.duration_above(0))?;
                let close = self.expect(TokenKind::RightParen)?;
                self.require_feature(inner.span)?;
                let span = token.span.to(close.span);
                Ok(DurationExpr { kind: DurationKind::Paren(Box::new(inner)), span })
            }
            TokenKind::Preprocessor(word @ (Preprocessor::Step | Preprocessor::Range)) => {
                self.next()?;
                self.expect(TokenKind::LeftParen)?;
                let close = self.expect(TokenKind::RightParen)?;
                let span = token.span.to(close.span);
                self.require_feature(span)?;
                let kind = if word == Preprocessor::Step { DurationKind::Step } else { DurationKind::Range };
                Ok(DurationExpr { kind, span })
            }
            TokenKind::Identifier => self.least_or_greatest(token.span),
            _ => Err(self.unexpected()),
        }
    }

    /// `min_of(a, b)` or `max_of(a, b)`.
    fn least_or_greatest(&mut self, name: Span) -> Parsing<DurationExpr> {
        let word = name.slice(self.query);
        let least = word.eq_ignore_ascii_case("min_of");
        if !self.features.duration_expressions || !(least || word.eq_ignore_ascii_case("max_of")) {
            return Err(self.unexpected());
        }
        self.next()?;
        self.expect(TokenKind::LeftParen)?;
        let first = Box::new(self.nested(name, |parser| parser.duration_above(0))?);
        self.expect(TokenKind::Comma)?;
        let second = Box::new(self.nested(name, |parser| parser.duration_above(0))?);
        let close = self.expect(TokenKind::RightParen)?;
        let kind = if least { DurationKind::MinOf(first, second) } else { DurationKind::MaxOf(first, second) };
        Ok(DurationExpr { kind, span: name.to(close.span) })
    }

    fn require_feature(&self, span: Span) -> Parsing<()> {
        if self.features.duration_expressions {
            return Ok(());
        }
        Err(self.fail(span, "experimental duration expression is not enabled"))
    }
}

/// A sign before a literal belongs to the literal.
fn signed(sign: UnaryOp, at: Span, mut operand: DurationExpr) -> DurationExpr {
    let span = at.to(operand.span);
    if let DurationKind::Number(number) = &mut operand.kind {
        if sign == UnaryOp::Minus {
            number.value = -number.value;
        }
        operand.span = span;
        return operand;
    }
    match sign {
        UnaryOp::Plus => operand,
        UnaryOp::Minus => DurationExpr { kind: DurationKind::Negate(Box::new(operand)), span },
    }
}

const fn duration_op(kind: TokenKind) -> Option<DurationOp> {
    let TokenKind::Operator(op) = kind else { return None };
    Some(match op {
        BinaryOp::Add => DurationOp::Add,
        BinaryOp::Sub => DurationOp::Sub,
        BinaryOp::Mul => DurationOp::Mul,
        BinaryOp::Div => DurationOp::Div,
        BinaryOp::Mod => DurationOp::Mod,
        BinaryOp::Pow => DurationOp::Pow,
        _ => return None,
    })
}
