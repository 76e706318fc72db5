//! Indexes of segments that were used lately.

use std::sync::Arc;

use crate::segment::Index;

/// Indexes of segments that are kept in memory, in bytes.
const INDEX_BYTES_MAX: usize = 16 << 20;

/// Indexes by a segment's start, the most recently used last.
#[derive(Default)]
pub(crate) struct IndexCache {
    indexes: Vec<(i64, Arc<Index>)>,
    bytes: usize,
}

impl IndexCache {
    pub(crate) fn get(&mut self, start_ms: i64) -> Option<Arc<Index>> {
        let at = self.indexes.iter().position(|(start, _)| *start == start_ms)?;
        let entry = self.indexes.remove(at);
        let index = Arc::clone(&entry.1);
        self.indexes.push(entry);
        Some(index)
    }

    pub(crate) fn put(&mut self, start_ms: i64, index: Arc<Index>) {
        self.remove(start_ms);
        self.bytes += index.memory_bytes();
        self.indexes.push((start_ms, index));
        while INDEX_BYTES_MAX < self.bytes && 1 < self.indexes.len() {
            let (_, oldest) = self.indexes.remove(0);
            self.bytes -= oldest.memory_bytes();
        }
    }

    pub(crate) fn remove(&mut self, start_ms: i64) {
        if let Some(at) = self.indexes.iter().position(|(start, _)| *start == start_ms) {
            let (_, index) = self.indexes.remove(at);
            self.bytes -= index.memory_bytes();
        }
    }
}
