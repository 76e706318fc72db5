//! What a target's last scrape was like.

use model::{Labels, Timestamp};

/// Whether a target answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Health {
    /// It was not asked yet.
    #[default]
    Unknown,
    /// The last scrape succeeded.
    Up,
    /// The last scrape failed.
    Down,
}

impl Health {
    /// The word in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Up => "up",
            Self::Down => "down",
        }
    }
}

/// A target as pages and the API show it.
#[derive(Clone, Debug)]
pub struct TargetStatus {
    /// The job it belongs to.
    pub pool: String,
    /// Where it is scraped; empty for a built-in collector.
    pub url: String,
    /// What was known of it before anything was added.
    pub discovered_labels: Labels,
    /// What its series carry.
    pub labels: Labels,
    /// Whether it answers.
    pub health: Health,
    /// Why the last scrape failed; empty if it did not.
    pub last_error: String,
    /// The last scrape.
    pub last_scrape: Option<Timestamp>,
    /// How long it took, in seconds.
    pub last_duration_s: f64,
    /// How often it is scraped, in milliseconds.
    pub interval_ms: i64,
    /// How long a scrape may take, in milliseconds.
    pub timeout_ms: i64,
    /// Samples of the last scrape.
    pub samples: usize,
}
