//! Writes the entries of a record, and remembers what the file has said already.

use std::collections::HashMap;
use std::sync::Arc;

use model::{Exemplar, Histogram, Labels};

use super::chain::Chain;
use super::{
    ENTRY_EXEMPLARS, ENTRY_GROUP, ENTRY_HISTOGRAMS, ENTRY_SERIES, ENTRY_VALUES, KEYFRAME_EVERY, Moment, ROWS_AS_BEFORE,
    ROWS_LISTED, histogram,
};
use crate::bits::BitWriter;
use crate::bytes::{put_bytes, put_signed, put_varint};
use crate::registry::{Position, Registry};

/// What the present file has said.
#[derive(Debug, Default)]
pub(super) struct Encoder {
    /// By position; `None` for a series that the file has not defined.
    series: Vec<Option<Said>>,
    groups: HashMap<u32, GroupSaid>,
    /// Numbers of texts, from 1.
    texts: HashMap<Box<str>, u64>,
    histograms: HashMap<Position, (Arc<Histogram>, u32)>,
    codes: Vec<u8>,
    changed: Vec<u8>,
}

/// A series that is defined, and its value.
#[derive(Clone, Copy, Debug, Default)]
struct Said {
    chain: Option<Chain>,
    /// The group whose values the chain's newest was among. Another's stand in full, for a reader that lost a record may
    /// know the values of one group and not of the other.
    group: u32,
}

/// A group that is defined.
#[derive(Debug, Default)]
struct GroupSaid {
    /// The series of its last values.
    rows: Vec<Position>,
    /// Values since they were written in full.
    since_keyframe: u32,
}

impl Encoder {
    /// Forgets everything: a new file begins.
    pub(super) fn restart(&mut self) {
        self.series.clear();
        self.groups.clear();
        self.texts.clear();
        self.histograms.clear();
    }

    pub(super) fn put(&mut self, registry: &Registry, moment: &Moment, out: &mut Vec<u8>) {
        self.define(registry, moment, out);
        self.put_values(moment, &moment.rows, out);
        self.put_values(moment, &moment.late_rows, out);
        self.put_histograms(moment, &moment.histograms, out);
        self.put_histograms(moment, &moment.late_histograms, out);
        put_exemplars(&moment.exemplars, out);
    }

    fn put_values(&mut self, moment: &Moment, rows: &[(Position, f64)], out: &mut Vec<u8>) {
        if rows.is_empty() {
            return;
        }
        let group = self.groups.entry(moment.group).or_default();
        let as_before = group.rows.len() == rows.len() && group.rows.iter().zip(rows).all(|(a, (b, _))| a == b);
        let in_full = group.rows.is_empty() || KEYFRAME_EVERY <= group.since_keyframe;
        group.since_keyframe = if in_full { 1 } else { group.since_keyframe + 1 };
        out.push(ENTRY_VALUES);
        put_varint(out, u64::from(moment.group));
        put_signed(out, moment.at_ms);
        put_varint(out, rows.len() as u64);
        if as_before && !in_full {
            out.push(ROWS_AS_BEFORE);
        } else {
            group.rows.clear();
            group.rows.extend(rows.iter().map(|(series, _)| *series));
            out.push(ROWS_LISTED);
            let mut before = -1;
            for series in &group.rows {
                put_signed(out, i64::from(*series) - before - 1);
                before = i64::from(*series);
            }
        }
        self.codes.clear();
        self.changed.clear();
        self.changed.resize(rows.len().div_ceil(8), 0);
        let mut codes = BitWriter::new(&mut self.codes);
        for (place, (series, value)) in rows.iter().enumerate() {
            // Defined above.
            let Some(Some(said)) = self.series.get_mut(*series as usize) else { continue };
            let same_group = std::mem::replace(&mut said.group, moment.group) == moment.group;
            match &mut said.chain {
                Some(chain) if !in_full && same_group => {
                    if chain.bits == value.to_bits() {
                        continue;
                    }
                    chain.put(*value, &mut codes);
                }
                chain => *chain = Some(Chain::begin(*value, &mut codes)),
            }
            self.changed[place / 8] |= 1 << (place % 8);
        }
        codes.finish();
        out.extend_from_slice(&self.changed);
        put_bytes(out, &self.codes);
    }

