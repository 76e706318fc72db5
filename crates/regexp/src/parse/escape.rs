//! Escapes that mean one character: `\n`, `\.`, `\x41`, `\x{4e2d}`, `\101`.

use crate::error::RegexpError;

/// The code of the escape at the start of `text`, and what follows it.
pub(super) fn character(text: &str) -> Result<(u32, &str), RegexpError> {
    let behind = &text[1..];
    let Some(c) = behind.chars().next() else {
        return Err(RegexpError::new("trailing backslash at end of expression", ""));
    };
    let rest = &behind[c.len_utf8()..];
    let invalid = |rest: &str| Err(RegexpError::new("invalid escape sequence", &text[..text.len() - rest.len()]));
    match c {
        // A single digit would be a reference to a group, which RE2 does not have.
        '1'..='7' if !rest.starts_with(is_octal) => invalid(rest),
        '0'..='7' => {
            let more = rest.bytes().take(2).take_while(|byte| is_octal(char::from(*byte))).count();
            let digits = &behind[..1 + more];
            Ok((u32::from_str_radix(digits, 8).unwrap_or_default(), &rest[more..]))
        }
        'x' => match hexadecimal(rest) {
            Ok(found) => Ok(found),
            Err(rest) => invalid(rest),
        },
        'a' => Ok((7, rest)),
        'f' => Ok((12, rest)),
        'n' => Ok((10, rest)),
        'r' => Ok((13, rest)),
        't' => Ok((9, rest)),
        'v' => Ok((11, rest)),
        c if c.is_ascii() && !c.is_ascii_alphanumeric() => Ok((u32::from(c), rest)),
        _ => invalid(rest),
    }
}

const fn is_octal(c: char) -> bool {
    matches!(c, '0'..='7')
}

/// `41` or `{4e2d}`; the error is what follows the character that cannot be.
fn hexadecimal(text: &str) -> Result<(u32, &str), &str> {
    let mut characters = text.chars();
    let mut value = 0;
    if text.starts_with('{') {
        characters.next();
        let mut digits = 0;
        while let Some(c) = characters.next() {
            if c == '}' && digits > 0 {
                return Ok((value, characters.as_str()));
            }
            let Some(digit) = c.to_digit(16) else { break };
            value = value * 16 + digit;
            digits += 1;
            if value > u32::from(char::MAX) {
                break;
            }
        }
        return Err(characters.as_str());
    }
    for _ in 0..2 {
        value = value * 16 + characters.next().and_then(|c| c.to_digit(16)).ok_or(characters.as_str())?;
    }
    Ok((value, characters.as_str()))
}
