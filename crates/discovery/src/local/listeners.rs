//! Who listens, as procfs tells: `/proc/net/tcp` and `tcp6` for the sockets, `/proc/PID/fd` for whose they are.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use super::namespaces::{self, Namespace};

/// A command line is read up to this size in bytes.
const COMMAND_BYTES_MAX: u64 = 16 << 10;
/// A table of sockets is read up to this size in bytes; a line has 150.
const TABLE_BYTES_MAX: u64 = 64 << 20;
/// More listeners than these are not looked at.
const LISTENERS_MAX: usize = 4_096;
/// The state LISTEN in the tables (proc(5)).
const LISTEN: &str = "0A";

/// A socket that waits for connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listener {
    /// Where.
    pub(crate) address: SocketAddr,
    /// The socket's number.
    pub(crate) inode: u64,
    /// Whose it is, if that may be read.
    pub(crate) process: Option<Process>,
    /// Where its network namespace is reached from here, if it is not ours.
    pub(crate) container: Option<IpAddr>,
}

/// A process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Process {
    /// Its number.
    pub(crate) pid: u32,
    /// Its name, at most 15 bytes.
    pub(crate) name: String,
    /// Its command line.
    pub(crate) command: Vec<String>,
    /// Whether it is this program.
    pub(crate) is_us: bool,
}

/// A mounted procfs, and which process each known socket belongs to.
pub(crate) struct Procfs {
    root: PathBuf,
    owners: BTreeMap<u64, Option<Process>>,
}

impl Procfs {
    pub(crate) const fn new(root: PathBuf) -> Self {
        Self { root, owners: BTreeMap::new() }
    }

    /// All listeners, in the order of their addresses. The processes' files are only searched when there is a socket
    /// that was not there before, or an owner that is gone.
    pub(crate) fn listeners(&mut self) -> Result<Vec<Listener>, String> {
        let mut sockets = read_table(&self.root.join("net/tcp"), parse_v4)?;
        // A kernel without IPv6 has no such table.
        sockets.extend(read_table(&self.root.join("net/tcp6"), parse_v6).unwrap_or_default());
        let mut sockets: Vec<_> = sockets.into_iter().map(|(address, inode)| (None, address, inode)).collect();
        let pids = self.pids();
        for Namespace { folder, address } in namespaces::foreign(&self.root, &pids) {
            for (table, parse) in [("net/tcp", parse_v4 as fn(&str) -> _), ("net/tcp6", parse_v6)] {
                let listed = read_table(&folder.join(table), parse).unwrap_or_default();
                sockets.extend(listed.into_iter().map(|(at, inode)| (Some(address), at, inode)));
            }
        }
        sockets.sort_unstable();
        sockets.dedup();
        sockets.truncate(LISTENERS_MAX);
        let inodes: BTreeSet<u64> = sockets.iter().map(|(_, _, inode)| *inode).collect();
        self.owners.retain(|inode, owner| {
            let alive = |process: &Process| self.root.join(process.pid.to_string()).exists();
            inodes.contains(inode) && owner.as_ref().is_none_or(alive)
        });
        if inodes.iter().any(|inode| !self.owners.contains_key(inode)) {
            self.owners = self.find_owners(&inodes, &pids);
        }
        let listener = |(container, address, inode)| {
            let process = self.owners.get(&inode).cloned().flatten();
            Listener { address, inode, process, container }
        };
        Ok(sockets.into_iter().map(listener).collect())
    }

    fn pids(&self) -> Vec<u32> {
        let entries = std::fs::read_dir(&self.root).into_iter().flatten().flatten();
        let mut pids: Vec<u32> = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
        pids.sort_unstable();
        pids
    }

    /// Which process has each socket; the first by number where several share it. `None` where nobody may be seen.
    fn find_owners(&self, inodes: &BTreeSet<u64>, pids: &[u32]) -> BTreeMap<u64, Option<Process>> {
        let us = std::fs::read_link(self.root.join("self")).ok().and_then(|link| link.to_str()?.parse().ok());
        let us = us.unwrap_or_else(std::process::id);
        let mut owners: BTreeMap<u64, Option<Process>> = inodes.iter().map(|inode| (*inode, None)).collect();
        for pid in pids {
            let folder = self.root.join(pid.to_string());
            let mut process = None;
            for fd in std::fs::read_dir(folder.join("fd")).into_iter().flatten().flatten() {
                let Some(inode) = std::fs::read_link(fd.path()).ok().and_then(|link| socket(link.to_str()?)) else {
                    continue;
                };
                if let Some(owner @ None) = owners.get_mut(&inode) {
                    let process = process.get_or_insert_with(|| read_process(&folder, *pid, *pid == us));
                    *owner = Some(process.clone());
                }
            }
        }
        owners
    }
}

