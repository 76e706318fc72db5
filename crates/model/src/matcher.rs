//! A condition on one label.

use std::fmt;

use regexp::{Regexp, RegexpError};

/// How a matcher compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MatchOp {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `=~`
    Regexp,
    /// `!~`
    NotRegexp,
}

impl MatchOp {
    /// The operator as it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Regexp => "=~",
            Self::NotRegexp => "!~",
        }
    }
}

/// A condition on one label; a label that is absent has the empty value.
#[derive(Clone, Debug)]
pub struct Matcher {
    name: String,
    value: String,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    Equal,
    NotEqual,
    Regexp(Regexp),
    NotRegexp(Regexp),
}

impl Matcher {
    /// A matcher of any kind.
    ///
    /// # Errors
    /// `value` is not a regular expression where `op` wants one.
    pub fn new(op: MatchOp, name: impl Into<String>, value: impl Into<String>) -> Result<Self, RegexpError> {
        let value = value.into();
        let kind = match op {
            MatchOp::Equal => Kind::Equal,
            MatchOp::NotEqual => Kind::NotEqual,
            MatchOp::Regexp => Kind::Regexp(Regexp::new(&value)?),
            MatchOp::NotRegexp => Kind::NotRegexp(Regexp::new(&value)?),
        };
        Ok(Self { name: name.into(), value, kind })
    }

    /// `name="value"`
    pub fn equal(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: name.into(), value: value.into(), kind: Kind::Equal }
    }

    /// The label's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it is compared with.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// How it is compared.
    pub const fn op(&self) -> MatchOp {
        match self.kind {
            Kind::Equal => MatchOp::Equal,
            Kind::NotEqual => MatchOp::NotEqual,
            Kind::Regexp(_) => MatchOp::Regexp,
            Kind::NotRegexp(_) => MatchOp::NotRegexp,
        }
    }

    /// The compiled expression of `=~` and `!~`.
    pub const fn regexp(&self) -> Option<&Regexp> {
        match &self.kind {
            Kind::Regexp(regexp) | Kind::NotRegexp(regexp) => Some(regexp),
            Kind::Equal | Kind::NotEqual => None,
        }
    }

    /// Whether a label with this value (empty if absent) fulfils the condition.
    pub fn matches(&self, value: &str) -> bool {
        match &self.kind {
            Kind::Equal => value == self.value,
            Kind::NotEqual => value != self.value,
            Kind::Regexp(regexp) => regexp.is_match(value),
            Kind::NotRegexp(regexp) => !regexp.is_match(value),
        }
    }

    /// Whether a series without the label fulfils the condition.
    pub fn matches_absent(&self) -> bool {
        self.matches("")
    }
}

impl PartialEq for Matcher {
    fn eq(&self, other: &Self) -> bool {
        (self.op(), &self.name, &self.value) == (other.op(), &other.name, &other.value)
    }
}

impl Eq for Matcher {}

/// `name=~"value"`, the value quoted as Go quotes.
impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if crate::is_legacy_label_name(&self.name) {
            f.write_str(&self.name)?;
        } else {
            f.write_str(&units::quote::quote(&self.name))?;
        }
        write!(f, "{}{}", self.op().as_str(), units::quote::quote(&self.value))
    }
}
