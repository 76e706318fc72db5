//! A request on its way into the store, as one transaction.
//!
//! What it has is read once, as fast as can be. If a series turns out to have a moment twice, it is read again with a
//! look at every moment, because a batch has a series at most once. If the store refused something, it is read once more
//! to name the series in the answer.

use std::sync::Arc;

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;
use model::{Exemplar, Histogram, Labels, MetricType, Timestamp};
use storage::{AppendError, Batch, ExemplarRow, HistogramRow, Refusal, Rejected, Row, SeriesId};

use crate::error::{DecodeError, Refused, WriteError};
use crate::key;
use crate::known::{Place, Reader};
use crate::metadata::family;
use crate::writer::Shared;
use crate::{Batches, Written};

/// Prometheus' limit for what lies in the future (`maxAheadTime`), in milliseconds.
const AHEAD_MAX_MS: i64 = 10 * 60_000;
/// Refused samples whose series are named.
const NAMED_MAX: usize = 10;

/// A request on its way.
pub(crate) struct Request<'a> {
    shared: &'a Shared,
    reader: Option<Reader<'a>>,
    batches: &'a mut Batches,
    latest_ms: i64,
    pass: Pass,
    /// A series came twice, or its moments do not rise.
    unordered: bool,
    /// What was put into batches, less what the store refused.
    written: Written,
    /// The first samples that were refused.
    rejected: Vec<Rejected>,
    rejected_count: usize,
    refused: Refused,
    /// Series that nobody sent: what is refused of them is no sender's concern.
    made_up: hashbrown::HashSet<SeriesId>,
}

/// For what the request is being read.
enum Pass {
    /// To be stored.
    Fast,
    /// To be stored, with a look at each moment.
    Careful(HashMap<(SeriesId, i64), First>),
    /// To name series.
    Naming(HashMap<SeriesId, String>),
}

/// The first value of a series at a moment.
struct First {
    value: Value,
    /// How often it came again.
    repeats: usize,
}

/// A value of either kind.
#[derive(Clone)]
enum Value {
    Float(f64),
    Histogram(Arc<Histogram>),
}

/// A series and how many samples of it were read.
pub(crate) struct Cursor {
    place: Place,
    nth: usize,
    last_ms: i64,
}

/// Why a series has no place.
enum NoPlace {
    Labels(String),
    Append(AppendError),
}

impl<'a> Request<'a> {
    pub(crate) fn new(shared: &'a Shared, batches: &'a mut Batches, now: Timestamp) -> Self {
        batches.clear();
        Self {
            shared,
            reader: None,
            batches,
            latest_ms: now.as_ms().saturating_add(AHEAD_MAX_MS),
            pass: Pass::Fast,
            unordered: false,
            written: Written::default(),
            rejected: Vec::new(),
            rejected_count: 0,
            refused: Refused::default(),
            made_up: hashbrown::HashSet::new(),
        }
    }

    /// The series of a key; `None`, and noted as refused, if its labels cannot be. `count` says how much it has.
    pub(crate) fn series(&mut self, key: &[u8], count: impl FnOnce() -> usize) -> Result<Option<Cursor>, WriteError> {
        let shared = self.shared;
        let reader = self.reader.get_or_insert_with(|| shared.known.reader());
        let found = reader.place(key, || {
            let labels = key::series_labels(key).map_err(NoPlace::Labels)?;
            shared.place(&labels).map_err(NoPlace::Append)
        });
        let place = match found {
            Ok(place) => place,
            Err(NoPlace::Labels(reason)) => {
                self.refuse(count(), || reason);
                return Ok(None);
            }
            Err(NoPlace::Append(full @ AppendError::TooManySeries { .. })) => {
                self.refuse(count(), || format!("{full}: series {}", key::shown_key(key)));
                return Ok(None);
            }
            Err(NoPlace::Append(error)) => return Err(error.into()),
        };
        match &mut self.pass {
            Pass::Fast => self.unordered |= !self.batches.seen.insert(place.series),
            Pass::Careful(_) => {}
            Pass::Naming(names) => {
                if let Some(name) = names.get_mut(&place.series).filter(|name| name.is_empty()) {
                    *name = key::shown_key(key);
                }
            }
        }
        Ok(Some(Cursor { place, nth: 0, last_ms: i64::MIN }))
    }

