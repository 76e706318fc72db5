//! The words of a plot: they stand in SVGs of their own, placed in per cent, so that they keep their size while the plot
//! stretches.

use super::{PlotOptions, Window};
use crate::axis::Axis;
use crate::markup::{Tenths, escape, percent, push};
use crate::time_axis::time_ticks;

/// Widths of the value axis: the longest label it has room for, in characters, and its class.
const WIDTHS: [(usize, &str); 3] = [(3, " n"), (5, ""), (8, " w")];

/// Labels of the value axis.
pub(crate) fn value_axis(out: &mut String, axis: &Axis) {
    let longest = axis.ticks.iter().map(|(_, label)| label.chars().count()).max().unwrap_or(0);
    let class = WIDTHS.iter().find(|(chars, _)| longest <= *chars).map_or(" x", |(_, class)| class);
    push(out, format_args!("<svg class=\"ay{class}\" aria-hidden=\"true\">"));
    for (value, label) in &axis.ticks {
        let y = percent(1.0 - axis.fraction(*value));
        push(
            out,
            format_args!(
                "<text x=\"100%\" dx=\"-7\" dy=\"3.5\" text-anchor=\"end\" y=\"{y}\">{}</text>",
                escape(label)
            ),
        );
    }
    out.push_str("</svg>");
}

/// Words at limits and events.
pub(crate) fn overlay(out: &mut String, axis: &Axis, options: &PlotOptions, window: Window) {
    let mut words = String::new();
    for threshold in &options.thresholds {
        if threshold.word.is_empty() || !threshold.value.is_finite() {
            continue;
        }
        let y = percent(1.0 - axis.fraction(threshold.value));
        let (class, word) = (threshold.severity.class(), escape(&threshold.word));
        push(&mut words, format_args!("<text class=\"thl {class}\" x=\"4\" y=\"{y}\" dy=\"-4\">{word}</text>"));
    }
    for event in &options.annotations {
        let Some(fraction) = window.fraction(event.at_ms) else { continue };
        let (x, class) = (percent(fraction), event.severity.class());
        push(
            &mut words,
            format_args!(
                "<rect class=\"f {class}\" x=\"{x}\" y=\"0\" width=\"4\" height=\"8\" transform=\"translate(-2)\"/>"
            ),
        );
        // Near the right edge a word grows to the left.
        let anchor = if 0.7 < fraction { "text-anchor=\"end\" dx=\"-5\"" } else { "dx=\"5\"" };
        push(&mut words, format_args!("<text x=\"{x}\" y=\"9\" {anchor}>{}</text>", escape(&event.word)));
    }
    if !words.is_empty() {
        push(out, format_args!("<svg class=\"ov\" aria-hidden=\"true\">{words}</svg>"));
    }
}

/// For the pointer's tooltip: divisor, decimals and suffix. A line is drawn in [`Tenths`] of a thousandth of the axis,
/// so digits below that would be invented.
pub(crate) fn pointer_format(axis: &Axis) -> String {
    let range = (axis.high / 2.0 - axis.low / 2.0) / axis.scale.divisor * 2.0;
    let decimals = (3.0 - range.log10().ceil()).clamp(axis.decimals.min(6) as f64, 6.0);
    format!("{} {} {}", units::float::general(axis.scale.divisor, 12), Tenths(decimals as i64 * 10), axis.scale.suffix)
}

/// Labels of the time axis.
pub(crate) fn time_axis(out: &mut String, options: &PlotOptions, window: Window) {
    out.push_str("<svg class=\"ax\" aria-hidden=\"true\">");
    for tick in time_ticks(window.from_ms, window.to_ms, options.utc_offset_s) {
        let anchor = if 0.97 < tick.fraction { "end" } else { "middle" };
        let class = if tick.optional { " class=\"o\"" } else { "" };
        push(
            out,
            format_args!(
                "<text{class} x=\"{}\" y=\"13\" text-anchor=\"{anchor}\">{}</text>",
                percent(tick.fraction),
                tick.label
            ),
        );
    }
    out.push_str("</svg>");
}
