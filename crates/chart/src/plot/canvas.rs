//! Shapes in milliseconds and values, handed to plotters.

use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, DrawingAreaErrorKind, IntoDrawingArea as _};
use plotters::prelude::{ChartBuilder, LineSeries, PathElement, Pixel, Polygon};
use std::convert::Infallible;

use crate::axis::Axis;
use crate::backend::{Ink, Role, ThemedSvg};
use crate::decimate::Point;

/// Something to draw; moments are milliseconds since the left edge.
#[derive(Clone, Debug)]
pub(crate) enum Shape {
    /// A line of the grid; the lowest is the axis.
    Grid { value: f64, zero: bool },
    /// The zone above a limit.
    Zone { slot: usize, from: f64, span_ms: f64 },
    /// A limit.
    Limit { slot: usize, value: f64 },
    /// Samples that are joined.
    Line { slot: usize, run: Vec<Point> },
    /// A sample without neighbours.
    Dot { slot: usize, at: Point },
    /// Between a line and zero.
    Area { slot: usize, run: Vec<Point> },
    /// Between two lines.
    Band { slot: usize, base: Vec<Point>, top: Vec<Point> },
    /// A moment.
    Event { at_ms: f64 },
}

/// The coordinates of a plot.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Canvas<'a> {
    pub(crate) span_ms: f64,
    pub(crate) axis: &'a Axis,
}

impl Canvas<'_> {
    /// Appends the shapes as `<path>` elements.
    pub(crate) fn draw(&self, out: &mut String, shapes: &[Shape]) {
        let root = ThemedSvg::new(out).into_drawing_area();
        let drawn = self.draw_on(&root, shapes);
        debug_assert!(drawn.is_ok(), "the backend cannot fail, and no margin can be too large where there is none");
    }

    fn draw_on(
        &self,
        root: &DrawingArea<ThemedSvg<'_>, Shift>,
        shapes: &[Shape],
    ) -> Result<(), DrawingAreaErrorKind<Infallible>> {
        // Values are mapped to 0..1 here: plotters' own arithmetic overflows where a range nears f64's.
        let mut chart = ChartBuilder::on(root).build_cartesian_2d(0.0..self.span_ms, 0.0..1.0)?;
        for shape in shapes {
            match shape {
                Shape::Line { slot, run } => {
                    let style = Ink { role: Role::Line, slot: *slot }.rgb();
                    chart.draw_series(LineSeries::new(run.iter().map(|point| self.place(*point)), style))?;
                }
                Shape::Dot { slot, at } => {
                    let style = Ink { role: Role::Dot, slot: *slot }.rgb();
                    chart.draw_series([Pixel::new(self.place(*at), style)])?;
                }
                _ => {
                    let (ink, points, closed) = self.outline(shape);
                    if closed {
                        chart.draw_series([Polygon::new(points, ink.rgb())])?;
                    } else {
                        chart.draw_series([PathElement::new(points, ink.rgb())])?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Everything but lines and dots, as points, and whether they enclose an area.
    fn outline(&self, shape: &Shape) -> (Ink, Vec<Point>, bool) {
        let across = |value: f64| vec![self.place((0.0, value)), self.place((self.span_ms, value))];
        match shape {
            Shape::Grid { value, zero } => {
                let role = if *zero { Role::GridZero } else { Role::Grid };
                (Ink { role, slot: 0 }, across(*value), false)
            }
            Shape::Limit { slot, value } => (Ink { role: Role::Threshold, slot: *slot }, across(*value), false),
            Shape::Zone { slot, from, span_ms } => {
                let mut points = across(*from);
                points.extend([(*span_ms, 1.0), (0.0, 1.0)]);
                (Ink { role: Role::ThresholdZone, slot: *slot }, points, true)
            }
            Shape::Area { slot, run } => {
                let foot = self.axis.fraction(0.0).clamp(0.0, 1.0);
                let mut points: Vec<Point> = run.iter().map(|point| self.place(*point)).collect();
                points.extend(run.last().map(|point| (point.0, foot)));
                points.extend(run.first().map(|point| (point.0, foot)));
                (Ink { role: Role::Area, slot: *slot }, points, true)
            }
            Shape::Band { slot, base, top } => {
                let edges = top.iter().chain(base.iter().rev());
                let points = edges.map(|point| self.place(*point)).collect();
                (Ink { role: Role::StackedArea, slot: *slot }, points, true)
            }
            Shape::Event { at_ms } => {
                (Ink { role: Role::Annotation, slot: 0 }, vec![(*at_ms, 1.0), (*at_ms, 0.0)], false)
            }
            Shape::Line { slot, run } => (Ink { role: Role::Line, slot: *slot }, run.clone(), false),
            Shape::Dot { slot, at } => (Ink { role: Role::Dot, slot: *slot }, vec![*at], false),
        }
    }

    fn place(&self, (at_ms, value): Point) -> Point {
        (at_ms, self.axis.fraction(value))
    }
}
