//! From text to words, one at a time: what a character means depends on the brackets that are open.

use crate::error::ParseError;
use crate::features::Features;
use crate::operator::BinaryOp;
use crate::span::Span;
use crate::token::{Keyword, Token, TokenKind};

/// Reads one word after the other; after an error it must not be asked again.
#[derive(Debug)]
pub(crate) struct Lexer<'a> {
    query: &'a str,
    features: Features,
    /// Where the word that is being read begins.
    start: usize,
    /// The next character.
    at: usize,
    mode: Mode,
    parens_open: usize,
    bracket_open: bool,
    colon_seen: bool,
    duration_seen: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Expression,
    /// Between `{` and `}`: words are never keywords.
    Braces,
    /// Between `[` and the first duration in it.
    Duration,
}

type Lexed = Result<TokenKind, String>;

impl<'a> Lexer<'a> {
    pub(crate) const fn new(query: &'a str, features: Features) -> Self {
        Self {
            query,
            features,
            start: 0,
            at: 0,
            mode: Mode::Expression,
            parens_open: 0,
            bracket_open: false,
            colon_seen: false,
            duration_seen: false,
        }
    }

    /// The next word, comments and spaces skipped.
    pub(crate) fn next_token(&mut self) -> Result<Token, ParseError> {
        self.skip_blank();
        self.start = self.at;
        let lexed = match self.mode {
            Mode::Expression => self.expression_token(),
            Mode::Braces => self.braces_token(),
            Mode::Duration => self.duration_token(),
        };
        match lexed {
            Ok(kind) => Ok(Token { kind, span: Span::new(self.start, self.at) }),
            Err(message) => Err(ParseError::new(self.query, Span::new(self.start, self.query.len()), message)),
        }
    }

    fn skip_blank(&mut self) {
        loop {
            self.skip_while(is_space);
            if self.peek() != Some('#') || self.mode == Mode::Duration {
                return;
            }
            self.skip_while(|c| !matches!(c, '\r' | '\n'));
        }
    }

    fn expression_token(&mut self) -> Lexed {
        let Some(c) = self.bump() else {
            return match (self.parens_open, self.bracket_open) {
                (0, false) => Ok(TokenKind::EndOfInput),
                (0, true) => Err("unclosed left bracket".to_owned()),
                _ => Err("unclosed left parenthesis".to_owned()),
            };
        };
        Ok(match c {
            ',' => TokenKind::Comma,
            '*' => TokenKind::Operator(BinaryOp::Mul),
            '/' => TokenKind::Operator(BinaryOp::Div),
            '%' => TokenKind::Operator(BinaryOp::Mod),
            '+' => TokenKind::Operator(BinaryOp::Add),
            '-' => TokenKind::Operator(BinaryOp::Sub),
            '^' => TokenKind::Operator(BinaryOp::Pow),
            '@' => TokenKind::At,
            '=' => match self.peek() {
                Some('=') => self.operator(BinaryOp::Equal),
                Some('~') => return Err("unexpected character after '=': '~'".to_owned()),
                _ => TokenKind::Assign,
            },
            '!' => match self.bump() {
                Some('=') => TokenKind::Operator(BinaryOp::NotEqual),
                other => return Err(format!("unexpected character after '!': {}", quote_char(other))),
            },
            '<' => match self.peek() {
                Some('=') => self.operator(BinaryOp::LessEqual),
                Some('/') => self.operator(BinaryOp::TrimUpper),
                _ => TokenKind::Operator(BinaryOp::Less),
            },
            '>' => match self.peek() {
                Some('=') => self.operator(BinaryOp::GreaterEqual),
                Some('/') => self.operator(BinaryOp::TrimLower),
                _ => TokenKind::Operator(BinaryOp::Greater),
            },
            '0'..='9' => return self.number_or_duration(),
            '.' if self.peek().is_some_and(|next| next.is_ascii_digit()) => return self.number_or_duration(),
            '"' | '\'' => return self.quoted(c),
            '`' => return self.raw_string(),
            '(' => self.open_paren(),
            ')' => return self.close_paren(),
            '{' => {
                self.mode = Mode::Braces;
                TokenKind::LeftBrace
            }
            '[' if self.bracket_open => return Err("unexpected left bracket '['".to_owned()),
            '[' => {
                self.bracket_open = true;
                self.colon_seen = false;
                self.mode = Mode::Duration;
                TokenKind::LeftBracket
            }
            ']' if !self.bracket_open => return Err("unexpected right bracket ']'".to_owned()),
            ']' => self.close_bracket(),
            c if is_alpha(c) || c == ':' => {
                return if self.bracket_open { self.word_in_bracket(c) } else { Ok(self.word()) };
            }
            other => return Err(format!("unexpected character: {}", quote_char(Some(other)))),
        })
    }

