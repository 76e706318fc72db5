//! Helpers that several crates' tests share.

mod certificates;
mod http_target;
mod smtp_server;
mod web_server;

use std::path::{Path, PathBuf};

pub use certificates::{Authority, Signed};
pub use http_target::HttpTarget;
pub use smtp_server::{Behaviour, Encryption, SmtpServer, Word};
pub use web_server::{Asked, Reply, WebServer};

/// A path inside the project, from its root.
pub fn repo_path(path: impl AsRef<Path>) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// A path inside the shared test data, `None` where the data does not lie beside the project.
///
/// # Panics
/// With `CI=true` missing data is a failure, not a skip.
pub fn shared_data(path: impl AsRef<Path>) -> Option<PathBuf> {
    let full = repo_path("../shared/data").join(path);
    if full.exists() {
        return Some(full);
    }
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{} is missing", full.display());
    None
}

/// A path inside the tutorials' configurations, under the same rule as [`shared_data`].
///
/// # Panics
/// With `CI=true` missing configurations are a failure, not a skip.
pub fn shared_case(path: impl AsRef<Path>) -> Option<PathBuf> {
    shared_data(Path::new("../cases").join(path))
}
