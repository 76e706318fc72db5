//! `http_sd`: target groups as JSON behind a URL.

use http_client::Client;
use reqwest::header::{ACCEPT, CONTENT_TYPE, USER_AGENT};

use crate::publish::Publisher;
use crate::reader::{self, Format};
use crate::refresh::{self, Ask};
use crate::{Context, HttpConfig, TargetGroup, body};

/// Asks the URL, for ever.
pub(crate) async fn run(config: HttpConfig, context: &Context, publisher: &Publisher) {
    match http_client::build(&config.http) {
        Ok(client) => {
            let interval_ms = config.refresh_interval_ms;
            let mut source = Source { config, client, user_agent: context.user_agent.clone() };
            refresh::run(interval_ms, publisher, &mut source).await;
        }
        Err(error) => refresh::never(publisher, error.to_string()).await,
    }
}

struct Source {
    config: HttpConfig,
    client: Client,
    user_agent: String,
}

impl Ask for Source {
    async fn ask(&mut self) -> Result<Vec<TargetGroup>, String> {
        let interval = refresh::interval(self.config.refresh_interval_ms);
        let request = self
            .client
            .get(&self.config.url)
            .header(USER_AGENT, self.user_agent.as_str())
            .header(ACCEPT, "application/json")
            .header("X-Prometheus-Refresh-Interval-Seconds", interval.as_secs_f64().to_string())
            .timeout(interval);
        let answer = request.send().await.map_err(|error| error.to_string())?;
        if answer.status() != reqwest::StatusCode::OK {
            return Err(format!("server returned HTTP status {}", answer.status()));
        }
        let kind = answer.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if !is_json(kind) {
            return Err(format!("unsupported content type {kind:?}"));
        }
        let text = body::read(answer).await?;
        let shown = shown(&self.config.url);
        reader::read(&text, Format::Json, &shown, ("__meta_url", &shown)).map_err(|error| error.to_string())
    }
}

/// `application/json`, in UTF-8 if it says anything about that.
fn is_json(content_type: &str) -> bool {
    let content_type = content_type.trim().to_ascii_lowercase();
    match content_type.strip_prefix("application/json") {
        Some("") => true,
        Some(rest) => rest
            .strip_prefix(';')
            .is_some_and(|rest| matches!(rest.trim_start(), "charset=utf-8" | "charset=\"utf-8\"")),
        None => false,
    }
}

/// The URL without its password, for labels and messages.
fn shown(url: &str) -> String {
    match reqwest::Url::parse(url) {
        Ok(mut parsed) if parsed.password().is_some() => match parsed.set_password(Some("xxxxx")) {
            Ok(()) => parsed.to_string(),
            Err(()) => String::new(),
        },
        _ => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_content_types_are_json() {
        for (kind, expected) in [
            ("application/json", true),
            (" Application/JSON ", true),
            ("application/json; charset=utf-8", true),
            ("application/json;charset=\"UTF-8\"", true),
            ("application/json; charset=latin1", false),
            ("application/jsonx", false),
            ("text/plain", false),
            ("", false),
        ] {
            assert_eq!(is_json(kind), expected, "{kind}");
        }
    }

    #[test]
    fn a_password_is_not_shown() {
        assert_eq!(shown("http://u:canary@a/x?y"), "http://u:xxxxx@a/x?y");
        assert_eq!(shown("http://a/x"), "http://a/x");
    }
}
