//! `state.log`: the changes of journaled trees, one after the other.
//!
//! ```text
//! file    = magic "PWSTATE1" record*
//! record  = length u32 | crc32c u32 of the payload | payload      (little endian)
//! payload = change*
//! change  = kind u8 (1 put, 2 remove) | tree | key | value if put  (each: length u32, bytes)
//! ```
//! A record is a batch: it counts as a whole or not at all. What follows a record that is cut off or damaged is not read;
//! when the live part is small against the file, the file is written anew beside itself and renamed.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use crate::batch::{Batch, Change};

const MAGIC: &[u8; 8] = b"PWSTATE1";
/// A record larger than this is damage, not data, in bytes.
const RECORD_BYTES_MAX: usize = 64 << 20;
/// The file is not rewritten below this size, in bytes.
const COMPACT_BYTES_MIN: u64 = 1 << 20;
/// It is rewritten when it is this many times as large as what lives in it.
const COMPACT_FACTOR: u64 = 4;

/// The content of journaled trees.
pub(crate) type Trees = BTreeMap<String, BTreeMap<Vec<u8>, Vec<u8>>>;

#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    file: File,
    bytes: u64,
    pub(crate) trees: Trees,
}

impl Journal {
    /// Opens or makes the file; also says how many bytes at its end were of no use.
    pub(crate) fn open(folder: &Path) -> io::Result<(Self, u64)> {
        let path = folder.join("state.log");
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path)?;
        let mut content = Vec::new();
        file.read_to_end(&mut content)?;
        let (trees, sound) = replay(&content);
        let lost = content.len() - sound;
        if sound < MAGIC.len() {
            if !content.is_empty() {
                // Not ours, or damaged from the first byte: keep it for whoever wants to look.
                std::fs::copy(&path, folder.join("state.log.damaged"))?;
            }
            file.set_len(0)?;
            file.seek(SeekFrom::Start(0))?;
            file.write_all(MAGIC)?;
            file.sync_all()?;
            sync_folder(folder)?;
        } else if 0 < lost {
            file.set_len(sound as u64)?;
            file.sync_all()?;
        }
        let bytes = file.seek(SeekFrom::End(0))?;
        Ok((Self { path, file, bytes, trees }, lost as u64))
    }

    /// Writes a batch; on return it survives a power cut.
    pub(crate) fn append(&mut self, batch: &Batch) -> io::Result<()> {
        let record = encode(&batch.changes);
        if let Err(error) = self.file.write_all(&record).and_then(|()| self.file.sync_data()) {
            // A record that is there in part must not stand before a later one.
            self.file.set_len(self.bytes)?;
            self.file.seek(SeekFrom::End(0))?;
            return Err(error);
        }
        self.bytes += record.len() as u64;
        apply(&mut self.trees, &batch.changes);
        let live = self.live_bytes();
        if COMPACT_BYTES_MIN.max(COMPACT_FACTOR * live) < self.bytes { self.compact() } else { Ok(()) }
    }

    fn live_bytes(&self) -> u64 {
        let entries = self.trees.values().flatten();
        entries.map(|(key, value)| (key.len() + value.len() + 32) as u64).sum()
    }

    fn compact(&mut self) -> io::Result<()> {
        let mut batch = Batch::new();
        for (tree, entries) in &self.trees {
            for (key, value) in entries {
                batch.put(tree, key, value);
            }
        }
        let temporary = self.path.with_extension("tmp");
        let mut file = File::create(&temporary)?;
        file.write_all(MAGIC)?;
        file.write_all(&encode(&batch.changes))?;
        file.sync_all()?;
        std::fs::rename(&temporary, &self.path)?;
        sync_folder(self.path.parent().unwrap_or(Path::new(".")))?;
        self.file = OpenOptions::new().read(true).write(true).open(&self.path)?;
        self.bytes = self.file.seek(SeekFrom::End(0))?;
        Ok(())
    }
}

/// Makes the names in a folder durable.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

pub(crate) fn apply(trees: &mut Trees, changes: &[Change]) {
    for change in changes {
        let tree = trees.entry(change.tree.clone()).or_default();
        match &change.value {
            Some(value) => drop(tree.insert(change.key.clone(), value.clone())),
            None => drop(tree.remove(&change.key)),
        }
    }
}

