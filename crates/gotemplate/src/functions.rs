//! The functions that templates may call: Go's own, and those that Prometheus and Alertmanager add
//! (`template/template.go` in both).

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::value::Value;

/// A function: its arguments, the piped one last, to its value or why there is none.
pub type Function = Arc<dyn Fn(&[Value]) -> Result<Value, String> + Send + Sync>;

/// Functions by name.
#[derive(Clone, Default)]
pub struct Functions(BTreeMap<&'static str, Function>);

impl Functions {
    /// Those that need nothing from the host.
    pub fn standard() -> Self {
        let mut functions = Self::default();
        for (name, function) in STANDARD {
            functions.add(name, Arc::new(*function));
        }
        functions
    }

    /// Adds a function.
    pub fn add(&mut self, name: &'static str, function: Function) -> &mut Self {
        self.0.insert(name, function);
        self
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub(crate) fn call(&self, name: &str, args: &[Value]) -> Result<Value, String> {
        self.0.get(name).ok_or_else(|| format!("function {name:?} not defined"))?(args)
    }
}

type Plain = fn(&[Value]) -> Result<Value, String>;

const STANDARD: &[(&str, Plain)] = &[
    ("and", |_| Ok(Value::Nil)), // the executor's business, for they stop early
    ("or", |_| Ok(Value::Nil)),
    ("not", |args| Ok(Value::Bool(!one(args)?.truth()))),
    ("eq", |args| {
        let (first, others) = args.split_first().ok_or("missing argument for comparison")?;
        Ok(Value::Bool(others.iter().any(|other| compare(first, other) == Some(Ordering::Equal))))
    }),
    ("ne", |args| ordered(args, |order| order.is_ne())),
    ("lt", |args| ordered(args, Ordering::is_lt)),
    ("le", |args| ordered(args, Ordering::is_le)),
    ("gt", |args| ordered(args, Ordering::is_gt)),
    ("ge", |args| ordered(args, Ordering::is_ge)),
    ("len", |args| match one(args)? {
        Value::Text(text) => Ok(Value::Int(text.len() as i64)),
        Value::List(list) => Ok(Value::Int(list.len() as i64)),
        Value::Map(map) => Ok(Value::Int(map.len() as i64)),
        other => Err(format!("len of {other}")),
    }),
    ("index", |args| {
        let (first, places) = args.split_first().ok_or("missing argument")?;
        places.iter().try_fold(first.clone(), |value, place| match (&value, place) {
            (Value::List(list), Value::Int(at)) => usize::try_from(*at)
                .ok()
                .and_then(|at| list.get(at))
                .cloned()
                .ok_or_else(|| format!("index out of range: {at}")),
            (Value::Map(_), Value::Text(name)) => value.field(name),
            _ => Err(format!("can't index {value} with {place}")),
        })
    }),
    ("print", |args| Ok(Value::Text(args.iter().map(ToString::to_string).collect()))),
    ("println", |args| {
        let words: Vec<String> = args.iter().map(ToString::to_string).collect();
        Ok(Value::Text(format!("{}\n", words.join(" "))))
    }),
    ("printf", |args| {
        let (format, values) = args.split_first().ok_or("missing format")?;
        Ok(Value::Text(printf(format.text()?, values)))
    }),
    ("html", |args| {
        let text = one(args)?.to_string();
        let escape = |c: char| match c {
            '&' => "&amp;".to_owned(),
            '<' => "&lt;".to_owned(),
            '>' => "&gt;".to_owned(),
            '"' => "&#34;".to_owned(),
            '\'' => "&#39;".to_owned(),
            other => other.to_string(),
        };
        Ok(Value::Text(text.chars().map(escape).collect()))
    }),
    ("toUpper", |args| Ok(Value::Text(one(args)?.text()?.to_uppercase()))),
    ("toLower", |args| Ok(Value::Text(one(args)?.text()?.to_lowercase()))),
    ("title", |args| {
        let mut start = true;
        let raise = |c: char| {
            let raised = if start { c.to_uppercase().collect::<String>() } else { c.to_string() };
            start = !c.is_alphanumeric() && c != '\'';
            raised
        };
        Ok(Value::Text(one(args)?.text()?.chars().map(raise).collect()))
    }),
    ("trimSpace", |args| Ok(Value::from(one(args)?.text()?.trim()))),
    ("join", |args| {
        let [separator, Value::List(items)] = args else { return Err("wants a separator and a list".to_owned()) };
        let items: Vec<String> = items.iter().map(ToString::to_string).collect();
        Ok(Value::Text(items.join(separator.text()?)))
    }),
    ("stringSlice", |args| Ok(Value::List(args.to_vec()))),
    ("safeHtml", |args| Ok(one(args)?.clone())),
    ("match", |args| {
        let [pattern, text] = args else { return Err("wants a pattern and a text".to_owned()) };
        let regexp = regexp::Replacer::unanchored(pattern.text()?).map_err(|error| error.to_string())?;
        Ok(Value::Bool(regexp.is_match(text.text()?)))
    }),
    ("reReplaceAll", |args| {
        let [pattern, replacement, text] = args else {
            return Err("wants a pattern, a replacement, a text".to_owned());
        };
        let regexp = regexp::Replacer::unanchored(pattern.text()?).map_err(|error| error.to_string())?;
        Ok(Value::Text(regexp.replace_all(text.text()?, replacement.text()?)))
    }),
    ("stripPort", |args| {
        let text = one(args)?.text()?;
        Ok(Value::from(text.rsplit_once(':').map_or(text, |(host, _)| host.trim_matches(['[', ']']))))
    }),
    ("stripDomain", |args| {
        let text = one(args)?.text()?;
        let (host, port) = text.rsplit_once(':').map_or((text, None), |(host, port)| (host, Some(port)));
        let short = host.split('.').next().unwrap_or(host);
        Ok(Value::Text(port.map_or_else(|| short.to_owned(), |port| format!("{short}:{port}"))))
    }),
    ("parseDuration", |args| {
        let text = one(args)?.text()?;
        let (sign, text) = text.strip_prefix('-').map_or((1.0, text), |rest| (-1.0, rest));
        let ms = units::duration::parse_ms(text).map_err(|error| error.to_string())?;
        Ok(Value::Float(sign * ms as f64 / 1000.0))
    }),
    ("humanize", |args| {
        humanized(args, |value| scaled(value, 1000.0, &["k", "M", "G", "T", "P", "E", "Z", "Y"], true))
    }),
    ("humanize1024", |args| {
        humanized(args, |value| scaled(value, 1024.0, &["ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"], false))
    }),
    ("humanizePercentage", |args| {
        Ok(Value::Text(format!("{}%", units::float::general(one(args)?.number()? * 100.0, 4))))
    }),
    ("humanizeDuration", |args| humanized(args, duration)),
    ("humanizeTimestamp", |args| humanized(args, timestamp)),
];

fn one(args: &[Value]) -> Result<&Value, String> {
    match args {
        [only] => Ok(only),
        _ => Err(format!("wrong number of args: want 1 got {}", args.len())),
    }
}

fn compare(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Text(a), Value::Text(b)) => Some(a.cmp(b)),
        (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
        (Value::Int(_) | Value::Float(_), Value::Int(_) | Value::Float(_)) => {
            a.number().ok()?.partial_cmp(&b.number().ok()?)
        }
        _ => None,
    }
}

fn ordered(args: &[Value], holds: impl Fn(Ordering) -> bool) -> Result<Value, String> {
    let [a, b] = args else { return Err("missing argument for comparison".to_owned()) };
    compare(a, b).map(|order| Value::Bool(holds(order))).ok_or_else(|| "incompatible types for comparison".to_owned())
}

/// NaN and infinities are printed as they are.
fn humanized(args: &[Value], print: impl Fn(f64) -> String) -> Result<Value, String> {
    let value = one(args)?.number()?;
    Ok(Value::Text(if value.is_finite() { print(value) } else { units::float::general(value, 4) }))
}

fn scaled(value: f64, base: f64, prefixes: &[&str], also_small: bool) -> String {
    let mut value = value;
    let mut prefix = "";
    if 1.0 <= value.abs() {
        for next in prefixes {
            if value.abs() < base {
                break;
            }
            prefix = next;
            value /= base;
        }
    } else if also_small && value != 0.0 {
        for next in ["m", "u", "n", "p", "f", "a", "z", "y"] {
            if 1.0 <= value.abs() {
                break;
            }
            prefix = next;
            value *= base;
        }
    }
    format!("{}{prefix}", units::float::general(value, 4))
}

fn duration(value: f64) -> String {
    if value == 0.0 {
        return "0s".to_owned();
    }
    if value.abs() < 1.0 {
        return format!("{}s", scaled(value, 1000.0, &[], true));
    }
    let (sign, whole) = (if value < 0.0 { "-" } else { "" }, value.abs() as i64);
    let (days, hours, minutes, seconds) = (whole / 86_400, whole / 3_600 % 24, whole / 60 % 60, whole % 60);
    if days != 0 {
        format!("{sign}{days}d {hours}h {minutes}m {seconds}s")
    } else if hours != 0 {
        format!("{sign}{hours}h {minutes}m {seconds}s")
    } else if minutes != 0 {
        format!("{sign}{minutes}m {seconds}s")
    } else {
        format!("{sign}{}s", units::float::general(value.abs(), 4))
    }
}

/// Go's default form of a time in UTC, to the millisecond.
fn timestamp(seconds: f64) -> String {
    let ms = (seconds * 1000.0).round() as i64;
    let (day, of_day) = (ms.div_euclid(86_400_000), ms.rem_euclid(86_400_000));
    let shifted = day + 719_468; // from 0000-03-01; era arithmetic of the Gregorian calendar
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute, second, milli) = (of_day / 3_600_000, of_day / 60_000 % 60, of_day / 1000 % 60, of_day % 1000);
    let fraction = if milli == 0 { String::new() } else { format!(".{milli:03}").trim_end_matches('0').to_owned() };
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}{fraction} +0000 UTC")
}

