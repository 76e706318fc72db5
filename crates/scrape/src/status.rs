//! What pages and the API are told of targets.

use std::fmt;
use std::sync::Arc;

use model::{Labels, Timestamp};

use crate::page_metadata::PageMetadata;
use crate::source::Program;

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
#[derive(Clone, Debug, Default)]
pub struct TargetStatus {
    /// What tells this target from all others, the same after a restart: 16 hexadecimal digits.
    pub key: String,
    /// The job it belongs to.
    pub pool: String,
    /// Where it is scraped; empty for a built-in collector that nobody configured.
    pub url: String,
    /// The same for people at other machines: a loopback host is replaced by this machine's name.
    pub global_url: String,
    /// What was known of it before its job's rules were applied.
    pub discovered_labels: Labels,
    /// What its series carry.
    pub labels: Labels,
    /// Whether it answers.
    pub health: Health,
    /// Why the last scrape failed; empty if it did not.
    pub last_error: String,
    /// What is probably wrong and what to do, where that can be said ("did you mean").
    pub hint: Option<String>,
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
    /// Samples of the last scrape that the job's rules for series let pass.
    pub samples_kept: usize,
    /// Size of the last page after decompression; 0 for a built-in collector.
    pub body_bytes: usize,
    /// The built-in collector answers in place of the program that was configured.
    pub served_by: Option<ServedBy>,
    /// A built-in collector that is not asked at present, and why; its numbers are those of another target.
    pub resting: Option<String>,
    /// Why a target was found that nobody configured.
    pub reason: Option<String>,
    /// What its last good page says about its metric families.
    pub metadata: Arc<PageMetadata>,
}

/// Who answers for a configured program that is not there, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServedBy {
    /// The program that was configured.
    pub program: Program,
    /// What happened when it was asked itself.
    pub failure: String,
}

/// One sentence for the targets page.
impl fmt::Display for ServedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { program, failure } = self;
        write!(f, "{program} does not answer there ({failure}), so the built-in collector answers for it")
    }
}

/// Something that was found and is not scraped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DroppedTarget {
    /// The job that found it.
    pub pool: String,
    /// What was known of it.
    pub discovered_labels: Labels,
    /// Why it is not scraped; `None` if the job's `relabel_configs` dropped it.
    pub reason: Option<String>,
}

/// A job with its targets counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PoolStatus {
    /// The job's name.
    pub name: String,
    /// Targets whose last scrape succeeded.
    pub up: usize,
    /// Targets whose last scrape failed.
    pub down: usize,
    /// Targets that were not asked yet.
    pub unknown: usize,
    /// What was found and is not scraped; of these at most `dropped_targets_kept` are remembered.
    pub dropped: usize,
    /// What the job's discoveries cannot do at present.
    pub discovery_errors: Vec<String>,
    /// What was found and cannot be made a target, and why.
    pub target_errors: Vec<String>,
    /// The job has more targets than its `target_limit`, so all of them fail.
    pub target_limit_exceeded: bool,
}

/// A target's page as it is at this moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawPage {
    /// What the target says the page is.
    pub content_type: Option<String>,
    /// The page, cut at [`RAW_PAGE_BYTES_MAX`].
    pub body: Vec<u8>,
    /// Whether the page is longer.
    pub cut: bool,
}

/// How much of a target's page is shown to people, in bytes.
pub const RAW_PAGE_BYTES_MAX: usize = 1 << 20;
