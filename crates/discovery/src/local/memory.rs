//! What is known about each listener, and whose turn it is to be asked. Pure: the time is an argument.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use parking_lot::Mutex;

use super::listeners::{Listener, Process};
use super::probe::Outcome;
use super::program::{self, Program};
use super::targets;
use super::verdict::{self, Verdict};
use crate::{LocalConfig, TargetGroup};

/// Who was asked in vain is not asked again for this long, in milliseconds.
const BACK_OFF_MS: i64 = 3_600_000;
/// A model server that does not answer yet is asked again after this long, in milliseconds; twice as long each time, up
/// to [`BACK_OFF_MS`]. It listens for minutes while it loads a model.
const LOADING_MS: i64 = 15_000;
/// Sentences that are kept.
const NOTES_MAX: usize = 200;

/// A listener: nobody is asked twice as the same one. Without a process it is its port.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    port: u16,
    pid: Option<u32>,
    container: Option<IpAddr>,
}

/// What came of asking, for all discoveries of a run: who is asked by one is not asked by the next.
#[derive(Debug, Default)]
pub(crate) struct Asked(Mutex<BTreeMap<Key, Tried>>);

/// What came of asking one listener.
#[derive(Clone, Debug)]
struct Tried {
    inodes: BTreeSet<u64>,
    outcome: Outcome,
    /// When it may be asked again.
    due_at_ms: i64,
    tries: u32,
}

/// All that is known.
pub(super) struct Memory {
    config: LocalConfig,
    known: BTreeMap<Key, Known>,
    asked: Arc<Asked>,
}

struct Known {
    inodes: BTreeSet<u64>,
    addresses: Vec<SocketAddr>,
    process: Option<Process>,
    program: Option<Program>,
    verdict: Verdict,
}

impl Memory {
    pub(super) const fn new(config: LocalConfig, asked: Arc<Asked>) -> Self {
        Self { config, known: BTreeMap::new(), asked }
    }

    /// Takes in who listens now, and tells whom to ask, and where.
    pub(super) fn take(&mut self, listeners: Vec<Listener>, now_ms: i64) -> Vec<(Key, Vec<SocketAddr>)> {
        let mut present: BTreeMap<Key, Vec<Listener>> = BTreeMap::new();
        for listener in listeners {
            let pid = listener.process.as_ref().map(|process| process.pid);
            let key = Key { port: listener.address.port(), pid, container: listener.container };
            present.entry(key).or_default().push(listener);
        }
        let on_v4: BTreeSet<Key> = present
            .iter()
            .filter(|(_, listeners)| listeners.iter().any(is_on_loopback_v4))
            .map(|(key, _)| key.clone())
            .collect();
        self.known.retain(|key, _| present.contains_key(key));
        for (key, listeners) in present {
            let inodes = listeners.iter().map(|listener| listener.inode).collect();
            if !self.known.get(&key).is_some_and(|known| key.is_same(&known.inodes, &inodes)) {
                let v4_taken = on_v4.iter().any(|other| other.port == key.port && *other != key);
                let known = self.first_sight(listeners, inodes, v4_taken);
                self.known.insert(key, known);
            }
        }
        self.leave_proxies_of_known_containers();
        let mut asked = self.asked.0.lock();
        asked.retain(|key, tried| self.known.get(key).is_some_and(|known| key.is_same(&tried.inodes, &known.inodes)));
        let is_due = |key: &Key| match asked.get(key) {
            Some(Tried { outcome: Outcome::Page { .. }, .. }) => false,
            Some(Tried { due_at_ms, .. }) => *due_at_ms <= now_ms,
            None => true,
        };
        self.known
            .iter()
            .filter(|(key, known)| known.verdict == Verdict::Ask && is_due(key))
            .map(|(key, known)| (key.clone(), known.addresses.clone()))
            .collect()
    }

    /// A server in a container is found once: where it listens itself, if that is seen, rather than behind Docker's proxy.
    fn leave_proxies_of_known_containers(&mut self) {
        let direct: BTreeSet<SocketAddr> = self
            .known
            .iter()
            .filter(|(key, known)| key.container.is_some() && known.verdict == Verdict::Ask)
            .flat_map(|(_, known)| known.addresses.iter().copied())
            .collect();
        for known in self.known.values_mut().filter(|known| known.verdict == Verdict::Ask) {
            let to = known.process.as_ref().and_then(program::hands_on_to);
            if to.is_some_and(|to| direct.contains(&to)) {
                known.verdict = Verdict::Leave("it hands on to a container whose server is asked itself");
            }
        }
    }

