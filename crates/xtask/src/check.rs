//! `cargo xtask check`: what CI checks, in the order of how soon it fails.

use anyhow::Result;

use crate::shell::{cargo, run};

/// Runs every check.
///
/// # Errors
/// The first check that fails.
pub(crate) fn check() -> Result<()> {
    run(&mut cargo(&["fmt", "--all", "--check"]))?;
    run(&mut cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))?;
    let mut doc = cargo(&["doc", "--workspace", "--no-deps", "--document-private-items"]);
    run(doc.env("RUSTDOCFLAGS", "-D warnings"))?;
    run(&mut cargo(&["build", "--package", "fake-nvml", "--package", "pitwall"]))?;
    run(&mut cargo(&["test", "--workspace"]))?;
    run(&mut cargo(&["deny", "check", "bans", "licenses", "sources"]))
}

/// Accepts what the snapshot tests now print.
///
/// # Errors
/// A test fails for another reason.
pub(crate) fn bless() -> Result<()> {
    run(cargo(&["test", "--workspace"]).env("INSTA_UPDATE", "always"))
}
