//! What must hold of every page, whatever its bytes.

pub mod pushed;

use exposition::{Entry, Format, Options, Parser, labels_of, write_text};
use model::{Family, MetricType};

/// Series that are tried at each line though they need not be the line's.
const TRIED_MAX: usize = 8;

/// Reads a page the slow way, and then again by what was learned.
///
/// # Panics
/// The two differ.
pub fn check(format: Format, body: &[u8], options: Options) {
    let mut slow = Parser::with_options(format, body, options);
    let mut fast = slow.clone();
    let mut tried: Vec<Vec<u8>> = Vec::new();
    while let Some(entry) = slow.next() {
        let line = slow.last_line();
        match &entry {
            Ok(Entry::Series { raw, value, timestamp_ms }) => {
                for other in &tried {
                    if fast.clone().next_known(other).is_some() {
                        assert_eq!(**other, **raw, "a series was taken for another");
                    }
                }
                match fast.next_known(raw) {
                    Some(known) => assert_eq!((known.0.to_bits(), known.1), (value.to_bits(), *timestamp_ms)),
                    None => drop(fast.next()),
                }
                assert_eq!(slow.take_exemplar().is_some(), fast.take_exemplar().is_some());
                round_trip(raw, slow.kind(), *value);
                if tried.len() < TRIED_MAX {
                    tried.push(raw.to_vec());
                }
            }
            Ok(Entry::Histogram { raw, value, .. }) => {
                // No labels are no fault of the parser's.
                let _labels = labels_of(raw, slow.kind());
                assert!(value.check().is_ok(), "{value:?}");
                drop(fast.next());
                while slow.take_exemplar().is_some() {}
            }
            Ok(said) => {
                let kind = if let Entry::Type { kind, .. } = said { Some(*kind) } else { None };
                let skipped = line.is_some_and(|line| fast.skip_known(line, kind));
                if !skipped {
                    drop(fast.next());
                }
                assert_eq!((slow.kind(), slow.family()), (fast.kind(), fast.family()));
            }
            Err(error) => {
                let again = fast.next().map(|entry| entry.map_err(|error| error.to_string()));
                assert_eq!(again, Some(Err(error.to_string())));
                return;
            }
        }
        assert_eq!(slow.line(), fast.line());
    }
    assert!(fast.next().is_none());
}

/// What can be read can be written, and is read back.
fn round_trip(raw: &[u8], kind: MetricType, value: f64) {
    let Ok(labels) = labels_of(raw, kind) else { return };
    let mut family = Family::new(labels.metric_name(), "", MetricType::Gauge);
    if family.name.is_empty() {
        return;
    }
    family.samples.push((labels, value));
    let text = write_text(std::slice::from_ref(&family));
    let read: Vec<_> = Parser::new(text.as_bytes())
        .filter_map(|entry| match entry {
            Ok(Entry::Series { raw, value, .. }) => Some((labels_of(&raw, MetricType::Gauge), value)),
            Ok(_) => None,
            Err(error) => panic!("{error}: {text}"),
        })
        .collect();
    let [(Ok(labels), read)] = &read[..] else { panic!("{read:?}: {text}") };
    assert_eq!(*labels, family.samples[0].0, "{text}");
    assert!(*read == value || (read.is_nan() && value.is_nan()), "{text}");
}
