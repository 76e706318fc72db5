//! `/targets`: what is scraped, and why something is not.

mod dropped;
mod found;
mod present;
mod raw;
mod selection;
mod steps;

use axum::Router;
use axum::extract::{Query, State as Extract};
use axum::response::Response;
use axum::routing::{get, post};
use model::{Labels, Timestamp};
use scrape::{PoolStatus, TargetStatus};

pub(crate) use present::{badge, is_absent_gpu, is_down};
use selection::{Selection, Shown, TargetsParams};

use super::view::parts::{Badge, Empty, Icon, Mood, anchor, counted};
use super::view::shell::{Section, Shell};
use super::view::status::StatusTab;
use super::view::targets::{Filter, Found, Pool, TargetsPage};
use super::{REFRESH_S, firing, show};
use crate::State;

/// The page and its parts.
pub(crate) fn routes() -> Router<State> {
    Router::new()
        .route("/targets", get(page))
        .route("/targets/raw", get(raw::page))
        .route("/targets/raw.txt", get(raw::plain))
        .route("/targets/relabel", get(steps::page))
        .route("/targets/pin", post(found::pin))
        .route("/targets/dismiss", post(found::dismiss))
        .route("/targets/forget", post(found::forget))
}

/// `GET /targets`
async fn page(Extract(state): Extract<State>, Query(params): Query<TargetsParams>) -> Response {
    let selection = Selection::of(&params);
    let (targets, pools) = (state.targets.targets(), state.targets.pools());
    let (up, down) = (count(&targets, Shown::Up), count(&targets, Shown::Down));
    let dropped: usize = pools.iter().map(|pool| pool.dropped).sum();
    let badge = match down {
        0 => Badge::new(Mood::Ok, "All up"),
        down => Badge::new(Mood::Crit, format!("{down} of {} down", targets.len())),
    };
    let samples: usize = targets.iter().map(|target| target.samples).sum();
    let mut facts = vec![counted(samples, "sample in the last round", "samples in the last round")];
    if !selection.pool.is_empty() {
        facts.push(format!("only the job {} below", selection.pool));
    }
    let shell = Shell {
        badge: (!targets.is_empty() && up + down != 0).then_some(badge),
        facts,
        firing: firing(&state),
        refresh_s: Some(REFRESH_S),
        unfolds: true,
        ..Shell::new(Section::Targets, "Targets", selection.href())
    };
    let nothing = pools.is_empty() && targets.is_empty();
    let filters = Shown::ALL.map(|shown| Filter {
        href: selection.with_state(shown),
        word: shown.word(),
        count: if shown == Shown::Dropped { dropped } else { count(&targets, shown) },
        current: shown == selection.shown,
    });
    let decided = found::decided(&state).await;
    let dismissed = decided.iter().filter(|(_, kept)| !**kept).map(|(address, _)| address.clone()).collect();
    let mut page = TargetsPage {
        shell,
        tabs: StatusTab::all("/targets"),
        query: selection.query.clone(),
        state: selection.shown.key(),
        pool: selection.pool.clone(),
        filters: filters.into(),
        pools: Vec::new(),
        dropped: Vec::new(),
        dismissed,
        pager: None,
        empty: None,
    };
    if selection.shown == Shown::Dropped {
        let all = state.targets.dropped();
        let remembered = dropped::remembered(&all);
        let (rows, pager) = selection.cut(dropped::selected(&selection, all));
        (page.dropped, page.pager) = (dropped::pools(&state, &rows, &pools, &remembered), pager);
        page.empty = rows.is_empty().then(|| nothing_dropped(dropped));
    } else {
        let (rows, pager) = selection.cut(selected(&selection, targets));
        let found = |target: &TargetStatus| found::of(target, &decided);
        (page.pools, page.pager) = (group(&rows, &pools, &selection, state.now(), found), pager);
        page.empty = page.pools.is_empty().then(|| if nothing { nothing_scraped() } else { nothing_found(&selection) });
    }
    show(&page)
}

fn count(targets: &[TargetStatus], shown: Shown) -> usize {
    targets.iter().filter(|target| shown.includes(target)).count()
}

