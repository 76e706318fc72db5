//! A mail server to send to: STARTTLS or TLS at once with a certificate of its own, AUTH PLAIN and LOGIN, replies by
//! script; keeps every mail and every word.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// How the server behaves.
#[derive(Clone, Debug)]
pub struct Behaviour {
    /// When it encrypts.
    pub encryption: Encryption,
    /// What it lists behind AUTH, in this order; without any, it never heard of users.
    pub mechanisms: &'static [&'static str],
    /// The user and password that it knows; `None`: anybody is welcome.
    pub user: Option<(&'static str, &'static str)>,
    /// The first time that a client says the word, the answer is the line beside it, and so on. An empty line is silence.
    /// `.` is the end of a mail.
    pub script: Vec<(&'static str, &'static str)>,
}

/// When the server encrypts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// It never heard of it.
    None,
    /// When asked by STARTTLS.
    StartTls,
    /// From the first byte on.
    Implicit,
}

/// STARTTLS, both mechanisms, and everything is taken.
impl Default for Behaviour {
    fn default() -> Self {
        Self { encryption: Encryption::StartTls, mechanisms: &["PLAIN", "LOGIN"], user: None, script: Vec::new() }
    }
}

/// What a client said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// Which connection, counted from 0.
    pub connection: usize,
    /// Whether nobody on the way could read it.
    pub encrypted: bool,
    /// The line, without its end.
    pub line: String,
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
    script: Mutex<Vec<(&'static str, &'static str)>>,
    mails: Mutex<Vec<String>>,
    words: Mutex<Vec<Word>>,
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
        let script = Mutex::new(behaviour.script.clone());
        let shared = Arc::new(Shared { behaviour, script, mails: Mutex::default(), words: Mutex::default() });
        let accepting = tokio::spawn({
            let shared = Arc::clone(&shared);
            async move {
                let mut conversations = tokio::task::JoinSet::new();
                for connection in 0.. {
                    let Ok((stream, _)) = listener.accept().await else { return };
                    let session = Session { shared: Arc::clone(&shared), connection, encrypted: false };
                    conversations.spawn(session.run(stream, acceptor.clone()));
                }
            }
        });
        Self { address, certificate_pem: certified.cert.pem(), shared, accepting }
    }

    /// `localhost:PORT`
    pub fn smarthost(&self) -> String {
        format!("localhost:{}", self.address.port())
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The certificate, which nobody trusts unless they are told to.
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// The mails so far.
    pub fn mails(&self) -> Vec<String> {
        self.shared.mails.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Every line that clients said, the mails' lines left out.
    pub fn words(&self) -> Vec<String> {
        self.conversation().into_iter().map(|word| word.line).collect()
    }

    /// Every line that clients said, with how they said it; the mails' lines left out.
    pub fn conversation(&self) -> Vec<Word> {
        self.shared.words.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for SmtpServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// One conversation.
struct Session {
    shared: Arc<Shared>,
    connection: usize,
    encrypted: bool,
}

/// What to do after a client's line.
enum Next {
    Answer(String),
    Encrypt,
    Leave,
}

impl Session {
    async fn run(mut self, stream: TcpStream, acceptor: TlsAcceptor) {
        if self.shared.behaviour.encryption == Encryption::Implicit {
            self.encrypted = true;
            if let Ok(encrypted) = acceptor.accept(stream).await {
                self.converse(&mut BufReader::new(encrypted), true).await;
            }
            return;
        }
        let mut plain = BufReader::new(stream);
        if self.converse(&mut plain, true).await == Some(Next::Encrypt)
            && let Ok(encrypted) = acceptor.accept(plain.into_inner()).await
        {
            self.encrypted = true;
            self.converse(&mut BufReader::new(encrypted), false).await;
        }
    }

    /// Talks until the client leaves, or asks for TLS.
    async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: &mut BufReader<S>,
        greets: bool,
    ) -> Option<Next> {
        if greets {
            self.say(stream, &self.scripted("CONNECT").unwrap_or_else(|| "220 test ESMTP".to_owned())).await?;
        }
        loop {
            let line = self.hear(stream).await?;
            let verb = line.split(' ').next().unwrap_or_default().to_ascii_uppercase();
            let next = match self.scripted(&verb) {
                Some(answer) => Next::Answer(answer),
                None => self.answer(stream, &verb, &line).await?,
            };
            match next {
                Next::Answer(answer) => self.say(stream, &answer).await?,
                Next::Encrypt => {
                    self.say(stream, "220 go").await?;
                    return Some(Next::Encrypt);
                }
                Next::Leave => {
                    self.say(stream, "221 bye").await?;
                    return None;
                }
            }
        }
    }

    async fn answer<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: &mut BufReader<S>,
        verb: &str,
        line: &str,
    ) -> Option<Next> {
        let Behaviour { encryption, mechanisms, .. } = &self.shared.behaviour;
        let offers_tls = *encryption == Encryption::StartTls && !self.encrypted;
        let answer = match verb {
            "EHLO" if offers_tls => "250-test\r\n250 STARTTLS".to_owned(),
            "EHLO" if mechanisms.is_empty() => "250-test\r\n250 SIZE 10000000".to_owned(),
            "EHLO" => format!("250-test\r\n250 AUTH {}", mechanisms.join(" ")),
            "STARTTLS" if offers_tls => return Some(Next::Encrypt),
            "AUTH" => self.authenticate(stream, line).await?.to_owned(),
            "MAIL" | "RCPT" => "250 ok".to_owned(),
            "DATA" => self.take(stream).await?,
            "QUIT" => return Some(Next::Leave),
            _ => "502 what?".to_owned(),
        };
        Some(Next::Answer(answer))
    }

    async fn authenticate<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: &mut BufReader<S>,
        line: &str,
    ) -> Option<&'static str> {
        let words: Vec<&str> = line.split(' ').collect();
        let (user, password) = match words.as_slice() {
            [_, mechanism, answer] if mechanism.eq_ignore_ascii_case("PLAIN") => {
                let decoded = decode_base64(answer);
                let mut parts = decoded.split('\0').skip(1).map(str::to_owned);
                (parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
            }
            [_, mechanism] if mechanism.eq_ignore_ascii_case("LOGIN") => {
                let mut answers = Vec::new();
                for prompt in ["334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6"] {
                    self.say(stream, prompt).await?;
                    answers.push(decode_base64(&self.hear(stream).await?));
                }
                (answers.remove(0), answers.remove(0))
            }
            _ => return Some("504 unknown mechanism"),
        };
        let known = self.shared.behaviour.user.is_none_or(|known| known == (user.as_str(), password.as_str()));
        Some(if known { "235 welcome" } else { "535 5.7.8 wrong user or password" })
    }

    /// Takes a mail, or says why not.
    async fn take<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: &mut BufReader<S>) -> Option<String> {
        self.say(stream, "354 go on").await?;
        let mut mail = String::new();
        loop {
            let line = read_line(stream).await?;
            if line == "." {
                break;
            }
            mail.push_str(line.strip_prefix('.').unwrap_or(&line));
            mail.push('\n');
        }
        let refusal = self.scripted(".");
        if refusal.is_none() {
            self.shared.mails.lock().unwrap_or_else(PoisonError::into_inner).push(mail);
        }
        Some(refusal.unwrap_or_else(|| "250 taken".to_owned()))
    }

    /// The script's next answer to `word`.
    fn scripted(&self, word: &str) -> Option<String> {
        let mut script = self.shared.script.lock().unwrap_or_else(PoisonError::into_inner);
        let at = script.iter().position(|(when, _)| *when == word)?;
        Some(script.remove(at).1.to_owned())
    }

    async fn hear<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: &mut BufReader<S>) -> Option<String> {
        let line = read_line(stream).await?;
        let word = Word { connection: self.connection, encrypted: self.encrypted, line: line.clone() };
        self.shared.words.lock().unwrap_or_else(PoisonError::into_inner).push(word);
        Some(line)
    }

    /// Says a line; an empty one is silence for ever.
    async fn say<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: &mut BufReader<S>, line: &str) -> Option<()> {
        if line.is_empty() {
            return std::future::pending().await;
        }
        stream.write_all(format!("{line}\r\n").as_bytes()).await.ok()?;
        stream.flush().await.ok()
    }
}

impl PartialEq for Next {
    fn eq(&self, other: &Self) -> bool {
        matches!((self, other), (Self::Encrypt, Self::Encrypt) | (Self::Leave, Self::Leave))
    }
}

async fn read_line<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut BufReader<S>) -> Option<String> {
    let mut line = Vec::new();
    if stream.read_until(b'\n', &mut line).await.ok()? == 0 {
        return None;
    }
    Some(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned())
}

fn decode_base64(text: &str) -> String {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bits, mut count, mut out) = (0u32, 0, Vec::new());
    for byte in text.bytes() {
        let Some(digit) = alphabet.iter().position(|known| *known == byte) else { continue };
        bits = (bits << 6 | digit as u32) & 0xff_ffff;
        count += 6;
        if 8 <= count {
            count -= 8;
            out.push((bits >> count) as u8);
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
