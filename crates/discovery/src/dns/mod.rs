//! `dns_sd`: names in the DNS, asked as the system's resolv.conf says.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use futures_util::future::join_all;
use hickory_resolver::config::{ResolveHosts, ResolverConfig, ResolverOpts};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use hickory_resolver::{Resolver, TokioResolver, system_conf};
use model::{Labels, LabelsBuilder};
use tokio::time::MissedTickBehavior;

use crate::publish::Publisher;
use crate::text::host_port;
use crate::{DnsConfig, DnsRecord, TargetGroup, refresh};

/// Names that are asked for at the same time.
const CONCURRENT_MAX: usize = 16;

/// Asks for the names, for ever.
pub(crate) async fn run(config: DnsConfig, publisher: &Publisher) {
    let mut ticks = tokio::time::interval(refresh::interval(config.refresh_interval_ms));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut names = Names { config, known: BTreeMap::new() };
    loop {
        ticks.tick().await;
        // Read anew each time, because a machine that moves gets another one.
        match system_conf::read_system_conf().and_then(|(servers, options)| resolver(servers, options)) {
            Ok(resolver) => {
                let error = names.ask(&resolver).await;
                publisher.partly(names.groups(), error, Vec::new());
            }
            Err(error) => publisher.failure(format!("cannot use resolv.conf: {error}")),
        }
    }
}

/// A resolver that asks servers and nothing else: no cache, since an answer's age is the interval's business, and no hosts
/// file, as in Prometheus.
fn resolver(servers: ResolverConfig, mut options: ResolverOpts) -> Result<TokioResolver, NetError> {
    options.cache_size = 0;
    options.use_hosts_file = ResolveHosts::Never;
    options.edns0 = true;
    Resolver::builder_with_config(servers, TokioRuntimeProvider::default()).with_options(options).build()
}

/// The names and what is known about each.
struct Names {
    config: DnsConfig,
    known: BTreeMap<String, TargetGroup>,
}

impl Names {
    /// Asks for all names; one that cannot be asked for keeps its targets. Tells what failed.
    async fn ask(&mut self, resolver: &TokioResolver) -> Option<String> {
        let mut errors = Vec::new();
        for names in self.config.names.chunks(CONCURRENT_MAX) {
            let answers = join_all(names.iter().map(|name| lookup(resolver, name, self.config.record))).await;
            for (name, answer) in names.iter().zip(answers) {
                match answer {
                    Ok(records) => {
                        self.known.insert(name.clone(), group(name, &records, self.config.port));
                    }
                    Err(error) => errors.push(format!("could not resolve {name:?}: {error}")),
                }
            }
        }
        (!errors.is_empty()).then(|| errors.join("; "))
    }

    fn groups(&self) -> Vec<TargetGroup> {
        self.config.names.iter().filter_map(|name| self.known.get(name).cloned()).collect()
    }
}

/// The records of a name; none if the name does not exist.
async fn lookup(resolver: &TokioResolver, name: &str, record: DnsRecord) -> Result<Vec<Record>, NetError> {
    let kind = match record {
        DnsRecord::Srv => RecordType::SRV,
        DnsRecord::A => RecordType::A,
        DnsRecord::Aaaa => RecordType::AAAA,
        DnsRecord::Mx => RecordType::MX,
        DnsRecord::Ns => RecordType::NS,
    };
    match resolver.lookup(name, kind).await {
        Ok(answer) => Ok(answer.answers().to_vec()),
        Err(NetError::Dns(DnsError::NoRecordsFound(none)))
            if matches!(none.response_code, ResponseCode::NoError | ResponseCode::NXDomain) =>
        {
            Ok(Vec::new())
        }
        Err(error) => Err(error),
    }
}

/// The group of a name, in an order that does not depend on the servers' (they take turns).
fn group(name: &str, records: &[Record], port: u16) -> TargetGroup {
    let mut targets: Vec<Labels> = records.iter().filter_map(|record| target(name, &record.data, port)).collect();
    targets.sort();
    targets.dedup();
    TargetGroup { source: name.to_owned(), targets, labels: Labels::empty() }
}

/// `None` for records of other kinds: a CNAME stands before the addresses that it leads to.
fn target(name: &str, data: &RData, port: u16) -> Option<Labels> {
    let mut labels = LabelsBuilder::default();
    let bare = |name: &Name| name.to_ascii().trim_end_matches('.').to_owned();
    let address = match data {
        RData::SRV(srv) => {
            labels.set("__meta_dns_srv_record_target", &srv.target.to_ascii());
            labels.set("__meta_dns_srv_record_port", &srv.port.to_string());
            host_port(&bare(&srv.target), srv.port)
        }
        RData::A(address) => host_port(&address.to_string(), port),
        RData::AAAA(address) => host_port(&address.to_string(), port),
        RData::MX(mx) => {
            labels.set("__meta_dns_mx_record_target", &mx.exchange.to_ascii());
            host_port(&bare(&mx.exchange), port)
        }
        RData::NS(ns) => {
            labels.set("__meta_dns_ns_record_target", &ns.0.to_ascii());
            host_port(&bare(&ns.0), port)
        }
        _ => return None,
    };
    labels.set("__address__", &address);
    labels.set("__meta_dns_name", name);
    Some(labels.build())
}