/// The targets that are looked for: jobs with a target that is down come first, and in each job the targets that are.
fn selected(selection: &Selection, targets: Vec<TargetStatus>) -> Vec<TargetStatus> {
    let mut trouble: Vec<String> = targets.iter().filter(|t| is_down(t)).map(|t| t.pool.clone()).collect();
    trouble.dedup();
    let wanted = |target: &TargetStatus| selection.shown.includes(target) && selection.finds_target(target);
    let mut rows: Vec<_> = targets.into_iter().filter(wanted).collect();
    rows.sort_by(|a, b| {
        let rank = |target: &TargetStatus| !trouble.contains(&target.pool);
        rank(a).cmp(&rank(b)).then_with(|| a.pool.cmp(&b.pool)).then_with(|| is_down(b).cmp(&is_down(a)))
    });
    rows
}

/// The rows by job. Where everything is shown, jobs without targets say why they have none.
fn group(
    rows: &[TargetStatus],
    pools: &[PoolStatus],
    selection: &Selection,
    now: Timestamp,
    found: impl Fn(&TargetStatus) -> Option<Found>,
) -> Vec<Pool> {
    let mut shown: Vec<Pool> = Vec::new();
    for target in rows {
        if shown.last().is_none_or(|pool| pool.name != target.pool) {
            let unknown = PoolStatus { name: target.pool.clone(), ..PoolStatus::default() };
            let status = pools.iter().find(|pool| pool.name == target.pool).unwrap_or(&unknown);
            shown.push(head(status, target.resting.is_some()));
        }
        if let Some(pool) = shown.last_mut() {
            pool.targets.push(present::target(target, found(target), now));
        }
    }
    if selection.is_everything() && selection.page == 1 {
        let without_rows = |pool: &&PoolStatus| rows.iter().all(|target| target.pool != pool.name);
        let without_targets = pools.iter().filter(|pool| pool.up + pool.down + pool.unknown == 0);
        shown.extend(without_targets.filter(without_rows).map(|pool| head(pool, false)));
    }
    shown
}

/// A job without its targets. One that rests is not counted among them.
fn head(pool: &PoolStatus, rests: bool) -> Pool {
    let total = pool.up + pool.down + pool.unknown;
    let mut summary =
        vec![if total == 0 && rests { "resting".to_owned() } else { format!("{} of {total} up", pool.up) }];
    let counts = [(pool.down, "down"), (pool.unknown, "not yet asked"), (pool.dropped, "dropped")];
    summary.extend(counts.iter().filter(|(count, _)| *count != 0).map(|(count, word)| format!("{count} {word}")));
    let mut problems = Vec::new();
    if pool.target_limit_exceeded {
        let heading = "The job has more targets than its target_limit, so none of them is scraped";
        problems.push(Empty::new(Mood::Crit, heading).line("Raise target_limit, or drop targets in relabel_configs."));
    }
    let discovery = |error: &String| Empty::new(Mood::Warn, error.clone()).line("Targets found earlier are kept.");
    problems.extend(pool.discovery_errors.iter().map(discovery));
    problems.extend(pool.target_errors.iter().map(|error| Empty::new(Mood::Warn, error.clone())));
    if total == 0 && !rests && pool.dropped == 0 && problems.is_empty() {
        let nothing = Empty::new(Mood::Neutral, "Nothing was found yet").icon(Icon::Search);
        problems.push(nothing.line("The job has no targets, or its discovery has not found any."));
    }
    Pool {
        id: format!("pool-{}", anchor(&pool.name)),
        name: pool.name.clone(),
        summary: summary.join(", "),
        problems,
        targets: Vec::new(),
        dropped_href: (pool.dropped != 0).then(|| dropped_href(&pool.name)),
    }
}

/// The address of a job's targets.
pub(crate) fn pool_href(pool: &str) -> String {
    Selection { shown: Shown::All, query: String::new(), pool: pool.to_owned(), page: 1 }.href()
}

/// The address of what a job dropped.
fn dropped_href(pool: &str) -> String {
    Selection { shown: Shown::Dropped, query: String::new(), pool: pool.to_owned(), page: 1 }.href()
}

