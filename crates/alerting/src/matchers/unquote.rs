//! A double-quoted Go string literal back into its text.

/// The text of a literal, quotes included; `None` if an escape is wrong or the bytes are not UTF-8.
pub(super) fn unquote(literal: &str) -> Option<String> {
    let inner = literal.strip_prefix('"')?.strip_suffix('"')?;
    let mut bytes = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        match c {
            '\n' | '"' => return None,
            '\\' => rest = escape(rest, &mut bytes)?,
            c => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    String::from_utf8(bytes).ok()
}

/// Reads what follows a backslash; what is left behind it.
fn escape<'a>(rest: &'a str, bytes: &mut Vec<u8>) -> Option<&'a str> {
    let kind = rest.chars().next()?;
    let simple = match kind {
        'a' => Some(7),
        'b' => Some(8),
        'f' => Some(12),
        'n' => Some(b'\n'),
        'r' => Some(b'\r'),
        't' => Some(b'\t'),
        'v' => Some(11),
        '\\' => Some(b'\\'),
        '"' => Some(b'"'),
        _ => None,
    };
    if let Some(byte) = simple {
        bytes.push(byte);
        return Some(&rest[1..]);
    }
    let (digits_at, digits, radix) = match kind {
        'x' => (1, 2, 16),
        'u' => (1, 4, 16),
        'U' => (1, 8, 16),
        '0'..='7' => (0, 3, 8),
        _ => return None,
    };
    let digits = rest.get(digits_at..digits_at + digits).filter(|text| text.chars().all(|c| c.is_digit(radix)))?;
    let number = u32::from_str_radix(digits, radix).ok()?;
    if matches!(kind, 'u' | 'U') {
        bytes.extend_from_slice(char::from_u32(number)?.encode_utf8(&mut [0; 4]).as_bytes());
    } else {
        bytes.push(u8::try_from(number).ok()?);
    }
    rest.get(digits_at + digits.len()..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_gos() {
        let check = |literal: &str, text: Option<&str>| assert_eq!(unquote(literal).as_deref(), text, "{literal}");
        check(r#""a\n\"\\\t""#, Some("a\n\"\\\t"));
        check(r#""\u4e2d\U0001f600\xe4\xb8\xad\101""#, Some("中😀中A"));
        check(r#""\xff""#, None);
        check(r#""\q""#, None);
        check(r#""\'""#, None);
        check(r#""\u4e""#, None);
        check(r#""\400""#, None);
        check("\"a\nb\"", None);
    }
}
