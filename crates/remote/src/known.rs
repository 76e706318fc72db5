//! Series by the bytes of their labels: senders repeat the same label sets again and again.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use hashbrown::HashTable;
use parking_lot::{RwLock, RwLockReadGuard};
use storage::{GroupId, SeriesId};

/// Label sets that are known; when there are more, all are learnt anew.
const SERIES_MAX: usize = 500_000;
/// Bytes of label sets that are known; when there are more, all are learnt anew.
const BYTES_MAX: usize = 128 << 20;

/// Where a series' samples go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) group: GroupId,
    pub(crate) series: SeriesId,
}

/// What is known.
pub(crate) struct Known {
    table: RwLock<Table>,
    /// Makes hashes that nobody outside can foretell.
    seed: u64,
}

#[derive(Default)]
struct Table {
    entries: HashTable<Entry>,
    bytes: usize,
}

struct Entry {
    hash: u64,
    key: Box<[u8]>,
    place: Place,
    /// The hash of the metadata that was last sent with it.
    described: AtomicU64,
}

impl Known {
    pub(crate) fn new() -> Self {
        Self { table: RwLock::default(), seed: RandomState::new().build_hasher().finish() }
    }

    /// For the many questions of a request: one lock.
    pub(crate) fn reader(&self) -> Reader<'_> {
        Reader { known: self, table: Some(self.table.read()) }
    }

    /// Forgets all.
    pub(crate) fn clear(&self) {
        *self.table.write() = Table::default();
    }

    fn hash(&self, key: &[u8]) -> u64 {
        xxhash_rust::xxh3::xxh3_64_with_seed(key, self.seed)
    }
}

/// Looks up, and learns what is missing.
pub(crate) struct Reader<'a> {
    known: &'a Known,
    /// Only absent inside [`Reader::learn`].
    table: Option<RwLockReadGuard<'a, Table>>,
}

impl Reader<'_> {
    /// The place of a series; `find_out` is asked if it is not known.
    pub(crate) fn place<E>(&mut self, key: &[u8], find_out: impl FnOnce() -> Result<Place, E>) -> Result<Place, E> {
        let hash = self.known.hash(key);
        if let Some(entry) = self.find(hash, key) {
            return Ok(entry.place);
        }
        let place = find_out()?;
        self.learn(hash, key, place);
        Ok(place)
    }

    /// Whether this is other metadata than what was said the last time of a series that is known.
    pub(crate) fn is_news(&self, key: &[u8], metadata: &[&[u8]]) -> bool {
        let mut hash = self.known.seed;
        for part in metadata {
            hash = xxhash_rust::xxh3::xxh3_64_with_seed(part, hash);
        }
        self.find(self.known.hash(key), key).is_some_and(|entry| entry.described.swap(hash, Ordering::Relaxed) != hash)
    }

    fn find(&self, hash: u64, key: &[u8]) -> Option<&Entry> {
        self.table.as_ref()?.entries.find(hash, |entry| entry.hash == hash && *entry.key == *key)
    }

    fn learn(&mut self, hash: u64, key: &[u8], place: Place) {
        self.table = None;
        {
            let mut table = self.known.table.write();
            if SERIES_MAX <= table.entries.len() || BYTES_MAX < table.bytes + key.len() {
                *table = Table::default();
            }
            table.bytes += key.len();
            let entry = Entry { hash, key: key.into(), place, described: AtomicU64::new(0) };
            table.entries.insert_unique(hash, entry, |entry| entry.hash);
        }
        self.table = Some(self.known.table.read());
    }
}
