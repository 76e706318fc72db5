//! The host row: processor, memory, disks, network of this machine.

use chart::{Segment, bar};
use model::{Labels, Timestamp};
use units::quote::quote;
use units::unit::Unit;

use super::super::ask;
use super::super::panel::{self, PanelPlan, PanelQuery};
use super::super::view::home::HostRow;
use super::super::view::parts::{Empty, Html, Icon, Mood, Panel};
use super::super::window::Window;
use crate::State;

/// Rows of the table of memory and disks.
const ROWS_MAX: usize = 10;
/// From this share on a disk is marked.
const DISK_WARN: f64 = 0.9;
/// File systems that say nothing about disks.
const NOT_DISKS: &str = "tmpfs|devtmpfs|ramfs|overlay|squashfs|iso9660|fuse\\\\..*|nsfs|efivarfs";
/// Interfaces that carry what others carry too.
const NOT_WIRES: &str = "lo|veth.*|docker.*|br-.*|cni.*|flannel.*|virbr.*|tap.*|dummy.*";

/// What the home page says about the host.
#[derive(Debug, Default)]
pub(crate) struct Host {
    pub(crate) facts: String,
    pub(crate) uptime: Option<String>,
    pub(crate) panels: Vec<Panel>,
    pub(crate) rows: Vec<HostRow>,
}

/// Reads the host row.
pub(crate) async fn load(state: &State, window: &Window, first_sample_ms: Option<i64>) -> Host {
    let at = window.end();
    let Some(host) = find(state, at).await else {
        let empty = Empty::new(Mood::Neutral, "No host metrics yet")
            .icon(Icon::Host)
            .line("Nothing under node_exporter's names was scraped in the last five minutes.")
            .link("/targets", "See the targets");
        return Host { panels: vec![empty_panel(empty)], ..Host::default() };
    };
    let empty = panel::waiting(first_sample_ms, at);
    let total = value(state, &format!("node_memory_MemTotal_bytes{{{host}}}"), at).await;
    let plans = plans(&host, &rate_range(window), total, &empty);
    let panels = futures_util::future::join_all(plans.into_iter().map(|plan| panel::load(state, plan, window)));
    let (panels, rows, (facts, uptime)) = tokio::join!(panels, rows(state, &host, at), facts(state, &host, at));
    Host { facts, uptime, panels: panels.into_iter().map(|loaded| loaded.panel).collect(), rows }
}

/// The window of a rate: long enough for two samples of a slow target, and for every sample between two steps.
pub(crate) fn rate_range(window: &Window) -> String {
    units::duration::format_ms((window.step_ms * 4).max(60_000))
}

/// The matchers of this machine's series: the host that has its name, or the first.
async fn find(state: &State, at: Timestamp) -> Option<String> {
    let hosts = ask::instant(state, "node_uname_info", at).await.ok()?;
    let own = hosts.iter().find(|(labels, _)| labels.get("nodename") == Some(&*state.hostname));
    let (labels, _) = own.or(hosts.first())?;
    let matchers = ["job", "instance"].map(|name| format!("{name}={}", quote(labels.get(name).unwrap_or_default())));
    Some(matchers.join(","))
}

/// A rate short enough to follow what happens: of the two newest samples while steps are short, of all between two steps
/// where they are long.
fn rate(series: &str, range: &str) -> String {
    let function = if range == "1m" { "irate" } else { "rate" };
    format!("{function}({series}[{range}])")
}

