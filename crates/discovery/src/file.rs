//! `file_sd`: target groups in files, read again when they change.
//!
//! The files are looked at (one `stat` each) rather than watched: editors replace them by a rename, configuration
//! management truncates and writes them, network file systems tell nobody. A changed file is read when two looks in a
//! row saw the same, so that one that is being written is not taken for the whole.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior};

use crate::publish::Publisher;
use crate::reader::{self, Format};
use crate::{FileConfig, TargetGroup};

/// How often the files are looked at, in milliseconds.
const LOOK_INTERVAL_MS: u64 = 1_000;
/// More files than these are not read.
const FILES_MAX: usize = 10_000;

/// Reads the files, for ever.
pub(crate) async fn run(config: FileConfig, publisher: &Publisher) {
    let refresh = Duration::from_millis(u64::try_from(config.refresh_interval_ms).unwrap_or(0));
    let mut files = Files { patterns: config.files, known: BTreeMap::new() };
    let mut looks = tokio::time::interval(Duration::from_millis(LOOK_INTERVAL_MS));
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut read_all_at = Instant::now();
    loop {
        looks.tick().await;
        let all = read_all_at <= Instant::now();
        if all {
            read_all_at = Instant::now() + refresh;
        }
        let looked = tokio::task::spawn_blocking(move || {
            let outcome = files.look(all);
            (files, outcome)
        });
        // The task is only cancelled when the runtime ends.
        let Ok((back, outcome)) = looked.await else { return };
        files = back;
        match outcome {
            Some(Outcome { groups, error: None }) => publisher.success(groups),
            Some(Outcome { groups, error }) => publisher.partly(groups, error, Vec::new()),
            None => {}
        }
    }
}

/// The files as they were seen last.
struct Files {
    patterns: Vec<PathBuf>,
    known: BTreeMap<PathBuf, Known>,
}

/// What is known about one file.
#[derive(Default)]
struct Known {
    /// As it was at the last look; `None` where it was away.
    seen: Option<Fingerprint>,
    /// As it was when it was read.
    read: Option<Fingerprint>,
    /// The groups of the last time that it could be read.
    groups: Vec<TargetGroup>,
    error: Option<String>,
}

/// What a changed file does not keep: device, inode, size, modification time in seconds and nanoseconds.
type Fingerprint = (u64, u64, u64, i64, i64);

/// What all files together say.
struct Outcome {
    groups: Vec<TargetGroup>,
    error: Option<String>,
}

impl Files {
    /// Looks at the files, reads those that changed and have settled (with `all`, every one), and tells what they say,
    /// if any was read or went away.
    fn look(&mut self, all: bool) -> Option<Outcome> {
        let (present, mut errors) = self.expand();
        let mut changed = false;
        for path in &present {
            self.known.entry(path.clone()).or_default();
        }
        self.known.retain(|path, known| {
            let seen = present.contains(path).then(|| fingerprint(path)).flatten();
            let settled = known.seen == seen;
            let new = known.read.is_none() && known.error.is_none();
            known.seen = seen;
            match seen {
                // Away at two looks in a row: it was not a rename.
                None if settled || new => {
                    changed |= !new;
                    return false;
                }
                None => {}
                Some(_) if new || all || (settled && known.read != seen) => {
                    changed = true;
                    known.read(path);
                }
                Some(_) => {}
            }
            true
        });
        if !(changed || all) {
            return None;
        }
        let broken = self.known.iter().filter_map(|(path, known)| Some((path, known.error.as_ref()?)));
        errors.extend(broken.map(|(path, error)| format!("{}: {error}", path.display())));
        let groups = self.known.values().flat_map(|known| known.groups.iter().cloned()).collect();
        Some(Outcome { groups, error: (!errors.is_empty()).then(|| errors.join("; ")) })
    }

    /// The files that the patterns name.
    fn expand(&self) -> (BTreeSet<PathBuf>, Vec<String>) {
        let (mut present, mut errors) = (BTreeSet::new(), Vec::new());
        for pattern in &self.patterns {
            let name = pattern.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let Some((head, tail)) = name.split_once('*') else {
                if pattern.exists() {
                    present.insert(pattern.clone());
                }
                continue;
            };
            let folder = pattern.parent().unwrap_or(Path::new(""));
            let here = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
            match std::fs::read_dir(here) {
                Ok(entries) => present.extend(
                    entries
                        .flatten()
                        .map(|entry| entry.file_name())
                        .filter(|name| fits(&name.to_string_lossy(), head, tail))
                        .map(|name| folder.join(name)),
                ),
                // A folder that does not exist yet holds no files, as for Prometheus.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => errors.push(format!("{}: {error}", here.display())),
            }
        }
        if FILES_MAX < present.len() {
            errors.push(format!("{} files, of which the first {FILES_MAX} are read", present.len()));
            present = present.into_iter().take(FILES_MAX).collect();
        }
        (present, errors)
    }
}

/// Whether a name begins with `head` and ends with `tail`; a leading dot is not what `*` means.
fn fits(name: &str, head: &str, tail: &str) -> bool {
    head.len() + tail.len() <= name.len()
        && name.starts_with(head)
        && name.ends_with(tail)
        && (!head.is_empty() || !name.starts_with('.'))
}

fn fingerprint(path: &Path) -> Option<Fingerprint> {
    let meta = std::fs::metadata(path).ok()?;
    Some((meta.dev(), meta.ino(), meta.size(), meta.mtime(), meta.mtime_nsec()))
}

impl Known {
    /// Reads the file; one that cannot be read keeps its groups.
    fn read(&mut self, path: &Path) {
        self.read = self.seen;
        match read(path) {
            Ok(groups) => {
                self.groups = groups;
                self.error = None;
            }
            Err(error) => self.error = Some(error),
        }
    }
}

