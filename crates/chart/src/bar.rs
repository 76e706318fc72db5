//! A bar of 0 to 100 %, in segments, with a limit.

use crate::markup::{escape, percent, push};

/// A part of a bar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Segment<'a> {
    /// Classes that colour it: `s0`, `warn bf`.
    pub class: &'a str,
    /// Its share of the whole, 0 to 1.
    pub fraction: f64,
}

/// Draws a bar: the `.bar` of `app.css`. Segments that would pass the end are cut; `limit` is a line, 0 to 1.
pub fn bar(segments: &[Segment<'_>], limit: Option<f64>) -> String {
    let mut out = String::from("<svg class=\"bar\" aria-hidden=\"true\">");
    let mut from = 0.0;
    for segment in segments.iter().filter(|segment| segment.fraction.is_finite()) {
        let width = segment.fraction.clamp(0.0, 1.0 - from);
        push(
            &mut out,
            format_args!(
                "<rect class=\"{}\" x=\"{}\" width=\"{}\" height=\"100%\"/>",
                escape(segment.class),
                percent(from),
                percent(width)
            ),
        );
        from += width;
    }
    if let Some(limit) = limit.filter(|limit| limit.is_finite()) {
        let x = percent(limit.clamp(0.0, 1.0));
        push(&mut out, format_args!("<line x1=\"{x}\" x2=\"{x}\" y2=\"100%\"/>"));
    }
    out.push_str("</svg>");
    out
}
