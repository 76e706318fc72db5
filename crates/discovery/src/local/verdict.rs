//! Who is asked for a page, and where. These are the safety rules: whatever is not allowed here is not done.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::listeners::Process;
use super::program::{self, Program};
use crate::LocalConfig;

/// Ports that servers of metrics have by default: vLLM, NIM and Triton 8000 to 8002, llama.cpp 8080, TGI 3000, Prometheus
/// 9090, node_exporter 9100, dcgm-exporter 9400, nvidia_gpu_exporter 9835, Ollama 11434, LMDeploy 23333, SGLang 30000.
pub(super) const WELL_KNOWN_PORTS: &[u16] =
    &[3000, 8000, 8001, 8002, 8080, 9000, 9090, 9100, 9400, 9835, 11434, 23333, 30000];

/// What is to be done with a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Its page may be asked for.
    Ask,
    /// A person keeps it; nothing needs to be asked.
    Pinned,
    /// It is left alone, for this reason.
    Leave(&'static str),
}

/// Decides about what listens at these addresses.
pub(super) fn of(
    addresses: &[SocketAddr],
    process: Option<&Process>,
    program: Option<Program>,
    in_container: bool,
    config: &LocalConfig,
) -> Verdict {
    let Some(port) = addresses.first().map(SocketAddr::port) else {
        return Verdict::Leave("it is not reached from here");
    };
    if process.is_some_and(|process| process.is_us) {
        return Verdict::Leave("it is this program itself");
    }
    if config.pinned.iter().any(|pinned| means(&pinned.address, addresses)) {
        return Verdict::Pinned;
    }
    if config.ignored.iter().any(|ignored| means(ignored, addresses)) {
        return Verdict::Leave("it is this program's own or was dismissed");
    }
    match (program, process) {
        (None, _) if in_container => Verdict::Leave("it is in a container, and its program is not known"),
        _ if WELL_KNOWN_PORTS.contains(&port) => Verdict::Ask,
        // A model server opens other ports as well, for its workers, and a GET may disturb those.
        (Some(_), Some(process)) if program::names_port(process, port) => Verdict::Ask,
        (Some(_), _) => Verdict::Leave("the port is neither a usual one nor named on the command line"),
        (None, Some(_)) => Verdict::Leave("neither the program nor the port is one of a known server"),
        (None, None) => Verdict::Leave("its process cannot be seen, and the port is none of a known server"),
    }
}

/// Whether `HOST:PORT` means one of the addresses. A wildcard or `localhost` means the port on any loopback address.
pub(super) fn means(text: &str, addresses: &[SocketAddr]) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else { return false };
    let Ok(port) = port.parse::<u16>() else { return false };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let ip = host.parse::<IpAddr>().ok();
    let anywhere = host.is_empty() || host == "localhost" || ip.is_some_and(|ip| ip.is_unspecified());
    addresses
        .iter()
        .any(|address| address.port() == port && (Some(address.ip()) == ip || (anywhere && address.ip().is_loopback())))
}

/// Where a listener is reached from this machine, the best first: loopback where it listens everywhere, else exactly where
/// it listens, which is an address of this machine by nature. `v4_taken`: somebody else has the port on IPv4. In a
/// `container`, what listens everywhere is reached at the container's address, and what listens on loopback is not.
pub(super) fn reached_at(bound: &[SocketAddr], v4_taken: bool, container: Option<IpAddr>) -> Vec<SocketAddr> {
    let (v4, v6) = (IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST));
    let mut reached: Vec<SocketAddr> = Vec::new();
    for address in bound {
        let hosts = match address.ip() {
            ip if container.is_some() && ip.is_loopback() => vec![],
            ip if container.is_some() && ip.is_unspecified() => container.into_iter().collect(),
            IpAddr::V4(ip) if ip.is_unspecified() => vec![v4],
            IpAddr::V6(ip) if ip.is_unspecified() && v4_taken => vec![v6],
            // Mostly IPv4 too; the table does not tell.
            IpAddr::V6(ip) if ip.is_unspecified() => vec![v4, v6],
            ip => vec![ip],
        };
        reached.extend(hosts.into_iter().map(|host| SocketAddr::new(host, address.port())));
    }
    reached.sort_by_key(|address| (!address.ip().is_loopback(), address.is_ipv6(), *address));
    reached.dedup();
    reached
}

