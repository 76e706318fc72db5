//! A frame of columns to SVG, pure and deterministic; must not know queries or HTTP.
//!
//! The lines go through plotters onto a drawing backend of our own (`ThemedSvg`) that writes classes where
//! others write colours, so one rendering serves every theme; the plot stretches while its text does not, so it serves
//! every width. Classes and geometry are those of `web/static/app.css`.

mod axis;
mod backend;
mod bar;
mod decimate;
mod frame;
mod legend;
mod markup;
mod plot;
mod spark;
mod stack;
mod time_axis;

pub use bar::{Segment, bar};
pub use frame::{Frame, FrameSeries};
pub use legend::{Summary, legend_line, legend_table};
pub use plot::{Annotation, Height, PlotOptions, Severity, Threshold, time_series};
pub use spark::sparkline;

/// Lines in one plot; the legend says how many more there are.
pub const LINES_MAX: usize = 10;
/// Columns of pixels a line is reduced to; each keeps its first, lowest, highest and last sample.
pub const COLUMNS: usize = 500;
/// Samples of one series that are looked at: Prometheus' bound for a range query. The newest are kept.
pub const SAMPLES_MAX: usize = 11_000;
/// Characters of a series' name that are written.
pub const NAME_CHARS_MAX: usize = 200;
/// No rendering is longer than this; follows from the bounds above.
pub const SVG_BYTES_MAX: usize = 1 << 20;
