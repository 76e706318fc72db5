//! Sizes of mounted filesystems, from /proc/1/mountinfo and statvfs.

use std::path::Path;

use model::MetricType::Gauge;

use crate::families::Families;
use crate::{Config, read};

/// Types that are no disks, as node_exporter leaves them out.
const TYPES_LEFT_OUT: [&str; 26] = [
    "autofs",
    "binfmt_misc",
    "bpf",
    "cgroup",
    "cgroup2",
    "configfs",
    "debugfs",
    "devpts",
    "devtmpfs",
    "fusectl",
    "hugetlbfs",
    "iso9660",
    "mqueue",
    "nsfs",
    "overlay",
    "proc",
    "procfs",
    "pstore",
    "rpc_pipefs",
    "securityfs",
    "selinuxfs",
    "squashfs",
    "erofs",
    "sysfs",
    "tracefs",
    "fuse.lxcfs",
];

/// A mount.
#[derive(Debug, PartialEq)]
struct Mount {
    device: String,
    mountpoint: String,
    fstype: String,
    read_only: bool,
}

pub(crate) fn collect(config: &Config, families: &mut Families) -> Result<(), String> {
    // The first process' table is the host's, even where this one lives in a container.
    let text = read(&config.procfs.join("1/mountinfo")).or_else(|_| read(&config.procfs.join("self/mountinfo")))?;
    for mount in parse(&text) {
        let path = config.rootfs.join(mount.mountpoint.trim_start_matches('/'));
        measure(&path, &mount, families);
    }
    Ok(())
}

fn measure(path: &Path, mount: &Mount, families: &mut Families) {
    let labels = [
        ("device", mount.device.as_str()),
        ("device_error", ""),
        ("fstype", mount.fstype.as_str()),
        ("mountpoint", mount.mountpoint.as_str()),
    ];
    let about = match rustix::fs::statvfs(path) {
        Ok(about) => about,
        Err(error) => {
            let reason = error.to_string();
            let labels = [labels[0], ("device_error", reason.as_str()), labels[2], labels[3]];
            let help = "Whether an error occurred while getting statistics for the given device.";
            families.add("node_filesystem_device_error", help, Gauge, &labels, 1.0);
            return;
        }
    };
    let block = about.f_frsize as f64;
    let read_only = mount.read_only || about.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY);
    for (name, help, value) in [
        ("avail_bytes", "Filesystem space available to non-root users in bytes.", about.f_bavail as f64 * block),
        ("device_error", "Whether an error occurred while getting statistics for the given device.", 0.0),
        ("files", "Filesystem total file nodes.", about.f_files as f64),
        ("files_free", "Filesystem total free file nodes.", about.f_ffree as f64),
        ("free_bytes", "Filesystem free space in bytes.", about.f_bfree as f64 * block),
        ("readonly", "Filesystem read-only status.", f64::from(u8::from(read_only))),
        ("size_bytes", "Filesystem size in bytes.", about.f_blocks as f64 * block),
    ] {
        families.add(&format!("node_filesystem_{name}"), help, Gauge, &labels, value);
    }
}

/// proc(5): fields up to ` - ` are ids, root, mount point and options; behind it stand type, device and more.
fn parse(text: &str) -> Vec<Mount> {
    let mut mounts: Vec<Mount> = Vec::new();
    for line in text.lines() {
        let Some((before, after)) = line.split_once(" - ") else { continue };
        let (before, after): (Vec<&str>, Vec<&str>) = (before.split(' ').collect(), after.split(' ').collect());
        let (Some(mountpoint), Some(options), [fstype, device, ..]) = (before.get(4), before.get(5), &after[..]) else {
            continue;
        };
        let mountpoint = unescaped(mountpoint);
        if TYPES_LEFT_OUT.contains(fstype) || is_left_out(&mountpoint) {
            continue;
        }
        let mount = Mount {
            device: unescaped(device),
            mountpoint,
            fstype: (*fstype).to_owned(),
            read_only: options.split(',').any(|option| option == "ro"),
        };
        // The same mount listed twice would be the same series twice.
        let same = |known: &Mount| {
            known.device == mount.device && known.mountpoint == mount.mountpoint && known.fstype == mount.fstype
        };
        if !mounts.iter().any(same) {
            mounts.push(mount);
        }
    }
    mounts
}

/// `^/(dev|proc|run/credentials/.+|sys|var/lib/docker/.+|var/lib/containers/storage/.+)($|/)`
fn is_left_out(mountpoint: &str) -> bool {
    let below = |folder: &str| {
        mountpoint == folder || mountpoint.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
    };
    let inside = |folder: &str| mountpoint.strip_prefix(folder).is_some_and(|rest| 1 < rest.len());
    below("/dev")
        || below("/proc")
        || below("/sys")
        || inside("/run/credentials")
        || inside("/var/lib/docker")
        || inside("/var/lib/containers/storage")
}

/// The kernel writes blanks and backslashes in octal.
fn unescaped(text: &str) -> String {
    text.replace("\\040", " ").replace("\\011", "\t").replace("\\012", "\n").replace("\\134", "\\")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn disks_are_told_from_the_rest() {
        let text = "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n\
                    23 22 0:5 / /proc rw - proc proc rw\n\
                    24 22 8:2 / /mnt/a\\040b ro,nosuid - xfs /dev/sdb rw\n\
                    25 22 0:6 / /dev/shm rw - tmpfs tmpfs rw\n\
                    26 22 0:7 / /run rw - tmpfs tmpfs rw\n";
        let shown: Vec<String> =
            parse(text).iter().map(|m| format!("{} {} {} {}", m.device, m.mountpoint, m.fstype, m.read_only)).collect();
        assert_eq!(shown, ["/dev/sda1 / ext4 false", "/dev/sdb /mnt/a b xfs true", "tmpfs /run tmpfs false"]);
    }
}
