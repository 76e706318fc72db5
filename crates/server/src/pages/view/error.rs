//! A page that says why there is no other.

use askama::Template;

use super::parts::{Empty, Icon};
use super::shell::Shell;

/// What went wrong, and the next step.
#[derive(Debug, Template)]
#[template(path = "error.html")]
pub(crate) struct ErrorPage {
    pub(crate) shell: Shell,
    pub(crate) empty: Empty,
}
