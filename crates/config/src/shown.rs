//! A configuration as it may be shown: everything that it says, without comments and without secrets.

use url::Url;

use crate::yaml::{Node, Value, parse};

/// What stands in place of a secret, as in Prometheus.
const HIDDEN: &str = "<secret>";

/// Keys whose value is secret, or ends such a key: `password`, `oauth2.client_secret`, a discovery's `api_key`.
/// Keys that end with `_file` name a file and are shown.
const SECRET_ENDINGS: [&str; 13] = [
    "password",
    "token",
    "secret",
    "secrets",
    "secret_key",
    "api_key",
    "credentials",
    "passphrase",
    "private_key",
    "account_key",
    "consumer_key",
    "connection_string",
    "proxy_connect_header",
];

/// Prints the text of a YAML file again with its secrets hidden. A text that is no YAML is not shown at all: nobody can
/// tell where its secrets are.
pub fn shown(text: &str) -> String {
    let mut out = String::new();
    match parse(text) {
        Ok(node) => write_block(&mut out, &node, 0, &mut Vec::new()),
        Err(error) => out.push_str(&format!("# not valid YAML: {error}\n")),
    }
    out
}

/// Whether the value under the last of `keys` is secret.
fn is_secret(keys: &[String]) -> bool {
    let Some(last) = keys.last() else { return false };
    // A client's private key, which is `key` and nothing more.
    let private_key = last == "key" && keys.iter().rev().nth(1).is_some_and(|parent| parent == "tls_config");
    let key = last.to_ascii_lowercase();
    private_key || SECRET_ENDINGS.iter().any(|ending| key.ends_with(ending))
}

fn write_block(out: &mut String, node: &Node, depth: usize, keys: &mut Vec<String>) {
    let indent = "  ".repeat(depth);
    match &node.value {
        Value::Mapping(entries) => {
            for (key, value) in entries {
                keys.push(key.text.clone());
                out.push_str(&format!("{indent}{}:", word(&key.text)));
                write_value(out, value, depth + 1, keys);
                keys.pop();
            }
        }
        Value::Sequence(items) => {
            for item in items {
                out.push_str(&format!("{indent}-"));
                write_item(out, item, depth + 1, keys);
            }
        }
        Value::Scalar(_) | Value::Null => {}
    }
}

/// What follows `key:`.
fn write_value(out: &mut String, node: &Node, depth: usize, keys: &mut Vec<String>) {
    match &node.value {
        Value::Null => out.push('\n'),
        _ if is_secret(keys) => out.push_str(&format!(" {HIDDEN}\n")),
        Value::Scalar(text) => out.push_str(&format!(" {}\n", word(&without_password(text)))),
        Value::Mapping(entries) if entries.is_empty() => out.push_str(" {}\n"),
        Value::Sequence(items) if items.is_empty() => out.push_str(" []\n"),
        // The dashes of a list stand under its key.
        Value::Sequence(_) => {
            out.push('\n');
            write_block(out, node, depth.saturating_sub(1), keys);
        }
        Value::Mapping(_) => {
            out.push('\n');
            write_block(out, node, depth, keys);
        }
    }
}

/// What follows the dash of a list: a mapping begins in the same line.
fn write_item(out: &mut String, node: &Node, depth: usize, keys: &mut Vec<String>) {
    match &node.value {
        Value::Mapping(entries) if !entries.is_empty() => {
            let mut block = String::new();
            write_block(&mut block, node, depth, keys);
            out.push_str(&format!(" {}", block.trim_start()));
        }
        Value::Sequence(items) if !items.is_empty() => {
            out.push('\n');
            write_block(out, node, depth, keys);
        }
        _ => write_value(out, node, depth, keys),
    }
}

/// A text as it is, or, if it is an address, without the password in it.
pub fn without_password(text: &str) -> String {
    if !(text.contains("://") && text.contains('@')) {
        return text.to_owned();
    }
    match Url::parse(text) {
        Ok(mut url) if url.password().is_some() => match url.set_password(Some("xxxxx")) {
            Ok(()) => url.to_string(),
            Err(()) => HIDDEN.to_owned(),
        },
        Ok(_) => text.to_owned(),
        // With `://` and `@` and yet no address: it may hold a password all the same.
        Err(_) => HIDDEN.to_owned(),
    }
}

/// A scalar as YAML: plain where that reads back as the same text, else in double quotes.
fn word(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "_-./:+=$%^()*~ ".contains(c);
    let begins_well = text.starts_with(|c: char| c.is_alphanumeric() || "_./(^".contains(c));
    let ends_well = !text.ends_with([' ', ':']) && !text.contains(": ") && !matches!(text, "~" | "null");
    if begins_well && ends_well && text.chars().all(plain) { text.to_owned() } else { quoted(text) }
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let printed = shown(text);
        assert_eq!(printed, expected);
        assert_eq!(shown(&printed), printed, "printed again it is the same");
    }

    #[test]
    fn what_is_written_is_shown_without_comments() {
        check(
            "global: {scrape_interval: 15s} # often\nrule_files: []\nscrape_configs:\n  - job_name: a\n    static_configs:\n    - targets: ['h:1', \"[::1]:2\"]\n      labels: {温度: 'a \"b\" # c'}\n    honor_labels:\n",
            "global:\n  scrape_interval: 15s\nrule_files: []\nscrape_configs:\n- job_name: a\n  static_configs:\n  - targets:\n    - h:1\n    - \"[::1]:2\"\n    labels:\n      温度: \"a \\\"b\\\" # c\"\n  honor_labels:\n",
        );
        check("- [1, 2]\n- x\n- {}\n", "-\n  - 1\n  - 2\n- x\n- {}\n");
        check("", "");
    }

    /// Every place where Prometheus' configuration takes a secret.
    #[test]
    fn secrets_are_hidden_wherever_they_stand() {
        let text = "
scrape_configs:
- basic_auth: {username: u, password: hunter2, password_file: /p}
  bearer_token: hunter2
  bearer_token_file: /t
  authorization: {type: Bearer, credentials: hunter2}
  oauth2: {client_id: i, client_secret: hunter2, tls_config: {key: hunter2, key_file: /k}}
  tls_config: {cert: c, key: hunter2}
  proxy_url: http://u:hunter2@proxy:8080/
  proxy_connect_header: {Proxy-Authorization: [hunter2]}
  http_headers: {X-Key: {secrets: [hunter2], values: [v]}}
  consul_sd_configs: [{server: s, token: hunter2, password: hunter2}]
  ec2_sd_configs: [{access_key: a, secret_key: hunter2}]
  linode_sd_configs: [{api_key: hunter2}]
remote_write:
- url: https://u:hunter2@host/write
  sigv4: {secret_key: hunter2}
  azuread: {oauth: {client_secret: hunter2}}
";
        let printed = shown(text);
        assert!(!printed.contains("hunter2"), "{printed}");
        for kept in ["username: u", "/p", "/t", "/k", "cert: c", "- v", "access_key: a", "http://u:xxxxx@proxy:8080/"] {
            assert!(printed.contains(kept), "{kept} is missing from\n{printed}");
        }
    }

    #[test]
    fn what_is_no_yaml_is_not_shown() {
        let printed = shown("password: [hunter2");
        assert!(printed.starts_with("# not valid YAML") && !printed.contains("hunter2"), "{printed}");
    }
}
