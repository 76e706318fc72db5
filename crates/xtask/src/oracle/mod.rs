//! `cargo xtask oracle FILE…`: every line of a file is a question and what the real library answers; ours must be the
//! same. The kind of question is the file's name. A new kind is a file here and a row in [`KINDS`].

mod durations;
mod floats;
mod matchers;
mod promql_parse;
mod regexp;
mod relabel;
mod text_parse;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use serde_json::Value;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Files whose name says what they ask, such as floats.jsonl
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

/// A kind of question.
struct Kind {
    /// The file's name without `.jsonl`.
    name: &'static str,
    /// A checker for one file; it may keep what a first line says.
    checker: fn() -> Box<dyn Checker>,
}

const KINDS: &[Kind] =
    &[durations::KIND, floats::KIND, matchers::KIND, promql_parse::KIND, regexp::KIND, relabel::KIND, text_parse::KIND];

/// Asks our code the question of one line after the other.
trait Checker {
    fn check(&mut self, line: &Value) -> anyhow::Result<Verdict>;
}

/// A question that needs nothing but its line.
impl<F: FnMut(&Value) -> anyhow::Result<Verdict>> Checker for F {
    fn check(&mut self, line: &Value) -> anyhow::Result<Verdict> {
        self(line)
    }
}

/// How our answer compares.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// The line asks nothing; it belongs to the questions that follow.
    Preamble,
    Passed,
    Failed(Difference),
    /// What the line asks for is not built; the reason says what that is.
    #[expect(dead_code, reason = "for kinds whose code is half built")]
    Skipped(&'static str),
}

/// What the real library says, and what ours says instead.
#[derive(Debug, PartialEq, Eq)]
struct Difference {
    what: String,
    expected: String,
    got: String,
}

impl Verdict {
    /// Passed if every answer equals the expected one: pairs of expected and got, each under a name.
    fn of<'a>(answers: impl IntoIterator<Item = (&'a str, String, String)>) -> Self {
        answers.into_iter().find(|(_, expected, got)| expected != got).map_or(Self::Passed, |(what, expected, got)| {
            Self::Failed(Difference { what: what.to_owned(), expected, got })
        })
    }
}

/// How many lines passed, failed and were skipped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tally {
    passed: usize,
    failed: usize,
    skipped: usize,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut out = io::stdout().lock();
    let mut tally = Tally::default();
    for file in &arguments.files {
        check_file(file, &mut tally, &mut out)?;
    }
    if tally.skipped > 0 {
        writeln!(out, "{} skipped", tally.skipped)?;
    }
    writeln!(out, "{} passed, {} failed", tally.passed, tally.failed)?;
    Ok(if tally.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn check_file(file: &Path, tally: &mut Tally, out: &mut dyn Write) -> anyhow::Result<()> {
    let stem = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let Some(kind) = KINDS.iter().find(|kind| kind.name == stem) else {
        let names: Vec<_> = KINDS.iter().map(|kind| kind.name).collect();
        bail!("{}: no such kind of question; there are {}", file.display(), names.join(", "));
    };
    let text = fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    let mut checker = (kind.checker)();
    for (number, line) in (1..).zip(text.lines()) {
        let place = || format!("{}:{number}", file.display());
        let question: Value = serde_json::from_str(line).with_context(place)?;
        match checker.check(&question).with_context(place)? {
            Verdict::Preamble => {}
            Verdict::Passed => tally.passed += 1,
            Verdict::Skipped(reason) => {
                tally.skipped += 1;
                writeln!(out, "{} skipped: {reason}", place())?;
            }
            Verdict::Failed(difference) => {
                tally.failed += 1;
                let Difference { what, expected, got } = difference;
                writeln!(out, "{} {line}\n  {what}\n  expected {expected:?}\n  got      {got:?}", place())?;
            }
        }
    }
    Ok(())
}

/// A text field of a line.
fn text<'a>(line: &'a Value, field: &str) -> anyhow::Result<&'a str> {
    line.get(field).and_then(Value::as_str).with_context(|| format!("no text {field:?} in {line}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str) {
        let Some(file) = test_support::shared_data(Path::new("oracle").join(name)) else { return };
        let (mut tally, mut out) = (Tally::default(), Vec::new());
        check_file(&file, &mut tally, &mut out).expect(name);
        let printed = String::from_utf8_lossy(&out);
        assert!(tally.failed == 0 && tally.skipped == 0 && tally.passed > 0, "{name}: {tally:?}\n{printed}");
    }

    #[test]
    fn durations() {
        check("durations.jsonl");
    }

    #[test]
    fn floats() {
        check("floats.jsonl");
    }

    #[test]
    fn matchers() {
        check("matchers.jsonl");
    }

    #[test]
    fn promql_parse() {
        check("promql_parse.jsonl");
    }

    #[test]
    fn regexp() {
        check("regexp.jsonl");
    }

    #[test]
    fn relabel() {
        check("relabel.jsonl");
    }

    #[test]
    fn text_parse() {
        check("text_parse.jsonl");
    }

    #[test]
    fn a_difference_is_shown_with_its_line() {
        let folder = std::env::temp_dir().join(format!("xtask-oracle-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let file = folder.join("durations.jsonl");
        fs::write(&file, "{\"text\": \"90s\", \"ms\": 90000, \"string\": \"90s\"}\n").expect("a file");
        let (mut tally, mut out) = (Tally::default(), Vec::new());
        check_file(&file, &mut tally, &mut out).expect("a known kind");
        fs::remove_dir_all(&folder).expect("removed");
        assert_eq!(tally, Tally { failed: 1, ..Tally::default() });
        let printed = String::from_utf8(out).expect("text");
        assert!(printed.contains("durations.jsonl:1 ") && printed.contains("got      \"1m30s\""), "{printed}");
    }
}