fn plans(host: &str, range: &str, memory_total: Option<f64>, empty: &Empty) -> Vec<PanelPlan> {
    let query = |name, slot, expr: String| PanelQuery { expr, name, slot };
    let plan = |id: &str, title, unit, queries| PanelPlan {
        id: format!("host-{id}"),
        title,
        span: "c3",
        unit,
        queries,
        fill: true,
        stack: false,
        max: None,
        empty: empty.clone(),
    };
    let busy = |modes: &str| {
        let seconds = rate(&format!("node_cpu_seconds_total{{{host},mode=~\"{modes}\"}}"), range);
        format!("100 * sum({seconds}) / count(node_cpu_seconds_total{{{host},mode=\"idle\"}})")
    };
    let disk = |name: &str| format!("sum({})", rate(&format!("node_disk_{name}_bytes_total{{{host}}}"), range));
    let wire = |name: &str| {
        let bytes = rate(&format!("node_network_{name}_bytes_total{{{host},device!~\"{NOT_WIRES}\"}}"), range);
        format!("8 * sum({bytes})")
    };
    let used = format!("node_memory_MemTotal_bytes{{{host}}} - node_memory_MemAvailable_bytes{{{host}}}");
    vec![
        PanelPlan {
            stack: true,
            max: Some(100.0),
            ..plan(
                "cpu",
                "CPU",
                "percent",
                vec![
                    query("user", 0, busy("user|nice")),
                    query("system", 2, busy("system|irq|softirq|steal")),
                    query("I/O wait", 1, busy("iowait")),
                ],
            )
        },
        PanelPlan { max: memory_total, ..plan("memory", "Memory", "bytes", vec![query("used", 3, used)]) },
        plan("disk", "Disk", "Bps", vec![query("read", 0, disk("read")), query("written", 1, disk("written"))]),
        plan("network", "Network", "bps", vec![query("in", 0, wire("receive")), query("out", 1, wire("transmit"))]),
    ]
}

async fn rows(state: &State, host: &str, at: Timestamp) -> Vec<HostRow> {
    let memory = |name: &str| format!("node_memory_{name}_bytes{{{host}}}");
    let disks = |name: &str| format!("node_filesystem_{name}_bytes{{{host},fstype!~\"{NOT_DISKS}\"}}");
    let of = |expr: String| async move { value(state, &expr, at).await };
    let all = |expr: String| async move { ask::instant(state, &expr, at).await.unwrap_or_default() };
    let (total, available, cached, swap, swap_free, size, free, avail) = tokio::join!(
        of(memory("MemTotal")),
        of(memory("MemAvailable")),
        of(memory("Cached")),
        of(memory("SwapTotal")),
        of(memory("SwapFree")),
        all(disks("size")),
        all(disks("free")),
        all(disks("avail")),
    );
    let mut rows = Vec::new();
    if let (Some(total), Some(available)) = (total, available) {
        let cached = cached.map(|cached| format!("page cache {}", bytes(cached))).unwrap_or_default();
        rows.push(row("Memory".to_owned(), total - available, total, None, cached));
    }
    if let (Some(total), Some(free)) = (swap.filter(|total| *total != 0.0), swap_free) {
        rows.push(row("Swap".to_owned(), total - free, total, None, String::new()));
    }
    rows.extend(disk_rows(&size, &free, &avail));
    rows.truncate(ROWS_MAX);
    rows
}

/// A row for each device; one that is mounted more than once has the shortest path.
fn disk_rows(size: &[(Labels, f64)], free: &[(Labels, f64)], available: &[(Labels, f64)]) -> Vec<HostRow> {
    let same = |list: &[(Labels, f64)], labels: &Labels| {
        let key =
            |labels: &Labels| (labels.get("device").map(str::to_owned), labels.get("mountpoint").map(str::to_owned));
        list.iter().find(|(other, _)| key(other) == key(labels)).map(|(_, value)| *value)
    };
    let mut disks: Vec<_> = size.iter().filter(|(_, size)| 0.0 < *size).collect();
    disks.sort_by_key(|(labels, _)| {
        let mountpoint = labels.get("mountpoint").unwrap_or_default();
        (mountpoint.len(), mountpoint.to_owned())
    });
    let mut seen = Vec::new();
    let mut out = Vec::new();
    for (labels, size) in disks {
        let device = labels.get("device").unwrap_or_default();
        let (Some(free), Some(available)) = (same(free, labels), same(available, labels)) else { continue };
        if seen.contains(&device) {
            continue;
        }
        seen.push(device);
        // As df counts: what is reserved for root is neither used nor to be had.
        let used = size - free;
        let mountpoint = labels.get("mountpoint").unwrap_or_default();
        let context = format!("{device}, {}", labels.get("fstype").unwrap_or_default());
        out.push(row(format!("Disk {mountpoint}"), used, used + available, Some(DISK_WARN), context));
    }
    out
}