    fn put_histograms(&mut self, moment: &Moment, rows: &[(Position, Arc<Histogram>)], out: &mut Vec<u8>) {
        if rows.is_empty() {
            return;
        }
        out.push(ENTRY_HISTOGRAMS);
        put_varint(out, u64::from(moment.group));
        put_signed(out, moment.at_ms);
        put_varint(out, rows.len() as u64);
        for (series, histogram) in rows {
            put_varint(out, u64::from(*series));
            let said = self.histograms.get(series);
            let since = said.map_or(KEYFRAME_EVERY, |(_, since)| *since);
            let before = said.map(|(before, _)| &**before).filter(|_| since < KEYFRAME_EVERY);
            let since = if before.is_some() { since + 1 } else { 1 };
            self.codes.clear();
            histogram::put(&mut self.codes, before, histogram);
            put_bytes(out, &self.codes);
            self.histograms.insert(*series, (Arc::clone(histogram), since));
        }
    }

    /// Defines what the moment speaks of and the file does not know.
    fn define(&mut self, registry: &Registry, moment: &Moment, out: &mut Vec<u8>) {
        self.define_group(registry, moment.group, out);
        let floats = moment.rows.iter().chain(&moment.late_rows).map(|(series, _)| *series);
        floats.for_each(|series| self.define_series(registry, series, out));
        let histograms = moment.histograms.iter().chain(&moment.late_histograms).map(|(series, _)| *series);
        histograms.for_each(|series| self.define_series(registry, series, out));
        moment.exemplars.iter().for_each(|(series, _)| self.define_series(registry, *series, out));
    }

    fn define_group(&mut self, registry: &Registry, group: u32, out: &mut Vec<u8>) {
        if self.groups.contains_key(&group) {
            return;
        }
        self.groups.insert(group, GroupSaid::default());
        out.push(ENTRY_GROUP);
        put_varint(out, u64::from(group));
        put_bytes(out, registry.group_key(group).unwrap_or_default().as_bytes());
    }

    fn define_series(&mut self, registry: &Registry, series: Position, out: &mut Vec<u8>) {
        let place = series as usize;
        if self.series.get(place).is_some_and(Option::is_some) {
            return;
        }
        if self.series.len() <= place {
            self.series.resize(place + 1, None);
        }
        self.series[place] = Some(Said::default());
        let Some(known) = registry.get(series) else { return };
        self.define_group(registry, known.group, out);
        out.push(ENTRY_SERIES);
        put_varint(out, u64::from(series));
        put_varint(out, u64::from(known.group));
        put_varint(out, known.labels.len() as u64);
        for (name, value) in &known.labels {
            self.put_term(name, out);
            self.put_term(value, out);
        }
    }

    fn put_term(&mut self, text: &str, out: &mut Vec<u8>) {
        if let Some(number) = self.texts.get(text) {
            put_varint(out, *number);
            return;
        }
        let number = self.texts.len() as u64 + 1;
        self.texts.insert(text.into(), number);
        put_varint(out, 0);
        put_varint(out, number);
        put_bytes(out, text.as_bytes());
    }
}

fn put_exemplars(rows: &[(Position, Exemplar)], out: &mut Vec<u8>) {
    if rows.is_empty() {
        return;
    }
    out.push(ENTRY_EXEMPLARS);
    put_varint(out, rows.len() as u64);
    for (series, exemplar) in rows {
        put_varint(out, u64::from(*series));
        put_signed(out, exemplar.at.as_ms());
        out.extend_from_slice(&exemplar.value.to_bits().to_le_bytes());
        put_labels(&exemplar.labels, out);
    }
}

fn put_labels(labels: &Labels, out: &mut Vec<u8>) {
    put_varint(out, labels.len() as u64);
    for (name, value) in labels {
        put_bytes(out, name.as_bytes());
        put_bytes(out, value.as_bytes());
    }
}