/// Go's `Sprintf` for the verbs that templates use.
fn printf(format: &str, values: &[Value]) -> String {
    let mut out = String::new();
    let mut values = values.iter();
    let mut chars = format.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let mut flags = String::new();
        while let Some(c) = chars.next_if(|c| matches!(c, '0'..='9' | '.' | '-' | '+' | ' ' | '#')) {
            flags.push(c);
        }
        let Some(verb) = chars.next() else {
            out.push_str("%!(NOVERB)");
            break;
        };
        if verb == '%' {
            out.push('%');
            continue;
        }
        let Some(value) = values.next() else {
            out.push_str(&format!("%!{verb}(MISSING)"));
            continue;
        };
        let (width, precision) = match flags.split_once('.') {
            Some((width, precision)) => (width, Some(precision.parse().unwrap_or(0))),
            None => (flags.as_str(), None),
        };
        let body = printed(verb, value, precision.map(|precision: usize| precision.min(100)));
        out.push_str(&padded(&body, width));
    }
    out
}

fn printed(verb: char, value: &Value, precision: Option<usize>) -> String {
    match (verb, value) {
        ('v' | 's', Value::Text(text)) => {
            precision.map_or_else(|| text.clone(), |count| text.chars().take(count).collect())
        }
        ('v', other) => other.to_string(),
        ('s', Value::List(_) | Value::Map(_)) => value.to_string(),
        ('q', Value::Text(text)) => units::quote::quote(text),
        ('d', Value::Int(whole)) => whole.to_string(),
        ('t', Value::Bool(truth)) => truth.to_string(),
        ('f', Value::Float(value)) if value.is_finite() => format!("{value:.*}", precision.unwrap_or(6)),
        ('g', Value::Float(value)) => match precision {
            Some(precision) => units::float::general(*value, precision),
            None => units::float::shortest_g(*value),
        },
        ('e', Value::Float(value)) if value.is_finite() => {
            let text = format!("{value:.*e}", precision.unwrap_or(6));
            let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
            let exponent: i32 = exponent.parse().unwrap_or(0);
            format!("{mantissa}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
        }
        ('f' | 'e', Value::Float(value)) => units::float::shortest_g(*value),
        (verb, Value::Float(value)) => format!("%!{verb}(float64={})", units::float::shortest_g(*value)),
        (verb, Value::Int(whole)) => format!("%!{verb}(int={whole})"),
        (verb, Value::Text(text)) => format!("%!{verb}(string={text})"),
        (verb, other) => format!("%!{verb}({other})"),
    }
}

fn padded(text: &str, width: &str) -> String {
    let left = width.starts_with('-');
    let zeros = width.starts_with('0');
    let wanted: usize = width.trim_start_matches(['-', '+', ' ', '#', '0']).parse().unwrap_or(0);
    let missing = wanted.min(1_000).saturating_sub(text.chars().count());
    if missing == 0 {
        text.to_owned()
    } else if left {
        format!("{text}{}", " ".repeat(missing))
    } else {
        format!("{}{text}", if zeros { "0" } else { " " }.repeat(missing))
    }
}
