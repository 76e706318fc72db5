//! Trees in sled, with its weaknesses taken care of.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use thiserror::Error;

use crate::batch::{Batch, Change};
use crate::journal::{Journal, sync_folder};

/// sled's cache in bytes; its own default is a gigabyte.
const CACHE_BYTES: u64 = 16 << 20;
/// How many set-aside databases are kept.
const SET_ASIDE_MAX: usize = 3;

/// Why the database did not do what it was asked.
#[derive(Debug, Error)]
pub enum Error {
    /// The disk failed.
    #[error("catalog: {0}")]
    Io(#[from] io::Error),
    /// sled failed.
    #[error("catalog: {0}")]
    Sled(String),
}

/// A key and its value.
pub type Entry = (Vec<u8>, Vec<u8>);

/// What opening found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenReport {
    /// The database was damaged and lies here now; an empty one took its place, and owners rebuild their trees.
    pub set_aside: Option<PathBuf>,
    /// Bytes at the end of `state.log` that were cut off or damaged.
    pub journal_bytes_lost: u64,
}

/// The database.
pub struct Catalog {
    folder: PathBuf,
    database: sled::Db,
    /// Its file, for an fsync that sled's own flush does not do.
    file: File,
    journal: Mutex<Journal>,
    journaled: BTreeSet<&'static str>,
}

impl Catalog {
    /// Opens the database in `data/catalog` and `data/state.log`. The trees named are journaled.
    ///
    /// # Errors
    /// The disk failed. A damaged database is no error: it is set aside.
    pub fn open(data: &Path, journaled: &[&'static str]) -> Result<(Self, OpenReport), Error> {
        let folder = data.join("catalog");
        std::fs::create_dir_all(&folder)?;
        let (journal, journal_bytes_lost) = Journal::open(data)?;
        let mut report = OpenReport { set_aside: None, journal_bytes_lost };
        let database = match open_sled(&folder) {
            Ok(database) => database,
            Err(reason) => {
                let aside = set_aside(&folder)?;
                tracing::warn!(%reason, kept = %aside.display(), "the catalog is damaged; it is rebuilt");
                report.set_aside = Some(aside);
                open_sled(&folder).map_err(Error::Sled)?
            }
        };
        let file = File::open(folder.join("db"))?;
        let catalog = Self {
            folder,
            database,
            file,
            journal: Mutex::new(journal),
            journaled: journaled.iter().copied().collect(),
        };
        catalog.restore_journaled()?;
        Ok((catalog, report))
    }

    /// The value of `key`.
    ///
    /// # Errors
    /// The database failed.
    pub fn get(&self, tree: &str, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        if self.journaled.contains(tree) {
            return Ok(self.journal.lock().trees.get(tree).and_then(|tree| tree.get(key).cloned()));
        }
        self.guarded(|| Ok(self.database.open_tree(tree)?.get(key)?.map(|value| value.to_vec())))
    }

    /// Keys that begin with `prefix`, with their values, in order.
    ///
    /// # Errors
    /// The database failed.
    pub fn scan_prefix(&self, tree: &str, prefix: &[u8]) -> Result<Vec<Entry>, Error> {
        if self.journaled.contains(tree) {
            let journal = self.journal.lock();
            let entries = journal.trees.get(tree).into_iter().flatten();
            let inside = entries.filter(|(key, _)| key.starts_with(prefix));
            return Ok(inside.map(|(key, value)| (key.clone(), value.clone())).collect());
        }
        self.guarded(|| {
            let tree = self.database.open_tree(tree)?;
            tree.scan_prefix(prefix).map(|entry| entry.map(|(key, value)| (key.to_vec(), value.to_vec()))).collect()
        })
    }

    /// Makes the changes; on return they survive a power cut. Changes of journaled trees are in `state.log` before
    /// anything else sees them.
    ///
    /// # Errors
    /// Nothing has changed, or, if only sled failed, journaled trees have and the next start repairs sled.
    pub fn apply(&self, batch: &Batch) -> Result<(), Error> {
        let (journaled, others): (Vec<Change>, Vec<Change>) =
            batch.changes.iter().cloned().partition(|change| self.journaled.contains(change.tree.as_str()));
        if !journaled.is_empty() {
            self.journal.lock().append(&Batch { changes: journaled.clone() })?;
        }
        self.write(journaled.into_iter().chain(others))
    }

    fn write(&self, changes: impl Iterator<Item = Change>) -> Result<(), Error> {
        self.guarded(|| {
            for change in changes {
                let tree = self.database.open_tree(&change.tree)?;
                match change.value {
                    Some(value) => drop(tree.insert(change.key, value)?),
                    None => drop(tree.remove(change.key)?),
                }
            }
            self.database.flush()?;
            Ok(())
        })?;
        // sled flushes with sync_file_range, which says nothing of metadata or of the drive's own cache.
        self.file.sync_all()?;
        Ok(sync_folder(&self.folder)?)
    }

    /// Makes sled agree with the journal.
    fn restore_journaled(&self) -> Result<(), Error> {
        let trees = self.journal.lock().trees.clone();
        let mut changes = Vec::new();
        for tree in &self.journaled {
            let wanted = trees.get(*tree).cloned().unwrap_or_default();
            let found = self.guarded(|| {
                let entries = self.database.open_tree(tree)?.iter();
                entries
                    .map(|entry| entry.map(|(key, value)| (key.to_vec(), value.to_vec())))
                    .collect::<Result<Vec<_>, _>>()
            })?;
            for (key, _) in found.iter().filter(|(key, _)| !wanted.contains_key(key)) {
                changes.push(Change { tree: (*tree).to_owned(), key: key.clone(), value: None });
            }
            for (key, value) in wanted {
                if !found.iter().any(|(k, v)| *k == key && *v == value) {
                    changes.push(Change { tree: (*tree).to_owned(), key, value: Some(value) });
                }
            }
        }
        if changes.is_empty() { Ok(()) } else { self.write(changes.into_iter()) }
    }

    /// sled panics on damaged pages, on its caller's thread.
    fn guarded<T>(&self, work: impl FnOnce() -> sled::Result<T>) -> Result<T, Error> {
        match catch_unwind(AssertUnwindSafe(work)) {
            Ok(done) => done.map_err(|error| Error::Sled(error.to_string())),
            Err(_) => Err(Error::Sled("the database is damaged; it is rebuilt at the next start".to_owned())),
        }
    }
}

fn open_sled(folder: &Path) -> Result<sled::Db, String> {
    // Every change is flushed when it is made, so sled need not wake twice a second to fsync what has not changed.
    let config =
        sled::Config::new().path(folder).cache_capacity(CACHE_BYTES).use_compression(false).flush_every_ms(None);
    let opened = catch_unwind(AssertUnwindSafe(|| {
        let database = config.open()?;
        // A damaged page is found only when it is read.
        for name in database.tree_names() {
            for entry in &database.open_tree(name)? {
                entry?;
            }
        }
        Ok::<_, sled::Error>(database)
    }));
    match opened {
        Ok(Ok(database)) => Ok(database),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("its bytes are damaged".to_owned()),
    }
}

/// Renames the folder to the next free `catalog.damaged-N`; the oldest ones go when there are many.
fn set_aside(folder: &Path) -> io::Result<PathBuf> {
    let name = |n: usize| folder.with_file_name(format!("catalog.damaged-{n}"));
    let mut n = 1;
    while name(n).exists() {
        n += 1;
    }
    if let Some(old) = n.checked_sub(SET_ASIDE_MAX).map(name).filter(|old| old.exists()) {
        std::fs::remove_dir_all(old)?;
    }
    std::fs::rename(folder, name(n))?;
    std::fs::create_dir_all(folder)?;
    Ok(name(n))
}

#[cfg(test)]
mod tests {
    use super::*;

