//! Runs a script on a store in memory.

use model::Timestamp;
use promql::{Answer, Options, Value};
use promql_syntax::Features;
use storage::MemoryStorage;

use crate::command::{Eval, Kind, When};
use crate::script::{ScriptError, parse};
use crate::store::Store;
use crate::{compare, variants};

/// How far around an instant eval the range query reaches that must agree with it, in milliseconds.
const MINUTE_MS: i64 = 60_000;

/// What came of a script.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Evals that went as expected.
    pub passed: usize,
    /// Those that did not.
    pub failures: Vec<Failure>,
}

/// An eval that did not go as expected.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The line of the eval, counted from 1.
    pub line: usize,
    /// The query.
    pub query: String,
    /// What was wrong.
    pub message: String,
}

/// Runs a script.
///
/// # Errors
/// The text is no script.
pub fn run(text: &str) -> Result<Outcome, ScriptError> {
    let mut outcome = Outcome::default();
    let mut store = Store::default();
    let mut storage = MemoryStorage::new();
    for command in parse(text)? {
        match command.kind {
            Kind::Clear => {
                store = Store::default();
                storage = MemoryStorage::new();
            }
            Kind::Load(load) => {
                store.load(load);
                storage = store.build();
            }
            Kind::Eval(eval) => match evaluate(&eval, &storage) {
                Ok(()) => outcome.passed += 1,
                Err(message) => outcome.failures.push(Failure { line: command.line, query: eval.query, message }),
            },
        }
    }
    Ok(outcome)
}

/// Asks an eval's query in every way that must give the same answer.
fn evaluate(eval: &Eval, storage: &MemoryStorage) -> Result<(), String> {
    let When::Instant(at_ms) = eval.when else {
        return match answer(&eval.query, eval.when, storage) {
            Ok(answer) => compare::check(eval, &eval.query, &answer),
            Err(error) => compare::check_error(eval, &error),
        };
    };
    instant(eval, &eval.query, at_ms, storage)?;
    let Ok(expr) = promql_syntax::parse_with(&eval.query, Features::ALL) else { return Ok(()) };
    let Some(pinned) = variants::pinned(&expr, at_ms) else { return Ok(()) };
    for moment_ms in variants::moments(at_ms) {
        instant(eval, &pinned, moment_ms, storage)
            .map_err(|error| format!("as {pinned} at {moment_ms} ms: {error}"))?;
    }
    Ok(())
}

/// At one moment, and at the same moment as the middle of a range query.
fn instant(eval: &Eval, query: &str, at_ms: i64, storage: &MemoryStorage) -> Result<(), String> {
    let found = match answer(query, When::Instant(at_ms), storage) {
        Ok(answer) => answer,
        Err(error) => return compare::check_error(eval, &error),
    };
    compare::check(eval, query, &found)?;
    if eval.expect.ordered || !matches!(found.value, Value::Vector(_) | Value::Scalar { .. }) {
        return Ok(());
    }
    let when = When::Range { start_ms: at_ms - MINUTE_MS, end_ms: at_ms + MINUTE_MS, step_ms: MINUTE_MS };
    if depends_on_range(query) {
        return Ok(());
    }
    let as_range = |error: String| format!("as a range query: {error}");
    let matrix = answer(query, when, storage).map_err(as_range)?;
    compare::check_middle(eval, &matrix.value, at_ms).map_err(as_range)
}

/// Whether the answer is another one for a range query by its nature.
fn depends_on_range(query: &str) -> bool {
    ["step()", "range()", "start()", "end()"].iter().any(|call| query.contains(call))
}

fn answer(query: &str, when: When, storage: &MemoryStorage) -> Result<Answer, String> {
    let expr = promql_syntax::parse_with(query, Features::ALL).map_err(|error| error.to_string())?;
    let options = Options::default();
    let answer = match when {
        When::Instant(at_ms) => promql::instant(&expr, Timestamp::from_ms(at_ms), storage, &options),
        When::Range { start_ms, end_ms, step_ms } => {
            promql::range(&expr, Timestamp::from_ms(start_ms), Timestamp::from_ms(end_ms), step_ms, storage, &options)
        }
    };
    answer.map_err(|error| error.to_string())
}
