//! One target's scrapes: parse, reconcile, append.

use std::sync::Arc;

use exposition::{Entry, Format, Parser};
use model::{Family, Labels, METRIC_NAME, STALE_NAN, Timestamp};
use storage::{AppendError, Appender, Batch, GroupId, Row, SeriesId};

use crate::cache::{Cache, LineId};
use crate::fetch::Page;
use crate::target::Target;

/// The series that tell of the scrape itself, in the order in which they are written.
const REPORT_NAMES: [&str; 5] = [
    "up",
    "scrape_duration_seconds",
    "scrape_samples_scraped",
    "scrape_samples_post_metric_relabeling",
    "scrape_series_added",
];

/// Turns a target's pages into transactions.
pub(crate) struct Scraper {
    target: Arc<Target>,
    appender: Arc<dyn Appender>,
    group: GroupId,
    cache: Cache,
    report_series: Option<[SeriesId; REPORT_NAMES.len()]>,
    rows: Vec<Row>,
}

/// What came of a scrape.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Outcome {
    /// Why it counts as empty, if it does.
    pub(crate) error: Option<String>,
    /// Samples on the page.
    pub(crate) samples: usize,
}

/// What is counted while a page is read.
#[derive(Default)]
struct Counts {
    samples: usize,
    added: usize,
}

impl Scraper {
    pub(crate) fn new(target: Arc<Target>, appender: Arc<dyn Appender>) -> Self {
        let group = appender.group(&target.key());
        Self { target, appender, group, cache: Cache::default(), report_series: None, rows: Vec::new() }
    }

    /// Goes on with the same target under other settings of its job: what the lines of its page mean is learned anew, and
    /// series that the new settings leave out end as those that vanish.
    pub(crate) fn retarget(&mut self, target: Arc<Target>) {
        self.target = target;
        self.cache.unlearn();
    }

    /// Appends a page, or its absence, as one transaction.
    pub(crate) fn append_page(
        &mut self,
        page: Result<&Page, String>,
        at: Timestamp,
        duration_s: f64,
    ) -> Result<Outcome, AppendError> {
        self.append(at, duration_s, |scraper, stamped| {
            let page = page?;
            let format = Format::of(page.content_type.as_deref(), scraper.target.job.fallback_protocol, &page.body)
                .map_err(|error| error.to_string())?;
            scraper.read_page(Parser::of(format, &page.body), at, stamped)
        })
    }

    /// Appends what a built-in collector said, or its silence, as one transaction.
    pub(crate) fn append_families(
        &mut self,
        families: Result<Vec<Family>, String>,
        at: Timestamp,
        duration_s: f64,
    ) -> Result<Outcome, AppendError> {
        self.append(at, duration_s, |scraper, _| {
            let mut counts = Counts::default();
            for (labels, value) in families?.iter().flat_map(|family| &family.samples) {
                // The text is this collector's own spelling: as good a key as an exposition's line.
                let raw = labels.to_braces();
                let line = match scraper.cache.find(raw.as_bytes()) {
                    Some(line) => line,
                    None => scraper.learn(raw.as_bytes(), labels)?,
                };
                scraper.take(line, *value, None, &mut counts, &mut Vec::new());
            }
            Ok(counts)
        })
    }

    /// The target is no longer scraped: all its series end.
    pub(crate) fn append_end(&mut self, at: Timestamp) -> Result<(), AppendError> {
        self.cache.begin();
        let ended = self.cache.vanished().chain(self.report_series.iter().flatten().copied());
        let rows: Vec<Row> = ended.map(|series| Row { series, value: STALE_NAN }).collect();
        self.appender.append(&[Batch::of_rows(self.group, at, rows)]).map(drop)
    }

