//! Text and the words of actions.

/// A word, and the line where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Token {
    pub(crate) line: usize,
    pub(crate) kind: Kind,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    /// What stands between actions.
    Text(String),
    Open,
    Close,
    /// `if`, `printf`, `true`
    Word(String),
    /// `.a.b`, or only `.`; whether white space stands before it, for then it is a value of its own.
    Field {
        names: Vec<String>,
        apart: bool,
    },
    /// `$`, `$x`
    Variable(String),
    Str(String),
    Int(i64),
    Float(f64),
    /// `|`, `(`, `)`, `,`, `:=`, `=`
    Sign(&'static str),
}

/// Splits a template.
pub(crate) fn lex(text: &str) -> Result<Vec<Token>, (usize, String)> {
    let mut tokens = Vec::new();
    let (mut rest, mut line) = (text, 1);
    let mut trim_next = false;
    while !rest.is_empty() {
        let open = rest.find("{{").unwrap_or(rest.len());
        let (mut plain, after) = rest.split_at(open);
        let plain_lines = plain.matches('\n').count();
        if trim_next {
            plain = plain.trim_start();
        }
        trim_next = false;
        let inside = after.strip_prefix("{{").map(|inside| {
            let trimmed = inside.strip_prefix("- ").or_else(|| inside.strip_prefix("-\n"));
            (trimmed.is_some(), trimmed.unwrap_or(inside))
        });
        if inside.is_some_and(|(trim, _)| trim) {
            plain = plain.trim_end();
        }
        if !plain.is_empty() {
            tokens.push(Token { line, kind: Kind::Text(plain.to_owned()) });
        }
        line += plain_lines;
        let Some((_, inside)) = inside else { break };
        if let Some(comment) = inside.trim_start().strip_prefix("/*") {
            let end = comment.find("*/").ok_or((line, "unclosed comment".to_owned()))?;
            line += comment[..end].matches('\n').count();
            let behind = comment[end + 2..].trim_start();
            trim_next = behind.starts_with('-');
            rest = behind
                .strip_prefix('-')
                .unwrap_or(behind)
                .strip_prefix("}}")
                .ok_or((line, "comment ends before closing delimiter".to_owned()))?;
            continue;
        }
        tokens.push(Token { line, kind: Kind::Open });
        rest = action(inside, &mut line, &mut tokens, &mut trim_next)?;
        tokens.push(Token { line, kind: Kind::Close });
    }
    Ok(tokens)
}

/// The words up to `}}`; what follows it.
fn action<'a>(
    inside: &'a str,
    line: &mut usize,
    tokens: &mut Vec<Token>,
    trim_next: &mut bool,
) -> Result<&'a str, (usize, String)> {
    let mut rest = inside;
    loop {
        let blanks = rest.len() - rest.trim_start().len();
        *line += rest[..blanks].matches('\n').count();
        let apart = 0 < blanks;
        rest = &rest[blanks..];
        if let Some(after) = rest.strip_prefix("}}") {
            return Ok(after);
        }
        if let Some(after) = rest.strip_prefix("-}}").filter(|_| apart) {
            *trim_next = true;
            return Ok(after);
        }
        let Some(first) = rest.chars().next() else { return Err((*line, "unclosed action".to_owned())) };
        let fault = |message: &str| (*line, message.to_owned());
        let (kind, used) = match first {
            '"' => quoted(rest).ok_or_else(|| fault("unterminated quoted string"))?,
            '`' => {
                let end = rest[1..].find('`').ok_or_else(|| fault("unterminated raw quoted string"))?;
                (Kind::Str(rest[1..=end].to_owned()), end + 2)
            }
            '.' if !rest[1..].starts_with(|c: char| c.is_ascii_digit()) => {
                let mut used = 1 + name(&rest[1..]);
                let mut names = vec![rest[1..used].to_owned()];
                if names[0].is_empty() {
                    names.clear();
                } else {
                    while rest[used..].starts_with('.') && 0 < name(&rest[used + 1..]) {
                        let length = name(&rest[used + 1..]);
                        names.push(rest[used + 1..used + 1 + length].to_owned());
                        used += 1 + length;
                    }
                }
                (Kind::Field { names, apart }, used)
            }
            '$' => {
                let length = name(&rest[1..]);
                (Kind::Variable(rest[..=length].to_owned()), length + 1)
            }
            '|' => (Kind::Sign("|"), 1),
            '(' => (Kind::Sign("("), 1),
            ')' => (Kind::Sign(")"), 1),
            ',' => (Kind::Sign(","), 1),
            ':' if rest.starts_with(":=") => (Kind::Sign(":="), 2),
            '=' => (Kind::Sign("="), 1),
            _ if first.is_ascii_digit() || matches!(first, '-' | '+' | '.') => {
                let used = rest
                    .find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '.' | '-' | '+' | '_'))
                    .unwrap_or(rest.len());
                let text = &rest[..used];
                let kind = match (text.parse(), units::float::parse(text)) {
                    (Ok(whole), _) => Kind::Int(whole),
                    (_, Ok(value)) => Kind::Float(value),
                    _ => return Err((*line, format!("bad number syntax: {text:?}"))),
                };
                (kind, used)
            }
            _ if 0 < name(rest) => (Kind::Word(rest[..name(rest)].to_owned()), name(rest)),
            other => return Err((*line, format!("unexpected {other:?} in command"))),
        };
        tokens.push(Token { line: *line, kind });
        rest = &rest[used..];
    }
}

/// How many bytes of a name stand at the start.
fn name(text: &str) -> usize {
    text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len())
}

fn quoted(text: &str) -> Option<(Kind, usize)> {
    let mut out = String::new();
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((Kind::Str(out), at + 1)),
            '\n' => return None,
            '\\' => match chars.next()?.1 {
                'n' => out.push('\n'),
                't' => out.push('\t'),
                'r' => out.push('\r'),
                other @ ('"' | '\\' | '\'') => out.push(other),
                _ => return None,
            },
            other => out.push(other),
        }
    }
    None
}
