//! What stands behind an operand: `[5m]`, `[1h:5m]`, `offset`, `@`, `anchored`, `smoothed`.

use crate::ast::{AtModifier, Expr, ExprKind, MatrixSelector, Subquery, VectorSelector};
use crate::duration::{DurationExpr, DurationKind, seconds_to_ms};
use crate::span::Span;
use crate::token::{Keyword, Preprocessor, Token, TokenKind};

use super::{Parsed, Parser, Parsing};

/// A duration that is known, or one that is computed later.
struct Duration {
    ms: i64,
    computed: Option<Box<DurationExpr>>,
}

/// The modifiers that a selector or a subquery carries.
struct Modifiers<'e> {
    offset_ms: &'e mut i64,
    offset_expr: &'e mut Option<Box<DurationExpr>>,
    at: &'e mut Option<AtModifier>,
}

impl Parser<'_> {
    pub(super) fn with_modifiers(&mut self, mut operand: Parsed) -> Parsing<Parsed> {
        loop {
            match self.peek()?.kind {
                TokenKind::LeftBracket => operand = self.bracket(operand)?,
                TokenKind::Keyword(Keyword::Offset) => {
                    self.next()?;
                    self.offset(&mut operand.expr)?;
                }
                TokenKind::At => {
                    self.next()?;
                    self.at_modifier(&mut operand.expr)?;
                }
                TokenKind::Keyword(keyword @ (Keyword::Anchored | Keyword::Smoothed)) => {
                    self.next()?;
                    self.extended_range(&mut operand.expr, keyword)?;
                }
                _ => return Ok(operand),
            }
        }
    }

    /// `[range]` or `[range:step]`.
    fn bracket(&mut self, operand: Parsed) -> Parsing<Parsed> {
        let open = self.next()?;
        let computed = self.features.duration_expressions;
        let (place, expected) = if computed {
            ("subquery or range selector", "number, duration, step(), or range()")
        } else {
            ("subquery selector", "number or duration")
        };
        let range = self.within(place, expected, Self::positive_duration)?;
        if self.accept(TokenKind::Colon)?.is_some() {
            return self.subquery(operand, range);
        }
        let close =
            self.within("subquery or range", "\":\" or \"]\"", |parser| parser.expect(TokenKind::RightBracket))?;
        let span = Span { start: operand.expr.span.start, end: close.span.end };
        let message = match operand.expr.kind {
            ExprKind::Vector(selector) => {
                if let Some(message) = modifier_before_range(&selector) {
                    return Err(self.fail(open.span.to(close.span), message));
                }
                let matrix = MatrixSelector { selector, range_ms: range.ms, range_expr: range.computed };
                return Ok(Parsed { expr: Expr { kind: ExprKind::Matrix(matrix), span }, height: operand.height });
            }
            _ => "ranges only allowed for vector selectors",
        };
        Err(self.fail(open.span.to(close.span), message))
    }

    fn subquery(&mut self, operand: Parsed, range: Duration) -> Parsing<Parsed> {
        const PLACE: &str = "subquery selector";
        let mut step = None;
        if self.peek()?.kind != TokenKind::RightBracket {
            let expected = if self.features.duration_expressions {
                "number, duration, step(), range(), or \"]\""
            } else {
                "number or duration or \"]\""
            };
            step = Some(self.within(PLACE, expected, Self::positive_duration)?);
        }
        let close = self.within(PLACE, "\"]\"", |parser| parser.expect(TokenKind::RightBracket))?;
        let span = Span { start: operand.expr.span.start, end: close.span.end };
        let (step_ms, step_expr) = match step {
            None => (None, None),
            Some(Duration { computed: Some(computed), .. }) => (None, Some(computed)),
            Some(Duration { ms, .. }) => (Some(ms), None),
        };
        let subquery = Subquery {
            expr: operand.expr,
            range_ms: range.ms,
            range_expr: range.computed,
            step_ms,
            step_expr,
            offset_ms: 0,
            offset_expr: None,
            at: None,
        };
        self.grown(Expr { kind: ExprKind::Subquery(Box::new(subquery)), span }, operand.height)
    }

    fn positive_duration(&mut self) -> Parsing<Duration> {
        let duration = self.duration_expression()?;
        if let DurationKind::Number(number) = &duration.kind {
            // NaN is not greater than zero either.
            if !matches!(number.value.partial_cmp(&0.0), Some(std::cmp::Ordering::Greater)) {
                return Err(self.fail(duration.span, "duration must be greater than 0"));
            }
        }
        self.known_or_computed(duration)
    }

    fn known_or_computed(&self, duration: DurationExpr) -> Parsing<Duration> {
        let DurationKind::Number(number) = duration.kind else {
            return Ok(Duration { ms: 0, computed: Some(Box::new(duration)) });
        };
        let ms = seconds_to_ms(number.value).ok_or_else(|| self.fail(duration.span, "duration out of range"))?;
        Ok(Duration { ms, computed: None })
    }

    fn offset(&mut self, expr: &mut Expr) -> Parsing<()> {
        let expected = if self.features.duration_expressions {
            "number, duration, step(), or range()"
        } else {
            "number or duration"
        };
        let duration = self.within("offset", expected, Self::offset_duration)?;
        let duration = self.known_or_computed(duration)?;
        let (span, end) = (expr.span, self.last_end);
        let Some(modifiers) = modifiers(expr) else {
            return Err(self.fail(span, format!("offset {NEEDS_SELECTOR}")));
        };
        if *modifiers.offset_ms != 0 || modifiers.offset_expr.is_some() {
            return Err(self.fail(span, "offset may not be set multiple times"));
        }
        *modifiers.offset_ms = duration.ms;
        *modifiers.offset_expr = duration.computed;
        expr.span.end = end;
        Ok(())
    }

    fn at_modifier(&mut self, expr: &mut Expr) -> Parsing<()> {
        let span = expr.span;
        let at = self.within("@", "timestamp", |parser| {
            let token: Token = parser.peek()?;
            let at = match token.kind {
                TokenKind::Preprocessor(Preprocessor::Start) => AtModifier::Start,
                TokenKind::Preprocessor(Preprocessor::End) => AtModifier::End,
                _ => {
                    let seconds = parser.signed_number()?;
                    return Ok(AtModifier::Timestamp(parser.timestamp_ms(seconds, span)?));
                }
            };
            parser.next()?;
            parser.expect(TokenKind::LeftParen)?;
            parser.expect(TokenKind::RightParen)?;
            Ok(at)
        })?;
        let end = self.last_end;
        let Some(modifiers) = modifiers(expr) else {
            return Err(self.fail(span, format!("@ {NEEDS_SELECTOR}")));
        };
        if modifiers.at.is_some() {
            return Err(self.fail(span, "@ <timestamp> may not be set multiple times"));
        }
        *modifiers.at = Some(at);
        expr.span.end = end;
        Ok(())
    }

    #[expect(clippy::cast_possible_truncation, reason = "the bounds were checked, and casts saturate")]
    fn timestamp_ms(&self, seconds: f64, span: Span) -> Parsing<i64> {
        if seconds.abs() < 2f64.powi(63) {
            return Ok((seconds * 1000.0).round() as i64);
        }
        // Go's %f prints infinity with its sign.
        let printed = if seconds.is_finite() { format!("{seconds:.6}") } else { units::float::shortest_f(seconds) };
        Err(self.fail(span, format!("timestamp out of bounds for @ modifier: {printed}")))
    }

    fn extended_range(&self, expr: &mut Expr, keyword: Keyword) -> Parsing<()> {
        let word = if keyword == Keyword::Anchored { "anchored" } else { "smoothed" };
        let selector = match &mut expr.kind {
            ExprKind::Vector(selector) => selector,
            ExprKind::Matrix(matrix) => &mut matrix.selector,
            ExprKind::Subquery(_) => {
                return Err(self.fail(expr.span, format!("{word} modifier is not supported for subqueries")));
            }
            _ => return Err(self.fail(expr.span, format!("{word} modifier not implemented"))),
        };
        if keyword == Keyword::Anchored {
            selector.anchored = true;
        } else {
            selector.smoothed = true;
        }
        if selector.anchored && selector.smoothed {
            return Err(self.fail(expr.span, "anchored and smoothed modifiers cannot be used together"));
        }
        expr.span.end = self.last_end;
        Ok(())
    }
}

const NEEDS_SELECTOR: &str =
    "modifier must be preceded by an instant vector selector or range vector selector or a subquery";

fn modifier_before_range(selector: &VectorSelector) -> Option<&'static str> {
    if selector.offset_ms != 0 || selector.offset_expr.is_some() {
        return Some("no offset modifiers allowed before range");
    }
    selector.at.is_some().then_some("no @ modifiers allowed before range")
}

fn modifiers(expr: &mut Expr) -> Option<Modifiers<'_>> {
    let selector = match &mut expr.kind {
        ExprKind::Vector(selector) => selector,
        ExprKind::Matrix(matrix) => &mut matrix.selector,
        ExprKind::Subquery(subquery) => {
            let Subquery { offset_ms, offset_expr, at, .. } = &mut **subquery;
            return Some(Modifiers { offset_ms, offset_expr, at });
        }
        _ => return None,
    };
    let VectorSelector { offset_ms, offset_expr, at, .. } = selector;
    Some(Modifiers { offset_ms, offset_expr, at })
}
