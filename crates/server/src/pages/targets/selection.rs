//! What the targets page shows of all there is: by state, by words, by job, a page at a time.

use scrape::{DroppedTarget, Health, TargetStatus};
use serde::Deserialize;

use super::super::view::targets::Pager;
use super::{is_down, tags};

/// Targets on one page.
pub(crate) const PAGE_ROWS: usize = 50;

/// Parameters of the page, as they stand in its address.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct TargetsParams {
    pub(crate) state: Option<String>,
    pub(crate) q: Option<String>,
    pub(crate) pool: Option<String>,
    pub(crate) page: Option<String>,
}

/// Which targets are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    All,
    Up,
    Down,
    Unknown,
    Dropped,
}

impl Shown {
    /// In the order of the page.
    pub(crate) const ALL: [Self; 5] = [Self::All, Self::Up, Self::Down, Self::Unknown, Self::Dropped];

    /// In the page's address.
    pub(crate) const fn key(self) -> &'static str {
        match self {
            Self::All => "",
            Self::Up => "up",
            Self::Down => "down",
            Self::Unknown => "unknown",
            Self::Dropped => "dropped",
        }
    }

    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::All => "All",
            Self::Up => "Up",
            Self::Down => "Down",
            Self::Unknown => "Not yet",
            Self::Dropped => "Dropped",
        }
    }

    /// Whether a target is among these; what was dropped is no target.
    pub(crate) fn includes(self, target: &TargetStatus) -> bool {
        match self {
            Self::All => true,
            Self::Up => target.health == Health::Up,
            Self::Down => is_down(target),
            Self::Unknown => target.health == Health::Unknown && target.resting.is_none(),
            Self::Dropped => false,
        }
    }
}

/// What somebody chose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Selection {
    pub(crate) shown: Shown,
    /// The words as they were typed.
    pub(crate) query: String,
    /// One job only; empty for all.
    pub(crate) pool: String,
    /// From 1 on.
    pub(crate) page: usize,
}

impl Selection {
    /// What the page's address says; what makes no sense there counts as not said.
    pub(crate) fn of(params: &TargetsParams) -> Self {
        let text = |value: &Option<String>| value.as_deref().unwrap_or_default().trim().to_owned();
        let state = text(&params.state);
        Self {
            shown: Shown::ALL.into_iter().find(|shown| shown.key() == state).unwrap_or(Shown::All),
            query: text(&params.q),
            pool: text(&params.pool),
            page: text(&params.page).parse().unwrap_or(1).max(1),
        }
    }

    /// Whether everything is shown, as far as a page goes.
    pub(crate) fn is_everything(&self) -> bool {
        self.shown == Shown::All && self.query.is_empty() && self.pool.is_empty()
    }