    /// Adds a value.
    pub(crate) fn float(&mut self, cursor: &mut Cursor, at_ms: i64, value: f64) -> Result<(), DecodeError> {
        let series = cursor.place.series;
        if self.takes(cursor, at_ms, || Value::Float(value)) {
            self.batches.at(cursor.place.group, at_ms, cursor.nth)?.rows.push(Row { series, value });
            cursor.nth += 1;
            self.written.samples += 1;
        }
        Ok(())
    }

    /// Adds a histogram.
    pub(crate) fn histogram(&mut self, cursor: &mut Cursor, at_ms: i64, value: Histogram) -> Result<(), DecodeError> {
        let (series, value) = (cursor.place.series, Arc::new(value));
        if self.takes(cursor, at_ms, || Value::Histogram(Arc::clone(&value))) {
            self.batches.at(cursor.place.group, at_ms, cursor.nth)?.histograms.push(HistogramRow { series, value });
            cursor.nth += 1;
            self.written.histograms += 1;
        }
        Ok(())
    }

    /// Adds an exemplar.
    pub(crate) fn exemplar(&mut self, cursor: &Cursor, exemplar: Exemplar) -> Result<(), DecodeError> {
        if !matches!(self.pass, Pass::Naming(_)) {
            let series = cursor.place.series;
            let batch = self.batches.any(cursor.place.group, exemplar.at.as_ms())?;
            batch.exemplars.push(ExemplarRow { series, exemplar });
        }
        Ok(())
    }

    /// Keeps what is said of the metric of a series. Nothing is done if that is no news.
    pub(crate) fn describe_series(&mut self, key: &[u8], kind: MetricType, help: &[u8], unit: &[u8]) {
        let Some(reader) = &self.reader else { return };
        if reader.is_news(key, &[kind.as_str().as_bytes(), help, unit]) {
            let pairs = key::pairs(key).unwrap_or_default();
            let name = pairs.iter().find(|(name, _)| *name == model::METRIC_NAME.as_bytes());
            self.describe(family(name.map_or(b"", |(_, value)| value), kind), kind, help, unit);
        }
    }

    /// Keeps what is said of a metric.
    pub(crate) fn describe(&self, name: &[u8], kind: MetricType, help: &[u8], unit: &[u8]) {
        self.shared.described.put(name, kind, help, unit);
    }

    /// Notes that something cannot be stored.
    pub(crate) fn refuse(&mut self, count: usize, reason: impl FnOnce() -> String) {
        if !matches!(self.pass, Pass::Naming(_)) {
            self.refused.note(count.max(1), reason);
        }
    }

    /// Whether a value is to be put into a batch.
    fn takes(&mut self, cursor: &mut Cursor, at_ms: i64, value: impl FnOnce() -> Value) -> bool {
        let series = cursor.place.series;
        let first = match &mut self.pass {
            Pass::Naming(_) => return false,
            Pass::Fast => {
                self.unordered |= at_ms <= cursor.last_ms && 0 < cursor.nth;
                cursor.last_ms = at_ms;
                if self.unordered {
                    return false; // it is read again
                }
                None
            }
            Pass::Careful(firsts) => match firsts.entry((series, at_ms)) {
                Entry::Vacant(room) => {
                    room.insert(First { value: value(), repeats: 0 });
                    None
                }
                Entry::Occupied(first) => Some((first.into_mut(), value())),
            },
        };
        let reason = match first {
            _ if self.latest_ms < at_ms => Refusal::TooNew,
            None => return true,
            Some((first, again)) if first.value.is_same(&again) => {
                first.repeats += 1;
                *again.count_in(&mut self.written) += 1;
                return false;
            }
            Some(_) => Refusal::Duplicate,
        };
        self.reject(Rejected { series, at: Timestamp::from_ms(at_ms), reason }, 1);
        false
    }

    /// Says that a series was made up from others.
    pub(crate) fn make_up(&mut self, cursor: &Cursor) {
        self.made_up.insert(cursor.place.series);
    }

