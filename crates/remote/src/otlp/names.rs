//! OTLP's names as Prometheus writes them: the rules of OpenTelemetry's "Prometheus and OpenMetrics Compatibility" and of
//! the library that Prometheus uses for them (prometheus/otlptranslator).

use model::MetricType;

use super::config::OtlpConfig;

/// Units of UCUM and what Prometheus calls them.
const UNITS: &[(&str, &str)] = &[
    ("d", "days"),
    ("h", "hours"),
    ("min", "minutes"),
    ("s", "seconds"),
    ("ms", "milliseconds"),
    ("us", "microseconds"),
    ("ns", "nanoseconds"),
    ("By", "bytes"),
    ("KiBy", "kibibytes"),
    ("MiBy", "mebibytes"),
    ("GiBy", "gibibytes"),
    ("TiBy", "tibibytes"),
    ("KBy", "kilobytes"),
    ("MBy", "megabytes"),
    ("GBy", "gigabytes"),
    ("TBy", "terabytes"),
    ("m", "meters"),
    ("V", "volts"),
    ("A", "amperes"),
    ("J", "joules"),
    ("W", "watts"),
    ("g", "grams"),
    ("Cel", "celsius"),
    ("Hz", "hertz"),
    ("1", ""),
    ("%", "percent"),
];

/// The same behind a slash.
const PER_UNITS: &[(&str, &str)] =
    &[("s", "second"), ("m", "minute"), ("h", "hour"), ("d", "day"), ("w", "week"), ("mo", "month"), ("y", "year")];

/// The name of a metric's series, without the suffixes of histograms and summaries; `None` if nothing of it is left.
pub(crate) fn metric(name: &str, unit: &str, kind: MetricType, config: &OtlpConfig) -> Option<String> {
    let strategy = config.translation_strategy;
    let built = match (strategy.escapes(), strategy.has_suffixes()) {
        (true, true) => escaped_with_suffixes(name, unit, kind),
        (true, false) => guarded(tokens(name, |c| is_name(c) || c == '_').join("_")),
        (false, true) => with_suffixes(name, unit, kind),
        (false, false) => name.to_owned(),
    };
    (!built.is_empty() && (built == name || built.chars().any(|c| c != '_'))).then_some(built)
}

/// A label's name for an attribute; `None` if nothing of it is left.
pub(crate) fn label(name: &str, config: &OtlpConfig) -> Option<String> {
    if name.is_empty() || !config.translation_strategy.escapes() {
        return (!name.is_empty()).then(|| name.to_owned());
    }
    let mut out: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    if !config.label_name_preserve_multiple_underscores {
        out = collapsed(&out);
    }
    if out.starts_with(|c: char| c.is_ascii_digit()) {
        out.insert_str(0, "key_");
    } else if config.label_name_underscore_sanitization && out.starts_with('_') && !out.starts_with("__") {
        out.insert_str(0, "key");
    }
    (out == name || out.chars().any(|c| c != '_')).then_some(out)
}

/// A unit as the metadata says it.
pub(crate) fn unit(unit: &str, config: &OtlpConfig) -> String {
    let (mut main, mut per) = unit_suffixes(unit);
    if config.translation_strategy.escapes() {
        (main, per) = (clean(&main), clean(&per));
    }
    let joined = if main.is_empty() || per.is_empty() { main + &per } else { format!("{main}_{per}") };
    let joined = joined.strip_prefix('_').unwrap_or(&joined);
    joined.strip_suffix('_').unwrap_or(joined).to_owned()
}

fn escaped_with_suffixes(name: &str, unit: &str, kind: MetricType) -> String {
    let mut parts: Vec<String> = tokens(name, is_name).into_iter().map(str::to_owned).collect();
    let (main, per) = unit_suffixes(unit);
    let (mut main, per) = (clean(&main), clean(&per));
    let per = if per == "per_" { "" } else { per.strip_suffix('_').unwrap_or(&per) };
    let has = |parts: &[String], part: &str| parts.iter().any(|p| p == part);
    if has(&parts, &main) {
        main.clear();
    }
    let per = if has(&parts, per) { "" } else { per };
    if !per.is_empty() {
        main = main.strip_suffix('_').unwrap_or(&main).to_owned();
    }
    parts.extend([main, per.to_owned()].into_iter().filter(|part| !part.is_empty()));
    if let Some(suffix) = type_suffix(unit, kind) {
        parts.retain(|part| part != suffix);
        parts.push(suffix.to_owned());
    }
    guarded(parts.join("_"))
}

fn with_suffixes(name: &str, unit: &str, kind: MetricType) -> String {
    let last = type_suffix(unit, kind);
    let mut out = last.map_or(name, |suffix| without_suffix(name, suffix)).to_owned();
    let (main, per) = unit_suffixes(unit);
    if !per.is_empty() {
        out.truncate(without_suffix(&out, &per).len());
    }
    if !main.is_empty() && !out.ends_with(&main) {
        out = format!("{out}_{main}");
    }
    for suffix in [per.as_str(), last.unwrap_or_default()] {
        if !suffix.is_empty() {
            out = format!("{out}_{suffix}");
        }
    }
    out
}

/// `total` for counters, `ratio` for gauges without unit.
fn type_suffix(unit: &str, kind: MetricType) -> Option<&'static str> {
    match kind {
        MetricType::Counter => Some("total"),
        MetricType::Gauge if unit == "1" => Some("ratio"),
        _ => None,
    }
}

