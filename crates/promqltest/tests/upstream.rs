//! Upstream's scripts: a file may not pass fewer evals than before.

/// Evals that pass, per file. What is missing needs native histograms or experimental syntax.
const PASSED: &[(&str, usize)] = &[
    ("aggregators.test", 123),
    ("collision.test", 2),
    ("duration_expression.test", 8),
    ("extended_vectors.test", 30),
    ("fill-modifier.test", 1),
    ("functions.test", 331),
    ("info.test", 1),
    ("limit.test", 14),
    ("literals.test", 25),
    ("selectors.test", 31),
    ("staleness.test", 17),
    ("start_timestamps.test", 2),
    ("trig_functions.test", 19),
];

#[test]
fn no_script_passes_less_than_before() {
    for (file, expected) in PASSED {
        let Some(path) = test_support::shared_data(format!("promqltest/{file}")) else { return };
        let text = std::fs::read_to_string(path).expect("the script can be read");
        let outcome = promqltest::run(&text).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert!(
            *expected <= outcome.passed,
            "{file}: {} passed, {expected} before; {:?}",
            outcome.passed,
            outcome.failures
        );
    }
}
