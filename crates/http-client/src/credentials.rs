//! The headers of a request that the configuration asks for.

use std::path::Path;

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use tokio::io::AsyncReadExt as _;

use crate::{Authorization, BasicAuth, BuildError, Config, HttpHeader, RequestError, Secret};

/// A file with a secret is refused beyond this size in bytes.
const SECRET_BYTES_MAX: u64 = 1 << 20;

/// Checks what can be checked before the first request.
pub(crate) fn check(config: &Config) -> Result<(), BuildError> {
    let credentials = |error: RequestError| match error {
        RequestError::Header { .. } => BuildError::Credentials,
        other => BuildError::Header { name: AUTHORIZATION.to_string(), reason: other.to_string() },
    };
    if let Some(BasicAuth { username, password, .. }) = &config.basic_auth {
        basic(username, password).map_err(credentials)?;
    }
    if let Some(Authorization { scheme, credentials: token, .. }) = &config.authorization {
        sensitive(format!("{scheme} {}", token.expose()), "authorization").map_err(credentials)?;
    }
    for header in &config.http_headers {
        let broken = |reason: &str| BuildError::Header { name: header.name.clone(), reason: reason.to_owned() };
        HeaderName::try_from(&header.name).map_err(|_error| broken("it is not a header's name"))?;
        let values = header.values.iter().map(String::as_str).chain(header.secrets.iter().map(Secret::expose));
        for value in values {
            HeaderValue::try_from(value).map_err(|_error| broken("its value holds a character that it may not"))?;
        }
    }
    Ok(())
}

/// The `Authorization` header of `basic_auth` or `authorization`; files are read each time, so that a rotated secret
/// counts from the next request on.
pub(crate) async fn authorization(config: &Config) -> Result<Option<HeaderValue>, RequestError> {
    if let Some(auth) = &config.basic_auth {
        let username = match &auth.username_file {
            Some(path) => read_secret(path).await?,
            None => Secret::new(auth.username.clone()),
        };
        let password = match &auth.password_file {
            Some(path) => read_secret(path).await?,
            None => auth.password.clone(),
        };
        return basic(username.expose(), &password).map(Some);
    }
    if let Some(auth) = &config.authorization {
        let token = match &auth.credentials_file {
            Some(path) => read_secret(path).await?,
            None => auth.credentials.clone(),
        };
        let scheme = auth.scheme.trim();
        return sensitive(format!("{scheme} {}", token.expose()), "the credentials").map(Some);
    }
    Ok(None)
}

/// The headers of `http_headers`. All of their values are marked as sensitive: what is a secret's header for one server
/// is none of another's business.
pub(crate) async fn further_headers(config: &Config) -> Result<HeaderMap, RequestError> {
    let mut headers = HeaderMap::new();
    for HttpHeader { name, values, secrets, files } in &config.http_headers {
        let key = HeaderName::try_from(name).map_err(|_error| RequestError::Header { what: format!("{name:?}") })?;
        for value in values.iter().map(String::as_str).chain(secrets.iter().map(Secret::expose)) {
            headers.append(&key, sensitive(value.to_owned(), name)?);
        }
        for path in files {
            let text = read_secret(path).await?;
            headers.append(&key, sensitive(text.expose().to_owned(), &path.display().to_string())?);
        }
    }
    Ok(headers)
}

/// The text of a file without the spaces around it.
pub(crate) async fn read_secret(path: &Path) -> Result<Secret, RequestError> {
    let read = async {
        let file = tokio::fs::File::open(path).await?;
        let mut text = String::new();
        file.take(SECRET_BYTES_MAX + 1).read_to_string(&mut text).await?;
        if SECRET_BYTES_MAX < u64::try_from(text.len()).unwrap_or(u64::MAX) {
            return Err(std::io::Error::other(format!("it has more than {SECRET_BYTES_MAX} bytes")));
        }
        Ok(Secret::new(text.trim()))
    };
    read.await.map_err(|source| RequestError::File { path: path.to_owned(), source })
}

/// `Basic` with a user's name and password.
pub(crate) fn basic(username: &str, password: &Secret) -> Result<HeaderValue, RequestError> {
    let pair = base64(format!("{username}:{}", password.expose()).as_bytes());
    sensitive(format!("Basic {pair}"), "the user's name and password")
}

/// Marked so that neither reqwest nor hyper prints it, and so that it is dropped on the way to another host.
pub(crate) fn sensitive(text: String, what: &str) -> Result<HeaderValue, RequestError> {
    let mut value = HeaderValue::try_from(text).map_err(|_error| RequestError::Header { what: what.to_owned() })?;
    value.set_sensitive(true);
    Ok(value)
}

/// RFC 4648 section 4, with padding.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for digit in 0..4 {
            if digit <= chunk.len() {
                out.push(char::from(ALPHABET[(word >> (18 - 6 * digit)) as usize & 63]));
            } else {
                out.push('=');
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_pads_as_the_rfc_says() {
        for (text, expected) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("Aladdin:open sesame", "QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
        ] {
            assert_eq!(base64(text.as_bytes()), expected);
        }
    }

    #[tokio::test]
    async fn a_secret_in_a_file_is_read_anew() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        let config = Config {
            authorization: Some(Authorization {
                credentials_file: Some(path.clone()),
                ..Authorization::bearer(Secret::default())
            }),
            ..Config::default()
        };
        assert!(authorization(&config).await.unwrap_err().to_string().starts_with("cannot read "));
        for token in ["one", "two"] {
            std::fs::write(&path, format!("{token}\n")).unwrap();
            let header = authorization(&config).await.unwrap().unwrap();
            assert_eq!(header.to_str().unwrap(), format!("Bearer {token}"));
        }
    }

    #[tokio::test]
    async fn user_and_password_come_from_files_too() {
        let dir = tempfile::tempdir().unwrap();
        let (user, password) = (dir.path().join("user"), dir.path().join("password"));
        std::fs::write(&user, "Aladdin\n").unwrap();
        std::fs::write(&password, "open sesame\n").unwrap();
        let auth = BasicAuth { username_file: Some(user), password_file: Some(password), ..BasicAuth::default() };
        let config = Config { basic_auth: Some(auth), ..Config::default() };
        let header = authorization(&config).await.unwrap().unwrap();
        assert_eq!(header.to_str().unwrap(), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    }

    #[test]
    fn what_no_header_can_hold_is_refused_before_the_first_request() {
        let header = |name: &str, value: &str| Config {
            http_headers: vec![HttpHeader {
                name: name.to_owned(),
                secrets: vec![Secret::new(value)],
                ..HttpHeader::default()
            }],
            ..Config::default()
        };
        for (config, expected) in [
            (
                header("X-Key", "canary\n"),
                "cannot use the header \"X-Key\": its value holds a character that it may not",
            ),
            (header("X Key", "v"), "cannot use the header \"X Key\": it is not a header's name"),
            (
                Config { authorization: Some(Authorization::bearer(Secret::new("canary\n"))), ..Config::default() },
                "cannot use the credentials: they hold a character that a header may not",
            ),
        ] {
            assert_eq!(check(&config).unwrap_err().to_string(), expected);
        }
    }
}
