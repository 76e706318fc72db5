//! The addresses of the replaced programs, for tools and scrapers that expect them there.

use std::net::SocketAddr;

use axum::Router;
use server::{Exported, HostRules, ListenError};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A socket that is open and not served yet.
pub(crate) struct Opened {
    listener: TcpListener,
    router: Router,
    name: &'static str,
}

/// What may be had under further addresses.
pub(crate) struct Offered {
    /// All pages and APIs.
    pub(crate) whole: Router,
    /// The host's metrics.
    pub(crate) node_exporter: Option<Exported>,
    /// The GPUs' metrics.
    pub(crate) dcgm_exporter: Option<Exported>,
    /// The names to answer to.
    pub(crate) hosts: HostRules,
}

/// Where it is to be had.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Addresses {
    pub(crate) prometheus: Option<SocketAddr>,
    pub(crate) alertmanager: Option<SocketAddr>,
    pub(crate) node_exporter: Option<SocketAddr>,
    pub(crate) dcgm_exporter: Option<SocketAddr>,
}

impl Addresses {
    /// Those that let everybody read and change everything, with the flags that gave them.
    pub(crate) fn whole(&self) -> [(Option<SocketAddr>, &'static str); 2] {
        [(self.prometheus, "--listen.prometheus"), (self.alertmanager, "--listen.alertmanager")]
    }
}

/// Opens the sockets; all or none.
///
/// # Errors
/// One of them cannot be opened.
pub(crate) async fn open(addresses: Addresses, offered: Offered) -> Result<Vec<Opened>, ListenError> {
    let exporter = |exported: Option<Exported>| {
        let absent: Exported = std::sync::Arc::new(|| Err("this collector is switched off".to_owned()));
        server::exporter_router(exported.unwrap_or(absent), offered.hosts.clone())
    };
    let wanted = [
        (addresses.prometheus, "--listen.prometheus", offered.whole.clone(), "Prometheus"),
        (addresses.alertmanager, "--listen.alertmanager", offered.whole.clone(), "Alertmanager"),
        (addresses.node_exporter, "--listen.node-exporter", exporter(offered.node_exporter), "node_exporter"),
        (addresses.dcgm_exporter, "--listen.dcgm-exporter", exporter(offered.dcgm_exporter), "dcgm-exporter"),
    ];
    let mut opened = Vec::new();
    for (address, flag, router, name) in wanted {
        if let Some(address) = address {
            opened.push(Opened { listener: server::bind(address, flag).await?, router, name });
        }
    }
    Ok(opened)
}

/// Serves what was opened until `stop` is cancelled.
pub(crate) fn serve(opened: Vec<Opened>, stop: &CancellationToken) -> Vec<JoinHandle<()>> {
    let start = |opened: Opened| {
        if let Ok(address) = opened.listener.local_addr() {
            println!("Pitwall answers for {} at http://{address}", opened.name);
        }
        tokio::spawn(server::serve(opened.listener, opened.router, stop.clone()))
    };
    opened.into_iter().map(start).collect()
}
