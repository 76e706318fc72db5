//! Go's `strconv.Quote` and `Unquote`: how Prometheus prints label values and string literals.

use std::fmt::Write as _;

/// A double-quoted Go string literal: `\n`, `\"`, `\x00` and `\u0085` escaped, printable Unicode kept.
pub fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    write_quoted(&mut out, text);
    out
}

/// [`quote`] into a buffer.
pub fn write_quoted(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{b}' => out.push_str("\\v"),
            ' ' => out.push(' '),
            c if is_printable(c) => out.push(c),
            c if c < '\u{80}' => push(out, format_args!("\\x{:02x}", u32::from(c))),
            c if c <= '\u{ffff}' => push(out, format_args!("\\u{:04x}", u32::from(c))),
            c => push(out, format_args!("\\U{:08x}", u32::from(c))),
        }
    }
    out.push('"');
}

/// Go's `strconv.IsPrint`, near enough: letters, marks, numbers, punctuation, symbols; of spaces only U+0020.
fn is_printable(c: char) -> bool {
    !(c.is_control()
        || c.is_whitespace()
        || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
        || matches!(u32::from(c), 0xe000..=0xf8ff | 0xfff0..=0xfffb | 0xf0000..))
}

fn push(out: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _infallible = out.write_fmt(arguments);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoting_escapes_what_go_escapes() {
        for (text, expected) in [
            ("a\"b\\c", r#""a\"b\\c""#),
            ("tab\tnl\n", r#""tab\tnl\n""#),
            ("\u{0}\u{7f}", r#""\x00\x7f""#),
            ("温度 °C", "\"温度 °C\""),
            ("\u{85}\u{a0}\u{feff}", r#""\u0085\u00a0\ufeff""#),
        ] {
            assert_eq!(quote(text), expected);
        }
    }
}
