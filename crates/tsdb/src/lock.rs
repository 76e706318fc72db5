//! One process at a time: `data/LOCK`, locked by the kernel for as long as the process lives.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use thiserror::Error;

/// A data folder that is this process' alone until the lock is dropped.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Why there is no lock.
#[derive(Debug, Error)]
pub enum LockError {
    /// Another process has it.
    #[error("{} is in use by the process with pid {holder}; one process at a time may use a data folder", dir.display())]
    Held {
        /// The folder.
        dir: PathBuf,
        /// The process.
        holder: String,
    },
    /// The disk failed.
    #[error("cannot lock {}: {source}", dir.display())]
    Io {
        /// The folder.
        dir: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Lock {
    /// Locks the folder, which must exist.
    ///
    /// # Errors
    /// Another process has it, or the disk failed.
    pub fn take(folder: &Path) -> Result<Self, LockError> {
        let io = |source| LockError::Io { dir: folder.to_owned(), source };
        let path = folder.join("LOCK");
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).map_err(io)?;
        if let Err(error) = flock(&file, FlockOperation::NonBlockingLockExclusive) {
            if error != rustix::io::Errno::WOULDBLOCK {
                return Err(io(error.into()));
            }
            let mut holder = String::new();
            file.read_to_string(&mut holder).map_err(io)?;
            return Err(LockError::Held { dir: folder.to_owned(), holder: holder.trim().to_owned() });
        }
        let write = |file: &mut File| {
            file.set_len(0)?;
            file.seek(SeekFrom::Start(0))?;
            writeln!(file, "{}", std::process::id())
        };
        write(&mut file).map_err(io)?;
        Ok(Self { _file: file })
    }
}
