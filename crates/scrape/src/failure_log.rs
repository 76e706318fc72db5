//! The file in which failed scrapes are noted (`scrape_failure_log_file`): one JSON object a line.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use model::Timestamp;
use parking_lot::Mutex;
use serde_json::json;

/// A file that is longer is set aside as `….1` before the next line, in bytes; so two such files exist at most.
const FILE_BYTES_MAX: u64 = 16 << 20;

/// Writes failures, one at a time.
#[derive(Debug, Default)]
pub(crate) struct FailureLog {
    /// Held while a file is set aside.
    writing: Mutex<()>,
}

impl FailureLog {
    /// Adds a line; may block.
    pub(crate) fn append(&self, path: &Path, line: &str) -> io::Result<()> {
        self.append_bounded(path, line, FILE_BYTES_MAX)
    }

    fn append_bounded(&self, path: &Path, line: &str, bytes_max: u64) -> io::Result<()> {
        let _writing = self.writing.lock();
        if fs::metadata(path).is_ok_and(|file| bytes_max < file.len() + line.len() as u64) {
            let mut aside = path.as_os_str().to_owned();
            aside.push(".1");
            fs::rename(path, PathBuf::from(aside))?;
        }
        OpenOptions::new().create(true).append(true).open(path)?.write_all(line.as_bytes())
    }
}

/// A failed scrape as a line, with Prometheus' keys.
pub(crate) fn line(at: Timestamp, job: &str, target: &str, error: &str) -> String {
    let time = jiff::Timestamp::from_millisecond(at.as_ms()).map(|time| time.to_string()).unwrap_or_default();
    let object = json!({"time": time, "level": "ERROR", "msg": error, "job_name": job, "target": target});
    format!("{object}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_json_object() {
        assert_eq!(
            line(Timestamp::from_ms(1_500), "j", "http://h:1/metrics", "server said \"no\"\nand left"),
            concat!(
                r#"{"time":"1970-01-01T00:00:01.5Z","level":"ERROR","msg":"server said \"no\"\nand left","#,
                r#""job_name":"j","target":"http://h:1/metrics"}"#,
                "\n"
            )
        );
    }

    #[test]
    fn a_long_file_is_set_aside_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("failures.log");
        let log = FailureLog::default();
        for number in 0..5 {
            log.append_bounded(&path, &format!("line {number}\n"), 16).unwrap();
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), "line 4\n");
        assert_eq!(fs::read_to_string(dir.path().join("failures.log.1")).unwrap(), "line 2\nline 3\n");
        assert!(log.append(&dir.path().join("no/such/folder"), "x").is_err());
    }
}
