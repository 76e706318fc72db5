//! The functions of PromQL: names, argument types, result types.

use crate::ast::ValueType;
use ValueType::{Matrix, Scalar, String, Vector};

/// A function's signature.
#[derive(Debug, PartialEq, Eq)]
pub struct Function {
    /// The name in a query.
    pub name: &'static str,
    /// The types of the arguments; where more are given, the last type repeats.
    pub arg_types: &'static [ValueType],
    /// How many arguments may be given.
    pub arity: Arity,
    /// The type of the result.
    pub return_type: ValueType,
    /// Whether Prometheus takes it only with `--enable-feature=promql-experimental-functions`.
    pub experimental: bool,
}

/// How the number of arguments relates to [`Function::arg_types`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arity {
    /// As many as types.
    Fixed,
    /// The last type may be absent, or stand up to this many times.
    Optional(usize),
    /// The last type may be absent, or stand any number of times.
    Any,
}

impl Function {
    /// The least number of arguments.
    pub const fn args_min(&self) -> usize {
        match self.arity {
            Arity::Fixed => self.arg_types.len(),
            Arity::Optional(_) | Arity::Any => self.arg_types.len() - 1,
        }
    }

    /// The greatest number of arguments, `None` for no limit.
    pub const fn args_max(&self) -> Option<usize> {
        match self.arity {
            Arity::Fixed => Some(self.arg_types.len()),
            Arity::Optional(more) => Some(self.arg_types.len() - 1 + more),
            Arity::Any => None,
        }
    }
}

/// The function of that name.
pub fn function(name: &str) -> Option<&'static Function> {
    FUNCTIONS.binary_search_by(|function| function.name.cmp(name)).ok().map(|at| &FUNCTIONS[at])
}

