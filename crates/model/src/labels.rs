//! A label set: sorted by name, each name once, no empty values.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use units::quote::write_quoted;

use crate::{METRIC_NAME, is_legacy_label_name, is_legacy_metric_name};

/// A label set in one allocation, cheap to clone; sorted by name, each name once, no empty values.
///
/// Layout: for each label the name and then the value, each behind its length. A length is written in base 64, low
/// digits first, one ASCII byte a digit, bit 6 set where another digit follows; so the whole is valid UTF-8 and equal
/// sets have equal bytes.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Labels(Arc<str>);

impl Labels {
    /// The set without labels.
    pub fn empty() -> Self {
        Self(Arc::from(""))
    }

    /// From pairs in any order. Pairs with an empty value are left out; of a name given twice the last counts.
    pub fn from_pairs<N: AsRef<str>, V: AsRef<str>>(pairs: impl IntoIterator<Item = (N, V)>) -> Self {
        let mut builder = LabelsBuilder::default();
        for (name, value) in pairs {
            builder.set(name.as_ref(), value.as_ref());
        }
        builder.build()
    }

    /// From pairs that are sorted by name, each name once, no empty value. For those who know, such as decoders.
    ///
    /// Debug builds check the order.
    pub fn from_sorted<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut encoded = String::new();
        let mut last: Option<&str> = None;
        for (name, value) in pairs {
            debug_assert!(last.is_none_or(|last| last < name) && !value.is_empty(), "{last:?} {name:?}={value:?}");
            last = Some(name);
            push_part(&mut encoded, name);
            push_part(&mut encoded, value);
        }
        Self(Arc::from(encoded))
    }

    /// Name and value of each label, in the order of the names.
    pub fn iter(&self) -> Iter<'_> {
        Iter(&self.0)
    }

    /// The value of `name`.
    pub fn get(&self, name: &str) -> Option<&str> {
        for (n, v) in self.iter() {
            match n.cmp(name) {
                Ordering::Less => {}
                Ordering::Equal => return Some(v),
                Ordering::Greater => break,
            }
        }
        None
    }

    /// The metric name, empty if there is none.
    pub fn metric_name(&self) -> &str {
        self.get(METRIC_NAME).unwrap_or_default()
    }

    /// How many labels.
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    /// Whether there is no label.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A builder that starts from these labels.
    pub fn to_builder(&self) -> LabelsBuilder {
        LabelsBuilder(self.iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect())
    }

    /// These labels without `__name__`.
    pub fn without_name(&self) -> Self {
        self.filtered(|name| name != METRIC_NAME)
    }

    /// Only the labels whose name `keep` accepts.
    pub fn filtered(&self, keep: impl Fn(&str) -> bool) -> Self {
        Self::from_sorted(self.iter().filter(|(name, _)| keep(name)))
    }

    /// A hash that stays the same across runs and releases (XXH3 of the encoded form).
    pub fn hash64(&self) -> u64 {
        xxhash_rust::xxh3::xxh3_64(self.0.as_bytes())
    }

    /// The bytes that this set occupies, for memory accounting.
    pub fn encoded_bytes(&self) -> usize {
        self.0.len()
    }

    /// `{a="b", c="d"}` with the metric name as an ordinary label, as Go's `labels.Labels.String` prints.
    pub fn to_braces(&self) -> String {
        let mut out = String::from("{");
        write_pairs(&mut out, self.iter());
        out.push('}');
        out
    }
}

impl Default for Labels {
    fn default() -> Self {
        Self::empty()
    }
}

impl<'a> IntoIterator for &'a Labels {
    type Item = (&'a str, &'a str);
    type IntoIter = Iter<'a>;
    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl<N: AsRef<str>, V: AsRef<str>> FromIterator<(N, V)> for Labels {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        Self::from_pairs(pairs)
    }
}

/// By the first label that differs, name before value; a prefix comes first. Prometheus' `labels.Compare`.
impl Ord for Labels {
    fn cmp(&self, other: &Self) -> Ordering {
        self.iter().cmp(other.iter())
    }
}

impl PartialOrd for Labels {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// `name{a="b", c="d"}`, as PromQL writes a series; `{}` for none.
impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.metric_name();
        let bare = is_legacy_metric_name(name);
        let mut pairs = String::new();
        if !bare && !name.is_empty() {
            write_quoted(&mut pairs, name);
        }
        write_pairs(&mut pairs, self.iter().filter(|(n, _)| *n != METRIC_NAME));
        match (bare, pairs.is_empty()) {
            (true, true) => f.write_str(name),
            (true, false) => write!(f, "{name}{{{pairs}}}"),
            (false, _) => write!(f, "{{{pairs}}}"),
        }
    }
}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_braces())
    }
}

