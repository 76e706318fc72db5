//! A rule, and whether its parts fit together.

use std::fmt;

use regexp::{RegexpError, Replacer};
use thiserror::Error;

/// What a rule does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Action {
    /// Sets a label from what the pattern captured.
    #[default]
    Replace,
    /// Goes on only with label sets that match.
    Keep,
    /// Goes on only with label sets that do not match.
    Drop,
    /// Goes on only where the joined values equal the target label.
    KeepEqual,
    /// Goes on only where the joined values differ from the target label.
    DropEqual,
    /// Sets a label to the hash of the joined values, modulo a number.
    HashMod,
    /// Copies labels whose name matches to another name.
    LabelMap,
    /// Removes labels whose name matches.
    LabelDrop,
    /// Removes labels whose name does not match.
    LabelKeep,
    /// Sets a label to the joined values in lower case.
    Lowercase,
    /// Sets a label to the joined values in upper case.
    Uppercase,
}

impl Action {
    const ALL: [(&'static str, Self); 11] = [
        ("replace", Self::Replace),
        ("keep", Self::Keep),
        ("drop", Self::Drop),
        ("keepequal", Self::KeepEqual),
        ("dropequal", Self::DropEqual),
        ("hashmod", Self::HashMod),
        ("labelmap", Self::LabelMap),
        ("labeldrop", Self::LabelDrop),
        ("labelkeep", Self::LabelKeep),
        ("lowercase", Self::Lowercase),
        ("uppercase", Self::Uppercase),
    ];

    /// Reads the word of a configuration, in any case.
    ///
    /// # Errors
    /// It is none of the actions.
    pub fn parse(word: &str) -> Result<Self, ConfigError> {
        let lower = word.to_lowercase();
        let found = Self::ALL.iter().find(|(name, _)| *name == lower);
        found.map(|(_, action)| *action).ok_or_else(|| ConfigError::UnknownAction(word.to_owned()))
    }

    /// The word in a configuration.
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(_, action)| *action == self).map_or("", |(name, _)| name)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A pattern over a whole value, with its text.
#[derive(Clone)]
pub struct Pattern {
    text: String,
    compiled: Replacer,
}

impl Pattern {
    /// Compiles `text`, which has to match from beginning to end.
    ///
    /// # Errors
    /// It is not a pattern of RE2.
    pub fn new(text: &str) -> Result<Self, RegexpError> {
        Ok(Self { text: text.to_owned(), compiled: Replacer::anchored(text)? })
    }

    /// The text as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub(crate) const fn compiled(&self) -> &Replacer {
        &self.compiled
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Pattern {}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

/// Prometheus' defaults.
pub(crate) const DEFAULT_SEPARATOR: &str = ";";
pub(crate) const DEFAULT_PATTERN: &str = "(.*)";
pub(crate) const DEFAULT_REPLACEMENT: &str = "$1";

/// One rule. Read its parts from a configuration, then ask [`Config::check`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Labels whose values are joined.
    pub source_labels: Vec<String>,
    /// What stands between them, `;` if nothing else is said.
    pub separator: String,
    /// What the joined values, or for the `label…` actions a label's name, must match; `None` is `(.*)`.
    pub regex: Option<Pattern>,
    /// For `hashmod`.
    pub modulus: u64,
    /// The label that is set; for `replace` it may hold groups.
    pub target_label: String,
    /// What it is set to, with groups; `$1` if nothing else is said.
    pub replacement: String,
    /// What is done.
    pub action: Action,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            source_labels: Vec::new(),
            separator: DEFAULT_SEPARATOR.to_owned(),
            regex: None,
            modulus: 0,
            target_label: String::new(),
            replacement: DEFAULT_REPLACEMENT.to_owned(),
            action: Action::Replace,
        }
    }
}

/// Why a rule is none. The texts are Prometheus'.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ConfigError {
    /// There is no such action.
    #[error("unknown relabel action {0:?}")]
    UnknownAction(String),
    /// `hashmod` without a divisor.
    #[error("relabel configuration for hashmod requires non-zero modulus")]
    NoModulus,
    /// The action sets or compares a label and none is named.
    #[error("relabel configuration for {0} action requires 'target_label' value")]
    NoTarget(Action),
    /// The label that would be set cannot be one.
    #[error("{1:?} is invalid 'target_label' for {0} action")]
    InvalidTarget(Action, String),
    /// The name that labels would be copied to cannot be one.
    #[error("{1:?} is invalid 'replacement' for {0} action")]
    InvalidReplacement(Action, String),
    /// A replacement that would have no effect.
    #[error("'replacement' can not be set for {0} action")]
    UselessReplacement(Action),
    /// Other keys that would have no effect.
    #[error("{0} action requires only 'source_labels' and `target_label`, and no other fields")]
    OnlySourceAndTarget(Action),
    /// Other keys that would have no effect.
    #[error("{0} action requires only 'regex', and no other fields")]
    OnlyRegex(Action),
}

impl Config {
    /// Whether the rule's parts fit together.
    ///
    /// # Errors
    /// The first that does not, in Prometheus' order.
    pub fn check(&self) -> Result<(), ConfigError> {
        use Action::{DropEqual, HashMod, KeepEqual, LabelDrop, LabelKeep, LabelMap, Lowercase, Replace, Uppercase};
        let action = self.action;
        if action == HashMod && self.modulus == 0 {
            return Err(ConfigError::NoModulus);
        }
        let sets = matches!(action, Replace | HashMod | Lowercase | Uppercase | KeepEqual | DropEqual);
        if sets && self.target_label.is_empty() {
            return Err(ConfigError::NoTarget(action));
        }
        let plain = matches!(action, Lowercase | Uppercase | KeepEqual | DropEqual);
        if plain && self.replacement != DEFAULT_REPLACEMENT {
            return Err(ConfigError::UselessReplacement(action));
        }
        if action == LabelMap && self.replacement.is_empty() {
            return Err(ConfigError::InvalidReplacement(action, self.replacement.clone()));
        }
        let untouched =
            self.modulus == 0 && self.separator == DEFAULT_SEPARATOR && self.replacement == DEFAULT_REPLACEMENT;
        let any_pattern = self.regex.as_ref().is_none_or(|regex| regex.as_str() == DEFAULT_PATTERN);
        if matches!(action, KeepEqual | DropEqual) && !(untouched && any_pattern) {
            return Err(ConfigError::OnlySourceAndTarget(action));
        }
        let named = !self.source_labels.is_empty() || !self.target_label.is_empty();
        if matches!(action, LabelDrop | LabelKeep) && (named || !untouched) {
            return Err(ConfigError::OnlyRegex(action));
        }
        Ok(())
    }
}
