//! A command line as it may be shown: without what smells like a secret.

/// What stands in a secret's place.
const HIDDEN: &str = "<secret>";
/// A command line is shown up to this length in characters.
const SHOWN_CHARS_MAX: usize = 1_000;
/// An argument whose name holds one of these words has a secret as its value.
const WORDS: &[&str] = &[
    "apikey",
    "apikeys",
    "auth",
    "authorization",
    "bearer",
    "credential",
    "credentials",
    "key",
    "keys",
    "pass",
    "passwd",
    "password",
    "pwd",
    "secret",
    "secrets",
    "token",
];
/// What well-known tokens begin with.
const TOKEN_BEGINS: &[&str] = &["hf_", "nvapi-", "sk-", "ghp_", "glpat-"];

/// The command line in one text.
pub(super) fn command(words: &[String]) -> String {
    let mut shown: Vec<String> = Vec::new();
    // An option may have several values: all up to the next option are hidden.
    let mut hiding = false;
    for word in words {
        if word.starts_with('-') {
            hiding = false;
        }
        if hiding {
            shown.push(HIDDEN.to_owned());
        } else if let Some((name, _)) = word.split_once('=').filter(|(name, _)| smells(name)) {
            shown.push(format!("{name}={HIDDEN}"));
        } else {
            hiding = word.starts_with('-') && smells(word);
            shown.push(argument(word));
        }
    }
    shown.join(" ").chars().take(SHOWN_CHARS_MAX).collect()
}

/// Whether a name holds a word that secrets are called by.
fn smells(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| WORDS.contains(&word))
}

/// An argument that is not named; a text with structure inside is hidden whole if a part of it smells.
fn argument(word: &str) -> String {
    let structured = word.contains(['{', ' ', '"', '&']) || (word.contains(':') && !word.contains("://"));
    let token = TOKEN_BEGINS.iter().any(|begin| word.starts_with(begin));
    if token || (structured && smells(word)) {
        return HIDDEN.to_owned();
    }
    match word.split_once("://") {
        Some((scheme, rest)) => {
            let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            let host = authority.rsplit('@').next().unwrap_or_default();
            let user = if host.len() == authority.len() { String::new() } else { format!("{HIDDEN}@") };
            let (path, query) = path.split_at(path.find('?').unwrap_or(path.len()));
            let query = if smells(query) { format!("?{HIDDEN}") } else { query.to_owned() };
            format!("{scheme}://{user}{host}{path}{query}")
        }
        None => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_do_not_show() {
        for (words, expected) in [
            (&["vllm", "serve", "m", "--port", "8000"][..], "vllm serve m --port 8000"),
            (
                &["vllm", "--api-key", "canary", "canary", "--port", "8000"],
                "vllm --api-key <secret> <secret> --port 8000",
            ),
            (&["x", "--api-key=canary", "y"], "x --api-key=<secret> y"),
            (&["env", "HF_TOKEN=canary", "x"], "env HF_TOKEN=<secret> x"),
            (&["x", "-H", "Authorization: Bearer canary"], "x -H <secret>"),
            (&["x", "--config", r#"{"api_key": "canary"}"#], "x --config <secret>"),
            (&["x", "http://u:canary@h:1/p"], "x http://<secret>@h:1/p"),
            (&["x", "http://h/p?token=canary"], "x http://h/p?token=<secret>"),
            (&["x", "http://h/p?a=b&token=canary"], "x <secret>"),
            (&["x", "hf_canary"], "x <secret>"),
            (&["x", "--tokenizer", "t", "--max-num-batched-tokens", "9"], "x --tokenizer t --max-num-batched-tokens 9"),
            (&["x", "--model", "org/name:tag"], "x --model org/name:tag"),
        ] {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            let shown = command(&words);
            assert!(!shown.contains("canary"), "{shown}");
            assert_eq!(shown, expected);
        }
    }

    #[test]
    fn a_long_command_line_is_cut() {
        assert_eq!(command(&["é".repeat(5_000)]).chars().count(), SHOWN_CHARS_MAX);
    }

    proptest::proptest! {
        #[test]
        fn the_value_of_a_secret_never_shows(
            before in proptest::collection::vec("[-a-z=:/{} \"]{0,12}", 0..4),
            name in "--?(api-key|hf_token|PASSWORD|db\\.secret)",
            equals in proptest::bool::ANY,
        ) {
            let mut words = before;
            if equals {
                words.push(format!("{name}=canary"));
            } else {
                words.extend([name, "canary".to_owned(), "canary/2".to_owned()]);
            }
            proptest::prop_assert!(!command(&words).contains("canary"));
        }
    }
}
