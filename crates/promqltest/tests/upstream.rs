//! Upstream's scripts: every eval passes, in every way in which it is asked.

/// Evals in the files of the folder. A file that is not here is new and has to be added.
const EVALS: &[(&str, usize)] = &[
    ("aggregators.test", 160),
    ("collision.test", 2),
    ("duration_expression.test", 59),
    ("extended_vectors.test", 169),
    ("fill-modifier.test", 46),
    ("functions.test", 431),
    ("info.test", 53),
    ("limit.test", 37),
    ("literals.test", 25),
    ("native_histograms.test", 522),
    ("selectors.test", 31),
    ("staleness.test", 17),
    ("start_timestamps.test", 26),
    ("trig_functions.test", 19),
];

#[test]
fn every_script_passes() {
    let Some(folder) = test_support::shared_data("promqltest") else { return };
    let files = std::fs::read_dir(&folder).expect("the folder can be read");
    let names = files.map(|file| file.expect("an entry").file_name().to_string_lossy().into_owned());
    let mut scripts: Vec<String> = names.filter(|name| name.ends_with(".test")).collect();
    scripts.sort();
    assert_eq!(scripts, EVALS.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    for (name, evals) in EVALS {
        let text = std::fs::read_to_string(folder.join(name)).expect("the script can be read");
        let outcome = promqltest::run(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(outcome.failures.is_empty(), "{name}: {:?}", outcome.failures);
        assert_eq!(outcome.passed, *evals, "{name}");
    }
}
