//! Answers of servers that list targets.

use http_client::root_cause;
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// An answer is refused beyond this size in bytes.
pub(crate) const BODY_BYTES_MAX: usize = crate::reader::TEXT_BYTES_MAX;
/// What an error quotes of an answer, in characters.
const QUOTED_CHARS_MAX: usize = 200;

/// The body of an answer.
pub(crate) async fn read(mut answer: reqwest::Response) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    while let Some(part) = answer.chunk().await.map_err(|error| root_cause(&error))? {
        if BODY_BYTES_MAX < body.len() + part.len() {
            return Err(format!("the answer has more than {BODY_BYTES_MAX} bytes"));
        }
        body.extend_from_slice(&part);
    }
    Ok(body)
}

/// The body of a good answer as JSON; of a bad one what it says.
pub(crate) async fn json<T: DeserializeOwned>(answer: reqwest::Response) -> Result<T, String> {
    let status = answer.status();
    let body = read(answer).await?;
    if !status.is_success() {
        let text = String::from_utf8_lossy(&body);
        let quoted: String = text.trim().chars().take(QUOTED_CHARS_MAX).collect();
        let said = if quoted.is_empty() { String::new() } else { format!(": {quoted}") };
        return Err(format!("server returned HTTP status {status}{said}"));
    }
    serde_json::from_slice(&body).map_err(|error| format!("the answer is not what was expected: {error}"))
}

/// For serde: Go's servers write `null` for what is empty.
pub(crate) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}