/// The inode of `socket:[INODE]`.
fn socket(link: &str) -> Option<u64> {
    link.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
}

fn read_process(folder: &Path, pid: u32, is_us: bool) -> Process {
    let name = std::fs::read_to_string(folder.join("comm")).unwrap_or_default().trim().to_owned();
    let mut bytes = Vec::new();
    if let Ok(file) = std::fs::File::open(folder.join("cmdline")) {
        // A process may end while it is looked at; then its command line is empty.
        drop(file.take(COMMAND_BYTES_MAX).read_to_end(&mut bytes));
    }
    let text = String::from_utf8_lossy(&bytes);
    // A process that set its title has one text with spaces and zeros behind it.
    let command = text.trim_end_matches('\0').split('\0').map(str::to_owned).filter(|part| !part.is_empty()).collect();
    Process { pid, name, command, is_us }
}

/// Addresses and inodes of the listeners in a table: local address in column 2, state in column 4, inode in column 10.
fn read_table(path: &Path, parse: fn(&str) -> Option<IpAddr>) -> Result<Vec<(SocketAddr, u64)>, String> {
    let unreadable = |error: std::io::Error| format!("cannot read {}: {error}", path.display());
    let mut table = String::new();
    let file = std::fs::File::open(path).map_err(unreadable)?;
    file.take(TABLE_BYTES_MAX).read_to_string(&mut table).map_err(unreadable)?;
    Ok(table.lines().skip(1).filter_map(|line| listener(line, parse)).collect())
}

fn listener(line: &str, parse: fn(&str) -> Option<IpAddr>) -> Option<(SocketAddr, u64)> {
    let mut columns = line.split_whitespace();
    let (host, port) = columns.nth(1)?.split_once(':')?;
    if columns.nth(1)? != LISTEN {
        return None;
    }
    let inode = columns.nth(5)?.parse().ok()?;
    Some((SocketAddr::new(parse(host)?, u16::from_str_radix(port, 16).ok()?), inode))
}

/// The kernel prints each 32-bit word of an address as the machine's number, so its bytes are in the machine's order.
fn parse_v4(hex: &str) -> Option<IpAddr> {
    let word = u32::from_str_radix(hex, 16).ok()?;
    Some(IpAddr::V4(Ipv4Addr::from(word.to_ne_bytes())))
}

