//! A plotters backend that writes classes: `ThemedSvg`.
//!
//! plotters counts in whole pixels, so it draws on a canvas of [`CANVAS`] units that are written as tenths of a view box
//! of 1,000. A colour carries no colour: its red is the [`Role`] and its green the slot of the series, which become the
//! class.

use std::convert::Infallible;

use plotters::style::RGBColor;
use plotters_backend::{BackendColor, BackendCoord, BackendStyle, DrawingBackend, DrawingErrorKind};

use crate::markup::{Tenths, push};

/// Width and height of the canvas that plotters sees: its last unit is the right or lower edge.
pub(crate) const CANVAS: u32 = 10_001;

/// Slots of the palette; series beyond it start over.
pub(crate) const SLOTS: usize = 10;
/// From this slot on a line is also dashed, as colours alone no longer tell lines apart.
const DASHED_FROM: usize = 5;

/// What a shape is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Grid,
    GridZero,
    Line,
    Dot,
    Area,
    StackedArea,
    Threshold,
    ThresholdZone,
    Annotation,
}

/// What plotters is given as the colour of a shape: its role and its slot, or its severity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ink {
    pub(crate) role: Role,
    pub(crate) slot: usize,
}

const ROLES: [Role; 9] = [
    Role::Grid,
    Role::GridZero,
    Role::Line,
    Role::Dot,
    Role::Area,
    Role::StackedArea,
    Role::Threshold,
    Role::ThresholdZone,
    Role::Annotation,
];

/// Classes of limits, by slot.
pub(crate) const SEVERITIES: [&str; 4] = ["ok", "info", "warn", "crit"];

impl Ink {
    pub(crate) fn rgb(self) -> RGBColor {
        let role = ROLES.iter().position(|role| *role == self.role).unwrap_or(0);
        RGBColor(role as u8, (self.slot % SLOTS) as u8, 0)
    }

    fn of(color: BackendColor) -> Self {
        Self { role: ROLES[usize::from(color.rgb.0) % ROLES.len()], slot: usize::from(color.rgb.1) }
    }

    fn class(self) -> String {
        let slot = self.slot;
        match self.role {
            Role::Grid => "gr".to_owned(),
            Role::GridZero => "gr zero".to_owned(),
            Role::Line => format!("l s{slot}{}", dash(slot)),
            Role::Dot => format!("l pt s{slot}"),
            Role::Area => format!("a s{slot}"),
            Role::StackedArea => format!("sa s{slot}"),
            Role::Threshold => format!("thr {}", SEVERITIES[slot % SEVERITIES.len()]),
            Role::ThresholdZone => format!("thz {}", SEVERITIES[slot % SEVERITIES.len()]),
            Role::Annotation => "ann".to_owned(),
        }
    }
}

/// The class of a line's dashes, with a leading space, for the later slots.
fn dash(slot: usize) -> String {
    if slot < DASHED_FROM { String::new() } else { format!(" d{slot}") }
}

/// Collects `<path>` elements; neighbours of one ink share an element.
#[derive(Debug)]
pub(crate) struct ThemedSvg<'a> {
    out: &'a mut String,
    open: Option<Ink>,
}

impl<'a> ThemedSvg<'a> {
    pub(crate) const fn new(out: &'a mut String) -> Self {
        Self { out, open: None }
    }

    fn begin(&mut self, ink: Ink) {
        if self.open != Some(ink) {
            self.end();
            push(self.out, format_args!("<path class=\"{}\" d=\"", ink.class()));
            self.open = Some(ink);
        }
    }

    fn end(&mut self) {
        if self.open.take().is_some() {
            self.out.push_str("\"/>");
        }
    }

    /// `M` and then relative coordinates, which are shorter than absolute ones.
    fn subpath(&mut self, points: impl IntoIterator<Item = BackendCoord>) {
        let mut points = points.into_iter();
        let Some(first) = points.next() else { return };
        push(self.out, format_args!("M{} {}", Tenths(first.0.into()), Tenths(first.1.into())));
        let (mut last, mut command) = (first, 'l');
        for point in points {
            let (dx, dy) = (i64::from(point.0) - i64::from(last.0), i64::from(point.1) - i64::from(last.1));
            let separate = |delta: i64| if delta < 0 { "" } else { " " };
            if command == 'l' {
                push(self.out, format_args!("l{}{}{}", Tenths(dx), separate(dy), Tenths(dy)));
            } else {
                push(self.out, format_args!("{}{}{}{}", separate(dx), Tenths(dx), separate(dy), Tenths(dy)));
            }
            (last, command) = (point, ' ');
        }
    }
}

impl Drop for ThemedSvg<'_> {
    fn drop(&mut self) {
        self.end();
    }
}

type Drawn = Result<(), DrawingErrorKind<Infallible>>;

impl DrawingBackend for ThemedSvg<'_> {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        (CANVAS, CANVAS)
    }

    fn ensure_prepared(&mut self) -> Drawn {
        Ok(())
    }

    fn present(&mut self) -> Drawn {
        self.end();
        Ok(())
    }

    /// A single sample: a line of no length, which a round cap makes a dot that does not stretch with the plot.
    fn draw_pixel(&mut self, point: BackendCoord, color: BackendColor) -> Drawn {
        self.begin(Ink::of(color));
        push(self.out, format_args!("M{} {}h0", Tenths(point.0.into()), Tenths(point.1.into())));
        Ok(())
    }

    fn draw_line<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S) -> Drawn {
        self.draw_path([from, to], style)
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, path: I, style: &S) -> Drawn {
        self.begin(Ink::of(style.color()));
        self.subpath(path);
        Ok(())
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, corners: I, style: &S) -> Drawn {
        self.begin(Ink::of(style.color()));
        self.subpath(corners);
        self.out.push('z');
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_of_one_ink_share_an_element() {
        let mut out = String::new();
        {
            let mut svg = ThemedSvg::new(&mut out);
            let line = Ink { role: Role::Line, slot: 6 }.rgb();
            assert!(svg.draw_path([(0, 5), (15, 0), (30, 10)], &line).is_ok());
            assert!(svg.draw_path([(100, 100), (90, 130)], &line).is_ok());
            let dot = Ink { role: Role::Dot, slot: 12 }.rgb();
            assert!(svg.draw_pixel((70, 3), dot.color()).is_ok());
        }
        assert_eq!(
            out,
            "<path class=\"l s6 d6\" d=\"M0 0.5l1.5-0.5 1.5 1M10 10l-1 3\"/><path class=\"l pt s2\" d=\"M7 0.3h0\"/>"
        );
    }
}
