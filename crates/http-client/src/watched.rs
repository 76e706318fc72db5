//! Files that are looked at again when they change.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::{Config, TlsConfig};

/// How a file looked: device, inode, size, modification time in seconds and nanoseconds; `None` where it is away.
pub(crate) type Fingerprint = Option<(u64, u64, u64, i64, i64)>;

/// The files whose content goes into a client's TLS settings.
pub(crate) fn files(config: &Config) -> Vec<PathBuf> {
    let TlsConfig { ca_file, cert_file, key_file, .. } = &config.tls;
    [ca_file, cert_file, key_file].into_iter().flatten().cloned().collect()
}

/// How the files look now; one `stat` each.
pub(crate) fn look(files: &[PathBuf]) -> Vec<Fingerprint> {
    files.iter().map(|path| fingerprint(path)).collect()
}

fn fingerprint(path: &Path) -> Fingerprint {
    let meta = std::fs::metadata(path).ok()?;
    Some((meta.dev(), meta.ino(), meta.size(), meta.mtime(), meta.mtime_nsec()))
}
