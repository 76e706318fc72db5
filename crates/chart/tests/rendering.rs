//! What the pages get: the markup of each kind of chart, and bounds that hold for any frame.

use std::sync::Arc;

use chart::{
    Annotation, COLUMNS, Frame, FrameSeries, Height, PlotOptions, SVG_BYTES_MAX, Segment, Severity, Summary, Threshold,
    bar, legend_line, legend_table, sparkline, time_series,
};
use proptest::prelude::*;
use units::unit::Unit;

/// 2026-11-22T14:00:00Z
const FROM_MS: i64 = 1_795_356_000_000;
const STEP_MS: i64 = 15_000;

fn series(name: &str, slot: usize, values: &[f64]) -> FrameSeries {
    let timestamps_ms: Arc<[i64]> = (0..values.len() as i64).map(|index| FROM_MS + index * STEP_MS).collect();
    FrameSeries { name: name.to_owned(), slot, timestamps_ms, values: values.to_vec() }
}

fn frame(series: Vec<FrameSeries>) -> Frame {
    let longest = series.iter().map(|series| series.values.len()).max().unwrap_or(0) as i64;
    Frame { series, from_ms: FROM_MS, to_ms: FROM_MS + (longest - 1).max(1) * STEP_MS, gap_ms: STEP_MS * 3 / 2 }
}

fn check(name: &str, markup: &str) {
    // One element a line, so that a difference is readable.
    insta::assert_snapshot!(name, markup.replace("><", ">\n<"));
}

#[test]
fn lines_with_a_gap_a_lone_sample_and_a_limit() {
    let p95 = series("P95", 1, &[0.5, 0.6, f64::NAN, 1.2, f64::NAN, 2.0, 2.41]);
    let p50 = series("P50 <b>", 6, &[0.2, 0.3, 0.3, 0.4, 0.5, 0.7, 0.84]);
    let mut options = PlotOptions::new("Time to first token", Unit::parse("s"));
    options.thresholds = vec![Threshold { value: 1.5, severity: Severity::Critical, word: "limit 1.5 s".to_owned() }];
    options.annotations =
        vec![Annotation { at_ms: FROM_MS + 60_000, severity: Severity::Critical, word: "alert".to_owned() }];
    options.utc_offset_s = 8 * 3_600;
    let frame = frame(vec![p95, p50]);
    check("lines", &time_series(&frame, &options));
    check("legend_line", &legend_line(&frame, &options));
    let columns = [Summary::Last, Summary::Mean, Summary::Min, Summary::Max];
    check("legend_table", &legend_table(&frame, &options, "Series", &columns));
}

#[test]
fn filled_and_stacked() {
    let user = series("user", 0, &[10.0, 20.0, 30.0, 40.0]);
    let system = series("system", 2, &[5.0, 5.0, f64::NAN, 8.0]);
    let mut options = PlotOptions::new("CPU", Unit::parse("percent"));
    options.max = Some(100.0);
    options.fill = true;
    check("filled", &time_series(&frame(vec![user.clone()]), &options));
    options.stack = true;
    check("stacked", &time_series(&frame(vec![user, system]), &options));
}

#[test]
fn small_pictures() {
    let frame = frame(vec![series("GPU 0", 0, &[96.0, 97.0, 98.0])]);
    check("sparkline", &sparkline(&frame, Height::H1, 0.0, 100.0));
    let segments = [Segment { class: "s0", fraction: 0.9 }, Segment { class: "s3", fraction: 0.3 }];
    check("bar", &bar(&segments, Some(0.83)));
}

#[test]
fn a_frame_without_samples_still_has_axes() {
    let options = PlotOptions::new("Nothing", Unit::parse("none"));
    check("empty", &time_series(&Frame { from_ms: FROM_MS, to_ms: FROM_MS + 60_000, ..Frame::default() }, &options));
}

#[test]
fn a_path_has_as_many_points_as_samples() {
    let values: Vec<f64> = (0..240).map(f64::from).collect();
    let svg = time_series(&frame(vec![series("a", 0, &values)]), &PlotOptions::new("", Unit::parse("none")));
    let (_, path) = svg.split_once("<path class=\"l s0\" d=\"M").expect("a line");
    let (path, _) = path.split_once('"').expect("its end");
    let numbers = path.split(|c: char| !c.is_ascii_digit() && c != '.').filter(|number| !number.is_empty());
    assert_eq!(numbers.count(), 2 * values.len());
}

