//! A target that misbehaves.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// How a target misbehaves.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// It takes the connection and says nothing.
    Silent,
    /// It says these bytes and closes the connection.
    Says(Arc<[u8]>),
    /// It says these bytes, and then the second ones for ever.
    Endless(&'static str, &'static str),
    /// It closes the connection with a reset as soon as it is asked.
    Reset,
}

/// The server; it ends with its handle.
pub(crate) struct FaultServer {
    pub(crate) address: SocketAddr,
    sent_bytes: Arc<AtomicUsize>,
    accepting: JoinHandle<()>,
}

impl FaultServer {
    pub(crate) async fn start(fault: Fault) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let sent_bytes = Arc::new(AtomicUsize::new(0));
        let accepting = tokio::spawn({
            let sent_bytes = Arc::clone(&sent_bytes);
            async move {
                while let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(misbehave(stream, fault.clone(), Arc::clone(&sent_bytes)));
                }
            }
        });
        Self { address, sent_bytes, accepting }
    }

    /// How much of endless answers went out.
    pub(crate) fn sent_bytes(&self) -> usize {
        self.sent_bytes.load(Ordering::SeqCst)
    }
}

impl Drop for FaultServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Serves one connection; whatever goes wrong ends it.
async fn misbehave(mut stream: TcpStream, fault: Fault, sent_bytes: Arc<AtomicUsize>) -> Option<()> {
    let mut head = Vec::new();
    while !head.windows(4).any(|four| four == b"\r\n\r\n") {
        let mut part = [0; 1024];
        let count = stream.read(&mut part).await.ok().filter(|count| *count != 0)?;
        head.extend_from_slice(&part[..count]);
    }
    match fault {
        Fault::Silent => std::future::pending().await,
        Fault::Says(bytes) => {
            stream.write_all(&bytes).await.ok()?;
            stream.shutdown().await.ok()
        }
        Fault::Endless(head, rest) => {
            stream.write_all(head.as_bytes()).await.ok()?;
            let part = rest.repeat(1_000);
            loop {
                stream.write_all(part.as_bytes()).await.ok()?;
                sent_bytes.fetch_add(part.len(), Ordering::SeqCst);
            }
        }
        Fault::Reset => {
            stream.set_zero_linger().ok()?;
            drop(stream);
            Some(())
        }
    }
}