    /// Whether a target of this job with these texts is looked for: it has every word somewhere.
    fn finds<'a>(&self, pool: &'a str, texts: impl Iterator<Item = &'a str>) -> bool {
        if !self.pool.is_empty() && self.pool != pool {
            return false;
        }
        if self.query.is_empty() {
            return true;
        }
        let all = std::iter::once(pool).chain(texts).collect::<Vec<_>>().join("\n").to_lowercase();
        self.query.to_lowercase().split_whitespace().all(|word| all.contains(word))
    }

    /// Whether a target is looked for, whatever its state.
    pub(crate) fn finds_target(&self, target: &TargetStatus) -> bool {
        let labels = tags(&target.labels);
        let discovered = target.discovered_labels.get("__address__");
        let texts = [target.url.as_str(), target.last_error.as_str()].into_iter().chain(discovered);
        self.finds(&target.pool, texts.chain(labels.iter().map(String::as_str)))
    }

    /// Whether something that was dropped is looked for.
    pub(crate) fn finds_dropped(&self, target: &DroppedTarget) -> bool {
        let labels = tags(&target.discovered_labels);
        self.finds(&target.pool, labels.iter().map(String::as_str).chain(target.reason.as_deref()))
    }

    /// The address of the same choice with another state, on its first page.
    pub(crate) fn with_state(&self, shown: Shown) -> String {
        Self { shown, page: 1, ..self.clone() }.href()
    }

    /// The page's address.
    pub(crate) fn href(&self) -> String {
        let page = if self.page == 1 { String::new() } else { self.page.to_string() };
        let pairs = [("state", self.shown.key()), ("q", &self.query), ("pool", &self.pool), ("page", &page)];
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(pairs.into_iter().filter(|(_, value)| !value.is_empty()));
        let query = query.finish();
        if query.is_empty() { "/targets".to_owned() } else { format!("/targets?{query}") }
    }

    /// The rows of this page, and the way to the others. A page beyond the last is the last.
    pub(crate) fn cut<T>(&self, rows: Vec<T>) -> (Vec<T>, Option<Pager>) {
        let count = rows.len();
        let pages = count.div_ceil(PAGE_ROWS).max(1);
        if pages == 1 {
            return (rows, None);
        }
        let page = self.page.min(pages);
        let first = (page - 1) * PAGE_ROWS;
        let rows: Vec<T> = rows.into_iter().skip(first).take(PAGE_ROWS).collect();
        let at = |page| Self { page, ..self.clone() }.href();
        let pager = Pager {
            words: format!("{} to {} of {count}", first + 1, first + rows.len()),
            before: (1 < page).then(|| at(page - 1)),
            after: (page < pages).then(|| at(page + 1)),
        };
        (rows, Some(pager))
    }
}

#[cfg(test)]
mod tests {
    use model::Labels;

    use super::*;

    fn selection(state: &str, q: &str, pool: &str, page: &str) -> Selection {
        let text = |text: &str| Some(text.to_owned());
        Selection::of(&TargetsParams { state: text(state), q: text(q), pool: text(pool), page: text(page) })
    }

    #[test]
    fn an_address_says_what_is_chosen_and_the_other_way_round() {
        let check = |state, q, pool, page, expected: &str| {
            assert_eq!(selection(state, q, pool, page).href(), expected);
        };
        check("", "", "", "", "/targets");
        check("down", " a b&c ", "", "1", "/targets?state=down&q=a+b%26c");
        check("", "", "vllm", "3", "/targets?pool=vllm&page=3");
        check("nonsense", "", "", "-7", "/targets");
    }

    #[test]
    fn words_are_looked_for_in_addresses_labels_and_errors() {
        let target = TargetStatus {
            pool: "vllm".to_owned(),
            url: "http://10.0.0.1:8000/metrics".to_owned(),
            labels: Labels::from_pairs([("instance", "gpu-01:8000"), ("job", "vllm")]),
            last_error: "connection refused".to_owned(),
            ..TargetStatus::default()
        };
        for (q, pool, expected) in [
            ("", "", true),
            ("GPU-01 refused", "", true),
            ("instance=gpu", "", true),
            ("10.0.0.1", "vllm", true),
            ("10.0.0.1 node", "", false),
            ("", "node", false),
        ] {
            assert_eq!(selection("", q, pool, "").finds_target(&target), expected, "{q} {pool}");
        }
    }

    #[test]
    fn pages_hold_fifty() {
        let check = |count: usize, page: &str, expected: (usize, usize), links: Option<(bool, bool)>| {
            let (rows, pager) = selection("", "", "", page).cut((0..count).collect());
            assert_eq!((rows.first().copied().unwrap_or(0), rows.len()), expected, "{count} {page}");
            assert_eq!(pager.map(|pager| (pager.before.is_some(), pager.after.is_some())), links, "{count} {page}");
        };
        check(0, "1", (0, 0), None);
        check(50, "1", (0, 50), None);
        check(51, "1", (0, 50), Some((false, true)));
        check(120, "2", (50, 50), Some((true, true)));
        check(51, "99", (50, 1), Some((true, false)));
    }
}
