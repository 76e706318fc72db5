//! The parts of the language that Prometheus hides behind `--enable-feature`.

/// Which parts of the language are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Features {
    /// Functions and aggregations that are marked experimental (`promql-experimental-functions`).
    pub experimental_functions: bool,
    /// Computed durations such as `[5m * 2]` (`promql-duration-expr`).
    pub duration_expressions: bool,
    /// `anchored` and `smoothed` (`promql-extended-range-selectors`); when off, the two are ordinary names.
    pub extended_range_selectors: bool,
    /// `fill`, `fill_left`, `fill_right` (`promql-binop-fill-modifiers`); when off, the three are ordinary names.
    pub binop_fill: bool,
}

impl Features {
    /// Everything, as Prometheus' own test scripts are read.
    pub const ALL: Self = Self {
        experimental_functions: true,
        duration_expressions: true,
        extended_range_selectors: true,
        binop_fill: true,
    };
}

/// Experimental functions, and no experimental syntax: what [`crate::parse`] takes.
impl Default for Features {
    fn default() -> Self {
        Self {
            experimental_functions: true,
            duration_expressions: false,
            extended_range_selectors: false,
            binop_fill: false,
        }
    }
}
