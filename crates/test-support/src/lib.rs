//! Helpers that several crates' tests share.
