//! Grafana's units: an identifier such as `bytes` or `percentunit`, and how a value in it is written for people.
//!
//! Identifiers and their base units are those of Grafana's unit picker. What a value looks like is our own: three
//! significant digits, thousands with a comma, a space before every suffix but `%`, and a dash for what is missing.

use std::borrow::Cow;
use std::fmt;

use crate::float;

/// What is written for a missing value.
pub const MISSING: &str = "–";

/// From this magnitude on, a scaled number is written with an exponent.
const PLAIN_MAX: f64 = 1e15;
/// Below this magnitude a number without prefixes is written with an exponent.
const PLAIN_MIN: f64 = 1e-4;
/// Counts are written in full below this, and with `K` from it on.
const COUNT_PLAIN_MAX: f64 = 100_000.0;
/// Significant digits where nobody asked for decimals.
const DIGITS: i32 = 3;
/// No value is written with more decimals than this.
pub const DECIMALS_MAX: usize = 12;

/// A unit that values are in, and the way they are scaled for reading.
#[derive(Clone, Debug, PartialEq)]
pub struct Unit {
    ladder: Ladder,
    /// What one is, in the ladder's base: 0.001 for milliseconds.
    factor: f64,
    /// What follows the ladder's prefix.
    suffix: Cow<'static, str>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Ladder {
    /// Never scaled.
    Plain,
    /// K, Mil, Bil, Tri: counts.
    Count,
    /// n to E before the suffix.
    Si,
    /// Ki to Ei before the suffix.
    Iec,
    /// ns to years; the prefix is the whole suffix.
    Time,
    /// Two largest of days, hours, minutes, seconds.
    Uptime,
    /// A word for zero and one for everything else.
    Bool { yes: &'static str, no: &'static str },
}

/// A number written for people, its unit beside it, so that a page can set the unit small.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Formatted {
    /// The digits, or a word.
    pub text: String,
    /// The unit, empty if there is none.
    pub suffix: String,
}

/// `97%`, `2.41 s`, `–`.
impl fmt::Display for Formatted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let space = if self.suffix.is_empty() || self.suffix.starts_with('%') { "" } else { " " };
        write!(f, "{}{space}{}", self.text, self.suffix)
    }
}

/// Which steps between ticks read well in a [`Scale`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Steps {
    /// 1, 2, 2.5, 5 times a power of ten.
    Decimal,
    /// Sixtieths: 1, 2, 5, 10, 15, 30.
    Sixtieth,
    /// Twenty-fourths: 1, 2, 3, 6, 12.
    TwentyFourth,
    /// Powers of two.
    Binary,
}

/// One prefix of a unit: what all ticks of an axis share.
#[derive(Clone, Debug, PartialEq)]
pub struct Scale {
    /// A value divided by this is the number that is written.
    pub divisor: f64,
    /// What follows the number.
    pub suffix: String,
    /// Steps that read well.
    pub steps: Steps,
    ladder: Ladder,
}