fn read(path: &Path) -> Result<Vec<TargetGroup>, String> {
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
    let format = match extension.as_deref() {
        Some("json") => Format::Json,
        Some("yml" | "yaml") => Format::Yaml,
        _ => return Err("the name must end in .json, .yml or .yaml".to_owned()),
    };
    let file = std::fs::File::open(path).map_err(|error| error.to_string())?;
    let mut text = Vec::new();
    let bound = u64::try_from(reader::TEXT_BYTES_MAX + 1).unwrap_or(u64::MAX);
    file.take(bound).read_to_end(&mut text).map_err(|error| error.to_string())?;
    let name = path.to_string_lossy();
    reader::read(&text, format, &name, ("__meta_filepath", &name)).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use model::Labels;

    use super::*;

    /// A folder with files, and the looks at them.
    struct Desk {
        folder: tempfile::TempDir,
        files: Files,
    }

    impl Desk {
        fn new(pattern: &str) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let files = Files { patterns: vec![folder.path().join(pattern)], known: BTreeMap::new() };
            Self { folder, files }
        }

        fn write(&self, name: &str, text: &str) {
            std::fs::write(self.folder.path().join(name), text).unwrap();
        }

        /// The addresses that a look tells, and the error; `None` if it tells nothing.
        fn look(&mut self, all: bool) -> Option<(Vec<String>, String)> {
            let outcome = self.files.look(all)?;
            let targets = outcome.groups.iter().flat_map(|group| &group.targets);
            let addresses = targets.map(|target| target.get("__address__").unwrap().to_owned()).collect();
            let folder = format!("{}/", self.folder.path().display());
            Some((addresses, outcome.error.unwrap_or_default().replace(&folder, "")))
        }
    }

    fn told(addresses: &[&str], error: &str) -> Option<(Vec<String>, String)> {
        Some((addresses.iter().map(|address| (*address).to_owned()).collect(), error.to_owned()))
    }

    #[test]
    fn files_are_found_by_their_pattern() {
        let mut desk = Desk::new("t*.yml");
        desk.write("t1.yml", "- targets: [a:1]");
        desk.write("t2.yml", "- targets: [b:1]");
        desk.write("u.yml", "- targets: [c:1]");
        assert_eq!(desk.look(true), told(&["a:1", "b:1"], ""));
        assert_eq!(desk.look(false), None);
        desk.write("t3.yml", "- targets: [d:1]");
        assert_eq!(desk.look(false), told(&["a:1", "b:1", "d:1"], ""));
    }

    #[test]
    fn the_path_is_a_label_and_the_source() {
        let mut desk = Desk::new("a.json");
        desk.write("a.json", r#"[{"targets": ["a:1"]}]"#);
        let path = desk.folder.path().join("a.json").to_string_lossy().into_owned();
        let group = desk.files.look(true).unwrap().groups.remove(0);
        assert_eq!(group.source, format!("{path}:0"));
        assert_eq!(group.labels, Labels::from_pairs([("__meta_filepath", path)]));
    }

    #[test]
    fn a_change_counts_once_it_has_settled() {
        let mut desk = Desk::new("a.yml");
        desk.write("a.yml", "- targets: [a:1]");
        assert_eq!(desk.look(true), told(&["a:1"], ""));
        // Truncated, then written in two parts, of which the first is valid by itself.
        desk.write("a.yml", "");
        assert_eq!(desk.look(false), None);
        desk.write("a.yml", "- targets: [b:1]\n");
        assert_eq!(desk.look(false), None);
        desk.write("a.yml", "- targets: [b:1]\n- targets: [c:1]\n");
        assert_eq!(desk.look(false), None);
        assert_eq!(desk.look(false), told(&["b:1", "c:1"], ""));
    }

    #[test]
    fn a_file_that_does_not_parse_keeps_its_targets() {
        let mut desk = Desk::new("*.yml");
        desk.write("a.yml", "- targets: [a:1]");
        desk.write("b.yml", "- targets: [b:1]");
        assert_eq!(desk.look(true), told(&["a:1", "b:1"], ""));
        for (text, error) in [
            ("- target: [x:1]\n", "a.yml: unknown field `target`, expected one of targets, labels at line 1, column 3"),
            ("", "a.yml: it is empty; write [] for no targets"),
        ] {
            desk.write("a.yml", text);
            assert_eq!(desk.look(false), None);
            assert_eq!(desk.look(false), told(&["a:1", "b:1"], error));
        }
        desk.write("a.yml", "[]");
        desk.look(false);
        assert_eq!(desk.look(false), told(&["b:1"], ""));
    }

    #[test]
    fn a_rename_loses_nothing_and_a_deletion_does() {
        let mut desk = Desk::new("a.yml");
        desk.write("a.yml", "- targets: [a:1]");
        assert_eq!(desk.look(true), told(&["a:1"], ""));
        let at = |name: &str| desk.folder.path().join(name);
        let (file, other) = (at("a.yml"), at("other"));
        std::fs::rename(&file, &other).unwrap();
        assert_eq!(desk.look(false), None);
        std::fs::write(&other, "- targets: [b:1]").unwrap();
        std::fs::rename(&other, &file).unwrap();
        assert_eq!(desk.look(false), None);
        assert_eq!(desk.look(false), told(&["b:1"], ""));
        std::fs::remove_file(&file).unwrap();
        assert_eq!(desk.look(false), None);
        assert_eq!(desk.look(false), told(&[], ""));
    }

    #[test]
    fn a_name_of_another_kind_is_refused() {
        let mut desk = Desk::new("a.txt");
        desk.write("a.txt", "[]");
        assert_eq!(desk.look(true), told(&[], "a.txt: the name must end in .json, .yml or .yaml"));
    }
}