#[cfg(test)]
mod tests {
    use model::Labels;

    use super::*;
    use crate::Pinned;

    fn addresses(list: &[&str]) -> Vec<SocketAddr> {
        list.iter().map(|address| address.parse().unwrap()).collect()
    }

    fn process(command: &str) -> Process {
        let command = command.split(' ').map(str::to_owned).collect();
        Process { pid: 7, name: "x".to_owned(), command, is_us: false }
    }

    fn check(port: u16, process: Option<&Process>, expected: Verdict) {
        let config = LocalConfig {
            ignored: vec!["127.0.0.1:9400".to_owned(), "0.0.0.0:3000".to_owned()],
            pinned: vec![Pinned {
                address: "127.0.0.1:9090".to_owned(),
                path: "/metrics".to_owned(),
                labels: Labels::empty(),
            }],
            ..LocalConfig::default()
        };
        let at = [SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port)];
        assert_eq!(of(&at, process, process.and_then(program::of), false, &config), expected, "{port} {process:?}");
    }

    #[test]
    fn only_known_programs_and_ports_are_asked() {
        let vllm = process("vllm serve m --port 9999");
        let other = process("nginx -g x");
        check(8000, Some(&vllm), Verdict::Ask);
        check(9999, Some(&vllm), Verdict::Ask);
        check(45123, Some(&vllm), Verdict::Leave("the port is neither a usual one nor named on the command line"));
        check(8000, Some(&other), Verdict::Ask);
        check(443, Some(&other), Verdict::Leave("neither the program nor the port is one of a known server"));
        check(8000, None, Verdict::Ask);
        check(631, None, Verdict::Leave("its process cannot be seen, and the port is none of a known server"));
        check(9400, Some(&other), Verdict::Leave("it is this program's own or was dismissed"));
        check(3000, Some(&other), Verdict::Leave("it is this program's own or was dismissed"));
        check(9090, Some(&other), Verdict::Pinned);
        let in_container = |process: &Process| {
            let at = ["172.17.0.2:8000".parse().unwrap()];
            of(&at, Some(process), program::of(process), true, &LocalConfig::default())
        };
        assert_eq!(in_container(&vllm), Verdict::Ask);
        assert_eq!(in_container(&other), Verdict::Leave("it is in a container, and its program is not known"));
        let us = Process { is_us: true, ..vllm };
        check(8000, Some(&us), Verdict::Leave("it is this program itself"));
    }

    #[test]
    fn where_a_listener_is_reached() {
        for (bound, v4_taken, expected) in [
            (&["0.0.0.0:1"][..], false, &["127.0.0.1:1"][..]),
            (&["[::]:1"], false, &["127.0.0.1:1", "[::1]:1"]),
            (&["[::]:1"], true, &["[::1]:1"]),
            (&["[::]:1", "0.0.0.0:1"], false, &["127.0.0.1:1", "[::1]:1"]),
            (&["10.0.0.5:1", "127.0.0.1:1"], false, &["127.0.0.1:1", "10.0.0.5:1"]),
        ] {
            assert_eq!(reached_at(&addresses(bound), v4_taken, None), addresses(expected));
        }
        let container = Some("172.17.0.2".parse().unwrap());
        let bound = addresses(&["127.0.0.1:1", "[::]:2", "172.18.0.2:3"]);
        assert_eq!(reached_at(&bound, false, container), addresses(&["172.17.0.2:2", "172.18.0.2:3"]));
    }

    #[test]
    fn what_an_address_means() {
        let at = addresses(&["127.0.0.1:80", "10.0.0.1:80"]);
        for (text, expected) in [
            ("127.0.0.1:80", true),
            ("localhost:80", true),
            (":80", true),
            ("0.0.0.0:80", true),
            ("[::]:80", true),
            ("10.0.0.1:80", true),
            ("10.0.0.2:80", false),
            ("127.0.0.1:81", false),
            ("host", false),
        ] {
            assert_eq!(means(text, &at), expected, "{text}");
        }
    }
}