    fn reject(&mut self, rejected: Rejected, count: usize) {
        if self.made_up.contains(&rejected.series) {
            return;
        }
        self.rejected_count += count;
        if self.rejected.len() < NAMED_MAX {
            self.rejected.push(rejected);
        }
    }

    /// Whether it has to be read again with care; everything is as at the start then.
    pub(crate) fn wants_care(&mut self) -> bool {
        if self.unordered {
            self.unordered = false;
            self.pass = Pass::Careful(HashMap::new());
            self.batches.clear();
            self.written = Written::default();
            self.rejected.clear();
            self.rejected_count = 0;
            self.refused.clear();
            return true;
        }
        false
    }

    /// Appends what was read.
    pub(crate) fn append(&mut self) -> Result<(), AppendError> {
        self.reader = None; // the store may take its time
        let batches = self.batches.sorted();
        if batches.is_empty() {
            return Ok(());
        }
        let appended = self.shared.appender.append(batches)?;
        self.written.exemplars = appended.exemplars;
        let histograms = rejected_histograms(batches, &appended.rejected);
        self.written.histograms -= histograms;
        self.written.samples -= appended.rejected.len() - histograms;
        for rejected in appended.rejected {
            let mut count = 1;
            if let Pass::Careful(firsts) = &self.pass
                && let Some(first) = firsts.get(&(rejected.series, rejected.at.as_ms()))
            {
                count += first.repeats;
                *first.value.count_in(&mut self.written) -= first.repeats;
            }
            self.reject(rejected, count);
        }
        Ok(())
    }

    /// Whether it has to be read once more to name series.
    pub(crate) fn wants_names(&mut self) -> bool {
        if self.rejected.is_empty() || !self.refused.wants_more() {
            return false;
        }
        self.pass = Pass::Naming(self.rejected.iter().map(|rejected| (rejected.series, String::new())).collect());
        true
    }

    /// What became of it.
    pub(crate) fn finish(mut self) -> Result<Written, WriteError> {
        let names = match &self.pass {
            Pass::Naming(names) => names,
            Pass::Fast | Pass::Careful(_) => &HashMap::new(),
        };
        for Rejected { series, at, reason } in &self.rejected {
            let name = names.get(series).map(String::as_str).unwrap_or_default();
            self.refused.note(1, || format!("{reason} for series {name} at {} ms", at.as_ms()));
        }
        self.refused.count += self.rejected_count - self.rejected.len();
        if self.refused.is_empty() {
            Ok(self.written)
        } else {
            Err(WriteError::Refused { written: self.written, refused: self.refused })
        }
    }
}

impl Value {
    /// By bits, as a store sees it.
    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Float(a), Self::Float(b)) => a.to_bits() == b.to_bits(),
            (Self::Histogram(a), Self::Histogram(b)) => a == b,
            _ => false,
        }
    }

    const fn count_in<'a>(&self, written: &'a mut Written) -> &'a mut usize {
        match self {
            Self::Float(_) => &mut written.samples,
            Self::Histogram(_) => &mut written.histograms,
        }
    }
}

/// How many of the refused rows are histograms. They come in the order of the batches, histograms behind values.
fn rejected_histograms(batches: &[Batch], rejected: &[Rejected]) -> usize {
    let mut rest = rejected.iter().peekable();
    let mut histograms = 0;
    for batch in batches {
        if rest.peek().is_none() {
            break;
        }
        for row in &batch.rows {
            rest.next_if(|next| next.series == row.series && next.at == batch.at);
        }
        for row in &batch.histograms {
            histograms += usize::from(rest.next_if(|next| next.series == row.series && next.at == batch.at).is_some());
        }
    }
    histograms
}

impl Shared {
    /// Asks the store for a series' place. Series of the same target are grouped, as a scrape of it would have grouped
    /// them.
    fn place(&self, labels: &Labels) -> Result<Place, AppendError> {
        let of = |name| labels.get(name).unwrap_or_default();
        let group = self.appender.group(&format!("write {:?} {:?}", of("job"), of("instance")));
        Ok(Place { group, series: self.appender.series_id(group, labels)? })
    }
}
