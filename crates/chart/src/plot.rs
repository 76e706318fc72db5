//! Time series as a plot that stretches: SVGs side by side for the value axis, the lines, their labels and the time
//! axis.

mod canvas;
mod words;

use units::unit::Unit;

use crate::axis::Axis;
use crate::backend::SEVERITIES;
use crate::decimate::{Point, decimate, runs};
use crate::markup::{escape, name, push};
use crate::stack::{Layer, stack};
use crate::{Frame, FrameSeries};

pub(crate) use canvas::{Canvas, Shape};
use words::{overlay, pointer_format, time_axis, value_axis};

/// How a frame is drawn.
#[derive(Clone, Debug)]
pub struct PlotOptions {
    /// One sentence for those who cannot see the picture.
    pub label: String,
    /// How tall.
    pub height: Height,
    /// What the values are in.
    pub unit: Unit,
    /// Decimals of values in the legend; three significant digits without.
    pub decimals: Option<usize>,
    /// The lower end of the value axis; without it 0, or lower where values are.
    pub min: Option<f64>,
    /// The upper end of the value axis; without it a round number above the values.
    pub max: Option<f64>,
    /// Fills the area between a line and zero.
    pub fill: bool,
    /// Puts the series on top of each other.
    pub stack: bool,
    /// Limits.
    pub thresholds: Vec<Threshold>,
    /// Events.
    pub annotations: Vec<Annotation>,
    /// How far the viewer's clock is ahead of UTC, in seconds.
    pub utc_offset_s: i32,
}

impl PlotOptions {
    /// Lines of ordinary height in a unit, with the axis from 0.
    pub fn new(label: impl Into<String>, unit: Unit) -> Self {
        Self {
            label: label.into(),
            height: Height::H2,
            unit,
            decimals: None,
            min: None,
            max: None,
            fill: false,
            stack: false,
            thresholds: Vec::new(),
            annotations: Vec::new(),
            utc_offset_s: 0,
        }
    }
}

/// The heights a plot can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Height {
    /// 40 px, for sparklines.
    H1,
    /// 150 px.
    H2,
    /// 186 px.
    H3,
    /// 250 px.
    H4,
}

impl Height {
    pub(crate) const fn class(self) -> &'static str {
        match self {
            Self::H1 => "h1",
            Self::H2 => "h2",
            Self::H3 => "h3",
            Self::H4 => "h4",
        }
    }
}

/// What a limit or an event means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Good.
    Ok,
    /// Worth knowing.
    Info,
    /// Soon a problem.
    Warning,
    /// A problem.
    Critical,
}

impl Severity {
    pub(crate) const fn slot(self) -> usize {
        match self {
            Self::Ok => 0,
            Self::Info => 1,
            Self::Warning => 2,
            Self::Critical => 3,
        }
    }

    const fn class(self) -> &'static str {
        SEVERITIES[self.slot()]
    }
}

/// A limit: a dashed line, a zone above it, a word at the line.
#[derive(Clone, Debug)]
pub struct Threshold {
    /// Where, in the unit of the plot.
    pub value: f64,
    /// What it means to be above.
    pub severity: Severity,
    /// At the line; may be empty.
    pub word: String,
}

/// An event: a dotted line with a flag.
#[derive(Clone, Debug)]
pub struct Annotation {
    /// When, in milliseconds since the epoch.
    pub at_ms: i64,
    /// The colour of the flag.
    pub severity: Severity,
    /// At the flag; may be empty.
    pub word: String,
}

/// Draws a frame as lines over time: the `.plot` of `app.css`.
///
/// The same frame and options give the same bytes. At most [`LINES_MAX`](crate::LINES_MAX) series are drawn.
pub fn time_series(frame: &Frame, options: &PlotOptions) -> String {
    let window = Window::of(frame);
    let lines = Line::all(frame, options, window);
    let axis = Axis::new(extent(&lines, &options.thresholds), options.min, options.max, &options.unit);

    let mut out = String::new();
    push(
        &mut out,
        format_args!(
            "<div class=\"plot {}\" role=\"img\" aria-label=\"{}\" data-x=\"{} {} {}\" data-y=\"{} {}\" data-u=\"{}\">",
            options.height.class(),
            escape(&options.label),
            window.from_ms,
            window.to_ms,
            options.utc_offset_s,
            units::float::general(axis.low, 12),
            units::float::general(axis.high, 12),
            escape(&pointer_format(&axis)),
        ),
    );
    value_axis(&mut out, &axis);
    out.push_str(
        "<svg class=\"chart pl\" viewBox=\"0 0 1000 1000\" preserveAspectRatio=\"none\" aria-hidden=\"true\">",
    );
    let canvas = Canvas { span_ms: window.span_ms(), axis: &axis };
    canvas.draw(&mut out, &ground(&axis, options, window));
    for (line, series) in lines.iter().zip(frame.drawn()) {
        push(&mut out, format_args!("<g data-n=\"{}\">", name(&series.name)));
        canvas.draw(&mut out, &line.shapes(series.slot, options));
        out.push_str("</g>");
    }
    canvas.draw(&mut out, &events(options, window));
    out.push_str("</svg>");
    overlay(&mut out, &axis, options, window);
    time_axis(&mut out, options, window);
    out.push_str("</div>");
    out
}

