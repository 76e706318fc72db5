//! A target to scrape: answers every request with one body, which a test may change at any time.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A request head longer than this ends the connection.
const HEAD_BYTES_MAX: usize = 16 << 10;

/// The server; it ends with its handle.
#[derive(Debug)]
pub struct HttpTarget {
    address: SocketAddr,
    answer: Arc<Mutex<Answer>>,
    accepting: JoinHandle<()>,
}

#[derive(Clone, Debug)]
struct Answer {
    status: u16,
    content_type: String,
    body: Arc<[u8]>,
}

impl HttpTarget {
    /// Serves `body` as the classic text format on a free port of 127.0.0.1.
    ///
    /// # Panics
    /// There is no free port.
    pub async fn serving(body: impl AsRef<[u8]>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let content_type = "text/plain; version=0.0.4; charset=utf-8".to_owned();
        let answer = Arc::new(Mutex::new(Answer { status: 200, content_type, body: Arc::from(body.as_ref()) }));
        let accepting = tokio::spawn({
            let answer = Arc::clone(&answer);
            async move {
                while let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(converse(stream, Arc::clone(&answer)));
                }
            }
        });
        Self { address, answer, accepting }
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves another body from now on.
    pub fn set_body(&self, body: impl AsRef<[u8]>) {
        self.answer.lock().unwrap_or_else(PoisonError::into_inner).body = Arc::from(body.as_ref());
    }

    /// Answers with another status from now on.
    pub fn set_status(&self, status: u16) {
        self.answer.lock().unwrap_or_else(PoisonError::into_inner).status = status;
    }
}

impl Drop for HttpTarget {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Answers the requests of one connection until the peer has enough.
async fn converse(mut stream: TcpStream, answer: Arc<Mutex<Answer>>) {
    let mut head = Vec::new();
    loop {
        let mut part = [0; 4096];
        match stream.read(&mut part).await {
            Ok(0) | Err(_) => return,
            Ok(count) => head.extend_from_slice(&part[..count]),
        }
        if HEAD_BYTES_MAX < head.len() {
            return;
        }
        while let Some(end) = head.windows(4).position(|four| four == b"\r\n\r\n") {
            head.drain(..end + 4);
            let Answer { status, content_type, body } = answer.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let mut response = format!(
                "HTTP/1.1 {status} Status\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n\r\n",
                body.len()
            )
            .into_bytes();
            response.extend_from_slice(&body);
            if stream.write_all(&response).await.is_err() {
                return;
            }
        }
    }
}