fn parse_v6(hex: &str) -> Option<IpAddr> {
    let mut bytes = [0; 16];
    if hex.len() != 32 {
        return None;
    }
    for (index, word) in bytes.chunks_exact_mut(4).enumerate() {
        let word_hex = hex.get(8 * index..8 * index + 8)?;
        word.copy_from_slice(&u32::from_str_radix(word_hex, 16).ok()?.to_ne_bytes());
    }
    Some(IpAddr::V6(Ipv6Addr::from(bytes)).to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TCP: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 111 1 0000000000000000 100 0 0 10 0
   1: 00000000:0BB8 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 222 1 0000000000000000 100 0 0 10 0
   2: 0100007F:1F40 0100007F:9C40 01 00000000:00000000 00:00000000 00000000     0        0 333 1 0000000000000000 100 0 0 10 0
broken line
";
    const TCP6: &str = "  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000000000000000000001000000:23F0 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 444 1 0000000000000000 100 0 0 10 0
";

    /// A tree as procfs has it.
    fn tree() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        let at = |path: &str| dir.path().join(path);
        for folder in ["net", "4711/fd", "42/fd"] {
            std::fs::create_dir_all(at(folder)).unwrap();
        }
        std::fs::write(at("net/tcp"), TCP).unwrap();
        std::fs::write(at("net/tcp6"), TCP6).unwrap();
        std::fs::write(at("4711/comm"), "vllm\n").unwrap();
        std::fs::write(at("4711/cmdline"), "/usr/bin/python3\0/usr/bin/vllm\0serve\0m\0").unwrap();
        std::os::unix::fs::symlink("socket:[111]", at("4711/fd/5")).unwrap();
        std::os::unix::fs::symlink("/dev/null", at("4711/fd/0")).unwrap();
        std::fs::write(at("42/comm"), "pitwall\n").unwrap();
        std::fs::write(at("42/cmdline"), "").unwrap();
        std::os::unix::fs::symlink("socket:[222]", at("42/fd/3")).unwrap();
        std::os::unix::fs::symlink("42", at("self")).unwrap();
        dir
    }

    fn shown(listeners: &[Listener]) -> Vec<String> {
        let process = |process: &Process| {
            let us = if process.is_us { " us" } else { "" };
            format!("{} {}{us} {:?}", process.pid, process.name, process.command)
        };
        listeners
            .iter()
            .map(|one| {
                let container = one.container.map(|at| format!("{at} ")).unwrap_or_default();
                format!("{container}{} {} {:?}", one.address, one.inode, one.process.as_ref().map(process))
            })
            .collect()
    }

    #[test]
    fn listeners_and_their_processes() {
        let dir = tree();
        let mut procfs = Procfs::new(dir.path().to_owned());
        let expected = [
            r#"0.0.0.0:3000 222 Some("42 pitwall us []")"#,
            r#"127.0.0.1:8000 111 Some("4711 vllm [\"/usr/bin/python3\", \"/usr/bin/vllm\", \"serve\", \"m\"]")"#,
            "[::1]:9200 444 None",
        ];
        assert_eq!(shown(&procfs.listeners().unwrap()), expected);
        // Another process takes over the socket of one that is gone.
        std::fs::rename(dir.path().join("4711"), dir.path().join("4712")).unwrap();
        assert!(shown(&procfs.listeners().unwrap())[1].contains("4712 vllm"));
    }

    #[test]
    fn listeners_in_containers_are_seen_with_their_address() {
        let dir = tree();
        let at = |path: &str| dir.path().join(path);
        for (pid, namespace) in [("42", "net:[1]"), ("4711", "net:[1]"), ("77", "net:[2]"), ("78", "net:[2]")] {
            std::fs::create_dir_all(at(pid).join("ns")).unwrap();
            std::os::unix::fs::symlink(namespace, at(pid).join("ns/net")).unwrap();
        }
        std::fs::create_dir_all(at("77/net")).unwrap();
        std::fs::create_dir_all(at("78/fd")).unwrap();
        std::fs::write(at("77/net/tcp"), TCP.replace(" 222 ", " 555 ").replace(" 111 ", " 556 ")).unwrap();
        std::fs::write(at("77/net/fib_trie"), "|-- 172.17.0.2\n/32 host LOCAL\n").unwrap();
        std::fs::write(at("78/comm"), "vllm\n").unwrap();
        std::os::unix::fs::symlink("socket:[555]", at("78/fd/3")).unwrap();
        let listeners = Procfs::new(dir.path().to_owned()).listeners().unwrap();
        let foreign: Vec<_> = shown(&listeners).into_iter().filter(|one| one.starts_with("172.17.0.2")).collect();
        assert_eq!(foreign, ["172.17.0.2 0.0.0.0:3000 555 Some(\"78 vllm []\")", "172.17.0.2 127.0.0.1:8000 556 None"]);
        assert_eq!(listeners.len(), 5);
    }

    #[test]
    fn a_procfs_that_is_none_is_said() {
        let dir = tempfile::tempdir().unwrap();
        let error = Procfs::new(dir.path().to_owned()).listeners().unwrap_err();
        assert!(error.ends_with("net/tcp: No such file or directory (os error 2)"), "{error}");
    }

    #[test]
    fn this_machine_lists_our_own_listener() {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        let listeners = Procfs::new(PathBuf::from("/proc")).listeners().unwrap();
        let ours = listeners.iter().find(|one| one.address == address).unwrap();
        assert!(ours.process.as_ref().unwrap().is_us);
    }

    proptest::proptest! {
        #[test]
        fn any_line_is_a_listener_or_none(line in "[ 0-9A-Fa-f:é]{0,80}") {
            listener(&line, parse_v4);
            listener(&line, parse_v6);
        }
    }
}
