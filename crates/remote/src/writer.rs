//! Stores what a sender writes, as one transaction a request.

use std::collections::HashMap;
use std::sync::Arc;

use model::{Labels, Timestamp};
use parking_lot::Mutex;
use storage::{AppendError, Appender, Batch, GroupId, Row, SeriesId};
use thiserror::Error;

use crate::decode::{DecodeError, FieldValue, Fields, decompress, labels};

/// Label sets that are known by their bytes; when there are more, all are learnt anew.
const KNOWN_SERIES_MAX: usize = 500_000;
/// Buffers that are kept for the next requests.
const BUFFERS_MAX: usize = 4;

/// Series by the bytes of their labels.
type Known = HashMap<Box<[u8]>, (GroupId, SeriesId)>;

/// Takes remote write requests.
pub struct Writer {
    appender: Arc<dyn Appender>,
    known: Mutex<Known>,
    buffers: Mutex<Vec<Vec<u8>>>,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Samples that are now in the store.
    pub samples: usize,
    /// Native histograms and exemplars, which are not stored yet.
    pub skipped: usize,
}

/// Why a request was not stored, or not whole.
#[derive(Debug, Error)]
pub enum WriteError {
    /// The sender must not send it again: it is damaged.
    #[error(transparent)]
    BadData(#[from] DecodeError),
    /// The sender must not send it again: some samples were refused. The others are stored.
    #[error("{reason} ({count} samples; the first is of {at_ms} ms)")]
    Refused {
        /// Why the first was refused.
        reason: storage::Refusal,
        /// Its moment.
        at_ms: i64,
        /// How many were refused.
        count: usize,
    },
    /// The sender may try again later.
    #[error(transparent)]
    Append(#[from] AppendError),
}

/// Batches in the making: a request has the same few moments again and again, in the same order.
#[derive(Default)]
struct Batches {
    batches: Vec<Batch>,
    by_moment: HashMap<(GroupId, i64), usize>,
}

impl Batches {
    /// Adds a sample; `nth` is its place among its series' samples, where the same moment is likely to stand.
    fn add(&mut self, group: GroupId, at_ms: i64, nth: usize, row: Row) {
        let is_it = |batch: &Batch| batch.group == group && batch.at.as_ms() == at_ms;
        if let Some(batch) = self.batches.get_mut(nth).filter(|batch| is_it(batch)) {
            batch.rows.push(row);
            return;
        }
        let next = self.batches.len();
        let position = *self.by_moment.entry((group, at_ms)).or_insert(next);
        if position == next {
            self.batches.push(Batch::of_rows(group, Timestamp::from_ms(at_ms), Vec::new()));
        }
        self.batches[position].rows.push(row);
    }
}

impl Writer {
    /// A writer into a store.
    pub fn new(appender: Arc<dyn Appender>) -> Self {
        Self { appender, known: Mutex::default(), buffers: Mutex::default() }
    }

    /// Stores a request's body, snappy-compressed. May block for as long as the store takes.
    ///
    /// # Errors
    /// It is damaged, was refused in part, or the store failed.
    pub fn write(&self, body: &[u8]) -> Result<Written, WriteError> {
        let mut buffer = self.buffers.lock().pop().unwrap_or_default();
        let written = decompress(body, &mut buffer).map_err(WriteError::from).and_then(|message| self.store(message));
        let mut buffers = self.buffers.lock();
        if buffers.len() < BUFFERS_MAX {
            buffers.push(buffer);
        }
        written
    }

    fn store(&self, message: &[u8]) -> Result<Written, WriteError> {
        let mut batches = Batches::default();
        let mut written = Written::default();
        let mut fields = Fields::new(message);
        while let Some(field) = fields.next()? {
            if let (1, FieldValue::Bytes(series)) = (field.number, field.value) {
                written.skipped += self.read_series(series, &mut batches)?;
            }
        }
        let mut batches = batches.batches;
        batches.sort_by_key(|batch| batch.at);
        let appended = self.appender.append(&batches)?;
        written.samples = appended.stored;
        match appended.rejected.first() {
            None => Ok(written),
            Some(first) => Err(WriteError::Refused {
                reason: first.reason,
                at_ms: first.at.as_ms(),
                count: appended.rejected.len(),
            }),
        }
    }

    /// Reads a `TimeSeries`; how many of its values cannot be stored.
    fn read_series(&self, message: &[u8], batches: &mut Batches) -> Result<usize, WriteError> {
        let mut fields = Fields::new(message);
        let (group, series) = self.identify(message, &mut fields)?;
        let (mut nth, mut skipped) = (0, 0);
        while let Some(field) = fields.next()? {
            match (field.number, field.value) {
                (2, FieldValue::Bytes(sample)) => {
                    let (at_ms, value) = read_sample(sample)?;
                    batches.add(group, at_ms, nth, Row { series, value });
                    nth += 1;
                }
                (3 | 4, _) => skipped += 1,
                (1, _) => return Err(DecodeError::Protobuf("labels after samples").into()),
                _ => {}
            }
        }
        Ok(skipped)
    }

    /// Walks past the labels and finds out whose they are.
    fn identify<'a>(&self, message: &'a [u8], fields: &mut Fields<'a>) -> Result<(GroupId, SeriesId), WriteError> {
        let mut ahead = Fields::new(message);
        let mut parts = 0;
        let mut labels_end = 0;
        loop {
            match ahead.next()? {
                Some(field) if field.number == 1 => {
                    parts += 1;
                    labels_end = message.len() - ahead.rest.len();
                }
                _ => break,
            }
        }
        let raw = &message[..labels_end];
        fields.rest = &message[labels_end..];
        if let Some(known) = self.known.lock().get(raw) {
            return Ok(*known);
        }
        let mut messages = Vec::with_capacity(parts);
        let mut again = Fields::new(raw);
        while let Some(field) = again.next()? {
            if let FieldValue::Bytes(label) = field.value {
                messages.push(label);
            }
        }
        let labels = labels(&messages)?;
        let group = self.appender.group(&group_key(&labels));
        let series = self.appender.series_id(group, &labels)?;
        let mut known = self.known.lock();
        if KNOWN_SERIES_MAX <= known.len() {
            known.clear();
        }
        known.insert(raw.into(), (group, series));
        Ok((group, series))
    }
}

/// Series of the same target are grouped, as a scrape of it would have grouped them.
fn group_key(labels: &Labels) -> String {
    let of = |name| labels.get(name).unwrap_or_default();
    format!("write {:?} {:?}", of("job"), of("instance"))
}

fn read_sample(message: &[u8]) -> Result<(i64, f64), DecodeError> {
    let (mut at_ms, mut value) = (0, 0.0);
    let mut fields = Fields::new(message);
    while let Some(field) = fields.next()? {
        match (field.number, field.value) {
            (1, FieldValue::Fixed64(bits)) => value = f64::from_bits(bits),
            (2, FieldValue::Varint(ms)) => at_ms = ms.cast_signed(),
            _ => {}
        }
    }
    Ok((at_ms, value))
}

#[cfg(test)]
mod tests {
    use model::{Matcher, TimeRange};
    use proptest::prelude::*;
    use storage::{MemoryStorage, Queryable, Select};