    fn braces_token(&mut self) -> Lexed {
        let Some(c) = self.bump() else {
            return Err("unexpected end of input inside braces".to_owned());
        };
        Ok(match c {
            ',' => TokenKind::Comma,
            '"' | '\'' => return self.quoted(c),
            '`' => return self.raw_string(),
            '=' if self.accept('~') => TokenKind::MatchRegexp,
            '=' => TokenKind::Assign,
            '!' => match self.bump() {
                Some('~') => TokenKind::MatchNotRegexp,
                Some('=') => TokenKind::Operator(BinaryOp::NotEqual),
                other => return Err(format!("unexpected character after '!' inside braces: {}", quote_char(other))),
            },
            '{' => return Err("unexpected left brace '{'".to_owned()),
            '}' => {
                self.mode = Mode::Expression;
                TokenKind::RightBrace
            }
            c if is_alpha(c) => {
                self.skip_while(is_alphanumeric);
                TokenKind::Identifier
            }
            other => return Err(format!("unexpected character inside braces: {}", quote_char(Some(other)))),
        })
    }

    fn duration_token(&mut self) -> Lexed {
        let Some(c) = self.bump() else {
            return Err("unexpected end of input in duration expression".to_owned());
        };
        Ok(match c {
            ']' => self.close_bracket(),
            ':' => {
                self.start = self.at;
                let what = if self.duration_seen { "repeated colon" } else { "colon before duration" };
                if self.colon_seen || !self.duration_seen {
                    return Err(format!("unexpected {what} in duration expression"));
                }
                self.start -= 1;
                self.colon_seen = true;
                TokenKind::Colon
            }
            '(' => self.open_paren(),
            ')' => return self.close_paren(),
            '+' => TokenKind::Operator(BinaryOp::Add),
            '-' => TokenKind::Operator(BinaryOp::Sub),
            '*' => TokenKind::Operator(BinaryOp::Mul),
            '/' => TokenKind::Operator(BinaryOp::Div),
            '%' => TokenKind::Operator(BinaryOp::Mod),
            '^' => TokenKind::Operator(BinaryOp::Pow),
            ',' => TokenKind::Comma,
            '.' if !self.peek().is_some_and(|next| next.is_ascii_digit()) => {
                return Err("unexpected character in duration expression: '.'".to_owned());
            }
            '0'..='9' | '.' => {
                self.duration_seen = true;
                self.mode = Mode::Expression;
                return self.number_or_duration();
            }
            c => {
                return self
                    .duration_word()
                    .ok_or_else(|| format!("unexpected character in duration expression: {}", quote_char(Some(c))));
            }
        })
    }

    fn operator(&mut self, op: BinaryOp) -> TokenKind {
        self.bump();
        TokenKind::Operator(op)
    }

    fn open_paren(&mut self) -> TokenKind {
        self.parens_open += 1;
        TokenKind::LeftParen
    }

    /// Too many are reported behind the parenthesis, as Prometheus does.
    fn close_paren(&mut self) -> Lexed {
        if self.parens_open == 0 {
            self.start = self.at;
            return Err("unexpected right parenthesis ')'".to_owned());
        }
        self.parens_open -= 1;
        Ok(TokenKind::RightParen)
    }