    const JOURNALED: &[&str] = &["silences"];

    fn open(data: &Path) -> (Catalog, OpenReport) {
        Catalog::open(data, JOURNALED).unwrap()
    }

    fn filled() -> tempfile::TempDir {
        let data = tempfile::tempdir().unwrap();
        let (catalog, report) = open(data.path());
        assert_eq!(report, OpenReport::default());
        let mut batch = Batch::new();
        batch.put("silences", b"s1", b"until noon").put("segments", b"a", b"1").put("segments", b"b", b"2");
        catalog.apply(&batch).unwrap();
        catalog.apply(Batch::new().remove("segments", b"b")).unwrap();
        data
    }

    #[test]
    fn what_was_applied_is_there_after_a_restart() {
        let data = filled();
        let (catalog, _) = open(data.path());
        assert_eq!(catalog.get("silences", b"s1").unwrap().unwrap(), b"until noon");
        assert_eq!(catalog.scan_prefix("segments", b"").unwrap(), [(b"a".to_vec(), b"1".to_vec())]);
    }

    #[test]
    fn journaled_trees_survive_the_loss_of_the_database() {
        let data = filled();
        std::fs::remove_dir_all(data.path().join("catalog")).unwrap();
        let (catalog, _) = open(data.path());
        assert_eq!(catalog.get("silences", b"s1").unwrap().unwrap(), b"until noon");
        assert_eq!(catalog.get("segments", b"a").unwrap(), None);
    }

    #[test]
    fn a_damaged_database_is_set_aside_or_read() {
        for cut in [0, 100, 5_000, 60_000] {
            let data = filled();
            let file = data.path().join("catalog/db");
            let whole = std::fs::read(&file).unwrap();
            std::fs::write(&file, &whole[..cut.min(whole.len())]).unwrap();
            let (catalog, _) = open(data.path());
            assert_eq!(catalog.get("silences", b"s1").unwrap().unwrap(), b"until noon", "cut at {cut}");
            catalog.apply(Batch::new().put("segments", b"c", b"3")).unwrap();
        }
    }
}
