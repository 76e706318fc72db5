//! Runs Prometheus' test scripts against our evaluator.
