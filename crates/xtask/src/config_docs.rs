//! `cargo xtask config-docs`: writes docs/configuration.md from the tables of the `config` crate.

use std::path::Path;

use anyhow::{Context as _, Result};

/// Writes the page.
///
/// # Errors
/// The file cannot be written.
pub(crate) fn config_docs() -> Result<()> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
    std::fs::write(&page, config::documentation()).with_context(|| format!("writing {}", page.display()))
}