    use super::*;

    /// Encodes as a sender does; independent of the decoder.
    fn field(number: u8, payload: &[u8]) -> Vec<u8> {
        let mut out = vec![number << 3 | 2];
        let mut length = payload.len();
        while 127 < length {
            out.push((length & 127) as u8 | 128);
            length >>= 7;
        }
        out.push(length as u8);
        out.extend_from_slice(payload);
        out
    }

    fn varint(mut value: u64) -> Vec<u8> {
        let mut out = Vec::new();
        while 127 < value {
            out.push((value & 127) as u8 | 128);
            value >>= 7;
        }
        out.push(value as u8);
        out
    }

    fn series(labels: &[(&str, &str)], samples: &[(i64, f64)]) -> Vec<u8> {
        let mut message = Vec::new();
        for (name, value) in labels {
            let label = [field(1, name.as_bytes()), field(2, value.as_bytes())].concat();
            message.extend(field(1, &label));
        }
        for (at_ms, value) in samples {
            let sample =
                [vec![1 << 3 | 1], value.to_le_bytes().to_vec(), vec![2 << 3], varint(at_ms.cast_unsigned())].concat();
            message.extend(field(2, &sample));
        }
        field(1, &message)
    }

    fn body(series: &[Vec<u8>]) -> Vec<u8> {
        snap::raw::Encoder::new().compress_vec(&series.concat()).unwrap()
    }

    #[test]
    fn samples_arrive_under_their_labels() {
        let storage = Arc::new(MemoryStorage::new());
        let writer = Writer::new(storage.clone());
        let a = [("__name__", "m"), ("instance", "1"), ("job", "j")];
        let b = [("__name__", "m"), ("instance", "2"), ("job", "j")];
        let request = body(&[series(&a, &[(-5, 1.0), (10, f64::NAN)]), series(&b, &[(10, model::STALE_NAN)])]);
        assert_eq!(writer.write(&request).unwrap(), Written { samples: 3, skipped: 0 });
        assert_eq!(writer.write(&body(&[series(&a, &[(20, 2.0)])])).unwrap().samples, 1);
        let matchers = [Matcher::equal("__name__", "m")];
        let select = Select { matchers: &matchers, range: TimeRange::ALL, step_ms: 0, function: "", samples_max: 99 };
        let found = storage.select(&select).unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!(&found[0].timestamps_ms[..], &[-5, 10, 20]);
        assert!(model::is_stale(found[1].values[0]));
        let refused = writer.write(&body(&[series(&a, &[(15, 2.0)])])).unwrap_err();
        assert_eq!(refused.to_string(), "out of order sample (1 samples; the first is of 15 ms)");
    }

    #[test]
    fn damaged_requests_are_explained() {
        let writer = Writer::new(Arc::new(MemoryStorage::new()));
        for (body, expected) in [
            (vec![3, 0xff, 0xff], "snappy"),
            (snap::raw::Encoder::new().compress_vec(b"\x0a\x05\x0a").unwrap(), "protobuf: a field is cut off"),
            (body(&[series(&[("a", "b")], &[])]), "no metric name"),
            (body(&[series(&[("__name__", "m"), ("a", "b"), ("a", "c")], &[])]), "stands twice"),
        ] {
            let error = writer.write(&body).unwrap_err();
            assert!(matches!(error, WriteError::BadData(_)) && error.to_string().contains(expected), "{error}");
        }
    }

    #[test]
    fn a_body_that_claims_to_be_huge_takes_no_memory() {
        let writer = Writer::new(Arc::new(MemoryStorage::new()));
        let error = writer.write(&varint(4_000_000_000)).unwrap_err();
        assert!(error.to_string().contains("4000000000"), "{error}");
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(message in prop::collection::vec(any::<u8>(), 0..200)) {
            let writer = Writer::new(Arc::new(MemoryStorage::new()));
            let _outcome = writer.write(&snap::raw::Encoder::new().compress_vec(&message).unwrap());
            let _outcome = writer.write(&message);
        }
    }
}
