//! Writes a window as a segment.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufWriter};
use std::path::Path;

use model::Labels;

use super::{KIND_FLOATS, MAGIC_END};
use crate::bytes::{put_bytes, put_varint};
use crate::codec::{encode_times, encode_values};
use crate::window::Window;

/// Writes `window` to `path`: first beside it, made durable, then renamed. `series` are its series, in the order of their
/// labels, with the key of their group. How many bytes.
pub(crate) fn write(path: &Path, tier: u8, window: &Window, series: &[(u32, Labels, String)]) -> io::Result<u64> {
    let temporary = path.with_extension("tmp");
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let file = File::create(&temporary)?;
    let mut out = BufWriter::with_capacity(1 << 20, file);
    let bytes = write_body(&mut out, tier, window, series)?;
    let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.sync_data()?;
    drop(file);
    std::fs::rename(&temporary, path)?;
    File::open(folder)?.sync_all()?;
    if let Some(parent) = folder.parent() {
        File::open(parent)?.sync_all()?;
    }
    Ok(bytes)
}

/// A timestamp column as the footer lists it.
struct Column {
    offset: u64,
    length: usize,
    count: usize,
    crc: u32,
}

fn write_body(
    out: &mut impl io::Write,
    tier: u8,
    window: &Window,
    series: &[(u32, Labels, String)],
) -> io::Result<u64> {
    let header = super::header(tier, window.start_ms, window.end_ms);
    out.write_all(&header)?;
    let mut at = header.len() as u64;

    let mut columns: Vec<Column> = Vec::new();
    let mut column_of: HashMap<Vec<u8>, usize> = HashMap::new();
    // Series of a group in step need not be compared byte by byte.
    let mut shared: HashMap<(u32, usize, usize), usize> = HashMap::new();
    let mut texts = Texts::default();
    let mut entries = Vec::new();
    let mut count = 0u64;
    let (mut times, mut values) = (Vec::new(), Vec::new());
    for (position, labels, group) in series {
        let Some(samples) = window.samples(*position) else { continue };
        let key = samples.shared.map(|(group, first)| (group, first, samples.values.len()));
        let known = key.and_then(|key| shared.get(&key).copied());
        let column = match known {
            Some(column) => column,
            None => {
                encode_times(&samples.times_ms, &mut times);
                let column = match column_of.get(&times) {
                    Some(column) => *column,
                    None => {
                        out.write_all(&times)?;
                        let crc = crc32c::crc32c(&times);
                        columns.push(Column { offset: at, length: times.len(), count: samples.times_ms.len(), crc });
                        at += times.len() as u64;
                        column_of.insert(times.clone(), columns.len() - 1);
                        columns.len() - 1
                    }
                };
                if let Some(key) = key {
                    shared.insert(key, column);
                }
                column
            }
        };
        let codec = encode_values(samples.values, &mut values);
        out.write_all(&values)?;
        put_varint(&mut entries, texts.place(group));
        put_varint(&mut entries, labels.len() as u64);
        for (name, value) in labels {
            put_varint(&mut entries, texts.place(name));
            put_varint(&mut entries, texts.place(value));
        }
        entries.extend([KIND_FLOATS, codec as u8]);
        put_varint(&mut entries, column as u64);
        put_varint(&mut entries, at);
        put_varint(&mut entries, values.len() as u64);
        entries.extend(crc32c::crc32c(&values).to_le_bytes());
        at += values.len() as u64;
        count += 1;
    }

    let mut footer = Vec::new();
    put_varint(&mut footer, texts.list.len() as u64);
    for text in &texts.list {
        put_bytes(&mut footer, text.as_bytes());
    }
    put_varint(&mut footer, columns.len() as u64);
    for column in &columns {
        put_varint(&mut footer, column.offset);
        put_varint(&mut footer, column.length as u64);
        put_varint(&mut footer, column.count as u64);
        footer.extend(column.crc.to_le_bytes());
    }
    put_varint(&mut footer, count);
    footer.extend(entries);
    out.write_all(&footer)?;
    let mut trailer = at.to_le_bytes().to_vec();
    trailer.extend((footer.len() as u64).to_le_bytes());
    trailer.extend(crc32c::crc32c(&footer).to_le_bytes());
    trailer.extend(MAGIC_END);
    out.write_all(&trailer)?;
    Ok(at + (footer.len() + trailer.len()) as u64)
}

/// Texts in the order of their first use.
#[derive(Default)]
struct Texts {
    list: Vec<String>,
    places: HashMap<String, u64>,
}

impl Texts {
    fn place(&mut self, text: &str) -> u64 {
        if let Some(place) = self.places.get(text) {
            return *place;
        }
        let place = self.list.len() as u64;
        self.list.push(text.to_owned());
        self.places.insert(text.to_owned(), place);
        place
    }
}
