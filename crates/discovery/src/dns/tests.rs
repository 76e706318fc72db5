//! Against a small name server of the test's own, which speaks the wire format by hand.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use hickory_resolver::config::{NameServerConfig, ProtocolConfig};
use tokio::net::UdpSocket;
use tokio::task::JoinHandle;

use super::*;

const A: u16 = 1;
const NS: u16 = 2;
const CNAME: u16 = 5;
const MX: u16 = 15;
const AAAA: u16 = 28;
const SRV: u16 = 33;

/// The answer to a name and type: a response code, and records of a type with their data.
type Zone = fn(&str, u16) -> (u8, Vec<(u16, Vec<u8>)>);

struct NameServer {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl NameServer {
    async fn start(zone: Zone) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let task = tokio::spawn({
            let asked = Arc::clone(&asked);
            async move {
                let mut query = [0; 512];
                while let Ok((length, from)) = socket.recv_from(&mut query).await {
                    let (name, kind, question_end) = question(&query[..length]);
                    asked.lock().unwrap().push(name.clone());
                    let (code, records) = zone(&name, kind);
                    let mut answer = query[..2].to_vec();
                    answer.extend([0x81, 0x80 | code, 0, 1, 0, u8::try_from(records.len()).unwrap(), 0, 0, 0, 0]);
                    answer.extend(&query[12..question_end]);
                    for (kind, data) in records {
                        answer.extend([0xc0, 12]);
                        answer.extend(kind.to_be_bytes());
                        answer.extend([0, 1, 0, 0, 0, 60]);
                        answer.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
                        answer.extend(data);
                    }
                    socket.send_to(&answer, from).await.unwrap();
                }
            }
        });
        Self { address, asked, task }
    }