impl Unit {
    /// The unit of a Grafana identifier; any other text becomes a suffix, as Grafana does with free text.
    pub fn parse(id: &str) -> Self {
        let of = |ladder, factor, suffix: &'static str| Self { ladder, factor, suffix: Cow::Borrowed(suffix) };
        match id {
            "" | "none" | "locale" | "string" => of(Ladder::Plain, 1.0, ""),
            "short" | "count" => of(Ladder::Count, 1.0, ""),
            "sishort" => of(Ladder::Si, 1.0, ""),
            "percent" => of(Ladder::Plain, 1.0, "%"),
            "percentunit" => of(Ladder::Plain, 100.0, "%"),
            "bytes" => of(Ladder::Iec, 1.0, "B"),
            "kbytes" => of(Ladder::Iec, 1024.0, "B"),
            "mbytes" => of(Ladder::Iec, 1024.0 * 1024.0, "B"),
            "gbytes" => of(Ladder::Iec, 1024.0 * 1024.0 * 1024.0, "B"),
            "decbytes" => of(Ladder::Si, 1.0, "B"),
            "deckbytes" => of(Ladder::Si, 1e3, "B"),
            "decmbytes" => of(Ladder::Si, 1e6, "B"),
            "decgbytes" => of(Ladder::Si, 1e9, "B"),
            "bits" => of(Ladder::Iec, 1.0, "bit"),
            "decbits" => of(Ladder::Si, 1.0, "bit"),
            "binBps" => of(Ladder::Iec, 1.0, "B/s"),
            "Bps" => of(Ladder::Si, 1.0, "B/s"),
            "KBs" => of(Ladder::Si, 1e3, "B/s"),
            "MBs" => of(Ladder::Si, 1e6, "B/s"),
            "GBs" => of(Ladder::Si, 1e9, "B/s"),
            "KiBs" => of(Ladder::Iec, 1024.0, "B/s"),
            "MiBs" => of(Ladder::Iec, 1024.0 * 1024.0, "B/s"),
            "binbps" => of(Ladder::Iec, 1.0, "bit/s"),
            "bps" => of(Ladder::Si, 1.0, "bit/s"),
            "Kbits" => of(Ladder::Si, 1e3, "bit/s"),
            "Mbits" => of(Ladder::Si, 1e6, "bit/s"),
            "Gbits" => of(Ladder::Si, 1e9, "bit/s"),
            "pps" => of(Ladder::Si, 1.0, "p/s"),
            "ns" => of(Ladder::Time, 1e-9, ""),
            "µs" | "us" => of(Ladder::Time, 1e-6, ""),
            "ms" => of(Ladder::Time, 1e-3, ""),
            "s" => of(Ladder::Time, 1.0, ""),
            "m" => of(Ladder::Time, 60.0, ""),
            "h" => of(Ladder::Time, 3_600.0, ""),
            "d" => of(Ladder::Time, 86_400.0, ""),
            "dtdurations" | "dthms" | "clocks" => of(Ladder::Uptime, 1.0, ""),
            "dtdurationms" | "clockms" => of(Ladder::Uptime, 1e-3, ""),
            "hertz" => of(Ladder::Si, 1.0, "Hz"),
            "rothz" => of(Ladder::Si, 1.0, "Hz"),
            "rotrpm" => of(Ladder::Plain, 1.0, "rpm"),
            "celsius" => of(Ladder::Plain, 1.0, "°C"),
            "fahrenheit" => of(Ladder::Plain, 1.0, "°F"),
            "kelvin" => of(Ladder::Plain, 1.0, "K"),
            "watt" => of(Ladder::Si, 1.0, "W"),
            "mwatt" => of(Ladder::Si, 1e-3, "W"),
            "kwatt" => of(Ladder::Si, 1e3, "W"),
            "watth" => of(Ladder::Si, 1.0, "Wh"),
            "kwatth" => of(Ladder::Si, 1e3, "Wh"),
            "joule" => of(Ladder::Si, 1.0, "J"),
            "volt" => of(Ladder::Si, 1.0, "V"),
            "mvolt" => of(Ladder::Si, 1e-3, "V"),
            "amp" => of(Ladder::Si, 1.0, "A"),
            "mamp" => of(Ladder::Si, 1e-3, "A"),
            "ops" => of(Ladder::Count, 1.0, "ops/s"),
            "reqps" => of(Ladder::Count, 1.0, "req/s"),
            "rps" => of(Ladder::Count, 1.0, "rd/s"),
            "wps" => of(Ladder::Count, 1.0, "wr/s"),
            "iops" => of(Ladder::Count, 1.0, "io/s"),
            "cps" => of(Ladder::Count, 1.0, "c/s"),
            "eps" => of(Ladder::Count, 1.0, "evt/s"),
            "mps" => of(Ladder::Count, 1.0, "msg/s"),
            "recps" => of(Ladder::Count, 1.0, "rec/s"),
            "rowsps" => of(Ladder::Count, 1.0, "rows/s"),
            "opm" => of(Ladder::Count, 1.0, "ops/min"),
            "reqpm" => of(Ladder::Count, 1.0, "req/min"),
            "dB" => of(Ladder::Plain, 1.0, "dB"),
            "ppm" => of(Ladder::Plain, 1.0, "ppm"),
            "bool" => of(Ladder::Bool { yes: "True", no: "False" }, 1.0, ""),
            "bool_yes_no" => of(Ladder::Bool { yes: "Yes", no: "No" }, 1.0, ""),
            "bool_on_off" => of(Ladder::Bool { yes: "On", no: "Off" }, 1.0, ""),
            _ => Self::custom(id),
        }
    }

    /// `suffix:`, `si:` and `count:` as Grafana has them; other text is the suffix itself.
    fn custom(id: &str) -> Self {
        let (ladder, suffix) = match id.split_once(':') {
            Some(("suffix", suffix)) => (Ladder::Plain, suffix),
            Some(("si", suffix)) => (Ladder::Si, suffix),
            Some(("count", suffix)) => (Ladder::Count, suffix),
            _ => (Ladder::Count, id),
        };
        Self { ladder, factor: 1.0, suffix: Cow::Owned(suffix.trim().to_owned()) }
    }

