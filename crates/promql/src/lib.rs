//! Evaluates PromQL over a Queryable; no clock, no IO, must not know tsdb.
