//! A line without axes, for stats and cards. Its range is given, never fitted to noise.

use units::unit::Unit;

use crate::axis::Axis;
use crate::backend::SLOTS;
use crate::decimate::{decimate, runs};
use crate::markup::push;
use crate::plot::{Canvas, Shape, Window};
use crate::{Frame, Height};

/// Draws the first series of a frame between `low` and `high`: the `.spark` of `app.css`, hidden from screen readers
/// because its value stands beside it.
pub fn sparkline(frame: &Frame, height: Height, low: f64, high: f64) -> String {
    let window = Window::of(frame);
    let axis = Axis::new((low, high), Some(low), Some(high), &Unit::parse("none"));
    let mut out = String::new();
    let slot = frame.series.first().map_or(0, |series| series.slot % SLOTS);
    push(
        &mut out,
        format_args!(
            "<svg class=\"chart spark {} s{slot}\" viewBox=\"0 0 1000 1000\" preserveAspectRatio=\"none\" \
             aria-hidden=\"true\">",
            height.class()
        ),
    );
    if let Some(series) = frame.series.first() {
        let samples = series.within(window.from_ms, window.to_ms);
        let runs = runs(&samples, window.from_ms, frame.gap_ms).into_iter();
        let runs: Vec<_> = runs.map(|run| decimate(run, window.span_ms())).collect();
        let lines = runs.iter().filter(|run| 1 < run.len());
        let mut shapes: Vec<_> = lines.clone().map(|run| Shape::Area { slot, run: run.clone() }).collect();
        shapes.extend(lines.map(|run| Shape::Line { slot, run: run.clone() }));
        shapes.extend(runs.iter().filter(|run| run.len() == 1).map(|run| Shape::Dot { slot, at: run[0] }));
        Canvas { span_ms: window.span_ms(), axis: &axis }.draw(&mut out, &shapes);
    }
    out.push_str("</svg>");
    out
}