/// What is before a suffix and the one character that parts it from the rest.
fn without_suffix<'a>(name: &'a str, suffix: &str) -> &'a str {
    let Some(rest) = name.strip_suffix(suffix) else { return name };
    let mut characters = rest.chars();
    characters.next_back();
    let rest = characters.as_str();
    if rest.is_empty() { name } else { rest }
}

/// The unit before the slash and the one behind it, with `per_` in front. Comments in braces are no units.
fn unit_suffixes(unit: &str) -> (String, String) {
    let is_unit = |text: &&str| !text.is_empty() && !text.contains(['{', '}']);
    let named = |text: &str, names: &[(&str, &str)]| {
        names.iter().find(|(short, _)| *short == text).map_or(text, |(_, name)| *name).to_owned()
    };
    let (main, per) = unit.split_once('/').unwrap_or((unit, ""));
    let main = Some(main.trim()).filter(is_unit).map(|text| named(text, UNITS)).unwrap_or_default();
    let per = Some(per.trim()).filter(is_unit).map(|text| format!("per_{}", named(text, PER_UNITS)));
    (main, per.unwrap_or_default())
}

/// A unit with only what names may have.
fn clean(unit: &str) -> String {
    let replaced: String = unit.chars().map(|c| if is_name(c) { c } else { '_' }).collect();
    let collapsed = collapsed(&replaced);
    collapsed.strip_prefix('_').map(str::to_owned).unwrap_or(collapsed)
}

fn collapsed(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c != '_' || !out.ends_with('_') {
            out.push(c);
        }
    }
    out
}

fn tokens(name: &str, is_part: impl Fn(char) -> bool) -> Vec<&str> {
    name.split(|c| !is_part(c)).filter(|part| !part.is_empty()).collect()
}

const fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == ':'
}

/// A name does not begin with a digit.
fn guarded(name: String) -> String {
    if name.starts_with(|c: char| c.is_ascii_digit()) { format!("_{name}") } else { name }
}

#[cfg(test)]
mod tests {
    use MetricType::{Counter, Gauge, Histogram};

    use super::*;
    use crate::otlp::TranslationStrategy;

    fn with(translation_strategy: TranslationStrategy) -> OtlpConfig {
        OtlpConfig { translation_strategy, ..OtlpConfig::default() }
    }

    #[test]
    fn names_get_underscores_and_suffixes() {
        let check = |name, unit, kind, expected: &str| {
            let found = metric(name, unit, kind, &OtlpConfig::default());
            assert_eq!(found.as_deref().unwrap_or_default(), expected, "{name} {unit}");
        };
        check("http.server.request.duration", "s", Histogram, "http_server_request_duration_seconds");
        check("requests", "", Counter, "requests_total");
        check("requests_total", "1", Counter, "requests_total");
        check("total.requests", "", Counter, "requests_total");
        check("cpu.utilization", "1", Gauge, "cpu_utilization_ratio");
        check("memory.usage", "By", Gauge, "memory_usage_bytes");
        check("memory.bytes.used", "By", Gauge, "memory_bytes_used");
        check("throughput", "By/s", Gauge, "throughput_bytes_per_second");
        check("requests", "1/s", Gauge, "requests_per_second");
        check("requests", "{request}/s", Counter, "requests_per_second_total");
        check("queue", "{item}", Gauge, "queue");
        check("queue", "By/{item}", Gauge, "queue_bytes");
        check("a..b__c", "x__y", Gauge, "a_b_c_x_y");
        check("custom_metric", "unit@with#special/chars", Gauge, "custom_metric_unit_with_special_per_chars");
        check("2xx", "", Counter, "_2xx_total");
        check("温", "Cel", Gauge, "celsius");
        check("@#$%", "", Gauge, "");
    }

    #[test]
    fn other_strategies_change_less() {
        let check = |strategy, name, unit, kind, expected: &str| {
            assert_eq!(metric(name, unit, kind, &with(strategy)).as_deref(), Some(expected));
        };
        use TranslationStrategy::{NoTranslation, NoUtf8EscapingWithSuffixes, UnderscoreEscapingWithoutSuffixes};
        check(UnderscoreEscapingWithoutSuffixes, "a.b__c", "s", Counter, "a_b__c");
        check(NoUtf8EscapingWithSuffixes, "http.time", "s", Counter, "http.time_seconds_total");
        check(NoUtf8EscapingWithSuffixes, "cpu_seconds_total", "s", Counter, "cpu_seconds_total");
        check(NoUtf8EscapingWithSuffixes, "cpu.ratio", "1", Gauge, "cpu_ratio");
        check(NoUtf8EscapingWithSuffixes, "温.requests", "1/s", Counter, "温.requests_per_second_total");
        check(NoTranslation, "http.time", "s", Counter, "http.time");
    }

    #[test]
    fn labels_are_escaped() {
        let check = |name, expected: Option<&str>| {
            assert_eq!(label(name, &OtlpConfig::default()).as_deref(), expected, "{name}");
        };
        check("http.method", Some("http_method"));
        check("2xx", Some("key_2xx"));
        check("_private", Some("key_private"));
        check("__reserved__", Some("__reserved__"));
        check("a..b", Some("a__b"));
        check("é", Some("key_"));
        check("éé", None);
        check("", None);
        let collapse = OtlpConfig { label_name_preserve_multiple_underscores: false, ..OtlpConfig::default() };
        assert_eq!(label("a..b", &collapse).as_deref(), Some("a_b"));
        assert_eq!(label("a.b", &with(TranslationStrategy::NoTranslation)).as_deref(), Some("a.b"));
        assert_eq!(unit("By/s", &OtlpConfig::default()), "bytes_per_second");
    }
}
