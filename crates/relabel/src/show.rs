//! A rule as one line of YAML.

use std::fmt;

use units::quote::quote;

use crate::config::{Action, Config, DEFAULT_REPLACEMENT, DEFAULT_SEPARATOR};

/// `{source_labels: ["job"], regex: "node", action: keep}`: what differs from the defaults, and the action.
impl fmt::Display for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        if !self.source_labels.is_empty() {
            let labels: Vec<String> = self.source_labels.iter().map(|label| quote(label)).collect();
            write!(f, "source_labels: [{}], ", labels.join(", "))?;
        }
        let mut texts = Vec::new();
        if self.separator != DEFAULT_SEPARATOR {
            texts.push(("separator", self.separator.as_str()));
        }
        texts.extend(self.regex.as_ref().map(|regex| ("regex", regex.as_str())));
        if !self.target_label.is_empty() {
            texts.push(("target_label", &self.target_label));
        }
        if self.replacement != DEFAULT_REPLACEMENT {
            texts.push(("replacement", &self.replacement));
        }
        for (key, text) in texts {
            write!(f, "{key}: {}, ", quote(text))?;
        }
        if self.action == Action::HashMod {
            write!(f, "modulus: {}, ", self.modulus)?;
        }
        write!(f, "action: {}}}", self.action)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Pattern;

    #[test]
    fn rules_are_one_line() {
        assert_eq!(Config::default().to_string(), "{action: replace}");
        let rule = Config {
            source_labels: vec!["a".to_owned(), "b".to_owned()],
            separator: String::new(),
            regex: Some(Pattern::new(r"(\d+)").unwrap()),
            target_label: "shard".to_owned(),
            replacement: "x".to_owned(),
            modulus: 8,
            action: Action::HashMod,
        };
        assert_eq!(
            rule.to_string(),
            r#"{source_labels: ["a", "b"], separator: "", regex: "(\\d+)", target_label: "shard", replacement: "x", modulus: 8, action: hashmod}"#
        );
    }
}
