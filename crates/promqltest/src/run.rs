//! Runs a script on a store in memory.

use std::collections::BTreeMap;

use model::{Labels, Timestamp};
use promql::{Answer, Options};
use promql_syntax::Features;
use storage::MemoryStorage;

use crate::command::{Eval, Kind, When};
use crate::compare;
use crate::points::Point;
use crate::script::{ScriptError, parse};

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
    let mut loaded: BTreeMap<Labels, BTreeMap<i64, f64>> = BTreeMap::new();
    let mut storage = MemoryStorage::new();
    for command in parse(text)? {
        match command.kind {
            Kind::Clear => {
                loaded.clear();
                storage = MemoryStorage::new();
            }
            Kind::Load { interval_ms, series } => {
                for (labels, points) in series {
                    let samples = loaded.entry(labels).or_default();
                    for (position, point) in points.into_iter().enumerate() {
                        if let Point::Value(value) = point {
                            samples.insert(interval_ms * position as i64, value);
                        }
                    }
                }
                storage = MemoryStorage::new();
                for (labels, samples) in &loaded {
                    storage.push(labels, samples.iter().map(|(at, value)| (*at, *value)));
                }
            }
            Kind::Eval(eval) => match evaluate(&eval, &storage) {
                Ok(()) => outcome.passed += 1,
                Err(message) => outcome.failures.push(Failure { line: command.line, query: eval.query, message }),
            },
        }
    }
    Ok(outcome)
}

fn evaluate(eval: &Eval, storage: &MemoryStorage) -> Result<(), String> {
    match answer(eval, storage) {
        Ok(answer) => compare::check(eval, &answer),
        Err(error) => compare::check_error(eval, &error),
    }
}

fn answer(eval: &Eval, storage: &MemoryStorage) -> Result<Answer, String> {
    let expr = promql_syntax::parse_with(&eval.query, Features::ALL).map_err(|error| error.to_string())?;
    let options = Options::default();
    let answer = match eval.when {
        When::Instant(at_ms) => promql::instant(&expr, Timestamp::from_ms(at_ms), storage, &options),
        When::Range { start_ms, end_ms, step_ms } => {
            promql::range(&expr, Timestamp::from_ms(start_ms), Timestamp::from_ms(end_ms), step_ms, storage, &options)
        }
    };
    answer.map_err(|error| error.to_string())
}