    fn append(
        &mut self,
        at: Timestamp,
        duration_s: f64,
        read: impl FnOnce(&mut Self, &mut Vec<Batch>) -> Result<Counts, String>,
    ) -> Result<Outcome, AppendError> {
        self.cache.begin();
        self.rows.clear();
        let mut stamped = Vec::new();
        let read = read(self, &mut stamped);
        let (error, counts) = match read {
            Ok(counts) => (None, counts),
            // A failed scrape is an empty one: nothing of a page that broke off in the middle is kept.
            Err(error) => {
                self.cache.discard_page();
                self.rows.clear();
                stamped.clear();
                (Some(error), Counts::default())
            }
        };
        self.rows.extend(self.cache.vanished().map(|series| Row { series, value: STALE_NAN }));
        let report = self.report_series()?;
        let up = if error.is_none() { 1.0 } else { 0.0 };
        let values = [up, duration_s, counts.samples as f64, counts.samples as f64, counts.added as f64];
        self.rows.extend(report.iter().zip(values).map(|(series, value)| Row { series: *series, value }));
        stamped.push(Batch::of_rows(self.group, at, std::mem::take(&mut self.rows)));
        let appended = self.appender.append(&stamped)?;
        if let Some(first) = appended.rejected.first() {
            tracing::debug!(rejected = appended.rejected.len(), reason = %first.reason, "samples were refused");
        }
        // The rows' memory is used again.
        self.rows = stamped.pop().map(|batch| batch.rows).unwrap_or_default();
        Ok(Outcome { error, samples: counts.samples })
    }

    fn read_page(&mut self, mut parser: Parser<'_>, at: Timestamp, stamped: &mut Vec<Batch>) -> Result<Counts, String> {
        let mut counts = Counts::default();
        loop {
            if let Some((line, raw)) = self.cache.expected()
                && let Some((value, timestamp_ms)) = parser.next_known(raw)
            {
                self.take(line, value, timestamp_ms.map(|ms| (ms, at)), &mut counts, stamped);
                continue;
            }
            match parser.next() {
                None => break,
                Some(Err(error)) => return Err(error.to_string()),
                Some(Ok(Entry::Series { raw, value, timestamp_ms })) => {
                    let line = match self.cache.find(&raw) {
                        Some(line) => line,
                        None => {
                            let labels = exposition::labels_of(&raw, parser.kind())
                                .map_err(|why| format!("line {}: {why}", parser.line()))?;
                            self.learn(&raw, &labels)?
                        }
                    };
                    self.take(line, value, timestamp_ms.map(|ms| (ms, at)), &mut counts, stamped);
                }
                Some(Ok(_)) => {}
            }
            if self.target.limits.samples_max.is_some_and(|max| max < counts.samples) {
                return Err("sample limit exceeded".to_owned());
            }
        }
        if self.target.limits.samples_max.is_some_and(|max| max < counts.samples) {
            return Err("sample limit exceeded".to_owned());
        }
        Ok(counts)
    }

    fn take(
        &mut self,
        line: LineId,
        value: f64,
        own_moment: Option<(i64, Timestamp)>,
        counts: &mut Counts,
        stamped: &mut Vec<Batch>,
    ) {
        counts.samples += 1;
        let own_moment = own_moment.filter(|_| self.target.honor_timestamps);
        let Some((series, new)) = self.cache.see(line, own_moment.is_some()) else { return };
        counts.added += usize::from(new);
        let row = Row { series, value };
        match own_moment {
            None => self.rows.push(row),
            Some((ms, _)) => {
                let at = Timestamp::from_ms(ms);
                match stamped.iter_mut().find(|batch| batch.at == at) {
                    Some(batch) => batch.rows.push(row),
                    None => stamped.push(Batch::of_rows(self.group, at, vec![row])),
                }
            }
        }
    }

    /// Makes a series of a line that was never seen.
    fn learn(&mut self, raw: &[u8], labels: &Labels) -> Result<LineId, String> {
        let labels = self.with_target_labels(labels);
        self.check_limits(&labels)?;
        let series = self.appender.series_id(self.group, &labels).map_err(|error| error.to_string())?;
        Ok(self.cache.learn(raw, series))
    }

