//! The words of the UTF-8 grammar, with their places for error texts.

use super::MatcherError;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    OpenBrace,
    CloseBrace,
    Comma,
    Equals,
    NotEquals,
    Matches,
    NotMatches,
    Quoted,
    Unquoted,
    End,
}

/// A word with its columns, counted in characters from 0, the end excluded.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind,
    pub(super) text: &'a str,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// Reads one word after the other; after an error it stays there.
#[derive(Debug)]
pub(super) struct Lexer<'a> {
    input: &'a str,
    /// Where the next word begins: bytes and characters.
    at: (usize, usize),
    peeked: Option<Result<Token<'a>, MatcherError>>,
    /// The column behind the last word that was looked at.
    pub(super) column: usize,
}

/// Whether a name or value with this character needs quotes.
pub(super) fn is_reserved(c: char) -> bool {
    c.is_whitespace() || matches!(c, '{' | '}' | '!' | '=' | '~' | ',' | '\\' | '"' | '\'' | '`')
}

impl<'a> Lexer<'a> {
    pub(super) const fn new(input: &'a str) -> Self {
        Self { input, at: (0, 0), peeked: None, column: 0 }
    }

    pub(super) fn peek(&mut self) -> Result<Token<'a>, MatcherError> {
        if self.peeked.is_none() {
            let scanned = self.scan();
            self.peeked = Some(scanned);
        }
        // The error stays, as nothing behind it can be read.
        self.peeked.clone().unwrap_or_else(|| unreachable!("scanned above"))
    }

    pub(super) fn next(&mut self) -> Result<Token<'a>, MatcherError> {
        let token = self.peek()?;
        self.peeked = None;
        Ok(token)
    }

    fn scan(&mut self) -> Result<Token<'a>, MatcherError> {
        let rest = &self.input[self.at.0..];
        let word = rest.trim_start();
        self.advance(rest.len() - word.len());
        let Some(first) = word.chars().next() else {
            self.column = self.at.1;
            return Ok(Token { kind: Kind::End, text: "", start: self.at.1, end: self.at.1 });
        };
        let second = word[first.len_utf8()..].chars().next();
        match (first, second) {
            ('{', _) => Ok(self.emit(Kind::OpenBrace, 1)),
            ('}', _) => Ok(self.emit(Kind::CloseBrace, 1)),
            (',', _) => Ok(self.emit(Kind::Comma, 1)),
            ('=', Some('~')) => Ok(self.emit(Kind::Matches, 2)),
            ('=', _) => Ok(self.emit(Kind::Equals, 1)),
            ('!', Some('=')) => Ok(self.emit(Kind::NotEquals, 2)),
            ('!', Some('~')) => Ok(self.emit(Kind::NotMatches, 2)),
            ('!', None) => Err(self.wrong("unexpected end of input, expected one of '=~'", 1, false)),
            ('!', Some(_)) => Err(self.wrong("expected one of '=~'", 1, true)),
            ('"', _) => match quoted_bytes(word) {
                Some(bytes) => Ok(self.emit(Kind::Quoted, bytes)),
                None => Err(self.wrong("missing end \"", word.len(), true)),
            },
            (c, _) if is_reserved(c) => Err(self.wrong("invalid input", c.len_utf8(), true)),
            _ => Ok(self.emit(Kind::Unquoted, word.find(is_reserved).unwrap_or(word.len()))),
        }
    }

    fn emit(&mut self, kind: Kind, bytes: usize) -> Token<'a> {
        let (start_byte, start) = self.at;
        self.advance(bytes);
        self.column = self.at.1;
        Token { kind, text: &self.input[start_byte..self.at.0], start, end: self.at.1 }
    }

    fn wrong(&mut self, what: &str, bytes: usize, shown: bool) -> MatcherError {
        let Token { text, start, end, .. } = self.emit(Kind::End, bytes);
        let text = if shown { format!("{text}: ") } else { String::new() };
        MatcherError(format!("{start}:{end}: {text}{what}"))
    }

    fn advance(&mut self, bytes: usize) {
        let (byte, column) = self.at;
        self.at = (byte + bytes, column + self.input[byte..byte + bytes].chars().count());
    }
}

/// The length of the quoted text that `word` begins with, `None` if it is not closed.
fn quoted_bytes(word: &str) -> Option<usize> {
    let mut escaped = true; // the opening quote does not close
    for (at, c) in word.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some(at + 1),
            _ => {}
        }
    }
    None
}
