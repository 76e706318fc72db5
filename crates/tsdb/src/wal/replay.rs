//! Reads a file of the log back, record by record, with no more in memory than one record and what the file defines.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, Read as _};
use std::path::Path;
use std::sync::Arc;

use model::{Exemplar, Histogram, Labels, Timestamp};

use super::chain::Chain;
use super::{
    ENTRY_EXEMPLARS, ENTRY_FLOATS, ENTRY_GROUP, ENTRY_HISTOGRAMS, ENTRY_SERIES, ENTRY_SERIES_SPELLED, ENTRY_VALUES,
    KIND_TRANSACTION, MAGIC, Moment, RECORD_BYTES_MAX, ROWS_AS_BEFORE, ROWS_LISTED, Replayed, histogram,
};
use crate::bits::BitReader;
use crate::bytes::Reader;
use crate::registry::{Position, Registry};

/// An id that no file has: more series than there may be.
const ID_MAX: usize = 1 << 28;

/// Replays a file; its sound length. The end of the last file may be torn: it is cut. Elsewhere a bad record is skipped.
pub(super) fn file(
    path: &Path,
    is_last: bool,
    replayed: &mut Replayed,
    registry: &mut Registry,
    mut take: impl FnMut(&mut Registry, &Moment),
) -> io::Result<u64> {
    let file = File::open(path)?;
    let total = file.metadata()?.len();
    let mut input = BufReader::with_capacity(1 << 16, file);
    let mut magic = [0; MAGIC.len()];
    let mut at = MAGIC.len() as u64;
    if total < at || input.read_exact(&mut magic).is_err() || magic != *MAGIC {
        replayed.bad_records += usize::from(0 < total);
        replayed.torn_bytes += if is_last { total } else { 0 };
        return Ok(total);
    }
    let mut decoder = Decoder::default();
    let mut payload = Vec::new();
    while at < total {
        let mut head = [0; 8];
        let whole = at + 8 <= total && input.read_exact(&mut head).is_ok();
        let [l0, l1, l2, l3, c0, c1, c2, c3] = head;
        let length = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
        let crc = u32::from_le_bytes([c0, c1, c2, c3]);
        if !whole || RECORD_BYTES_MAX < length || total < at + 8 + length as u64 {
            // The length cannot be believed, so nothing behind it can be found.
            if is_last {
                replayed.torn_bytes += total - at;
                OpenOptions::new().write(true).open(path)?.set_len(at)?;
            } else {
                replayed.bad_records += 1;
            }
            return Ok(at);
        }
        payload.resize(length, 0);
        input.read_exact(&mut payload)?;
        let end = at + 8 + length as u64;
        let sound = crc32c::crc32c(&payload) == crc && decoder.read(&payload, registry).is_some();
        if sound {
            replayed.records += 1;
            replayed.unknown_rows += std::mem::take(&mut decoder.unknown_rows);
            decoder.moments[..decoder.used].iter().for_each(|moment| take(registry, moment));
        } else if is_last && end == total {
            replayed.torn_bytes += total - at;
            OpenOptions::new().write(true).open(path)?.set_len(at)?;
            return Ok(at);
        } else {
            replayed.bad_records += 1;
            decoder.doubt();
        }
        at = end;
    }
    Ok(at)
}

/// What a file has said so far.
#[derive(Default)]
struct Decoder {
    groups: HashMap<u64, Group>,
    /// By the file's id.
    series: Vec<Option<Series>>,
    texts: HashMap<u64, Box<str>>,
    /// The record's moments: the first `used`; the others are kept for their memory.
    moments: Vec<Moment>,
    used: usize,
    unknown_rows: usize,
}

struct Group {
    position: u32,
    /// The ids of its last values, if they are known.
    rows: Option<Vec<usize>>,
}

#[derive(Default)]
struct Series {
    /// `None` if the record that defined it was lost.
    position: Option<Position>,
    chain: Option<Chain>,
    histogram: Option<Arc<Histogram>>,
}

