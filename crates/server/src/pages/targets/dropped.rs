//! What was found and is not scraped: each with the labels it was found with, and the reason.

use std::collections::BTreeMap;

use scrape::{DroppedTarget, PoolStatus};

use super::super::view::parts::counted;
use super::super::view::targets::{Dropped, DroppedPool};
use super::selection::Selection;
use super::{steps, tags};
use crate::State;

/// How many dropped targets are remembered, by job.
pub(crate) type Remembered = BTreeMap<String, usize>;

/// How many are remembered.
pub(crate) fn remembered(dropped: &[DroppedTarget]) -> Remembered {
    let mut counts = Remembered::new();
    for target in dropped {
        *counts.entry(target.pool.clone()).or_default() += 1;
    }
    counts
}

fn summary(total: usize, remembered: usize) -> String {
    let dropped = format!("{} dropped", counted(total, "target", "targets"));
    if remembered < total { format!("{dropped}, {remembered} of them remembered") } else { dropped }
}

/// The dropped targets of the chosen page, by job.
pub(crate) fn pools(
    state: &State,
    rows: &[DroppedTarget],
    pools: &[PoolStatus],
    remembered: &Remembered,
) -> Vec<DroppedPool> {
    let mut shown: Vec<DroppedPool> = Vec::new();
    for target in rows {
        if shown.last().is_none_or(|pool| pool.name != target.pool) {
            let total = pools.iter().find(|pool| pool.name == target.pool).map_or(0, |pool| pool.dropped);
            shown.push(DroppedPool {
                id: format!("d-{}", super::super::view::parts::anchor(&target.pool)),
                name: target.pool.clone(),
                summary: summary(total, remembered.get(&target.pool).copied().unwrap_or_default()),
                targets: Vec::new(),
            });
        }
        if let Some(pool) = shown.last_mut() {
            let index = pool.targets.len();
            pool.targets.push(present(state, target, format!("{}-{index}", pool.id)));
        }
    }
    shown
}

/// Those that are looked for, by job.
pub(crate) fn selected(selection: &Selection, dropped: Vec<DroppedTarget>) -> Vec<DroppedTarget> {
    let mut rows: Vec<_> = dropped.into_iter().filter(|target| selection.finds_dropped(target)).collect();
    rows.sort_by(|a, b| a.pool.cmp(&b.pool));
    rows
}

fn present(state: &State, target: &DroppedTarget, id: String) -> Dropped {
    let address = target.discovered_labels.get("__address__").unwrap_or("without an address");
    Dropped {
        id,
        address: address.to_owned(),
        reason: target.reason.clone(),
        discovered: tags(&target.discovered_labels),
        steps: match target.reason {
            // Its rules would have taken it.
            Some(_) => steps::none(),
            None => steps::of(state, &target.pool, &target.discovered_labels),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_that_forgot_some_says_so() {
        for (total, remembered, expected) in [
            (1, 1, "1 target dropped"),
            (0, 2, "0 targets dropped"),
            (1_200, 1_000, "1200 targets dropped, 1000 of them remembered"),
        ] {
            assert_eq!(summary(total, remembered), expected);
        }
    }
}
