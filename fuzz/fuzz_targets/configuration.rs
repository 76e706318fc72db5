//! Any text as a configuration file: no panic, an end, and findings that name a place in the text.

#![no_main]

use std::path::PathBuf;

use config::Problem;

libfuzzer_sys::fuzz_target!(|text: &[u8]| {
    let folder = std::env::temp_dir().join(format!("pitwall-fuzz-{}", std::process::id()));
    let path: PathBuf = folder.join("file.yml");
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(&path, text).expect("a file");
    // YAML ends a line with a carriage return, too.
    let lines = text.split(|byte| matches!(byte, b'\n' | b'\r')).count() as u64;
    // Rule files and scrape_config_files named in the text are looked for beside it; nothing else lies there.
    check(&config::load_prometheus_with(&path, &|_| None).problems, lines);
    check(&config::load_rules(&path).problems, lines);
    check(&config::load_alertmanager(&path).problems, lines);
    check(&config::load_pitwall(&path).problems, lines);
});

fn check(problems: &[Problem], lines: u64) {
    for problem in problems {
        assert!(!problem.message.is_empty(), "{problem}");
        assert!(problem.place.line <= lines + 1, "{problem}");
    }
}