/// The address of a page about one target.
fn key_href(path: &str, key: &str) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("key", key).finish();
    format!("{path}?{query}")
}

/// `name=value` for each label.
pub(crate) fn tags(labels: &Labels) -> Vec<String> {
    labels.iter().map(|(name, value)| format!("{name}={value}")).collect()
}

fn nothing_scraped() -> Empty {
    Empty::new(Mood::Neutral, "Nothing is scraped")
        .icon(Icon::Search)
        .line("No job is configured and the built-in collectors are off. A job in prometheus.yml:")
        .code("scrape_configs:\n  - job_name: vllm\n    static_configs:\n      - targets: [\"localhost:8000\"]")
}

fn nothing_found(selection: &Selection) -> Empty {
    let empty = Empty::new(Mood::Neutral, "No such target").icon(Icon::Search);
    let empty = match selection.query.as_str() {
        "" => empty.line("No target is in this state."),
        query => empty.line(format!("None has \u{201c}{query}\u{201d} in its address, labels or error.")),
    };
    empty.link("/targets", "Show all")
}

fn nothing_dropped(dropped: usize) -> Empty {
    match dropped {
        0 => Empty::new(Mood::Ok, "Nothing was dropped").line("Everything that was found is scraped."),
        _ => Empty::new(Mood::Neutral, "No such target")
            .icon(Icon::Search)
            .line("What was dropped and is remembered does not fit these words.")
            .link("/targets?state=dropped", "Show all that was dropped"),
    }
}

#[cfg(test)]
mod tests {
    use scrape::Health;

    use super::*;

    fn target(pool: &str, health: Health) -> TargetStatus {
        let url = "http://a:1/metrics".to_owned();
        TargetStatus { pool: pool.to_owned(), url, health, ..TargetStatus::default() }
    }

    /// `pool: summary (rows)` for each job of the page.
    fn shown(targets: &[TargetStatus], pools: &[PoolStatus], state: &str) -> Vec<String> {
        let selection = Selection::of(&TargetsParams { state: Some(state.to_owned()), ..TargetsParams::default() });
        let rows = selected(&selection, targets.to_vec());
        let groups = group(&rows, pools, &selection, Timestamp::from_ms(0), |_| None);
        groups.iter().map(|pool| format!("{}: {} ({})", pool.name, pool.summary, pool.targets.len())).collect()
    }

    #[test]
    fn what_is_down_comes_first_and_jobs_without_targets_last() {
        let targets = [
            target("node", Health::Up),
            target("vllm", Health::Up),
            target("vllm", Health::Down),
            target("new", Health::Unknown),
        ];
        let pool = |name: &str, up, down, unknown, dropped| PoolStatus {
            name: name.to_owned(),
            up,
            down,
            unknown,
            dropped,
            ..PoolStatus::default()
        };
        let pools =
            [pool("empty", 0, 0, 0, 7), pool("new", 0, 0, 1, 0), pool("node", 1, 0, 0, 0), pool("vllm", 1, 1, 0, 0)];
        assert_eq!(
            shown(&targets, &pools, ""),
            [
                "vllm: 1 of 2 up, 1 down (2)",
                "new: 0 of 1 up, 1 not yet asked (1)",
                "node: 1 of 1 up (1)",
                "empty: 0 of 0 up, 7 dropped (0)"
            ]
        );
        assert_eq!(shown(&targets, &pools, "down"), ["vllm: 1 of 2 up, 1 down (1)"]);
        assert_eq!(shown(&targets, &pools, "unknown").len(), 1);
    }

    #[test]
    fn a_job_says_what_is_wrong_with_it() {
        let pool = PoolStatus {
            discovery_errors: vec!["file a.json: line 1: not JSON".to_owned()],
            target_limit_exceeded: true,
            ..PoolStatus::default()
        };
        let headings: Vec<_> = head(&pool, false).problems.into_iter().map(|problem| problem.heading).collect();
        assert_eq!((headings.len(), headings[1].as_str()), (2, "file a.json: line 1: not JSON"));
    }
}
