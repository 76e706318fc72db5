//! The socket: accepting, bounding and ending connections.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

/// Connections at once; more wait in the kernel's queue.
const CONNECTIONS_MAX: usize = 512;
/// A request's head must arrive within this time, in milliseconds; an idle connection is closed after it as well.
const HEAD_TIMEOUT_MS: u64 = 30_000;
/// How long open requests may take to end at shutdown, in milliseconds.
const DRAIN_TIMEOUT_MS: u64 = 5_000;
/// How long accepting rests after the kernel refused a connection (no file descriptors left, say), in milliseconds.
const ACCEPT_RETRY_MS: u64 = 100;

/// Why the server cannot listen.
#[derive(Debug, Error)]
pub enum ListenError {
    /// Somebody else listens there.
    #[error("{address} is already in use{holder}; stop it or choose another address with {flag}")]
    InUse {
        /// The address.
        address: SocketAddr,
        /// The process, as far as /proc tells, with a leading space.
        holder: String,
        /// The flag that chose the address.
        flag: &'static str,
    },
    /// Something else.
    #[error("cannot listen on {address}: {source}")]
    Io {
        /// The address.
        address: SocketAddr,
        /// What the kernel said.
        source: std::io::Error,
    },
}

/// Opens the socket of the address that `flag` gave.
///
/// # Errors
/// Names the process that holds the port, where it can be found.
pub async fn bind(address: SocketAddr, flag: &'static str) -> Result<TcpListener, ListenError> {
    TcpListener::bind(address).await.map_err(|source| match source.kind() {
        std::io::ErrorKind::AddrInUse => ListenError::InUse { address, holder: holder_of(address.port()), flag },
        _ => ListenError::Io { address, source },
    })
}

/// Serves `router` until `stop` is cancelled, then lets open requests end.
pub async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) {
    let permits = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = accept(&listener, &permits) => accepted,
        };
        let Some((stream, permit)) = accepted else { continue };
        let service = hyper::service::service_fn({
            let router = router.clone();
            move |request: Request<Incoming>| router.clone().oneshot(request)
        });
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(Duration::from_millis(HEAD_TIMEOUT_MS))
            .serve_connection(TokioIo::new(stream), service);
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended early");
            }
            drop(permit);
        });
    }
    drop(listener);
    if tokio::time::timeout(Duration::from_millis(DRAIN_TIMEOUT_MS), graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests did not end within {DRAIN_TIMEOUT_MS} ms");
    }
}

async fn accept(
    listener: &TcpListener,
    permits: &Arc<Semaphore>,
) -> Option<(tokio::net::TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let permit = Arc::clone(permits).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _)) => {
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "TCP_NODELAY");
            }
            Some((stream, permit))
        }
        Err(error) => {
            tracing::warn!(%error, "cannot accept a connection");
            tokio::time::sleep(Duration::from_millis(ACCEPT_RETRY_MS)).await;
            None
        }
    }
}

/// The process that listens on `port`, as ` by name (pid 1)`; empty where /proc does not tell.
fn holder_of(port: u16) -> String {
    let inodes: Vec<String> = ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .filter_map(|path| std::fs::read_to_string(path).ok())
        .flat_map(|table| listening_inodes(&table, port))
        .collect();
    let found = std::fs::read_dir("/proc").into_iter().flatten().flatten().find_map(|process| {
        // Beside the processes' numbers stand names such as `self`.
        process.file_name().to_str()?.parse::<u32>().ok()?;
        let fds = std::fs::read_dir(process.path().join("fd")).ok()?;
        let holds = fds.flatten().any(|fd| {
            std::fs::read_link(fd.path()).is_ok_and(|to| {
                let to = to.to_string_lossy();
                inodes.iter().any(|inode| *to == format!("socket:[{inode}]"))
            })
        });
        let name = std::fs::read_to_string(process.path().join("comm")).unwrap_or_default();
        holds.then(|| format!(" by {} (pid {})", name.trim(), process.file_name().to_string_lossy()))
    });
    found.unwrap_or_default()
}

/// The socket inodes that listen on `port` in a /proc/net/tcp table (proc(5): local address in column 2, state in
/// column 4 where 0A is LISTEN, inode in column 10).
fn listening_inodes(table: &str, port: u16) -> Vec<String> {
    let suffix = format!(":{port:04X}");
    table
        .lines()
        .skip(1)
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .filter(|columns| columns.get(1).is_some_and(|local| local.ends_with(&suffix)) && columns.get(3) == Some(&"0A"))
        .filter_map(|columns| columns.get(9).map(|inode| (*inode).to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_port_in_use_names_its_holder() {
        let flag = "--web.listen-address";
        let first = bind("127.0.0.1:0".parse().unwrap(), flag).await.unwrap();
        let address = first.local_addr().unwrap();
        let error = bind(address, flag).await.unwrap_err().to_string();
        assert!(error.contains(&format!("(pid {})", std::process::id())), "{error}");
        assert!(error.contains("--web.listen-address"), "{error}");
    }
}
