//! Legends: what the lines are and what they came to. Values are of the samples, not of the drawn points.

use units::unit::Formatted;

use crate::backend::SLOTS;
use crate::markup::{escape, name, push};
use crate::{Frame, FrameSeries, LINES_MAX, PlotOptions};

/// A column of a legend table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Summary {
    /// The newest value.
    Last,
    /// The mean of the values.
    Mean,
    /// The lowest value.
    Min,
    /// The highest value.
    Max,
}

impl Summary {
    const fn title(self) -> &'static str {
        match self {
            Self::Last => "Last",
            Self::Mean => "Mean",
            Self::Min => "Min",
            Self::Max => "Max",
        }
    }

    fn of(self, series: &FrameSeries) -> Option<f64> {
        match self {
            Self::Last => series.last(),
            Self::Min => series.finite().reduce(f64::min),
            Self::Max => series.finite().reduce(f64::max),
            Self::Mean => {
                let count = series.finite().count();
                (count != 0).then(|| series.finite().map(|value| value / count as f64).sum())
            }
        }
    }
}

/// Names with their newest values in one line, for small panels.
pub fn legend_line(frame: &Frame, options: &PlotOptions) -> String {
    let mut out = String::from("<ul class=\"lgi\">");
    for series in frame.drawn() {
        push(
            &mut out,
            format_args!(
                "<li>{}{}<b>{}</b></li>",
                swatch(series.slot, options.stack),
                name(&series.name),
                escape(&summarised(Summary::Last, series, options).to_string())
            ),
        );
    }
    if let Some(more) = not_drawn(frame) {
        push(&mut out, format_args!("<li class=\"mute\">{more}</li>"));
    }
    out.push_str("</ul>");
    out
}

/// A row for each line, under a title for the names.
pub fn legend_table(frame: &Frame, options: &PlotOptions, title: &str, columns: &[Summary]) -> String {
    let mut out = String::new();
    push(&mut out, format_args!("<table class=\"lg\"><thead><tr><th>{}</th>", escape(title)));
    for column in columns {
        push(&mut out, format_args!("<th class=\"num\">{}</th>", column.title()));
    }
    out.push_str("</tr></thead><tbody>");
    for series in frame.drawn() {
        let (swatch, name) = (swatch(series.slot, options.stack), name(&series.name));
        push(&mut out, format_args!("<tr><th scope=\"row\">{swatch}{name}</th>"));
        for column in columns {
            let value = escape(&summarised(*column, series, options).to_string());
            push(&mut out, format_args!("<td class=\"num\">{value}</td>"));
        }
        out.push_str("</tr>");
    }
    if let Some(more) = not_drawn(frame) {
        push(&mut out, format_args!("<tr><td class=\"mute\" colspan=\"{}\">{more}</td></tr>", columns.len() + 1));
    }
    out.push_str("</tbody></table>");
    out
}

fn summarised(summary: Summary, series: &FrameSeries, options: &PlotOptions) -> Formatted {
    options.unit.format(summary.of(series).unwrap_or(f64::NAN), options.decimals)
}

fn not_drawn(frame: &Frame) -> Option<String> {
    let more = frame.series.len().saturating_sub(LINES_MAX);
    (more != 0).then(|| format!("and {more} more, not drawn"))
}

fn swatch(slot: usize, stack: bool) -> String {
    let slot = slot % SLOTS;
    let shape = if stack {
        " sq"
    } else if 5 <= slot {
        " da"
    } else {
        ""
    };
    format!("<i class=\"sw s{slot}{shape}\"></i>")
}