/// All functions of Prometheus 3.14, sorted by name.
#[rustfmt::skip]
pub static FUNCTIONS: [Function; 90] = [
    entry("abs", &[Vector], Arity::Fixed, Vector, STABLE),
    entry("absent", &[Vector], Arity::Fixed, Vector, STABLE),
    entry("absent_over_time", &[Matrix], Arity::Fixed, Vector, STABLE),
    entry("acos", &[Vector], Arity::Fixed, Vector, STABLE),
    entry("acosh", &[Vector], Arity::Fixed, Vector, STABLE),
    entry("asin", &[Vector], Arity::Fixed, Vector, STABLE),
    entry("asinh", &[Vector], Arity::Fixed, Vector, STABLE),
    entry("atan", &[Vector], Arity::Fixed, Vector, STABLE),
    entry("atanh", &[Vector], Arity::Fixed, Vector, STABLE),
    entry("avg_over_time", &[Matrix], Arity::Fixed, Vector, STABLE),
    entry("ceil", &[Vector], Arity::Fixed, Vector, STABLE),
    entry("changes", &[Matrix], Arity::Fixed, Vector, STABLE),
    entry("clamp", &[Vector, Scalar, Scalar], Arity::Fixed, Vector, STABLE),
    entry("clamp_max", &[Vector, Scalar], Arity::Fixed, Vector, STABLE),
    entry("clamp_min", &[Vector, Scalar], Arity::Fixed, Vector, STABLE),
    entry("cos", &[Vector], Arity::Fixed, Vector, STABLE),
    entry("cosh", &[Vector], Arity::Fixed, Vector, STABLE),
    entry("count_over_time", &[Matrix], Arity::Fixed, Vector, STABLE),
    entry("day_of_month", &[Vector], Arity::Optional(1), Vector, STABLE),
    entry("day_of_week", &[Vector], Arity::Optional(1), Vector, STABLE),
    entry("day_of_year", &[Vector], Arity::Optional(1), Vector, STABLE),
    entry("days_in_month", &[Vector], Arity::Optional(1), Vector, STABLE),
    entry("deg", &[Vector], Arity::Fixed, Vector, STABLE),
    entry("delta", &[Matrix], Arity::Fixed, Vector, STABLE),
    entry("deriv", &[Matrix], Arity::Fixed, Vector, STABLE),
    entry("double_exponential_smoothing", &[Matrix, Scalar, Scalar], Arity::Fixed, Vector, EXPERIMENTAL),
    entry("end", &[], Arity::Fixed, Scalar, EXPERIMENTAL),
    entry("exp", &[Vector], Arity::Fixed, Vector, STABLE),
    entry("first_over_time", &[Matrix], Arity::Fixed, Vector, STABLE),
    entry("floor", &[Vector], Arity::Fixed, Vector, STABLE),
    entry("histogram_avg", &[Vector], Arity::Fixed, Vector, STABLE),
    entry("histogram_count", &[Vector], Arity::Fixed, Vector, STABLE),
    entry("histogram_fraction", &[Scalar, Scalar, Vector], Arity::Fixed, Vector, STABLE),
    entry("histogram_quantile", &[Scalar, Vector], Arity::Fixed, Vector, STABLE),
    entry("histogram_quantiles", &[Vector, String, Scalar, Scalar], Arity::Optional(9), Vector, EXPERIMENTAL),
    entry("histogram_stddev", &[Vector], Arity::Fixed, Vector, STABLE),
    entry("histogram_stdvar", &[Vector], Arity::Fixed, Vector, STABLE),
    entry("histogram_sum", &[Vector], Arity::Fixed, Vector, STABLE),
    entry("hour", &[Vector], Arity::Optional(1), Vector, STABLE),
    entry("idelta", &[Matrix], Arity::Fixed, Vector, STABLE),
    entry("increase", &[Matrix], Arity::Fixed, Vector, STABLE),
    entry("info", &[Vector, Vector], Arity::Optional(1), Vector, EXPERIMENTAL),
    entry("irate", &[Matrix], Arity::Fixed, Vector, STABLE),
    entry("label_join", &[Vector, String, String, String], Arity::Any, Vector, STABLE),
    entry("label_replace", &[Vector, String, String, String, String], Arity::Fixed, Vector, STABLE),
    entry("last_over_time", &[Matrix], Arity::Fixed, Vector, STABLE),
    entry("ln", &[Vector], Arity::Fixed, Vector, STABLE),
    entry("log10", &[Vector], Arity::Fixed, Vector, STABLE),
    entry("log2", &[Vector], Arity::Fixed, Vector, STABLE),
    entry("mad_over_time", &[Matrix], Arity::Fixed, Vector, EXPERIMENTAL),
    entry("max_of", &[Scalar, Scalar], Arity::Fixed, Scalar, EXPERIMENTAL),
    entry("max_over_time", &[Matrix], Arity::Fixed, Vector, STABLE),
    entry("min_of", &[Scalar, Scalar], Arity::Fixed, Scalar, EXPERIMENTAL),
    entry("min_over_time", &[Matrix], Arity::Fixed, Vector, STABLE),
    entry("minute", &[Vector], Arity::Optional(1), Vector, STABLE),
    entry("month", &[Vector], Arity::Optional(1), Vector, STABLE),
    entry("pi", &[], Arity::Fixed, Scalar, STABLE),
    entry("predict_linear", &[Matrix, Scalar], Arity::Fixed, Vector, STABLE),
    entry("present_over_time", &[Matrix], Arity::Fixed, Vector, STABLE),
    entry("quantile_over_time", &[Scalar, Matrix], Arity::Fixed, Vector, STABLE),
    entry("rad", &[Vector], Arity::Fixed, Vector, STABLE),
    entry("range", &[], Arity::Fixed, Scalar, EXPERIMENTAL),
    entry("rate", &[Matrix], Arity::Fixed, Vector, STABLE),
    entry("resets", &[Matrix], Arity::Fixed, Vector, STABLE),
    entry("round", &[Vector, Scalar], Arity::Optional(1), Vector, STABLE),
    entry("scalar", &[Vector], Arity::Fixed, Scalar, STABLE),
    entry("sgn", &[Vector], Arity::Fixed, Vector, STABLE),
    entry("sin", &[Vector], Arity::Fixed, Vector, STABLE),
    entry("sinh", &[Vector], Arity::Fixed, Vector, STABLE),
    entry("sort", &[Vector], Arity::Fixed, Vector, STABLE),
    entry("sort_by_label", &[Vector, String], Arity::Any, Vector, EXPERIMENTAL),
    entry("sort_by_label_desc", &[Vector, String], Arity::Any, Vector, EXPERIMENTAL),
    entry("sort_desc", &[Vector], Arity::Fixed, Vector, STABLE),
    entry("sqrt", &[Vector], Arity::Fixed, Vector, STABLE),
    entry("start", &[], Arity::Fixed, Scalar, EXPERIMENTAL),
    entry("start_timestamp", &[Vector], Arity::Fixed, Vector, EXPERIMENTAL),
    entry("stddev_over_time", &[Matrix], Arity::Fixed, Vector, STABLE),
    entry("stdvar_over_time", &[Matrix], Arity::Fixed, Vector, STABLE),
    entry("step", &[], Arity::Fixed, Scalar, EXPERIMENTAL),
    entry("sum_over_time", &[Matrix], Arity::Fixed, Vector, STABLE),
    entry("tan", &[Vector], Arity::Fixed, Vector, STABLE),
    entry("tanh", &[Vector], Arity::Fixed, Vector, STABLE),
    entry("time", &[], Arity::Fixed, Scalar, STABLE),
    entry("timestamp", &[Vector], Arity::Fixed, Vector, STABLE),
    entry("ts_of_first_over_time", &[Matrix], Arity::Fixed, Vector, EXPERIMENTAL),
    entry("ts_of_last_over_time", &[Matrix], Arity::Fixed, Vector, EXPERIMENTAL),
    entry("ts_of_max_over_time", &[Matrix], Arity::Fixed, Vector, EXPERIMENTAL),
    entry("ts_of_min_over_time", &[Matrix], Arity::Fixed, Vector, EXPERIMENTAL),
    entry("vector", &[Scalar], Arity::Fixed, Vector, STABLE),
    entry("year", &[Vector], Arity::Optional(1), Vector, STABLE),
];

const STABLE: bool = false;
const EXPERIMENTAL: bool = true;

const fn entry(
    name: &'static str,
    arg_types: &'static [ValueType],
    arity: Arity,
    return_type: ValueType,
    experimental: bool,
) -> Function {
    Function { name, arg_types, arity, return_type, experimental }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_is_found_by_its_name() {
        assert!(FUNCTIONS.is_sorted_by_key(|function| function.name));
        for expected in &FUNCTIONS {
            assert_eq!(function(expected.name), Some(expected));
        }
        assert_eq!(function("holt_winters"), None);
    }

    #[test]
    fn optional_arguments_count_from_the_last_type() {
        for (name, min, max) in
            [("round", 1, Some(2)), ("time", 0, Some(0)), ("label_join", 3, None), ("histogram_quantiles", 3, Some(12))]
        {
            let function = function(name).expect(name);
            assert_eq!((function.args_min(), function.args_max()), (min, max), "{name}");
        }
    }
}
