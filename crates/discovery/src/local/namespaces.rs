//! Network namespaces of containers, as procfs shows them: a server in one listens in a table of its own, and is reached
//! from here at its container's address.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

/// More namespaces than these are not looked into.
const NAMESPACES_MAX: usize = 64;
/// A table of addresses is read up to this size in bytes.
const TABLE_BYTES_MAX: u64 = 1 << 20;

/// A network namespace that is not ours.
pub(super) struct Namespace {
    /// The folder of a process in it.
    pub(super) folder: PathBuf,
    /// Its first address that others can reach.
    pub(super) address: IpAddr,
}

/// The namespaces that the processes live in, ours left out, as far as they may be seen and have an address.
pub(super) fn foreign(root: &Path, pids: &[u32]) -> Vec<Namespace> {
    let Ok(ours) = std::fs::read_link(root.join("self/ns/net")) else { return Vec::new() };
    let (mut seen, mut namespaces) = (BTreeSet::from([ours]), Vec::new());
    for pid in pids {
        let folder = root.join(pid.to_string());
        let Ok(namespace) = std::fs::read_link(folder.join("ns/net")) else { continue };
        if !seen.insert(namespace) || NAMESPACES_MAX <= namespaces.len() {
            continue;
        }
        if let Some(address) = read_address(&folder.join("net/fib_trie")) {
            namespaces.push(Namespace { folder, address });
        }
    }
    namespaces
}

fn read_address(path: &Path) -> Option<IpAddr> {
    let mut table = String::new();
    std::fs::File::open(path).ok()?.take(TABLE_BYTES_MAX).read_to_string(&mut table).ok()?;
    local_address(&table).map(IpAddr::V4)
}

/// The first address of the namespace itself that is not loopback: in the kernel's table of routes a line `|-- ADDRESS`
/// with `/32 host LOCAL` below it.
fn local_address(table: &str) -> Option<Ipv4Addr> {
    let mut last = None;
    for line in table.lines().map(str::trim) {
        if let Some(address) = line.strip_prefix("|-- ") {
            last = address.parse::<Ipv4Addr>().ok();
        } else if line == "/32 host LOCAL"
            && let Some(address) = last.filter(|address| !address.is_loopback())
        {
            return Some(address);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIB_TRIE: &str = "Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     |-- 172.17.0.0
        /16 link UNICAST
Local:
  +-- 0.0.0.0/0 3 0 5
     +-- 127.0.0.0/8 2 0 2
        |-- 127.0.0.1
           /32 host LOCAL
     +-- 172.17.0.0/16 2 0 2
        |-- 172.17.0.2
           /32 host LOCAL
        |-- 172.17.255.255
           /32 link BROADCAST
";

    #[test]
    fn the_address_of_a_container() {
        assert_eq!(local_address(FIB_TRIE), Some(Ipv4Addr::new(172, 17, 0, 2)));
        assert_eq!(local_address("     |-- 127.0.0.1\n        /32 host LOCAL\n"), None);
        assert_eq!(local_address(""), None);
    }
}