#[test]
fn more_series_than_lines_is_said() {
    let many = frame((0..64).map(|slot| series("a", slot, &[1.0, 2.0])).collect());
    let options = PlotOptions::new("", Unit::parse("none"));
    assert_eq!(time_series(&many, &options).matches("<path class=\"l s").count(), 10);
    assert!(legend_line(&many, &options).contains("and 54 more, not drawn"));
}

/// Values that have broken chart libraries, and ordinary ones.
fn value() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<f64>(),
        Just(f64::NAN),
        Just(f64::MAX),
        Just(f64::MIN),
        Just(f64::MIN_POSITIVE),
        Just(5e-324),
        Just(0.0),
        Just(-0.0),
        Just(1e15 + 0.125),
        -100.0..100.0f64,
    ]
}

fn column() -> impl Strategy<Value = FrameSeries> {
    (prop::collection::vec((any::<i64>(), value()), 0..40), any::<usize>(), ".{0,12}").prop_map(
        |(samples, slot, name)| FrameSeries {
            name,
            slot,
            timestamps_ms: samples.iter().map(|(at, _)| *at).collect(),
            values: samples.iter().map(|(_, value)| *value).collect(),
        },
    )
}

/// Samples within the window, as queries return them.
fn tidy_column() -> impl Strategy<Value = FrameSeries> {
    (prop::collection::vec(value(), 0..40), 0..12usize).prop_map(|(values, slot)| series("a", slot, &values))
}

proptest! {
    #[test]
    fn any_frame_is_drawn_within_bounds(
        columns in prop::collection::vec(prop_oneof![column(), tidy_column()], 0..13),
        window in prop_oneof![Just((FROM_MS, FROM_MS + 600_000)), any::<(i64, i64)>()],
        gap_ms in prop_oneof![Just(0), Just(STEP_MS), any::<i64>()],
        ends in any::<(Option<f64>, Option<f64>)>(),
        (limit, event_ms, utc_offset_s) in (value(), any::<i64>(), any::<i32>()),
        (fill, stack) in any::<(bool, bool)>(),
        unit in prop::sample::select(vec!["none", "s", "bytes", "percent", "short", "watt", "dtdurations"]),
    ) {
        let frame = Frame { series: columns, from_ms: window.0, to_ms: window.1, gap_ms };
        let mut options = PlotOptions::new("\u{0}<&\"'>", Unit::parse(unit));
        (options.min, options.max, options.fill, options.stack) = (ends.0, ends.1, fill, stack);
        options.thresholds = vec![Threshold { value: limit, severity: Severity::Warning, word: "w".to_owned() }];
        options.annotations = vec![Annotation { at_ms: event_ms, severity: Severity::Info, word: "e".to_owned() }];
        options.utc_offset_s = utc_offset_s;
        let svg = time_series(&frame, &options);
        prop_assert_eq!(&svg, &time_series(&frame, &options));
        prop_assert!(svg.len() <= SVG_BYTES_MAX);
        for attribute in svg.split(" d=\"").skip(1).chain(svg.split("x=\"").skip(1)).chain(svg.split("y=\"").skip(1)) {
            let text = attribute.split('"').next().unwrap_or_default();
            prop_assert!(!text.to_ascii_lowercase().contains("nan") && !text.contains("nf"), "{text}");
        }
        let _ = (legend_line(&frame, &options), legend_table(&frame, &options, "", &[Summary::Mean]));
        let _ = sparkline(&frame, Height::H1, ends.0.unwrap_or(0.0), ends.1.unwrap_or(0.0));
        let _ = bar(&[Segment { class: "s0", fraction: limit }], Some(limit));
    }

}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]

    #[test]
    fn the_longest_frame_is_within_bounds(seed in any::<u64>()) {
        let noise = |index: u64| (index.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(seed) >> 40) as f64;
        let values: Vec<f64> = (0..11_000).map(noise).collect();
        let frame = frame((0..10).map(|slot| series(&"&".repeat(300), slot, &values)).collect());
        let mut options = PlotOptions::new("", Unit::parse("none"));
        options.fill = true;
        let svg = time_series(&frame, &options);
        prop_assert!(svg.len() <= SVG_BYTES_MAX, "{}", svg.len());
        prop_assert!(svg.split(' ').count() <= 10 * 2 * 2 * 4 * (COLUMNS + 10));
    }
}
