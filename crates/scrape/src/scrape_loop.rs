//! One target's scrapes: parse, reconcile, append.

use std::collections::HashMap;
use std::hash::Hasher as _;
use std::sync::Arc;

use exposition::{Format, FoundExemplar, Options, Parser};
use model::{Family, Timestamp};
use storage::{AppendError, Appender, GroupId, Refusal, Row, SeriesId};

use crate::batches::Batches;
use crate::cache::{Cache, Meaning};
use crate::classic_to_native::Conversions;
use crate::fetch::Page;
use crate::page_metadata::{self, PageMetadata};
use crate::reading::Reading;
use crate::report::{Report, ReportSeries};
use crate::target::Target;

/// How the reason begins where a page had more bytes than it may.
const BODY_LIMIT: &str = "body size limit exceeded";

/// Turns a target's pages into transactions.
pub(crate) struct Scraper {
    pub(crate) target: Arc<Target>,
    pub(crate) appender: Arc<dyn Appender>,
    pub(crate) group: GroupId,
    pub(crate) cache: Cache,
    pub(crate) conversions: Conversions,
    /// The exemplars of each series that were appended last: a page repeats them until there are others.
    pub(crate) exemplars: HashMap<SeriesId, Vec<FoundExemplar>>,
    report_series: ReportSeries,
    metadata: PageMetadata,
    /// Of a format without lines: a hash of what the page says about its families.
    metadata_hash: u64,
    /// Classic histograms are to be learned anew.
    unlearn_conversions: bool,
    rows: Vec<Row>,
}

/// What came of a scrape.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Outcome {
    /// Why it counts as empty, if it does.
    pub(crate) error: Option<String>,
    /// Samples on the page.
    pub(crate) samples: usize,
    /// Samples that the job's rules let pass.
    pub(crate) samples_kept: usize,
    /// What was refused, and how often.
    pub(crate) refused: Refused,
    /// What the page says about its families, where that is not what it said before.
    pub(crate) metadata: Option<Arc<PageMetadata>>,
}

/// Samples that were refused one by one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) duplicate: u64,
    pub(crate) out_of_order: u64,
    pub(crate) out_of_bounds: u64,
}

impl Scraper {
    pub(crate) fn new(target: Arc<Target>, appender: Arc<dyn Appender>) -> Self {
        let group = appender.group(&target.key());
        Self {
            target,
            appender,
            group,
            cache: Cache::default(),
            conversions: Conversions::default(),
            exemplars: HashMap::new(),
            report_series: ReportSeries::default(),
            metadata: PageMetadata::new(),
            metadata_hash: 0,
            unlearn_conversions: false,
            rows: Vec::new(),
        }
    }

    /// Goes on with the same target under other settings of its job: what the lines of its page mean is learned anew, and
    /// series that the new settings leave out end as those that vanish.
    pub(crate) fn retarget(&mut self, target: Arc<Target>) {
        self.target = target;
        self.cache.unlearn();
        self.unlearn_conversions = true;
    }

    /// Appends a page, or its absence, as one transaction.
    pub(crate) fn append_page(
        &mut self,
        page: Result<&Page, String>,
        at: Timestamp,
        duration_s: f64,
    ) -> Result<Outcome, AppendError> {
        let body_bytes = match &page {
            Ok(page) => i64::try_from(page.body.len()).unwrap_or(i64::MAX),
            Err(error) if error.starts_with(BODY_LIMIT) => -1,
            Err(_) => 0,
        };
        self.append(at, duration_s, body_bytes, |scraper, reading| {
            let page = page?;
            let job = &scraper.target.job;
            let format = Format::of(page.content_type.as_deref(), job.fallback_protocol, &page.body)
                .map_err(|error| error.to_string())?;
            let options =
                Options { native_histograms: job.native_histograms, classic_histograms: job.classic_histograms };
            let parser = Parser::with_options(format, &page.body, options);
            let start = parser.clone();
            scraper.read_page(parser, reading)?;
            let hash = reading.metadata_hasher.finish();
            reading.metadata_changed |= std::mem::replace(&mut scraper.metadata_hash, hash) != hash;
            // An empty page says nothing, not even that its series are gone for good.
            if !page.body.is_empty() {
                scraper.cache.accept_page();
                scraper.conversions.accept_page();
            }
            Ok((reading.metadata_changed || scraper.cache.lost_metadata()).then(|| page_metadata::of_page(start)))
        })
    }

