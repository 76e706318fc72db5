//! Remote write 2.0 (prometheus/prompb/io/prometheus/write/v2/types.proto): texts stand once in a table of symbols.

use model::{Exemplar, MetricType, Timestamp};

use crate::error::WriteError;
use crate::key;
use crate::request::{Cursor, Request};
use crate::v1::{read_histogram, read_sample};
use protobuf::{Damaged, Fields, Value, repeated};

/// Reads a `Request`.
pub(crate) fn read(message: &[u8], request: &mut Request<'_>) -> Result<(), WriteError> {
    let mut reader = Reader { symbols: Vec::new(), key: Vec::new(), refs: Vec::new() };
    let mut fields = Fields::new(message);
    let mut is_table_over = false;
    while let Some(field) = fields.next()? {
        match (field.number, field.value) {
            // Every encoder writes fields in the order of their numbers.
            (4, _) if is_table_over => return Err(Damaged("symbols after series").into()),
            (4, Value::Bytes(symbol)) => reader.symbols.push(symbol),
            (5, Value::Bytes(series)) => {
                is_table_over = true;
                reader.read_series(series, request)?;
            }
            _ => {}
        }
    }
    Ok(())
}

struct Reader<'a> {
    symbols: Vec<&'a [u8]>,
    key: Vec<u8>,
    refs: Vec<u64>,
}

/// What a `TimeSeries` has, and where.
#[derive(Default)]
struct Counts {
    samples: usize,
    histograms: usize,
    exemplars: usize,
}

impl Reader<'_> {
    /// Reads a `TimeSeries`.
    fn read_series(&mut self, message: &[u8], request: &mut Request<'_>) -> Result<(), WriteError> {
        let mut counts = Counts::default();
        let mut metadata = None;
        self.refs.clear();
        let mut fields = Fields::new(message);
        while let Some(field) = fields.next()? {
            match (field.number, field.value) {
                (1, refs) => repeated(refs, &mut self.refs, |number| number)?,
                (2, _) => counts.samples += 1,
                (3, _) => counts.histograms += 1,
                (4, _) => counts.exemplars += 1,
                (5, Value::Bytes(message)) => metadata = Some(message),
                _ => {}
            }
        }
        let many = counts.samples + counts.histograms;
        if let Err(reason) = self.resolve() {
            request.refuse(many, || format!("parsing labels for series {:?}: {reason}", self.refs));
            return Ok(());
        }
        let Some(mut cursor) = request.series(&self.key, || many)? else { return Ok(()) };
        if many + counts.exemplars == 0 {
            request.refuse(1, || {
                let series = key::shown_key(&self.key);
                format!("TimeSeries must contain at least one sample or histogram for series {series}")
            });
            return Ok(());
        }
        if 0 < counts.samples && 0 < counts.histograms {
            request.refuse(many, || {
                let series = key::shown_key(&self.key);
                format!("TimeSeries must contain either samples or histograms for series {series} not both")
            });
            return Ok(());
        }
        if let Some(metadata) = metadata {
            self.read_metadata(metadata, request)?;
        }
        let mut fields = Fields::new(message);
        while let Some(field) = fields.next()? {
            match (field.number, field.value) {
                (2, Value::Bytes(sample)) => {
                    let (at_ms, value) = read_sample(sample)?;
                    request.float(&mut cursor, at_ms, value)?;
                }
                (3, Value::Bytes(message)) => read_histogram(message, &self.key, &mut cursor, request)?,
                (4, Value::Bytes(exemplar)) => self.read_exemplar(exemplar, &cursor, request)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// Makes a key of the references.
    fn resolve(&mut self) -> Result<(), String> {
        resolve(&self.symbols, &self.refs, &mut self.key)
    }

    /// Reads an `Exemplar`.
    fn read_exemplar(&self, message: &[u8], cursor: &Cursor, request: &mut Request<'_>) -> Result<(), WriteError> {
        let (mut refs, mut key) = (Vec::new(), Vec::new());
        let (mut value, mut at_ms) = (0.0, 0);
        let mut fields = Fields::new(message);
        while let Some(field) = fields.next()? {
            match field.number {
                1 => repeated(field.value, &mut refs, |number| number)?,
                2 => value = field.value.double(),
                3 => at_ms = field.value.int(),
                _ => {}
            }
        }
        match resolve(&self.symbols, &refs, &mut key) {
            Ok(()) => {
                if let Some(labels) = key::exemplar_labels(&key) {
                    request.exemplar(cursor, Exemplar { labels, value, at: Timestamp::from_ms(at_ms) })?;
                }
            }
            Err(reason) => {
                request.refuse(1, || format!("parsing exemplar for series {}: {reason}", key::shown_key(&self.key)))
            }
        }
        Ok(())
    }

    /// Reads a `Metadata`.
    fn read_metadata(&self, message: &[u8], request: &mut Request<'_>) -> Result<(), Damaged> {
        let (mut kind, mut help, mut unit) = (MetricType::Unknown, 0, 0);
        let mut fields = Fields::new(message);
        while let Some(field) = fields.next()? {
            match field.number {
                1 => kind = metric_type(field.value.int()),
                3 => help = field.value.int().cast_unsigned(),
                4 => unit = field.value.int().cast_unsigned(),
                _ => {}
            }
        }
        if let (Some(help), Some(unit)) = (symbol(&self.symbols, help), symbol(&self.symbols, unit)) {
            request.describe_series(&self.key, kind, help, unit);
        }
        Ok(())
    }
}

/// Makes a key of references to names and values in turn.
fn resolve(symbols: &[&[u8]], refs: &[u64], key: &mut Vec<u8>) -> Result<(), String> {
    key.clear();
    let (pairs, rest) = refs.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(format!("invalid labelRefs length {}", refs.len()));
    }
    for pair in pairs {
        let [name, value] = pair.map(|reference| symbol(symbols, reference));
        let (Some(name), Some(value)) = (name, value) else {
            let [name, value] = pair;
            let count = symbols.len();
            return Err(format!("labelRefs {name} (name) = {value} (value) outside of symbols table (size {count})"));
        };
        key::push(key, name, value);
    }
    Ok(())
}

fn symbol<'a>(symbols: &[&'a [u8]], reference: u64) -> Option<&'a [u8]> {
    symbols.get(usize::try_from(reference).ok()?).copied()
}

/// `Metadata.MetricType`, whose numbers are not those of 1.0.
const fn metric_type(number: i64) -> MetricType {
    match number {
        1 => MetricType::Counter,
        2 => MetricType::Gauge,
        3 => MetricType::Histogram,
        4 => MetricType::GaugeHistogram,
        5 => MetricType::Summary,
        6 => MetricType::Info,
        7 => MetricType::StateSet,
        _ => MetricType::Unknown,
    }
}
