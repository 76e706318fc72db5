//! Files that a configuration names by patterns.

use std::path::{Path, PathBuf};

use crate::section::Field;

/// A pattern stands for this many files at most.
const FILES_MAX: usize = 10_000;

/// The files that patterns stand for, each pattern's sorted; relative ones count from `folder`. One without a file is
/// a warning: Prometheus goes on without a word.
pub(crate) fn named(patterns: &[Field<'_>], folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for field in patterns {
        let Some(text) = field.text() else { continue };
        let pattern = folder.join(text);
        let found = expand(&pattern);
        if found.is_empty() && !is_pattern(text) {
            field.warning(format!("there is no such file: {}", pattern.display()));
        }
        if FILES_MAX < found.len() {
            field.error(format!("the pattern stands for more than {FILES_MAX} files"));
        }
        all.extend(found);
    }
    all
}

fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

fn expand(pattern: &Path) -> Vec<PathBuf> {
    let text = pattern.to_string_lossy();
    if !is_pattern(&text) {
        return if pattern.exists() { vec![pattern.to_owned()] } else { Vec::new() };
    }
    // One more than allowed, so that too many are noticed.
    let found = glob::glob(&text).into_iter().flatten().filter_map(Result::ok);
    let mut files: Vec<PathBuf> = found.take(FILES_MAX + 1).collect();
    files.sort();
    files
}