fn row(name: String, used: f64, total: f64, limit: Option<f64>, context: String) -> HostRow {
    let fraction = if 0.0 < total { used / total } else { 0.0 };
    let class = if limit.is_some_and(|limit| limit <= fraction) { "warn bf" } else { "s0" };
    let unit = Unit::parse("bytes").scale(total);
    let (used, total) = (unit.format(used, None), unit.format(total, None));
    HostRow {
        name,
        value: format!("{} / {total}", used.text),
        bar: Html(bar(&[Segment { class, fraction }], limit)),
        context: format!("{:.0}%{}{context}", fraction * 100.0, if context.is_empty() { "" } else { ", " }),
    }
}

/// `Linux 6.8.0, 64 threads, load 2.1`, and how long the machine runs.
async fn facts(state: &State, host: &str, at: Timestamp) -> (String, Option<String>) {
    let (uname, os) = (format!("node_uname_info{{{host}}}"), format!("node_os_info{{{host}}}"));
    let (threads, load) =
        (format!("count(node_cpu_seconds_total{{{host},mode=\"idle\"}})"), format!("node_load1{{{host}}}"));
    let uptime = format!("node_time_seconds{{{host}}} - node_boot_time_seconds{{{host}}}");
    let (uname, os, threads, load, uptime) = tokio::join!(
        ask::instant(state, &uname, at),
        ask::instant(state, &os, at),
        value(state, &threads, at),
        value(state, &load, at),
        value(state, &uptime, at)
    );
    let label = |found: &Result<Vec<(Labels, f64)>, _>, name: &str| {
        let labels = found.as_ref().ok().and_then(|found| found.first()).map(|(labels, _)| labels);
        labels.and_then(|labels| labels.get(name)).map(str::to_owned)
    };
    let kernel =
        label(&uname, "sysname").zip(label(&uname, "release")).map(|(name, release)| format!("{name} {release}"));
    let facts = [
        label(&os, "pretty_name"),
        kernel,
        threads.map(|threads| super::super::view::parts::counted(threads as usize, "thread", "threads")),
        load.map(|load| format!("load {load:.2}")),
    ];
    let uptime = uptime.map(|seconds| format!("up {}", Unit::parse("dtdurations").format(seconds, None)));
    (facts.into_iter().flatten().collect::<Vec<_>>().join(", "), uptime)
}

/// The value of an expression's only series.
async fn value(state: &State, expr: &str, at: Timestamp) -> Option<f64> {
    ask::instant(state, expr, at).await.ok()?.first().map(|(_, value)| *value)
}

fn bytes(value: f64) -> String {
    Unit::parse("bytes").format(value, None).to_string()
}

fn empty_panel(empty: Empty) -> Panel {
    Panel {
        id: "host-empty".to_owned(),
        title: "This machine".to_owned(),
        href: None,
        unit: String::new(),
        span: "",
        end: None,
        body: super::super::view::parts::PanelBody::Empty(empty),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(device: &str, mountpoint: &str, value: f64) -> (Labels, f64) {
        (Labels::from_pairs([("device", device), ("mountpoint", mountpoint), ("fstype", "ext4")]), value)
    }

    #[test]
    fn a_device_has_one_row_and_a_full_one_is_marked() {
        let gib = 1_073_741_824.0;
        let size = [
            sample("/dev/b", "/data", 100.0 * gib),
            sample("/dev/a", "/var/lib/x", 50.0 * gib),
            sample("/dev/a", "/", 50.0 * gib),
        ];
        let free = [
            sample("/dev/b", "/data", 8.0 * gib),
            sample("/dev/a", "/", 30.0 * gib),
            sample("/dev/a", "/var/lib/x", 30.0 * gib),
        ];
        let available = [
            sample("/dev/b", "/data", 3.0 * gib),
            sample("/dev/a", "/", 28.0 * gib),
            sample("/dev/a", "/var/lib/x", 28.0 * gib),
        ];
        let rows = disk_rows(&size, &free, &available);
        let said: Vec<_> = rows.iter().map(|row| format!("{} {} {}", row.name, row.value, row.context)).collect();
        assert_eq!(said, ["Disk / 20 / 48 GiB 42%, /dev/a, ext4", "Disk /data 92 / 95 GiB 97%, /dev/b, ext4"]);
        assert!(rows[1].bar.0.contains("warn bf") && !rows[0].bar.0.contains("warn bf"));
    }
}