    /// The target's labels go before a page's; what they hide is kept as `exported_…`, unless the page is honoured.
    fn with_target_labels(&self, labels: &Labels) -> Labels {
        let mut builder = labels.to_builder();
        for (name, value) in &self.target.labels {
            let hidden = builder.get(name).map(str::to_owned);
            match hidden {
                Some(_) if self.target.honor_labels => continue,
                Some(hidden) => {
                    let mut exported = format!("exported_{name}");
                    while builder.get(&exported).is_some() {
                        exported.insert_str(0, "exported_");
                    }
                    builder.set(&exported, &hidden);
                }
                None => {}
            }
            builder.set(name, value);
        }
        builder.build()
    }

    fn check_limits(&self, labels: &Labels) -> Result<(), String> {
        let limits = &self.target.limits;
        let name = labels.metric_name();
        if let Some(max) = limits.labels_max.filter(|max| *max < labels.len()) {
            return Err(format!(
                "label_limit exceeded (metric: {name:.50}, number of labels: {}, limit: {max})",
                labels.len()
            ));
        }
        for (label, value) in labels {
            if let Some(max) = limits.label_name_bytes_max.filter(|max| *max < label.len()) {
                return Err(format!(
                    "label_name_length_limit exceeded (metric: {name:.50}, label name: {label:.50}, length: {}, limit: {max})",
                    label.len()
                ));
            }
            if let Some(max) = limits.label_value_bytes_max.filter(|max| *max < value.len()) {
                return Err(format!(
                    "label_value_length_limit exceeded (metric: {name:.50}, label name: {label:.50}, value: {value:.50}, length: {}, limit: {max})",
                    value.len()
                ));
            }
        }
        Ok(())
    }

    fn report_series(&mut self) -> Result<[SeriesId; REPORT_NAMES.len()], AppendError> {
        if let Some(series) = self.report_series {
            return Ok(series);
        }
        let mut series = [SeriesId(0); REPORT_NAMES.len()];
        for (id, name) in series.iter_mut().zip(REPORT_NAMES) {
            let labels = self.target.labels.to_builder().set(METRIC_NAME, name).build();
            *id = self.appender.series_id(self.group, &labels)?;
        }
        self.report_series = Some(series);
        Ok(series)
    }
}

#[cfg(test)]
mod tests {
    use model::{Matcher, TimeRange, is_stale};
    use storage::{MemoryStorage, Queryable, Select};

    use super::*;
    use crate::config::ScrapeConfig;

    struct Bench {
        storage: Arc<MemoryStorage>,
        scraper: Scraper,
        at_ms: i64,
    }

    impl Bench {
        fn new(config: &ScrapeConfig) -> Self {
            let storage = Arc::new(MemoryStorage::new());
            let target = Target::new(config, "h:1", &Labels::empty()).unwrap();
            let scraper = Scraper::new(Arc::new(target), storage.clone());
            Self { storage, scraper, at_ms: 0 }
        }

        fn scrape(&mut self, body: Result<&str, &str>) -> Outcome {
            self.at_ms += 1_000;
            let page = body.map(|body| Page { body: body.as_bytes().to_vec(), content_type: None });
            let page = page.as_ref().map_err(|error| (*error).to_owned());
            self.scraper.append_page(page, Timestamp::from_ms(self.at_ms), 0.5).unwrap()
        }

        /// The values of a series, `~` for the stale marker.
        fn values(&self, name: &str) -> String {
            let matchers = [Matcher::equal(METRIC_NAME, name)];
            let select =
                Select { matchers: &matchers, range: TimeRange::ALL, step_ms: 0, function: "", samples_max: 1_000 };
            let shown = |value: &f64| if is_stale(*value) { "~".to_owned() } else { value.to_string() };
            let found = self.storage.select(&select).unwrap();
            let lines = found.iter().map(|series| {
                let values: Vec<String> = series.values.iter().map(shown).collect();
                format!("{} {}", series.labels, values.join(" "))
            });
            lines.collect::<Vec<_>>().join("; ")
        }
    }