/// The window that is drawn; never empty, so that nothing is divided by zero.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    pub(crate) from_ms: i64,
    pub(crate) to_ms: i64,
}

impl Window {
    pub(crate) fn of(frame: &Frame) -> Self {
        let from_ms = frame.from_ms.min(i64::MAX - 1);
        Self { from_ms, to_ms: frame.to_ms.max(from_ms + 1) }
    }

    pub(crate) fn span_ms(self) -> f64 {
        self.to_ms as f64 - self.from_ms as f64
    }

    /// Where a moment lies, 0 to 1; `None` outside.
    fn fraction(self, at_ms: i64) -> Option<f64> {
        let fraction = (at_ms as f64 - self.from_ms as f64) / self.span_ms();
        (0.0..=1.0).contains(&fraction).then_some(fraction)
    }
}

/// What is drawn of one series.
#[derive(Clone, Debug, Default)]
struct Line {
    runs: Vec<Vec<Point>>,
    /// Lower and upper edge of each run of a stacked area.
    bands: Vec<(Vec<Point>, Vec<Point>)>,
}

impl Line {
    fn all(frame: &Frame, options: &PlotOptions, window: Window) -> Vec<Self> {
        let samples: Vec<_> = frame.drawn().iter().map(|series| sampled(series, window)).collect();
        let cut = |samples: &[(i64, Option<f64>)]| -> Vec<Vec<Point>> {
            let runs = runs(samples, window.from_ms, frame.gap_ms);
            runs.into_iter().map(|run| decimate(run, window.span_ms())).collect()
        };
        if !options.stack {
            return samples.iter().map(|samples| Self { runs: cut(samples), bands: Vec::new() }).collect();
        }
        let band = |layer: &Layer| cut(&layer.base).into_iter().zip(cut(&layer.top)).collect();
        stack(&samples).iter().map(|layer| Self { runs: cut(&layer.line), bands: band(layer) }).collect()
    }

    fn shapes(&self, slot: usize, options: &PlotOptions) -> Vec<Shape> {
        let mut out = Vec::new();
        for (base, top) in self.bands.iter().filter(|(_, top)| 1 < top.len()) {
            out.push(Shape::Band { slot, base: base.clone(), top: top.clone() });
        }
        let lines = self.runs.iter().filter(|run| 1 < run.len());
        if options.fill && !options.stack {
            out.extend(lines.clone().map(|run| Shape::Area { slot, run: run.clone() }));
        }
        out.extend(lines.map(|run| Shape::Line { slot, run: run.clone() }));
        out.extend(self.runs.iter().filter(|run| run.len() == 1).map(|run| Shape::Dot { slot, at: run[0] }));
        out
    }
}

fn sampled(series: &FrameSeries, window: Window) -> Vec<(i64, Option<f64>)> {
    series.within(window.from_ms, window.to_ms)
}

/// The lowest and highest value that must be seen; limits are, so that their distance is.
fn extent(lines: &[Line], thresholds: &[Threshold]) -> (f64, f64) {
    let values = lines.iter().flat_map(|line| line.runs.iter().flatten()).map(|(_, value)| *value);
    let limits = thresholds.iter().map(|threshold| threshold.value).filter(|value| value.is_finite());
    let all = values.chain(limits.map(crate::frame::bounded));
    all.fold(None, |extent: Option<(f64, f64)>, value| {
        Some(extent.map_or((value, value), |(low, high)| (low.min(value), high.max(value))))
    })
    .unwrap_or((0.0, 0.0))
}

/// What lies under the lines: the grid and the limits.
fn ground(axis: &Axis, options: &PlotOptions, window: Window) -> Vec<Shape> {
    let mut out: Vec<Shape> = axis
        .ticks
        .iter()
        .enumerate()
        .map(|(index, (value, _))| Shape::Grid { value: *value, zero: index == 0 })
        .collect();
    for threshold in options.thresholds.iter().filter(|threshold| threshold.value.is_finite()) {
        let slot = threshold.severity.slot();
        out.push(Shape::Zone { slot, from: threshold.value, span_ms: window.span_ms() });
        out.push(Shape::Limit { slot, value: threshold.value });
    }
    out
}

/// What lies over the lines.
fn events(options: &PlotOptions, window: Window) -> Vec<Shape> {
    let fractions = options.annotations.iter().filter_map(|event| window.fraction(event.at_ms));
    fractions.map(|fraction| Shape::Event { at_ms: fraction * window.span_ms() }).collect()
}