    fn close_bracket(&mut self) -> TokenKind {
        self.bracket_open = false;
        self.colon_seen = false;
        self.mode = Mode::Expression;
        TokenKind::RightBracket
    }

    /// A keyword, an identifier or a metric name.
    fn word(&mut self) -> TokenKind {
        self.skip_while(|c| is_alphanumeric(c) || c == ':');
        let word = &self.query[self.start..self.at];
        match TokenKind::of_word(word) {
            Some(TokenKind::Keyword(keyword)) if !self.is_keyword_here(keyword) => TokenKind::Identifier,
            Some(kind) => kind,
            None if word.contains(':') => TokenKind::MetricIdentifier,
            None => TokenKind::Identifier,
        }
    }

    /// Young keywords are names too: where their feature is off, and `fill` unless a parenthesis follows.
    fn is_keyword_here(&self, keyword: Keyword) -> bool {
        match keyword {
            Keyword::Anchored | Keyword::Smoothed => self.features.extended_range_selectors,
            Keyword::Fill | Keyword::FillLeft | Keyword::FillRight => {
                self.features.binop_fill && self.query[self.at..].trim_start_matches(is_space).starts_with('(')
            }
            _ => true,
        }
    }

    fn word_in_bracket(&mut self, first: char) -> Lexed {
        if first == ':' {
            if self.colon_seen {
                return Err("unexpected colon ':'".to_owned());
            }
            self.colon_seen = true;
            return Ok(TokenKind::Colon);
        }
        self.duration_word().ok_or_else(|| format!("unexpected character: {}, expected ':'", quote_char(Some(first))))
    }

    /// `step`, `range`, `min_of`, `max_of`; the first letter has been read.
    fn duration_word(&mut self) -> Option<TokenKind> {
        self.skip_while(is_alpha);
        let word = self.query[self.start..self.at].to_ascii_lowercase();
        match word.as_str() {
            "step" | "range" => TokenKind::of_word(&word),
            "min_of" | "max_of" => Some(TokenKind::Identifier),
            _ => None,
        }
    }

    /// The first character has been read.
    fn number_or_duration(&mut self) -> Lexed {
        self.at = self.start;
        if self.scan_number() {
            return Ok(TokenKind::Number);
        }
        if self.scan_rest_of_duration() {
            return Ok(TokenKind::Duration);
        }
        Err(format!("bad number or duration syntax: {}", units::quote::quote(&self.query[self.start..self.at])))
    }

    /// Reads what may be a number; whether it is one, the parser finds out. False leaves the position where the scan
    /// gave up, which the error text shows.
    fn scan_number(&mut self) -> bool {
        let mut digits: fn(char) -> bool = |c| c.is_ascii_digit();
        let mut hexadecimal = false;
        if self.accept('0') && (self.accept('x') || self.accept('X')) {
            self.accept('_');
            digits = |c| c.is_ascii_hexdigit();
            hexadecimal = true;
        }
        // A dot in front does not count as seen; two of them are left to the conversion to refuse.
        self.accept('.');
        let (mut dot_seen, mut exponent_seen) = (false, false);
        while let Some(c) = self.peek() {
            if digits(c) {
                self.skip_while(digits);
            } else if c == '.' {
                self.bump();
                if dot_seen || self.accept('_') || self.accept('.') || hexadecimal {
                    return false;
                }
                dot_seen = true;
            } else if matches!(c, 'e' | 'E') {
                self.bump();
                if exponent_seen {
                    return false;
                }
                exponent_seen = true;
                let _sign = self.accept('+') || self.accept('-');
                if self.accept_any("._eE") || self.peek().is_none() {
                    return false;
                }
            } else if c == '_' {
                self.bump();
                if self.accept_any("._eE") || self.peek().is_none() {
                    return false;
                }
            } else {
                break;
            }
        }
        self.at > self.start && !self.peek().is_some_and(is_alphanumeric)
    }