    /// The scale in which a value of this magnitude reads best.
    pub fn scale(&self, magnitude: f64) -> Scale {
        let base = (magnitude * self.factor).abs();
        let (prefix, size) = if base.is_finite() { self.ladder.rung(base) } else { ("", 1.0) };
        let steps = match (self.ladder, size) {
            (Ladder::Time, 60.0) => Steps::Sixtieth,
            (Ladder::Time, 3_600.0) => Steps::TwentyFourth,
            // Below 1 of a prefix there is no round tenth: 0.1 GiB is no round number of MiB.
            (Ladder::Iec, _) => Steps::Binary,
            _ => Steps::Decimal,
        };
        let suffix = match self.ladder {
            Ladder::Count if !prefix.is_empty() && !self.suffix.is_empty() => format!("{prefix} {}", self.suffix),
            _ => format!("{prefix}{}", self.suffix),
        };
        Scale { divisor: size / self.factor, suffix, steps, ladder: self.ladder }
    }

    /// A value for people: scaled, with `decimals` or with three significant digits.
    pub fn format(&self, value: f64, decimals: Option<usize>) -> Formatted {
        self.scale(value).format(value, decimals)
    }
}

impl Ladder {
    /// The prefix for a magnitude in base units, and its size in them.
    fn rung(self, base: f64) -> (&'static str, f64) {
        const COUNT: &[(&str, f64)] = &[("Tri", 1e12), ("Bil", 1e9), ("Mil", 1e6), ("K", 1e3)];
        const SI: &[(&str, f64)] = &[
            ("E", 1e18),
            ("P", 1e15),
            ("T", 1e12),
            ("G", 1e9),
            ("M", 1e6),
            ("k", 1e3),
            ("", 1.0),
            ("m", 1e-3),
            ("µ", 1e-6),
            ("n", 1e-9),
        ];
        const IEC: &[(&str, f64)] = &[
            ("Ei", 1_152_921_504_606_846_976.0),
            ("Pi", 1_125_899_906_842_624.0),
            ("Ti", 1_099_511_627_776.0),
            ("Gi", 1_073_741_824.0),
            ("Mi", 1_048_576.0),
            ("Ki", 1_024.0),
            ("", 1.0),
        ];
        const TIME: &[(&str, f64)] = &[
            ("y", 31_536_000.0),
            ("d", 86_400.0),
            ("h", 3_600.0),
            ("min", 60.0),
            ("s", 1.0),
            ("ms", 1e-3),
            ("µs", 1e-6),
            ("ns", 1e-9),
        ];
        // Zero has no magnitude of its own; it is written in the base unit.
        let (rungs, base_unit): (&[_], _) = match self {
            Self::Plain | Self::Uptime | Self::Bool { .. } => return ("", 1.0),
            Self::Count if base < COUNT_PLAIN_MAX => return ("", 1.0),
            Self::Count => (COUNT, ("", 1.0)),
            Self::Si => (SI, ("", 1.0)),
            Self::Iec => (IEC, ("", 1.0)),
            Self::Time => (TIME, ("s", 1.0)),
        };
        if base == 0.0 {
            return base_unit;
        }
        // What would be written as 1,000 of a smaller prefix is written as 1.00 of this one.
        let found = rungs.iter().find(|(_, size)| size * 0.999_5 <= base);
        found.or(rungs.last()).copied().unwrap_or(base_unit)
    }
}

impl Scale {
    /// A value in this scale.
    pub fn format(&self, value: f64, decimals: Option<usize>) -> Formatted {
        if value.is_nan() {
            return Formatted { text: MISSING.to_owned(), suffix: String::new() };
        }
        let number = value / self.divisor;
        let text = match self.ladder {
            Ladder::Bool { yes, no } => if value == 0.0 { no } else { yes }.to_owned(),
            Ladder::Uptime => uptime(number),
            _ => self.number(number, decimals),
        };
        Formatted { text, suffix: self.suffix.clone() }
    }

    fn number(&self, number: f64, decimals: Option<usize>) -> String {
        let magnitude = number.abs();
        let tiny = decimals.is_none() && magnitude != 0.0 && magnitude < PLAIN_MIN;
        if !number.is_finite() || PLAIN_MAX <= magnitude || tiny {
            return float::general(number, DIGITS.unsigned_abs() as usize);
        }
        let decimals = decimals.unwrap_or_else(|| decimals_of(magnitude)).min(DECIMALS_MAX);
        grouped(&format!("{number:.decimals$}"))
    }
}

/// The decimals that leave three significant digits; none for whole numbers.
fn decimals_of(magnitude: f64) -> usize {
    if magnitude.fract() == 0.0 {
        return 0;
    }
    let leading = magnitude.log10().floor();
    let decimals = f64::from(DIGITS) - 1.0 - leading;
    // 9.996 has three digits left of what it is rounded to, 10.0.
    let rolls_over = 10f64.powi(DIGITS) <= (magnitude * 10f64.powf(decimals)).round();
    let decimals = if rolls_over { decimals - 1.0 } else { decimals };
    decimals.clamp(0.0, 12.0) as usize
}

