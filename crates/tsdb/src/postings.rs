//! Which series have which label value, and how matchers are resolved with it.

use std::collections::BTreeMap;

use model::{Labels, MatchOp, Matcher};

/// Positions of series, rising, for each value of each label name.
#[derive(Debug, Default)]
pub(crate) struct Postings(BTreeMap<Box<str>, BTreeMap<Box<str>, Vec<u32>>>);

impl Postings {
    /// Adds a series; positions come in rising order.
    pub(crate) fn add(&mut self, position: u32, labels: &Labels) {
        for (name, value) in labels {
            if !self.0.contains_key(name) {
                self.0.insert(name.into(), BTreeMap::new());
            }
            let Some(values) = self.0.get_mut(name) else { continue };
            match values.get_mut(value) {
                Some(positions) => positions.push(position),
                None => drop(values.insert(value.into(), vec![position])),
            }
        }
    }

    /// Takes out series for which `gone` holds.
    pub(crate) fn remove(&mut self, gone: impl Fn(u32) -> bool) {
        for values in self.0.values_mut() {
            values.retain(|_, positions| {
                positions.retain(|position| !gone(*position));
                !positions.is_empty()
            });
        }
        self.0.retain(|_, values| !values.is_empty());
    }

    /// Label names, sorted.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(AsRef::as_ref)
    }

    /// The values of a label, sorted, each with the series that have it.
    pub(crate) fn values(&self, name: &str) -> impl Iterator<Item = (&str, &[u32])> {
        self.0.get(name).into_iter().flatten().map(|(value, positions)| (value.as_ref(), positions.as_slice()))
    }

    /// The series that fulfil all matchers, rising; `labels` gives a series' labels, `all` every series.
    pub(crate) fn resolve<'a>(
        &self,
        matchers: &[Matcher],
        all: impl Fn() -> Vec<u32>,
        labels: impl Fn(u32) -> &'a Labels,
    ) -> Vec<u32> {
        // A matcher that wants something narrows the set; the others only take away from it.
        let (wanting, other): (Vec<&Matcher>, Vec<&Matcher>) =
            matchers.iter().partition(|matcher| !matcher.matches_absent());
        let mut sets: Vec<Vec<u32>> = wanting.iter().map(|matcher| self.matching(matcher)).collect();
        sets.sort_by_key(Vec::len);
        let mut sets = sets.into_iter();
        let mut found = match sets.next() {
            Some(smallest) => smallest,
            None => all(),
        };
        for set in sets {
            found.retain(|position| set.binary_search(position).is_ok());
        }
        if !other.is_empty() {
            found.retain(|position| {
                let labels = labels(*position);
                other.iter().all(|matcher| matcher.matches(labels.get(matcher.name()).unwrap_or_default()))
            });
        }
        found
    }

    /// The series whose value of the matcher's label fulfils it; each distinct value is looked at once.
    fn matching(&self, matcher: &Matcher) -> Vec<u32> {
        let Some(values) = self.0.get(matcher.name()) else { return Vec::new() };
        if matcher.op() == MatchOp::Equal {
            return values.get(matcher.value()).cloned().unwrap_or_default();
        }
        let literals = matcher.regexp().filter(|_| matcher.op() == MatchOp::Regexp).and_then(|r| r.set_matches());
        let mut found: Vec<u32> = match literals {
            Some(literals) => {
                literals.iter().filter_map(|value| values.get(value.as_str())).flatten().copied().collect()
            }
            None => values
                .iter()
                .filter(|(value, _)| matcher.matches(value))
                .flat_map(|(_, positions)| positions)
                .copied()
                .collect(),
        };
        found.sort_unstable();
        found.dedup();
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matchers_narrow_and_take_away() {
        let series: Vec<Labels> = [("1", "x"), ("2", "x"), ("2", "y"), ("3", "")]
            .map(|(a, b)| Labels::from_pairs([("a", a), ("b", b)]))
            .into();
        let mut postings = Postings::default();
        for (position, labels) in series.iter().enumerate() {
            postings.add(position as u32, labels);
        }
        let check = |matchers: &[(MatchOp, &str, &str)], expected: &[u32]| {
            let matchers: Vec<Matcher> =
                matchers.iter().map(|(op, name, value)| Matcher::new(*op, *name, *value).unwrap()).collect();
            let found = postings.resolve(&matchers, || (0..4).collect(), |position| &series[position as usize]);
            assert_eq!(found, expected, "{matchers:?}");
        };
        use MatchOp::{Equal, NotEqual, NotRegexp, Regexp};
        check(&[(Equal, "a", "2")], &[1, 2]);
        check(&[(Regexp, "a", "1|3")], &[0, 3]);
        check(&[(Regexp, "a", "[12]"), (NotEqual, "b", "y")], &[0, 1]);
        check(&[(Equal, "b", "")], &[3]);
        check(&[(NotEqual, "b", "")], &[0, 1, 2]);
        check(&[(NotRegexp, "b", "x|y")], &[3]);
        check(&[(Regexp, "b", ".*")], &[0, 1, 2, 3]);
        check(&[(Equal, "c", "x")], &[]);
    }
}