    fn job() -> ScrapeConfig {
        ScrapeConfig { job_name: "j".to_owned(), ..ScrapeConfig::default() }
    }

    #[test]
    fn series_that_vanish_and_scrapes_that_fail_leave_markers() {
        let mut bench = Bench::new(&job());
        bench.scrape(Ok("a 1\nb 1\n"));
        bench.scrape(Ok("a 2\n"));
        bench.scrape(Err("connection refused"));
        bench.scrape(Ok("a 4\nb 4\n"));
        let failed = bench.scrape(Ok("a 5\nb x\n"));
        assert!(failed.error.unwrap().starts_with("line 2"));
        assert_eq!(bench.values("a"), r#"a{instance="h:1", job="j"} 1 2 ~ 4 ~"#);
        assert_eq!(bench.values("b"), r#"b{instance="h:1", job="j"} 1 ~ 4 ~"#);
        assert_eq!(bench.values("up"), r#"up{instance="h:1", job="j"} 1 1 0 1 0"#);
        assert_eq!(bench.values("scrape_series_added"), r#"scrape_series_added{instance="h:1", job="j"} 2 0 0 2 0"#);
    }

    #[test]
    fn a_target_that_is_gone_ends_its_series() {
        let mut bench = Bench::new(&job());
        bench.scrape(Ok("a 1\n"));
        bench.scraper.append_end(Timestamp::from_ms(9_000)).unwrap();
        assert_eq!(bench.values("a"), r#"a{instance="h:1", job="j"} 1 ~"#);
        assert_eq!(bench.values("up"), r#"up{instance="h:1", job="j"} 1 ~"#);
    }

    #[test]
    fn hidden_labels_are_exported_unless_honoured() {
        let page = "a{job=\"x\",exported_job=\"y\"} 1\n";
        let mut bench = Bench::new(&job());
        bench.scrape(Ok(page));
        assert_eq!(bench.values("a"), r#"a{exported_exported_job="x", exported_job="y", instance="h:1", job="j"} 1"#);
        let mut bench = Bench::new(&ScrapeConfig { honor_labels: true, ..job() });
        bench.scrape(Ok(page));
        assert_eq!(bench.values("a"), r#"a{exported_job="y", instance="h:1", job="x"} 1"#);
    }

    #[test]
    fn samples_with_moments_of_their_own_are_not_ended() {
        let mut bench = Bench::new(&job());
        bench.scrape(Ok("a 1 500\n"));
        bench.scrape(Ok("b 1\n"));
        assert_eq!(bench.values("a"), r#"a{instance="h:1", job="j"} 1"#);
        let mut bench = Bench::new(&ScrapeConfig { honor_timestamps: false, ..job() });
        bench.scrape(Ok("a 1 500\n"));
        bench.scrape(Ok(""));
        assert_eq!(bench.values("a"), r#"a{instance="h:1", job="j"} 1 ~"#);
    }

    #[test]
    fn limits_fail_the_whole_scrape() {
        let mut config = job();
        config.limits.samples_max = Some(1);
        let mut bench = Bench::new(&config);
        assert_eq!(bench.scrape(Ok("a 1\nb 2\n")).error.unwrap(), "sample limit exceeded");
        assert_eq!(bench.values("a"), "");
        let mut config = job();
        config.limits.label_value_bytes_max = Some(4);
        assert!(Bench::new(&config).scrape(Ok("a{x=\"12345\"} 1\n")).error.unwrap().contains("length: 5, limit: 4"));
    }

    #[test]
    fn the_model_server_s_page_arrives_whole() {
        let Some(path) = test_support::shared_data("expositions/vllm_0.33.0.txt") else { return };
        let page = std::fs::read_to_string(path).unwrap();
        let mut bench = Bench::new(&job());
        assert_eq!(bench.scrape(Ok(&page)), Outcome { error: None, samples: 361 });
        assert!(bench.values("vllm:num_requests_running").starts_with("vllm:num_requests_running{"));
    }
}