fn encode(changes: &[Change]) -> Vec<u8> {
    let mut payload = Vec::new();
    let part = |payload: &mut Vec<u8>, bytes: &[u8]| {
        payload.extend((bytes.len() as u32).to_le_bytes());
        payload.extend(bytes);
    };
    for change in changes {
        payload.push(if change.value.is_some() { 1 } else { 2 });
        part(&mut payload, change.tree.as_bytes());
        part(&mut payload, &change.key);
        if let Some(value) = &change.value {
            part(&mut payload, value);
        }
    }
    let mut record = Vec::with_capacity(payload.len() + 8);
    record.extend((payload.len() as u32).to_le_bytes());
    record.extend(crc32c::crc32c(&payload).to_le_bytes());
    record.extend(payload);
    record
}

/// What the file says, and how many of its bytes are sound.
fn replay(content: &[u8]) -> (Trees, usize) {
    let mut trees = Trees::new();
    let Some(mut rest) = content.strip_prefix(MAGIC) else { return (trees, 0) };
    while let Some((changes, after)) = record(rest) {
        apply(&mut trees, &changes);
        rest = after;
    }
    (trees, content.len() - rest.len())
}

fn record(rest: &[u8]) -> Option<(Vec<Change>, &[u8])> {
    let (length, rest) = number(rest)?;
    let (crc, rest) = number(rest)?;
    if RECORD_BYTES_MAX < length as usize {
        return None;
    }
    let (payload, rest) = rest.split_at_checked(length as usize)?;
    if crc32c::crc32c(payload) != crc {
        return None;
    }
    let mut changes = Vec::new();
    let mut left = payload;
    while let Some((kind, after)) = left.split_first() {
        let (tree, after) = part(after)?;
        let (key, after) = part(after)?;
        let (value, after) = match kind {
            1 => part(after).map(|(value, after)| (Some(value.to_vec()), after))?,
            2 => (None, after),
            _ => return None,
        };
        changes.push(Change { tree: String::from_utf8(tree.to_vec()).ok()?, key: key.to_vec(), value });
        left = after;
    }
    Some((changes, rest))
}

fn number(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (number, rest) = bytes.split_first_chunk::<4>()?;
    Some((u32::from_le_bytes(*number), rest))
}

fn part(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = number(bytes)?;
    rest.split_at_checked(length as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(key: &str, value: &str) -> Batch {
        let mut batch = Batch::new();
        batch.put("t", key.as_bytes(), value.as_bytes());
        batch
    }

    #[test]
    fn every_cut_leaves_a_prefix_of_the_batches() {
        let folder = tempfile::tempdir().unwrap();
        let (mut journal, _) = Journal::open(folder.path()).unwrap();
        for (key, value) in [("a", "1"), ("b", "2"), ("a", "3")] {
            journal.append(&batch(key, value)).unwrap();
        }
        drop(journal);
        let path = folder.path().join("state.log");
        let whole = std::fs::read(&path).unwrap();
        let mut seen = Vec::new();
        for length in 0..=whole.len() {
            std::fs::write(&path, &whole[..length]).unwrap();
            let (journal, _) = Journal::open(folder.path()).unwrap();
            let shown = format!("{:?}", journal.trees.get("t").map(|tree| tree.len()));
            if seen.last() != Some(&shown) {
                seen.push(shown);
            }
        }
        assert_eq!(seen, ["None", "Some(1)", "Some(2)"]);
    }

    #[test]
    fn a_flipped_bit_ends_the_replay_and_never_panics() {
        let folder = tempfile::tempdir().unwrap();
        let (mut journal, _) = Journal::open(folder.path()).unwrap();
        journal.append(&batch("a", "1")).unwrap();
        journal.append(&batch("b", "2")).unwrap();
        drop(journal);
        let path = folder.path().join("state.log");
        let whole = std::fs::read(&path).unwrap();
        for bit in 0..whole.len() * 8 {
            let mut damaged = whole.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            std::fs::write(&path, &damaged).unwrap();
            let (journal, lost) = Journal::open(folder.path()).unwrap();
            assert!(0 < lost, "bit {bit}");
            assert!(journal.trees.get("t").is_none_or(|tree| tree.len() < 2));
        }
    }

    #[test]
    fn a_file_full_of_old_values_is_rewritten() {
        let folder = tempfile::tempdir().unwrap();
        let (mut journal, _) = Journal::open(folder.path()).unwrap();
        let value = "x".repeat(300_000);
        for _ in 0..8 {
            journal.append(&batch("a", &value)).unwrap();
        }
        assert!(journal.bytes < 2_000_000);
        drop(journal);
        let (journal, lost) = Journal::open(folder.path()).unwrap();
        assert_eq!((lost, journal.trees["t"][b"a".as_slice()].len()), (0, 300_000));
    }
}
