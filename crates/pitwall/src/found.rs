//! Targets that were found on this machine: the job that looks for them, and what a person decided about them, in the
//! catalog.

use std::path::Path;
use std::sync::Arc;

use catalog::{Batch, Catalog};
use discovery::{LocalConfig, Pinned};
use model::Labels;
use scrape::{Manager, ScrapeConfig};
use server::{DecideError, Decision};

/// The catalog's tree for decisions: the key is an address (`HOST:PORT`), the value `-` for a dismissed one, else a pinned
/// one's path and labels as JSON: `["/metrics", {"job": "vllm"}]`.
pub(crate) const TREE: &str = "found.decisions";
const DISMISSED: &[u8] = b"-";

/// The job that found targets belong to.
pub(crate) const JOB: &str = "found";
/// How long their scrapes may take, in milliseconds, unless the interval is shorter.
const TIMEOUT_MS: i64 = 5_000;

/// What a person decided.
pub(crate) struct Decisions {
    catalog: Arc<Catalog>,
}

/// All of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Decided {
    pub(crate) pinned: Vec<Pinned>,
    pub(crate) dismissed: Vec<String>,
}

impl Decisions {
    pub(crate) const fn new(catalog: Arc<Catalog>) -> Self {
        Self { catalog }
    }

    /// Everything that was decided.
    pub(crate) fn load(&self) -> Result<Decided, catalog::Error> {
        let mut decided = Decided::default();
        for (key, value) in self.catalog.scan_prefix(TREE, b"")? {
            let address = String::from_utf8_lossy(&key).into_owned();
            if value == DISMISSED {
                decided.dismissed.push(address);
            } else if let Ok((path, labels)) = serde_json::from_slice::<(String, Vec<(String, String)>)>(&value) {
                decided.pinned.push(Pinned { address, path, labels: Labels::from_pairs(labels) });
            } else {
                tracing::warn!(
                    address,
                    "a decision about a found target cannot be read; it is as if it were never made"
                );
            }
        }
        Ok(decided)
    }

    /// The addresses that were decided about, and whether they are pinned.
    pub(crate) fn addresses(&self) -> Vec<(String, bool)> {
        let decided = self.load().unwrap_or_else(|error| {
            tracing::warn!(%error, "what was decided about found targets cannot be read");
            Decided::default()
        });
        let pinned = decided.pinned.into_iter().map(|pinned| (pinned.address, true));
        let mut all: Vec<_> = pinned.chain(decided.dismissed.into_iter().map(|address| (address, false))).collect();
        all.sort();
        all
    }

    /// Stores a decision; durable on return. `targets` tells whose key it names.
    pub(crate) fn store(&self, decision: &Decision, targets: &Manager) -> Result<(), DecideError> {
        let mut batch = Batch::new();
        match decision {
            Decision::Forget { address } => drop(batch.remove(TREE, address.as_bytes())),
            Decision::Pin { key } => {
                let pinned = found(targets, key)?;
                let labels: Vec<(&str, &str)> = pinned.labels.iter().collect();
                let value = serde_json::to_vec(&(&pinned.path, labels))
                    .map_err(|error| DecideError::Failed(error.to_string()))?;
                batch.put(TREE, pinned.address.as_bytes(), &value);
            }
            Decision::Dismiss { key } => drop(batch.put(TREE, found(targets, key)?.address.as_bytes(), DISMISSED)),
        }
        self.catalog.apply(&batch).map_err(|error| DecideError::Failed(error.to_string()))
    }
}

/// The found target with this key, as it would be pinned.
fn found(targets: &Manager, key: &str) -> Result<Pinned, DecideError> {
    let status = targets.targets().into_iter().find(|status| status.pool == JOB && status.key == key);
    let status = status.ok_or(DecideError::Unknown)?;
    let own = |name: &str| status.discovered_labels.get(name).unwrap_or_default().to_owned();
    // `instance` follows from the address; a label of the target that was made of meta labels would be made again.
    let labels = status.labels.filtered(|name| name != "instance");
    Ok(Pinned { address: own("__address__"), path: own("__metrics_path__"), labels })
}

/// The job that looks for targets on this machine.
pub(crate) fn job(procfs: &Path, interval_ms: i64, decided: Decided) -> ScrapeConfig {
    let Decided { pinned, dismissed: ignored } = decided;
    let local = LocalConfig { procfs: procfs.to_owned(), ignored, pinned, ..LocalConfig::default() };
    ScrapeConfig {
        job_name: JOB.to_owned(),
        scrape_interval_ms: interval_ms,
        scrape_timeout_ms: TIMEOUT_MS.min(interval_ms),
        discoveries: vec![discovery::Config::Local(local)],
        gives_way: true,
        ..ScrapeConfig::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decisions_survive_and_can_be_taken_back() {
        let folder = tempfile::tempdir().unwrap();
        let open = || Decisions::new(Arc::new(Catalog::open(folder.path(), &[TREE]).unwrap().0));
        let mut batch = Batch::new();
        batch.put(TREE, b"127.0.0.1:8000", br#"["/v1/metrics", [["job", "nim"]]]"#);
        batch.put(TREE, b"127.0.0.1:9100", DISMISSED).put(TREE, b"127.0.0.1:1", b"?");
        let decisions = open();
        decisions.catalog.apply(&batch).unwrap();
        drop(decisions);
        let decisions = open();
        let labels = Labels::from_pairs([("job", "nim")]);
        let pinned = Pinned { address: "127.0.0.1:8000".to_owned(), path: "/v1/metrics".to_owned(), labels };
        let expected = Decided { pinned: vec![pinned], dismissed: vec!["127.0.0.1:9100".to_owned()] };
        assert_eq!(decisions.load().unwrap(), expected);
        let manager = Manager::new(
            Arc::new(storage::MemoryStorage::new()),
            Arc::new(clock::SystemClock),
            scrape::Machine::default(),
        );
        let unknown = decisions.store(&Decision::Pin { key: "0".to_owned() }, &manager);
        assert_eq!(unknown, Err(DecideError::Unknown));
        decisions.store(&Decision::Forget { address: "127.0.0.1:9100".to_owned() }, &manager).unwrap();
        assert_eq!(decisions.addresses(), [("127.0.0.1:8000".to_owned(), true)]);
    }
}
