//! Writing SVG and HTML text.

use std::fmt::Write as _;

use crate::NAME_CHARS_MAX;

/// Appends formatted text.
pub(crate) fn push(out: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _infallible = out.write_fmt(arguments);
}

/// Text for elements and attributes.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// A name, escaped and not too long.
pub(crate) fn name(text: &str) -> String {
    match text.char_indices().nth(NAME_CHARS_MAX) {
        Some((end, _)) => format!("{}…", escape(&text[..end])),
        None => escape(text),
    }
}

/// A part of the whole as a percentage for an attribute: `12.5%`, one decimal, without `-0`.
pub(crate) fn percent(fraction: f64) -> String {
    let tenths = (fraction * 1_000.0).round();
    let tenths = if tenths.is_finite() { tenths.clamp(-1e6, 1e6) as i64 } else { 0 };
    format!("{}%", Tenths(tenths))
}

/// A number of tenths, as short as it can be written: `12.5`, `-0.3`, `7`.
pub(crate) struct Tenths(pub(crate) i64);

impl std::fmt::Display for Tenths {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let magnitude = self.0.unsigned_abs();
        if self.0 < 0 {
            f.write_str("-")?;
        }
        write!(f, "{}", magnitude / 10)?;
        if !magnitude.is_multiple_of(10) {
            write!(f, ".{}", magnitude % 10)?;
        }
        Ok(())
    }
}
