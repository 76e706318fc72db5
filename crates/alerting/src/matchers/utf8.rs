//! The grammar with UTF-8 names: `{name op value, …}`, names and values quoted or free of reserved characters.

use model::{MatchOp, Matcher};

use super::lexer::{Kind, Lexer, Token};
use super::unquote::unquote;
use super::{MatcherError, matcher};

const EXPECTED_NAME: &str = "expected label name";
const EXPECTED_OPERATOR: &str = "expected an operator such as '=', '!=', '=~' or '!~'";
const EXPECTED_VALUE: &str = "expected label value";
const EXPECTED_COMMA: &str = "expected a comma or close brace";
const EXPECTED_AFTER_COMMA: &str = "expected a matcher or close brace after comma";
const EXPECTED_END: &str = "expected end of input";

pub(super) fn parse(input: &str) -> Result<Vec<Matcher>, MatcherError> {
    let mut lexer = Lexer::new(input);
    let mut matchers = Vec::new();
    let braces = lexer.peek()?.kind == Kind::OpenBrace;
    if braces {
        lexer.next()?;
    }
    let first = lexer.peek()?.kind;
    if !(first == Kind::CloseBrace || first == Kind::End) {
        loop {
            matchers.push(parse_one(&mut lexer)?);
            let token = lexer.peek().map_err(|error| because(error, EXPECTED_COMMA))?;
            match token.kind {
                Kind::Comma => lexer.next()?,
                Kind::CloseBrace | Kind::End => break,
                _ => return Err(unexpected(token, EXPECTED_COMMA)),
            };
            let token = lexer.peek().map_err(|error| because(error, EXPECTED_AFTER_COMMA))?;
            match token.kind {
                Kind::CloseBrace | Kind::End => break,
                Kind::Quoted | Kind::Unquoted => {}
                _ => return Err(unexpected(token, EXPECTED_AFTER_COMMA)),
            }
        }
    }
    close(&mut lexer, braces)?;
    let token = lexer.peek().map_err(|error| because(error, EXPECTED_END))?;
    if token.kind != Kind::End {
        let Token { start, end, text, .. } = token;
        return Err(MatcherError(format!("{start}:{end}: {text}: {EXPECTED_END}")));
    }
    Ok(matchers)
}

fn parse_one(lexer: &mut Lexer<'_>) -> Result<Matcher, MatcherError> {
    let name =
        text(expect(lexer, EXPECTED_NAME, |kind| matches!(kind, Kind::Quoted | Kind::Unquoted).then_some(()))?.0)?;
    let (_, op) = expect(lexer, EXPECTED_OPERATOR, |kind| match kind {
        Kind::Equals => Some(MatchOp::Equal),
        Kind::NotEquals => Some(MatchOp::NotEqual),
        Kind::Matches => Some(MatchOp::Regexp),
        Kind::NotMatches => Some(MatchOp::NotRegexp),
        _ => None,
    })?;
    let value =
        text(expect(lexer, EXPECTED_VALUE, |kind| matches!(kind, Kind::Quoted | Kind::Unquoted).then_some(()))?.0)?;
    matcher(op, &name, value).map_err(|error| MatcherError(format!("failed to create matcher: {error}")))
}

/// Both braces or none.
fn close(lexer: &mut Lexer<'_>, braces: bool) -> Result<(), MatcherError> {
    let token = lexer.peek()?;
    match (braces, token.kind == Kind::CloseBrace) {
        (true, true) => lexer.next().map(drop),
        (true, false) => {
            let what = if token.kind == Kind::End {
                "end of input".to_owned()
            } else {
                format!("{}:{}: unexpected {}", token.start, token.end, token.text)
            };
            Err(MatcherError(format!("0:{}: {what}: expected close brace", lexer.column)))
        }
        (false, true) => Err(MatcherError(format!("0:{}: }}: expected opening brace", lexer.column))),
        (false, false) => Ok(()),
    }
}

fn expect<'a, T>(
    lexer: &mut Lexer<'a>,
    expected: &str,
    accept: impl Fn(Kind) -> Option<T>,
) -> Result<(Token<'a>, T), MatcherError> {
    let token = lexer.next().map_err(|error| because(error, expected))?;
    match accept(token.kind) {
        Some(accepted) => Ok((token, accepted)),
        None => Err(unexpected(token, expected)),
    }
}

fn text(token: Token<'_>) -> Result<String, MatcherError> {
    if token.kind == Kind::Unquoted {
        return Ok(token.text.to_owned());
    }
    let Token { start, end, text, .. } = token;
    unquote(text).ok_or_else(|| MatcherError(format!("{start}:{end}: {text}: invalid input")))
}

fn unexpected(token: Token<'_>, expected: &str) -> MatcherError {
    let Token { start, end, text, .. } = token;
    MatcherError(if token.kind == Kind::End {
        format!("end of input: {expected}")
    } else {
        format!("{start}:{end}: unexpected {text}: {expected}")
    })
}

fn because(error: MatcherError, expected: &str) -> MatcherError {
    MatcherError(format!("{error}: {expected}"))
}
