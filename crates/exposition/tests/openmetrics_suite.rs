//! The OpenMetrics suite against what is read. Prometheus, whose verdict ours is, takes more than the standard allows;
//! what it takes is listed, so that a difference that comes or goes is noticed.

use std::collections::BTreeSet;

use exposition::{Entry, Format, Parser, labels_of};
use serde_json::Value;

/// Pages that the suite refuses and we take, by what Prometheus' parser does not look at.
const LENIENT: &[(&str, &[&str])] = &[
    (
        "names that clash with another family's",
        &["bad_clashing_names_0", "bad_clashing_names_1", "bad_clashing_names_2"],
    ),
    (
        "what counters, histograms and summaries may be worth",
        &[
            "bad_counter_values_0",
            "bad_counter_values_1",
            "bad_counter_values_2",
            "bad_counter_values_3",
            "bad_counter_values_4",
            "bad_counter_values_5",
            "bad_counter_values_6",
            "bad_counter_values_7",
            "bad_counter_values_8",
            "bad_counter_values_9",
            "bad_counter_values_10",
            "bad_counter_values_11",
            "bad_counter_values_12",
            "bad_counter_values_13",
            "bad_counter_values_14",
            "bad_counter_values_15",
            "bad_counter_values_16",
            "bad_counter_values_17",
            "bad_counter_values_18",
            "bad_counter_values_19",
        ],
    ),
    (
        "how long an exemplar's labels are, and what an exemplar is worth",
        &["bad_exemplar_complex_chars", "bad_exemplars_6"],
    ),
    (
        "which samples may have exemplars",
        &[
            "bad_exemplars_on_unallowed_metric_types_0",
            "bad_exemplars_on_unallowed_metric_types_1",
            "bad_exemplars_on_unallowed_metric_types_2",
            "bad_exemplars_on_unallowed_samples_0",
            "bad_exemplars_on_unallowed_samples_1",
            "bad_exemplars_on_unallowed_samples_2",
            "bad_exemplars_on_unallowed_samples_3",
        ],
    ),
    (
        "the order of families, series and moments",
        &[
            "bad_grouping_or_ordering_0",
            "bad_grouping_or_ordering_2",
            "bad_grouping_or_ordering_3",
            "bad_grouping_or_ordering_4",
            "bad_grouping_or_ordering_5",
            "bad_grouping_or_ordering_6",
            "bad_grouping_or_ordering_7",
            "bad_grouping_or_ordering_8",
            "bad_grouping_or_ordering_9",
            "bad_grouping_or_ordering_10",
        ],
    ),
    (
        "whether a histogram's buckets belong together",
        &[
            "bad_histograms_0",
            "bad_histograms_1",
            "bad_histograms_2",
            "bad_histograms_3",
            "bad_histograms_6",
            "bad_histograms_7",
            "bad_histograms_8",
            "bad_histograms_9",
            "bad_histograms_10",
            "bad_histograms_11",
            "bad_histograms_12",
            "bad_histograms_13",
            "bad_histograms_14",
        ],
    ),
    (
        "what infos and state sets may be worth",
        &[
            "bad_info_and_stateset_values_0",
            "bad_info_and_stateset_values_1",
            "bad_stateset_info_values_0",
            "bad_stateset_info_values_1",
            "bad_stateset_info_values_2",
            "bad_stateset_info_values_3",
        ],
    ),
    (
        "where metadata stands, and how often",
        &[
            "bad_metadata_in_wrong_place_0",
            "bad_metadata_in_wrong_place_1",
            "bad_metadata_in_wrong_place_2",
            "bad_repeated_metadata_0",
            "bad_repeated_metadata_1",
            "bad_repeated_metadata_3",
        ],
    ),
    ("a comma behind the last label", &["bad_missing_or_extra_commas_2"]),
    (
        "labels that a type needs or forbids",
        &[
            "bad_missing_or_invalid_labels_for_a_type_0",
            "bad_missing_or_invalid_labels_for_a_type_1",
            "bad_missing_or_invalid_labels_for_a_type_2",
            "bad_missing_or_invalid_labels_for_a_type_3",
            "bad_missing_or_invalid_labels_for_a_type_4",
            "bad_missing_or_invalid_labels_for_a_type_5",
            "bad_missing_or_invalid_labels_for_a_type_6",
            "bad_missing_or_invalid_labels_for_a_type_7",
        ],
    ),
    ("types that have no unit", &["bad_unit_6", "bad_unit_7"]),
];

/// Pages that the suite takes and we refuse.
const STRICT: &[&str] = &[];

fn is_read(body: &[u8]) -> bool {
    let mut parser = Parser::of(Format::OpenMetrics, body);
    while let Some(entry) = parser.next() {
        match entry {
            Ok(Entry::Series { raw, .. }) if labels_of(&raw, parser.kind()).is_err() => return false,
            Ok(_) => {}
            Err(_) => return false,
        }
    }
    true
}

#[test]
fn the_suite_s_verdicts_but_for_a_list() {
    let Some(suite) = test_support::shared_data("openmetrics") else { return };
    let (mut lenient, mut strict, mut asked) = (BTreeSet::new(), BTreeSet::new(), 0);
    for folder in std::fs::read_dir(suite).unwrap().map(|entry| entry.unwrap().path()) {
        let Ok(case) = std::fs::read(folder.join("test.json")) else { continue };
        let case: Value = serde_json::from_slice(&case).unwrap();
        let body = std::fs::read(folder.join(case["file"].as_str().unwrap())).unwrap();
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        match (case["shouldParse"].as_bool().unwrap(), is_read(&body)) {
            (false, true) => drop(lenient.insert(name)),
            (true, false) => drop(strict.insert(name)),
            _ => {}
        }
        asked += 1;
    }
    assert_eq!(asked, 211);
    let listed: BTreeSet<String> =
        LENIENT.iter().flat_map(|(_, names)| *names).map(|name| (*name).to_owned()).collect();
    let (new, gone): (Vec<_>, Vec<_>) = (lenient.difference(&listed).collect(), listed.difference(&lenient).collect());
    assert!(new.is_empty() && gone.is_empty(), "taken though refused by the suite: {new:?}; no longer: {gone:?}");
    assert_eq!(strict.iter().map(String::as_str).collect::<Vec<_>>(), STRICT, "refused though taken by the suite");
}
