//! Parts of a date in UTC: `hour`, `day_of_week`, …

use promql_syntax::Expr;

use crate::error::EvalError;
use crate::evaluation::Evaluation;
use crate::series::Series;

const DAY_S: i64 = 86_400;

/// What a function reads off a moment in seconds.
pub(super) fn part(name: &str) -> Option<fn(i64) -> i64> {
    Some(match name {
        "minute" => |at| at.rem_euclid(3_600) / 60,
        "hour" => |at| at.rem_euclid(DAY_S) / 3_600,
        // 1970-01-01 was a Thursday.
        "day_of_week" => |at| (at.div_euclid(DAY_S) + 4).rem_euclid(7),
        "day_of_month" => |at| civil(at).2,
        "day_of_year" => |at| {
            let (year, _, _) = civil(at);
            at.div_euclid(DAY_S) - days_from_civil(year, 1, 1) + 1
        },
        "days_in_month" => |at| {
            let (year, month, _) = civil(at);
            let (next_year, next_month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
            days_from_civil(next_year, next_month, 1) - days_from_civil(year, month, 1)
        },
        "month" => |at| civil(at).1,
        "year" => |at| civil(at).0,
        _ => return None,
    })
}

pub(super) fn call(evaluation: &Evaluation<'_>, name: &str, args: &[Expr]) -> Result<Vec<Series>, EvalError> {
    let Some(part) = part(name) else { return Err(EvalError::Unsupported(format!("{name}()"))) };
    let mut vector = match args.first() {
        Some(arg) => evaluation.vector(arg)?,
        None => vec![Series::constant(evaluation.steps.iter().map(super::seconds).collect())],
    };
    for series in &mut vector {
        series.drop_name = true;
        series.column.drop_histograms();
        for value in &mut series.column.values {
            if value.is_finite() {
                *value = part(*value as i64) as f64;
            } else {
                *value = f64::NAN;
            }
        }
    }
    Ok(vector)
}

/// A moment as `2006-01-02T15:04:05Z`, cut to whole seconds towards zero, as Go's integer division does.
pub(crate) fn rfc3339(at_ms: i64) -> String {
    let at_s = at_ms / 1000;
    let (year, month, day) = civil(at_s);
    let of_day = at_s.rem_euclid(DAY_S);
    let (hour, minute, second) = (of_day / 3_600, of_day % 3_600 / 60, of_day % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Year, month, day of a moment, in the proleptic Gregorian calendar. Era arithmetic: 400 years have 146,097 days.
fn civil(at_s: i64) -> (i64, i64, i64) {
    let days = at_s.div_euclid(DAY_S) + 719_468; // from 0000-03-01
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153; // 0 is March
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// Days from 1970-01-01 to a date.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * (if 2 < month { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_printed_in_whole_seconds() {
        for (at_ms, expected) in
            [(0, "1970-01-01T00:00:00Z"), (951_782_400_050, "2000-02-29T00:00:00Z"), (-1_001, "1969-12-31T23:59:59Z")]
        {
            assert_eq!(rfc3339(at_ms), expected);
        }
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (at, expected) in [
            (0, [1970, 1, 1, 4, 1, 31]),
            (951_782_400, [2000, 2, 29, 2, 60, 29]),
            (1_767_225_599, [2025, 12, 31, 3, 365, 31]),
            (-1, [1969, 12, 31, 3, 365, 31]),
        ] {
            let names = ["year", "month", "day_of_month", "day_of_week", "day_of_year", "days_in_month"];
            assert_eq!(names.map(|name| part(name).unwrap()(at)), expected, "{at}");
        }
    }
}