fn write_pairs<'a>(out: &mut String, pairs: impl Iterator<Item = (&'a str, &'a str)>) {
    for (name, value) in pairs {
        if !out.is_empty() && !out.ends_with('{') {
            out.push_str(", ");
        }
        if is_legacy_label_name(name) {
            out.push_str(name);
        } else {
            write_quoted(out, name);
        }
        out.push('=');
        write_quoted(out, value);
    }
}

/// Walks the labels of a [`Labels`].
#[derive(Clone, Debug)]
pub struct Iter<'a>(&'a str);

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a str, &'a str);
    fn next(&mut self) -> Option<Self::Item> {
        let (name, rest) = split_part(self.0)?;
        let (value, rest) = split_part(rest)?;
        self.0 = rest;
        Some((name, value))
    }
}

fn push_part(out: &mut String, part: &str) {
    let mut length = part.len();
    while 63 < length {
        out.push(char::from(0x40 | (length & 63) as u8));
        length >>= 6;
    }
    out.push(char::from(length as u8));
    out.push_str(part);
}

/// The first part and what follows it; `None` at the end.
fn split_part(encoded: &str) -> Option<(&str, &str)> {
    let (mut length, mut used) = (0usize, 0);
    for byte in encoded.bytes() {
        length |= usize::from(byte & 63) << (6 * used);
        used += 1;
        if byte & 0x40 == 0 {
            return encoded[used..].split_at_checked(length);
        }
    }
    None
}

/// Builds a [`Labels`] step by step.
#[derive(Clone, Debug, Default)]
pub struct LabelsBuilder(Vec<(String, String)>);

impl LabelsBuilder {
    /// Sets `name` to `value`; an empty value removes the label.
    pub fn set(&mut self, name: &str, value: &str) -> &mut Self {
        match (self.0.iter().position(|(n, _)| n == name), value.is_empty()) {
            (Some(at), true) => drop(self.0.remove(at)),
            (Some(at), false) => value.clone_into(&mut self.0[at].1),
            (None, true) => {}
            (None, false) => self.0.push((name.to_owned(), value.to_owned())),
        }
        self
    }

    /// Removes `name`.
    pub fn remove(&mut self, name: &str) -> &mut Self {
        self.0.retain(|(n, _)| n != name);
        self
    }

    /// Keeps only the labels whose name `keep` accepts.
    pub fn retain(&mut self, keep: impl Fn(&str) -> bool) -> &mut Self {
        self.0.retain(|(n, _)| keep(n));
        self
    }

    /// The value of `name` as it stands.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// The label set.
    pub fn build(&mut self) -> Labels {
        self.0.sort_unstable();
        Labels::from_sorted(self.0.iter().map(|(n, v)| (n.as_str(), v.as_str())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_sorted_unique_and_without_empty_values() {
        let labels = Labels::from_pairs([("b", "2"), ("a", "1"), ("c", ""), ("b", "3"), ("__name__", "m")]);
        assert_eq!(labels.iter().collect::<Vec<_>>(), [("__name__", "m"), ("a", "1"), ("b", "3")]);
        assert_eq!(labels.to_string(), r#"m{a="1", b="3"}"#);
        assert_eq!(labels.to_braces(), r#"{__name__="m", a="1", b="3"}"#);
        assert_eq!(labels.get("b"), Some("3"));
        assert_eq!(labels.get("c"), None);
    }

    #[test]
    fn long_and_foreign_values_survive() {
        let long = "温".repeat(5_000);
        let labels = Labels::from_pairs([("a", long.as_str()), ("é.x", "y")]);
        assert_eq!(labels.get("a"), Some(long.as_str()));
        assert_eq!(labels.get("é.x"), Some("y"));
        assert!(labels.to_string().ends_with(r#""é.x"="y"}"#));
    }

    #[test]
    fn order_is_by_the_first_label_that_differs() {
        let a = Labels::from_pairs([("a", "1")]);
        let longer = Labels::from_pairs([("a", "1"), ("b", "1")]);
        let other = Labels::from_pairs([("a", "10")]);
        let mut sorted = [&other, &longer, &a];
        sorted.sort();
        assert_eq!(sorted, [&a, &longer, &other]);
    }
}