    fn first_sight(&self, listeners: Vec<Listener>, inodes: BTreeSet<u64>, v4_taken: bool) -> Known {
        let bound: Vec<SocketAddr> = listeners.iter().map(|listener| listener.address).collect();
        let container = listeners.iter().find_map(|listener| listener.container);
        let addresses = verdict::reached_at(&bound, v4_taken, container);
        let process = listeners.into_iter().find_map(|listener| listener.process);
        let program = process.as_ref().and_then(program::of);
        let verdict = verdict::of(&addresses, process.as_ref(), program, container.is_some(), &self.config);
        Known { inodes, addresses, process, program, verdict }
    }

    /// Takes in what came of asking.
    pub(super) fn learn(&mut self, key: &Key, outcome: Outcome, now_ms: i64) {
        let Some(known) = self.known.get(key) else { return };
        let mut asked = self.asked.0.lock();
        let tries = asked.get(key).map_or(0, |tried| tried.tries);
        let loading = matches!(outcome, Outcome::None { not_yet: true, .. })
            && known.program.is_some_and(|program| program.is_model_server);
        let wait_ms =
            if loading { LOADING_MS.saturating_mul(1 << tries.min(16)).min(BACK_OFF_MS) } else { BACK_OFF_MS };
        let due_at_ms = now_ms.saturating_add(wait_ms);
        asked.insert(key.clone(), Tried { inodes: known.inodes.clone(), outcome, due_at_ms, tries: tries + 1 });
    }

    /// The targets, and a sentence about each listener.
    pub(super) fn found(&self) -> (Vec<TargetGroup>, Vec<String>) {
        let (mut groups, mut notes) = (BTreeMap::new(), Vec::new());
        let asked = self.asked.0.lock();
        for pinned in &self.config.pinned {
            let known = self.known.values().find(|known| verdict::means(&pinned.address, &known.addresses));
            let reason = match known.and_then(|known| known.subject(None)) {
                Some(subject) => format!("{subject} and is pinned"),
                None => format!("{} is pinned; nothing listens there now", pinned.address),
            };
            let process = known.and_then(|known| known.process.as_ref());
            let group = targets::pinned(pinned, process, &reason);
            groups.insert(group.source.clone(), group);
            notes.push(reason);
        }
        for (key, known) in &self.known {
            let outcome = asked.get(key).map(|tried| &tried.outcome);
            let Some(subject) = known.subject(outcome) else { continue };
            notes.push(match (&known.verdict, outcome) {
                (Verdict::Pinned, _) => continue,
                (Verdict::Leave(why), _) => format!("{subject}; it is not asked: {why}"),
                (Verdict::Ask, None) => format!("{subject} and is about to be asked"),
                (Verdict::Ask, Some(Outcome::None { why, .. })) => format!("{subject}; it is not taken: {why}"),
                (Verdict::Ask, Some(Outcome::Page { address, path, page })) => {
                    let samples = if page.samples == 1 { "sample" } else { "samples" };
                    let reason = format!("{subject} and {path} has {} {samples}", page.samples);
                    let group = targets::found(known.process.as_ref(), &reason, *address, path, page);
                    groups.entry(group.source.clone()).or_insert(group);
                    reason
                }
            });
        }
        if NOTES_MAX < notes.len() {
            let more = notes.len() - NOTES_MAX;
            notes.truncate(NOTES_MAX);
            notes.push(format!("and {more} more"));
        }
        (groups.into_values().collect(), notes)
    }
}

impl Key {
    /// Whether a listener with this key is still the same one: where no process can be seen, another socket is another
    /// listener.
    fn is_same(&self, before: &BTreeSet<u64>, now: &BTreeSet<u64>) -> bool {
        self.pid.is_some() || before == now
    }
}

impl Known {
    /// `None` if it has no address.
    fn subject(&self, outcome: Option<&Outcome>) -> Option<String> {
        let address = match outcome {
            Some(Outcome::Page { address, .. }) => *address,
            _ => *self.addresses.first()?,
        };
        Some(targets::subject(self.process.as_ref(), self.program, address))
    }
}

fn is_on_loopback_v4(listener: &Listener) -> bool {
    let ip = listener.address.ip();
    listener.container.is_none() && ip.is_ipv4() && (ip.is_unspecified() || ip.is_loopback())
}
