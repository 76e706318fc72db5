//! The series that tell of the scrape itself.

use model::METRIC_NAME;
use storage::{AppendError, Appender, GroupId, Row, SeriesId};

use crate::target::Target;

/// Always written, in this order.
const NAMES: [&str; 5] = [
    "up",
    "scrape_duration_seconds",
    "scrape_samples_scraped",
    "scrape_samples_post_metric_relabeling",
    "scrape_series_added",
];
/// Written after them if the job has `extra_scrape_metrics`.
const EXTRA_NAMES: [&str; 3] = ["scrape_timeout_seconds", "scrape_sample_limit", "scrape_body_size_bytes"];

/// What a scrape was like.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Report {
    pub(crate) up: bool,
    pub(crate) duration_s: f64,
    pub(crate) samples: usize,
    pub(crate) samples_kept: usize,
    pub(crate) series_added: usize,
    /// Bytes of the page; -1 where it had more than it may.
    pub(crate) body_bytes: i64,
}

/// The series of a target.
#[derive(Debug, Default)]
pub(crate) struct ReportSeries(Vec<SeriesId>);

impl ReportSeries {
    /// Their ids, as far as they were written; when the target ends they end with it.
    pub(crate) fn ids(&self) -> &[SeriesId] {
        &self.0
    }

    /// Appends a report to the rows of its scrape.
    ///
    /// # Errors
    /// The store does not take the series.
    #[expect(clippy::cast_precision_loss, reason = "values are floats; exact below 2^53")]
    pub(crate) fn write(
        &mut self,
        report: &Report,
        target: &Target,
        (appender, group): (&dyn Appender, GroupId),
        rows: &mut Vec<Row>,
    ) -> Result<(), AppendError> {
        let values = [
            if report.up { 1.0 } else { 0.0 },
            report.duration_s,
            report.samples as f64,
            report.samples_kept as f64,
            report.series_added as f64,
        ];
        let extra = [
            target.timeout_ms as f64 / 1_000.0,
            target.limits.samples_max.unwrap_or(0) as f64,
            report.body_bytes as f64,
        ];
        let wanted = if target.job.extra_scrape_metrics { NAMES.len() + EXTRA_NAMES.len() } else { NAMES.len() };
        for name in NAMES.iter().chain(&EXTRA_NAMES).take(wanted).skip(self.0.len()) {
            let labels = target.labels.to_builder().set(METRIC_NAME, name).build();
            self.0.push(appender.series_id(group, &labels)?);
        }
        let values = values.into_iter().chain(extra).take(wanted);
        rows.extend(self.0.iter().zip(values).map(|(series, value)| Row { series: *series, value }));
        Ok(())
    }
}