    fn resolver(&self, search: &[&str]) -> TokioResolver {
        let mut server = NameServerConfig::udp(self.address.ip());
        assert_eq!(server.connections[0].protocol, ProtocolConfig::Udp);
        server.connections[0].port = self.address.port();
        let search = search.iter().map(|name| Name::from_ascii(name).unwrap()).collect();
        resolver(ResolverConfig::from_parts(None, search, vec![server]), ResolverOpts::default()).unwrap()
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// RFC 1035 section 4.1.2: the name, its type, and where the question ends.
fn question(query: &[u8]) -> (String, u16, usize) {
    let (mut name, mut at) = (String::new(), 12);
    while query[at] != 0 {
        let length = usize::from(query[at]);
        name.push_str(std::str::from_utf8(&query[at + 1..=at + length]).unwrap());
        name.push('.');
        at += 1 + length;
    }
    (name, u16::from_be_bytes([query[at + 1], query[at + 2]]), at + 5)
}

/// A name on the wire.
fn wire(name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for label in name.split('.') {
        bytes.push(u8::try_from(label.len()).unwrap());
        bytes.extend(label.as_bytes());
    }
    bytes.push(0);
    bytes
}

fn srv(target: &str, port: u16) -> Vec<u8> {
    [&[0, 10, 0, 5][..], &port.to_be_bytes(), &wire(target)].concat()
}

fn names(record: DnsRecord, names: &[&str]) -> Names {
    let names = names.iter().map(|name| (*name).to_owned()).collect();
    let config = DnsConfig { names, refresh_interval_ms: 30_000, record, port: 9100 };
    Names { config, known: BTreeMap::new() }
}

async fn check(zone: Zone, record: DnsRecord, name: &str, expected: &[&str]) {
    let server = NameServer::start(zone).await;
    let mut names = names(record, &[name]);
    assert_eq!(names.ask(&server.resolver(&[])).await, None);
    let targets: Vec<String> =
        names.groups().iter().flat_map(|group| group.targets.iter().map(Labels::to_braces)).collect();
    assert_eq!(targets, expected);
}

#[tokio::test]
async fn service_records_hold_name_and_port() {
    check(
        |_name, kind| (0, vec![(kind, srv("b.example", 9102)), (kind, srv("a.example", 9101))]),
        DnsRecord::Srv,
        "_m._tcp.example.",
        &[
            "{__address__=\"a.example:9101\", __meta_dns_name=\"_m._tcp.example.\", \
             __meta_dns_srv_record_port=\"9101\", __meta_dns_srv_record_target=\"a.example.\"}",
            "{__address__=\"b.example:9102\", __meta_dns_name=\"_m._tcp.example.\", \
             __meta_dns_srv_record_port=\"9102\", __meta_dns_srv_record_target=\"b.example.\"}",
        ],
    )
    .await;
    assert_eq!(SRV, u16::from(RecordType::SRV));
}

#[tokio::test]
async fn addresses_get_the_configured_port() {
    let four: Zone = |_name, kind| {
        assert_eq!(kind, A);
        (0, vec![(A, vec![10, 0, 0, 2]), (A, vec![10, 0, 0, 1])])
    };
    let expected = [
        "{__address__=\"10.0.0.1:9100\", __meta_dns_name=\"n.example.\"}",
        "{__address__=\"10.0.0.2:9100\", __meta_dns_name=\"n.example.\"}",
    ];
    check(four, DnsRecord::A, "n.example.", &expected).await;
    let six: Zone = |_name, kind| {
        assert_eq!(kind, AAAA);
        (0, vec![(AAAA, [&[0xfd][..], &[0; 14], &[1]].concat())])
    };
    let expected = ["{__address__=\"[fd00::1]:9100\", __meta_dns_name=\"n.example.\"}"];
    check(six, DnsRecord::Aaaa, "n.example.", &expected).await;
}

#[tokio::test]
async fn mail_and_name_servers_are_names() {
    let mx: Zone = |_name, _kind| (0, vec![(MX, [&[0, 10][..], &wire("mail.example")].concat())]);
    let expected = [
        "{__address__=\"mail.example:9100\", __meta_dns_mx_record_target=\"mail.example.\", __meta_dns_name=\"example.\"}",
    ];
    check(mx, DnsRecord::Mx, "example.", &expected).await;
    let ns: Zone = |_name, _kind| (0, vec![(NS, wire("ns1.example"))]);
    let expected = [
        "{__address__=\"ns1.example:9100\", __meta_dns_name=\"example.\", __meta_dns_ns_record_target=\"ns1.example.\"}",
    ];
    check(ns, DnsRecord::Ns, "example.", &expected).await;
}

#[tokio::test]
async fn a_name_that_does_not_exist_has_no_targets() {
    check(|_name, _kind| (3, Vec::new()), DnsRecord::A, "gone.example.", &[]).await;
    check(|_name, _kind| (0, Vec::new()), DnsRecord::A, "bare.example.", &[]).await;
}

#[tokio::test]
async fn search_domains_are_tried() {
    let server = NameServer::start(|name, kind| match name {
        "web.lab.example." => (0, vec![(kind, vec![10, 0, 0, 7])]),
        _ => (3, Vec::new()),
    })
    .await;
    let mut names = names(DnsRecord::A, &["web"]);
    assert_eq!(names.ask(&server.resolver(&["other.example.", "lab.example."])).await, None);
    assert_eq!(names.groups()[0].targets[0].get("__address__"), Some("10.0.0.7:9100"));
    assert!(server.asked.lock().unwrap().contains(&"web.other.example.".to_owned()));
}

#[tokio::test]
async fn a_name_whose_server_fails_keeps_its_targets() {
    let good = NameServer::start(|_name, kind| (0, vec![(kind, vec![10, 0, 0, 1])])).await;
    let bad = NameServer::start(|name, kind| match name {
        "a.example." => (0, vec![(CNAME, wire("c.example")), (kind, vec![10, 0, 0, 3])]),
        _ => (2, Vec::new()),
    })
    .await;
    let mut names = names(DnsRecord::A, &["a.example.", "b.example."]);
    assert_eq!(names.ask(&good.resolver(&[])).await, None);
    let error = names.ask(&bad.resolver(&[])).await.unwrap();
    assert!(error.starts_with("could not resolve \"b.example.\": "), "{error}");
    let groups = names.groups();
    let addresses: Vec<_> =
        groups.iter().flat_map(|group| &group.targets).filter_map(|target| target.get("__address__")).collect();
    assert_eq!(addresses[1..], ["10.0.0.1:9100"]);
    assert!(["10.0.0.1:9100", "10.0.0.3:9100"].contains(&addresses[0]));
}
