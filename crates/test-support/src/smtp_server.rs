//! A mail server to send to: STARTTLS with a certificate of its own, AUTH PLAIN and LOGIN; keeps every mail and every word.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// How the server behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// It offers STARTTLS and takes everything.
    StartTls,
    /// It never heard of STARTTLS.
    Plain,
    /// It answers DATA with this line so many times, and then takes everything.
    RefuseData(&'static str, usize),
}

/// The server; it ends with its handle.
#[derive(Debug)]
pub struct SmtpServer {
    address: SocketAddr,
    certificate_pem: String,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    behaviour: Behaviour,
    mails: Mutex<Vec<String>>,
    words: Mutex<Vec<String>>,
    refused: Mutex<usize>,
}

impl SmtpServer {
    /// Listens on a free port of 127.0.0.1, with a certificate for `localhost`.
    ///
    /// # Panics
    /// There is no free port.
    pub async fn start(behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let certified = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate");
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(certified.signing_key.serialize_der()));
        let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring has them")
            .with_no_client_auth()
            .with_single_cert(vec![certified.cert.der().clone()], key)
            .expect("the key fits");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let shared =
            Arc::new(Shared { behaviour, mails: Mutex::default(), words: Mutex::default(), refused: Mutex::default() });
        let accepting = tokio::spawn({
            let shared = Arc::clone(&shared);
            async move {
                while let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(converse(stream, Arc::clone(&shared), acceptor.clone()));
                }
            }
        });
        Self { address, certificate_pem: certified.cert.pem(), shared, accepting }
    }

    /// `localhost:PORT`
    pub fn smarthost(&self) -> String {
        format!("localhost:{}", self.address.port())
    }

    /// The certificate, which nobody trusts unless they are told to.
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// The mails so far.
    pub fn mails(&self) -> Vec<String> {
        self.shared.mails.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Every line that clients said.
    pub fn words(&self) -> Vec<String> {
        self.shared.words.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for SmtpServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn converse(stream: TcpStream, shared: Arc<Shared>, acceptor: TlsAcceptor) {
    let mut plain = BufReader::new(stream);
    if plain.write_all(b"220 test ESMTP\r\n").await.is_err() {
        return;
    }
    let offers = shared.behaviour != Behaviour::Plain;
    if dialogue(&mut plain, &shared, offers).await == Some(true)
        && let Ok(encrypted) = acceptor.accept(plain.into_inner()).await
    {
        dialogue(&mut BufReader::new(encrypted), &shared, false).await;
    }
}

/// Talks until the client leaves, or (true) asks for TLS.
async fn dialogue<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut BufReader<S>,
    shared: &Shared,
    offers_tls: bool,
) -> Option<bool> {
    loop {
        let line = line(stream, shared).await?;
        let verb = line.split(' ').next().unwrap_or_default().to_ascii_uppercase();
        let answer = match verb.as_str() {
            "EHLO" if offers_tls => "250-test\r\n250 STARTTLS",
            "EHLO" => "250-test\r\n250 AUTH PLAIN LOGIN",
            "STARTTLS" if offers_tls => {
                stream.write_all(b"220 go\r\n").await.ok()?;
                return Some(true);
            }
            "AUTH" if line.to_ascii_uppercase().starts_with("AUTH LOGIN") => {
                for prompt in ["334 VXNlcm5hbWU6\r\n", "334 UGFzc3dvcmQ6\r\n"] {
                    stream.write_all(prompt.as_bytes()).await.ok()?;
                    self::line(stream, shared).await?;
                }
                "235 welcome"
            }
            "AUTH" => "235 welcome",
            "MAIL" | "RCPT" => "250 ok",
            "DATA" => data(stream, shared).await?.unwrap_or("250 taken"),
            "QUIT" => {
                stream.write_all(b"221 bye\r\n").await.ok()?;
                return None;
            }
            _ => "502 what?",
        };
        stream.write_all(format!("{answer}\r\n").as_bytes()).await.ok()?;
    }
}

/// Takes a mail, or says why not.
async fn data<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut BufReader<S>,
    shared: &Shared,
) -> Option<Option<&'static str>> {
    if let Behaviour::RefuseData(answer, times) = shared.behaviour {
        let mut refused = shared.refused.lock().unwrap_or_else(PoisonError::into_inner);
        if *refused < times {
            *refused += 1;
            return Some(Some(answer));
        }
    }
    stream.write_all(b"354 go on\r\n").await.ok()?;
    let mut mail = String::new();
    loop {
        let line = line(stream, shared).await?;
        if line == "." {
            break;
        }
        mail.push_str(line.strip_prefix('.').unwrap_or(&line));
        mail.push('\n');
    }
    shared.mails.lock().unwrap_or_else(PoisonError::into_inner).push(mail);
    Some(None)
}

async fn line<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut BufReader<S>, shared: &Shared) -> Option<String> {
    let mut line = String::new();
    if stream.read_line(&mut line).await.ok()? == 0 {
        return None;
    }
    let line = line.trim_end_matches(['\r', '\n']).to_owned();
    shared.words.lock().unwrap_or_else(PoisonError::into_inner).push(line.clone());
    Some(line)
}