    /// Reads units and further numbers behind a first number.
    fn scan_rest_of_duration(&mut self) -> bool {
        if !self.accept_any("smhdwy") {
            return false;
        }
        self.accept('s');
        while self.peek().is_some_and(|c| c.is_ascii_digit()) {
            self.skip_while(|c| c.is_ascii_digit());
            if !self.accept_any("smhdw") {
                return false;
            }
            self.accept('s');
        }
        if self.peek().is_some_and(is_alphanumeric) {
            self.bump();
            return false;
        }
        true
    }

    /// The opening quote has been read.
    fn quoted(&mut self, quote: char) -> Lexed {
        loop {
            match self.bump() {
                None | Some('\n') => return Err("unterminated quoted string".to_owned()),
                Some('\\') => self.escape(quote)?,
                Some(c) if c == quote => return Ok(TokenKind::String),
                Some(_) => {}
            }
        }
    }

    /// The backslash has been read.
    fn escape(&mut self, quote: char) -> Result<(), String> {
        let Some(c) = self.bump() else {
            return Err("escape sequence not terminated".to_owned());
        };
        let (mut length, base, max, mut value) = match c {
            'a' | 'b' | 'f' | 'n' | 'r' | 't' | 'v' | '\\' => return Ok(()),
            c if c == quote => return Ok(()),
            '0'..='7' => (2, 8, 255, c.to_digit(8).unwrap_or_default()),
            'x' => (2, 16, 255, 0),
            'u' => (4, 16, 0x10_ffff, 0),
            'U' => (8, 16, 0x10_ffff, 0),
            c => return Err(format!("unknown escape sequence {}", describe_char(c))),
        };
        while length > 0 {
            let Some(c) = self.bump() else {
                return Err("escape sequence not terminated".to_owned());
            };
            let Some(digit) = c.to_digit(base) else {
                return Err(format!("illegal character {} in escape sequence", describe_char(c)));
            };
            value = value.saturating_mul(base).saturating_add(digit);
            length -= 1;
        }
        if value > max || (0xd800..0xe000).contains(&value) {
            return Err("escape sequence is an invalid Unicode code point".to_owned());
        }
        Ok(())
    }

    /// The opening backtick has been read.
    fn raw_string(&mut self) -> Lexed {
        self.skip_while(|c| c != '`');
        if self.accept('`') { Ok(TokenKind::String) } else { Err("unterminated raw string".to_owned()) }
    }

    fn peek(&self) -> Option<char> {
        self.query[self.at..].chars().next()
    }

    fn bump(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn accept(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.at += wanted.len_utf8();
        }
        found
    }

    fn accept_any(&mut self, wanted: &str) -> bool {
        let found = self.peek().is_some_and(|c| wanted.contains(c));
        if found {
            self.bump();
        }
        found
    }

    fn skip_while(&mut self, wanted: impl Fn(char) -> bool) {
        let rest = &self.query[self.at..];
        self.at += rest.len() - rest.trim_start_matches(wanted).len();
    }
}

const fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

const fn is_alpha(c: char) -> bool {
    c == '_' || c.is_ascii_alphabetic()
}

const fn is_alphanumeric(c: char) -> bool {
    is_alpha(c) || c.is_ascii_digit()
}

/// Go's `%q` of a rune; the end of the input prints as the replacement character.
fn quote_char(c: Option<char>) -> String {
    match c.unwrap_or(char::REPLACEMENT_CHARACTER) {
        '\'' => r"'\''".to_owned(),
        '"' => "'\"'".to_owned(),
        c => {
            let quoted = units::quote::quote(c.encode_utf8(&mut [0; 4]));
            format!("'{}'", &quoted[1..quoted.len() - 1])
        }
    }
}

/// Go's `%#U` of a rune: `U+0071 'q'`.
fn describe_char(c: char) -> String {
    let code = format!("U+{:04X}", u32::from(c));
    let quoted = quote_char(Some(c));
    let is_printed = quoted.len() == c.len_utf8() + 2 || matches!(c, '\'' | '\\');
    if is_printed { format!("{code} '{c}'") } else { code }
}
