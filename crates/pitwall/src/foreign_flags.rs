//! Flags of the programs that Pitwall replaces, so that their command lines work unchanged. What has a meaning here is
//! an alias in `cli.rs`; the others are taken out with a warning that says why.

/// A flag that has no meaning here.
struct Foreign {
    /// Without the dashes; a trailing `*` stands for any ending.
    name: &'static str,
    /// Whether a value follows it.
    takes_value: bool,
    /// Why it has none.
    why: &'static str,
}

const fn flag(name: &'static str, why: &'static str) -> Foreign {
    Foreign { name, takes_value: false, why }
}

const fn option(name: &'static str, why: &'static str) -> Foreign {
    Foreign { name, takes_value: true, why }
}

const ALWAYS_ON: &str = "always on";
const NO_CONSOLES: &str = "there are no console templates; pages are built in";
const ONE_BOX: &str = "Pitwall is one process on one machine";
const OWN_ENGINE: &str = "the storage engine is another and needs no such setting";
const COLLECTORS: &str = "every collector that finds something to read is on";

/// Prometheus', Alertmanager's and node_exporter's, in that order.
const FOREIGN: &[Foreign] = &[
    flag("web.enable-lifecycle", ALWAYS_ON),
    flag("web.enable-admin-api", "the admin API has no switch"),
    flag("web.enable-remote-write-receiver", ALWAYS_ON),
    flag("web.enable-otlp-receiver", ALWAYS_ON),
    option("web.console.templates", NO_CONSOLES),
    option("web.console.libraries", NO_CONSOLES),
    option("web.page-title", "the title is the machine's name"),
    option("web.cors.origin", "no other site may read this server"),
    option("web.max-connections", "the limit is built in"),
    option("web.read-timeout", "the limit is built in"),
    option("web.user-assets", "assets are built in"),
    option("web.route-prefix", "a prefix is not supported yet"),
    option("storage.tsdb.retention.size", "a size limit is not supported yet"),
    flag("storage.tsdb.no-lockfile", OWN_ENGINE),
    flag("storage.tsdb.wal-compression", OWN_ENGINE),
    option("storage.tsdb.*", OWN_ENGINE),
    option("storage.agent.*", OWN_ENGINE),
    option("storage.remote.*", OWN_ENGINE),
    option("rules.alert.for-outage-tolerance", "Prometheus' default of 1h is used"),
    option("rules.alert.for-grace-period", "Prometheus' default of 10m is used"),
    option("rules.alert.resend-delay", "Prometheus' default of 1m is used"),
    option("rules.max-concurrent-evals", "groups run side by side, rules in order"),
    option("alertmanager.notification-queue-capacity", "the queue's bound is built in"),
    option("query.max-concurrency", "as many as the machine has cores"),
    option("enable-feature", "feature switches have no effect"),
    flag("agent", "agent mode does not exist"),
    option("cluster.*", ONE_BOX),
    option("data.retention", "the notification log is kept for 120h"),
    option("data.maintenance-interval", "every change is written at once"),
    option("alerts.gc-interval", "the interval is built in"),
    option("dispatch.*", "the intervals are built in"),
    flag("collector.disable-defaults", COLLECTORS),
    option("collector.*", COLLECTORS),
    flag("no-collector.*", COLLECTORS),
    flag("web.disable-exporter-metrics", "own metrics are always there"),
    option("web.telemetry-path", "the path is /metrics"),
    option("web.max-requests", "the limit is built in"),
    option("web.config.file", "TLS and passwords for this server are not supported yet"),
    option("path.udev.data", "disks are named by the kernel's names"),
];

/// Node_exporter's collectors are switched without a value (`--collector.systemd`) and set with one
/// (`--collector.filesystem.mount-points-exclude=…`): the dots tell.
fn takes_value(foreign: &Foreign, name: &str) -> bool {
    foreign.takes_value && !(name.starts_with("collector.") && name.matches('.').count() == 1)
}

/// The arguments without foreign flags, and a warning for each that was taken out.
pub(crate) fn strip(arguments: impl IntoIterator<Item = String>) -> (Vec<String>, Vec<String>) {
    let mut kept = Vec::new();
    let mut warnings = Vec::new();
    let mut arguments = arguments.into_iter().peekable();
    while let Some(argument) = arguments.next() {
        let Some(flag) = argument.strip_prefix("--") else {
            kept.push(argument);
            continue;
        };
        let (name, value) = flag.split_once('=').map_or((flag, None), |(name, value)| (name, Some(value)));
        if is_ours(name) {
            kept.push(argument);
            continue;
        }
        let Some(foreign) = FOREIGN
            .iter()
            .find(|foreign| matches(foreign.name, name.trim_start_matches("no-")) || matches(foreign.name, name))
        else {
            kept.push(argument);
            continue;
        };
        if takes_value(foreign, name) && value.is_none() && arguments.peek().is_some_and(|next| !next.starts_with("--"))
        {
            arguments.next();
        }
        warnings.push(format!("--{name} has no effect: {}", foreign.why));
    }
    (kept, warnings)
}

/// Aliases that a wildcard of the table would catch.
fn is_ours(name: &str) -> bool {
    matches!(name, "storage.tsdb.path" | "storage.tsdb.retention.time")
}

fn matches(pattern: &str, name: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == name, |prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_flags_are_taken_out_with_their_values() {
        let check = |line: &str, expected: &str, warning_count: usize| {
            let (kept, warnings) = strip(line.split(' ').map(str::to_owned));
            assert_eq!((kept.join(" ").as_str(), warnings.len()), (expected, warning_count), "{line}: {warnings:?}");
        };
        check("pitwall --config.file=x --web.enable-lifecycle", "pitwall --config.file=x", 1);
        check(
            "pitwall --storage.tsdb.path /d --storage.tsdb.wal-segment-size 1MB",
            "pitwall --storage.tsdb.path /d",
            1,
        );
        check("pitwall --web.console.libraries=/x --bare", "pitwall --bare", 1);
        check("pitwall --collector.systemd --no-collector.wifi --bare", "pitwall --bare", 2);
        check("pitwall --collector.filesystem.mount-points-exclude ^/x --bare", "pitwall --bare", 1);
        check("pitwall --what", "pitwall --what", 0);
    }
}