/// `1234567.5` as `1,234,567.5`; a zero loses its sign.
fn grouped(number: &str) -> String {
    let (sign, digits) = match number.strip_prefix('-') {
        Some(digits) if digits.bytes().any(|b| matches!(b, b'1'..=b'9')) => ("-", digits),
        Some(digits) => ("", digits),
        None => ("", number),
    };
    let (whole, fraction) = digits.split_at(digits.find('.').unwrap_or(digits.len()));
    let mut out = String::with_capacity(number.len() + whole.len() / 3);
    out.push_str(sign);
    for (index, digit) in whole.char_indices() {
        if index != 0 && (whole.len() - index) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    out.push_str(fraction);
    out
}

/// `23 d 4 h`: the two largest units.
fn uptime(seconds: f64) -> String {
    if !seconds.is_finite() || PLAIN_MAX <= seconds.abs() {
        return float::general(seconds, DIGITS.unsigned_abs() as usize);
    }
    let sign = if seconds < 0.0 { "-" } else { "" };
    let total = seconds.abs() as u64;
    let units = [("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)];
    let at = units.iter().position(|(_, size)| *size <= total).unwrap_or(units.len() - 1);
    let (name, size) = units[at];
    let mut out = format!("{sign}{} {name}", total / size);
    if let Some((name, next)) = units.get(at + 1).filter(|(_, next)| *next <= total % size) {
        out.push_str(&format!(" {} {name}", total % size / next));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(unit: &str, value: f64, decimals: Option<usize>, expected: &str) {
        assert_eq!(Unit::parse(unit).format(value, decimals).to_string(), expected, "{value} {unit}");
    }

    #[test]
    fn values_read_as_on_the_page() {
        for (unit, value, expected) in [
            ("percent", 97.0, "97%"),
            ("percentunit", 0.996, "99.6%"),
            ("s", 2.41, "2.41 s"),
            ("s", 0.027, "27 ms"),
            ("s", 0.000_25, "250 µs"),
            ("s", 90.0, "1.50 min"),
            ("ms", 19_800.0, "19.8 s"),
            ("celsius", 84.0, "84 °C"),
            ("bytes", 23_192_823_398.4, "21.6 GiB"),
            ("mbytes", 24_564.0, "24.0 GiB"),
            ("decmbytes", 24_564.0, "24.6 GB"),
            ("bps", 184e6, "184 Mbit/s"),
            ("Bps", 6.1e9, "6.10 GB/s"),
            ("short", 6_670.0, "6,670"),
            ("short", 123_456.0, "123 K"),
            ("none", 123_456.0, "123,456"),
            ("watt", 398.2, "398 W"),
            ("watt", 0.0, "0 W"),
            ("hertz", 2_520e6, "2.52 GHz"),
            ("reqps", 4.3, "4.30 req/s"),
            ("reqps", 250_000.0, "250 K req/s"),
            ("tokens/sec (tps)", 1_790.0, "1,790 tokens/sec (tps)"),
            ("suffix:tok/s", 12.0, "12 tok/s"),
            ("dtdurations", 2_001_600.0, "23 d 4 h"),
            ("bool_yes_no", 1.0, "Yes"),
            ("s", f64::NAN, "–"),
            ("s", f64::INFINITY, "+Inf"),
            ("none", 1e300, "1e+300"),
            ("none", 0.000_012_3, "1.23e-05"),
        ] {
            check(unit, value, None, expected);
        }
    }

    #[test]
    fn rounding_does_not_cross_a_prefix() {
        check("s", 0.999_6, None, "1.00 s");
        check("none", 9.996, None, "10.0");
        check("none", 999.96, None, "1,000");
        check("bytes", 1_023.7, None, "1.00 KiB");
    }

    #[test]
    fn decimals_are_kept_when_asked_for() {
        check("percent", 97.449, Some(1), "97.4%");
        check("percent", -0.01, Some(0), "0%");
        check("none", -1_234.5, Some(1), "-1,234.5");
        check("none", 1.0, Some(900), "1.000000000000");
    }

    #[test]
    fn the_ticks_of_an_axis_share_one_scale() {
        let scale = Unit::parse("s").scale(1.0);
        assert_eq!(scale.format(0.25, Some(2)).to_string(), "0.25 s");
        assert_eq!(Unit::parse("s").scale(600.0).steps, Steps::Sixtieth);
        assert_eq!(Unit::parse("bytes").scale(600.0).steps, Steps::Binary);
    }
}
