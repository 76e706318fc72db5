//! What a discovery finds.

use model::Labels;

/// Targets that were found together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TargetGroup {
    /// Where they were found, unique within a discovery: a file and the group's place in it, a URL, a DNS name.
    pub source: String,
    /// Each target's labels, `__address__` among them.
    pub targets: Vec<Labels>,
    /// Labels that all of them get, unless a target has them itself.
    pub labels: Labels,
}

/// All that a discovery knows at a moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The targets; after a failure still those of the last success.
    pub groups: Vec<TargetGroup>,
    /// Why the last attempt failed, if it did.
    pub error: Option<String>,
    /// How many attempts have failed.
    pub failures: u64,
    /// Sentences about what was looked at and why it was taken or not, for "why was my server not found".
    pub notes: Vec<String>,
}