impl Decoder {
    /// A record was lost: what is told by what changed since is not to be believed.
    fn doubt(&mut self) {
        // Order does not matter: each is treated alike.
        self.groups.iter_mut().for_each(|(_, group)| group.rows = None);
        for series in self.series.iter_mut().flatten() {
            series.chain = None;
            series.histogram = None;
        }
    }

    /// Reads a payload into `moments`; `None` if it is not what its checksum promised.
    fn read(&mut self, payload: &[u8], registry: &mut Registry) -> Option<()> {
        self.used = 0;
        self.unknown_rows = 0;
        let mut reader = Reader::new(payload);
        if reader.byte()? != KIND_TRANSACTION {
            return None;
        }
        while !reader.rest.is_empty() {
            match reader.byte()? {
                ENTRY_GROUP => {
                    let id = reader.varint()?;
                    let position = registry.group(reader.text()?);
                    self.groups.insert(id, Group { position, rows: None });
                }
                ENTRY_SERIES_SPELLED => self.read_series(&mut reader, registry, false)?,
                ENTRY_SERIES => self.read_series(&mut reader, registry, true)?,
                ENTRY_FLOATS => self.read_floats(&mut reader, registry)?,
                ENTRY_VALUES => self.read_values(&mut reader, registry)?,
                ENTRY_HISTOGRAMS => self.read_histograms(&mut reader, registry)?,
                ENTRY_EXEMPLARS => self.read_exemplars(&mut reader)?,
                _ => return None,
            }
        }
        Some(())
    }

    /// The next moment of the record, empty.
    fn moment(&mut self, group: u32, at_ms: i64) -> &mut Moment {
        if self.used == self.moments.len() {
            self.moments.push(Moment::default());
        }
        self.used += 1;
        let moment = &mut self.moments[self.used - 1];
        moment.begin(group, at_ms);
        moment
    }

    fn group(&self, id: u64, registry: &mut Registry) -> u32 {
        self.groups.get(&id).map_or_else(|| registry.group(""), |group| group.position)
    }

    fn read_series(&mut self, reader: &mut Reader<'_>, registry: &mut Registry, by_terms: bool) -> Option<()> {
        let id = usize::try_from(reader.varint()?).ok().filter(|id| *id < ID_MAX)?;
        let group = self.group(reader.varint()?, registry);
        let count = reader.count()?;
        let mut pairs: Vec<(Box<str>, Box<str>)> = Vec::with_capacity(count);
        let mut known = true;
        for _ in 0..count {
            let mut text = || {
                if !by_terms {
                    return Some(reader.text()?.into());
                }
                match reader.varint()? {
                    0 => {
                        let number = reader.varint()?;
                        let text: Box<str> = reader.text()?.into();
                        self.texts.insert(number, text.clone());
                        Some(text)
                    }
                    number => {
                        known &= self.texts.contains_key(&number);
                        Some(self.texts.get(&number).cloned().unwrap_or_default())
                    }
                }
            };
            pairs.push((text()?, text()?));
        }
        if known {
            if self.series.len() <= id {
                self.series.resize_with(id + 1, || None);
            }
            let position = registry.series(group, &Labels::from_pairs(pairs));
            self.series[id] = Some(Series { position: Some(position), ..Series::default() });
        }
        Some(())
    }

    /// Values as the first layout wrote them.
    fn read_floats(&mut self, reader: &mut Reader<'_>, registry: &mut Registry) -> Option<()> {
        let group = self.group(reader.varint()?, registry);
        let at_ms = reader.signed()?;
        let count = reader.count()?;
        let mut rows = std::mem::take(&mut self.moment(group, at_ms).rows);
        let mut id = -1i64;
        for _ in 0..count {
            let key = reader.varint()?;
            let distance = (key >> 5).cast_signed() ^ -(key >> 4 & 1).cast_signed();
            id = id.wrapping_add(distance).wrapping_add(1);
            let bytes = reader.take((key & 15) as usize)?;
            let mut bits = [0; 8];
            bits.get_mut(..bytes.len())?.copy_from_slice(bytes);
            match usize::try_from(id).ok().and_then(|id| self.series.get(id)) {
                Some(Some(Series { position: Some(position), .. })) => rows.push((*position, f64::from_be_bytes(bits))),
                _ => self.unknown_rows += 1,
            }
        }
        self.moments[self.used - 1].rows = rows;
        Some(())
    }

