//! Every tree and key that this crate keeps in the catalog. All of it can be rebuilt from the folder.
//!
//! | tree | key | value |
//! |---|---|---|
//! | `tsdb.format` | `version` | the layout's version, u32 big endian |
//! | `tsdb.segments` | tier u8, start of the window in milliseconds i64, big endian, sign flipped | file name |

use catalog::{Batch, Catalog, Error};

/// The layout of this version; `migrations/` has a folder for each.
pub(crate) const FORMAT_VERSION: u32 = 2;
/// The tier of raw samples.
pub(crate) const TIER_RAW: u8 = 0;

const FORMAT: &str = "tsdb.format";
const SEGMENTS: &str = "tsdb.segments";

fn segment_key(tier: u8, start_ms: i64) -> [u8; 9] {
    let mut key = [tier; 9];
    // With the sign flipped, negative starts sort before positive ones.
    key[1..].copy_from_slice(&(start_ms ^ i64::MIN).to_be_bytes());
    key
}

/// The version that the catalog was written by, if it says one.
pub(crate) fn format_version(catalog: &Catalog) -> Result<Option<u32>, Error> {
    let value = catalog.get(FORMAT, b"version")?;
    Ok(value.and_then(|bytes| bytes.try_into().ok()).map(u32::from_be_bytes))
}

/// Notes a segment.
pub(crate) fn put_segment(catalog: &Catalog, start_ms: i64, file: &str) -> Result<(), Error> {
    catalog.apply(Batch::new().put(SEGMENTS, &segment_key(TIER_RAW, start_ms), file.as_bytes()))
}

/// Forgets a segment.
pub(crate) fn remove_segment(catalog: &Catalog, start_ms: i64) -> Result<(), Error> {
    catalog.apply(Batch::new().remove(SEGMENTS, &segment_key(TIER_RAW, start_ms)))
}

/// Makes the manifest say what the folder holds; whether it said something else.
pub(crate) fn reconcile(catalog: &Catalog, segments: &[(i64, String)]) -> Result<bool, Error> {
    let wanted: Vec<([u8; 9], &str)> =
        segments.iter().map(|(start, file)| (segment_key(TIER_RAW, *start), file.as_str())).collect();
    let found = catalog.scan_prefix(SEGMENTS, &[TIER_RAW])?;
    let mut batch = Batch::new();
    let mut differs = false;
    for (key, _) in found.iter().filter(|(key, _)| !wanted.iter().any(|(wanted, _)| wanted[..] == key[..])) {
        batch.remove(SEGMENTS, key);
        differs = true;
    }
    for (key, file) in &wanted {
        if !found.iter().any(|(k, v)| k[..] == key[..] && v == file.as_bytes()) {
            batch.put(SEGMENTS, key, file.as_bytes());
            differs = true;
        }
    }
    if format_version(catalog)? != Some(FORMAT_VERSION) {
        batch.put(FORMAT, b"version", &FORMAT_VERSION.to_be_bytes());
    }
    if batch != Batch::new() {
        catalog.apply(&batch)?;
    }
    Ok(differs)
}
