//! `cargo xtask promqltest PATH…`: upstream's test scripts against our evaluator.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};

/// Runs every file and prints what failed, a sum per file, and the total.
///
/// # Errors
/// A file cannot be read, or is no script.
pub(crate) fn promqltest(paths: &[PathBuf]) -> Result<ExitCode> {
    let (mut passed, mut failed) = (0, 0);
    for path in paths {
        let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
        let outcome = promqltest::run(&text).with_context(|| path.display().to_string())?;
        for failure in &outcome.failures {
            println!("{}:{}: {}\n    {}", path.display(), failure.line, failure.query, failure.message);
        }
        println!("{}: {} passed, {} failed", path.display(), outcome.passed, outcome.failures.len());
        passed += outcome.passed;
        failed += outcome.failures.len();
    }
    println!("{passed} passed, {failed} failed");
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