    /// Appends what a built-in collector said, or its silence, as one transaction.
    pub(crate) fn append_families(
        &mut self,
        families: Result<Vec<Family>, String>,
        at: Timestamp,
        duration_s: f64,
    ) -> Result<Outcome, AppendError> {
        self.append(at, duration_s, 0, |scraper, reading| {
            let families = families?;
            for (labels, value) in families.iter().flat_map(|family| &family.samples) {
                // The text is this collector's own spelling: as good a key as an exposition's line.
                let raw = labels.to_braces();
                let known = match scraper.cache.find(raw.as_bytes()) {
                    Some(known) => Some(known),
                    None => scraper.learn(raw.as_bytes(), labels, false, reading)?,
                };
                scraper.take(known, *value, None, reading);
            }
            scraper.cache.accept_page();
            Ok(Some(page_metadata::of_families(&families)))
        })
    }

    /// The target is no longer scraped: all its series end.
    pub(crate) fn append_end(&mut self, at: Timestamp) -> Result<(), AppendError> {
        self.begin();
        let mut batches = Batches::new(self.group, at, Vec::new());
        self.end_vanished(&mut batches);
        for series in self.report_series.ids() {
            batches.end(*series, false);
        }
        self.appender.append(&batches.finish()).map(drop)
    }

    fn begin(&mut self) {
        let too_many = self.conversions.are_too_many();
        self.cache.begin();
        self.conversions.begin();
        if too_many {
            self.cache.unlearn();
        }
        if std::mem::take(&mut self.unlearn_conversions) || too_many {
            self.conversions.unlearn();
        }
    }

    fn end_vanished(&self, batches: &mut Batches) {
        for meaning in self.cache.vanished() {
            match meaning {
                Meaning::Sample(series) => batches.end(series, false),
                Meaning::Native(series) => batches.end(series, true),
                Meaning::Part { series: Some(series), .. } => batches.end(series, false),
                Meaning::Dropped | Meaning::Part { .. } | Meaning::Metadata(_) => {}
            }
        }
        for series in self.conversions.vanished() {
            batches.end(series, true);
        }
    }

    fn append(
        &mut self,
        at: Timestamp,
        duration_s: f64,
        body_bytes: i64,
        read: impl FnOnce(&mut Self, &mut Reading) -> Result<Option<PageMetadata>, String>,
    ) -> Result<Outcome, AppendError> {
        self.begin();
        let batches = Batches::new(self.group, at, std::mem::take(&mut self.rows));
        let mut reading = Reading::new(at, batches);
        let (error, metadata) = match read(self, &mut reading) {
            Ok(metadata) => (None, metadata.filter(|metadata| *metadata != self.metadata)),
            // A failed scrape is an empty one: nothing of a page that broke off in the middle is kept.
            Err(error) => {
                self.cache.discard_page();
                self.conversions.discard_page();
                reading.batches.clear();
                (Some(error), None)
            }
        };
        if let Some(metadata) = &metadata {
            self.metadata.clone_from(metadata);
        }
        let Reading { mut batches, samples, kept, added, duplicates, .. } = reading;
        self.end_vanished(&mut batches);
        let report =
            Report { up: error.is_none(), duration_s, samples, samples_kept: kept, series_added: added, body_bytes };
        let store = (&*self.appender, self.group);
        self.report_series.write(&report, &self.target, store, batches.rows())?;
        let mut batches = batches.finish();
        let appended = self.appender.append(&batches)?;
        let mut refused = Refused { duplicate: duplicates, ..Refused::default() };
        for rejected in &appended.rejected {
            match rejected.reason {
                Refusal::Duplicate => refused.duplicate += 1,
                Refusal::OutOfOrder => refused.out_of_order += 1,
                Refusal::TooOld | Refusal::TooNew => refused.out_of_bounds += 1,
            }
        }
        if refused != Refused::default() {
            tracing::debug!(?refused, "samples were refused");
        }
        // The rows' memory is used again.
        self.rows = batches.pop().map(|batch| batch.rows).unwrap_or_default();
        Ok(Outcome { error, samples, samples_kept: kept, refused, metadata: metadata.map(Arc::new) })
    }
}

#[cfg(test)]
mod tests;