    fn read_values(&mut self, reader: &mut Reader<'_>, registry: &mut Registry) -> Option<()> {
        let id = reader.varint()?;
        let group = self.group(id, registry);
        let at_ms = reader.signed()?;
        let count = usize::try_from(reader.varint()?).ok()?;
        if ID_MAX < count {
            return None;
        }
        let before = self.groups.get_mut(&id).and_then(|group| group.rows.take());
        let ids = match reader.byte()? {
            ROWS_AS_BEFORE => before.filter(|rows| rows.len() == count),
            ROWS_LISTED => {
                if reader.rest.len() < count {
                    return None;
                }
                let mut ids = before.unwrap_or_default();
                ids.clear();
                let mut id = -1i64;
                for _ in 0..count {
                    id = id.wrapping_add(reader.signed()?).wrapping_add(1);
                    ids.push(usize::try_from(id).ok().filter(|id| *id < ID_MAX)?);
                }
                Some(ids)
            }
            _ => return None,
        };
        let changed = reader.take(count.div_ceil(8))?;
        let mut codes = BitReader::new(reader.bytes()?);
        let Some(ids) = ids else {
            self.unknown_rows += count;
            return Some(());
        };
        let mut rows = std::mem::take(&mut self.moment(group, at_ms).rows);
        let mut readable = true;
        for (place, id) in ids.iter().enumerate() {
            if self.series.len() <= *id {
                self.series.resize_with(id + 1, || None);
            }
            let series = self.series[*id].get_or_insert_default();
            let is_changed = changed[place / 8] >> (place % 8) & 1 == 1;
            series.chain = match is_changed && readable {
                true => Chain::take(series.chain, &mut codes)?,
                false => series.chain.filter(|_| !is_changed),
            };
            readable &= !is_changed || series.chain.is_some();
            match (series.position, series.chain) {
                (Some(position), Some(chain)) => rows.push((position, f64::from_bits(chain.bits))),
                _ => self.unknown_rows += 1,
            }
        }
        self.moments[self.used - 1].rows = rows;
        if let Some(group) = self.groups.get_mut(&id) {
            group.rows = Some(ids);
        }
        Some(())
    }

    fn read_histograms(&mut self, reader: &mut Reader<'_>, registry: &mut Registry) -> Option<()> {
        let group = self.group(reader.varint()?, registry);
        let at_ms = reader.signed()?;
        let count = reader.count()?;
        let mut rows = std::mem::take(&mut self.moment(group, at_ms).histograms);
        for _ in 0..count {
            let id = usize::try_from(reader.varint()?).ok()?;
            let bytes = reader.bytes()?;
            let series = self.series.get_mut(id).and_then(Option::as_mut);
            let read = series.and_then(|series| {
                let histogram = Arc::new(histogram::take(bytes, series.histogram.as_deref())?);
                series.histogram = Some(Arc::clone(&histogram));
                Some((series.position?, histogram))
            });
            match read {
                Some(row) => rows.push(row),
                None => self.unknown_rows += 1,
            }
        }
        self.moments[self.used - 1].histograms = rows;
        Some(())
    }

    fn read_exemplars(&mut self, reader: &mut Reader<'_>) -> Option<()> {
        let count = reader.count()?;
        for _ in 0..count {
            let id = usize::try_from(reader.varint()?).ok()?;
            let at = Timestamp::from_ms(reader.signed()?);
            let value = f64::from_bits(reader.u64()?);
            let pairs = (0..reader.count()?).map(|_| Some((reader.text()?, reader.text()?)));
            let labels = Labels::from_pairs(pairs.collect::<Option<Vec<_>>>()?);
            match self.series.get(id) {
                Some(Some(Series { position: Some(position), .. })) => {
                    let row = (*position, Exemplar { labels, value, at });
                    if self.used == 0 {
                        self.moment(0, at.as_ms());
                    }
                    self.moments[self.used - 1].exemplars.push(row);
                }
                _ => self.unknown_rows += 1,
            }
        }
        Some(())
    }
}
