//! Every page once with something to show, and once without.

use std::sync::Arc;

use askama::Template;
use chart::{Frame, FrameSeries, Height, PlotOptions, Segment, Severity, Summary, Threshold};
use units::unit::{Formatted, Unit};

use super::alerts::{Alert, AlertGroup, AlertsPage, Note};
use super::error::ErrorPage;
use super::explore::{ExplorePage, ExploreResult, Names, QueryProblem, ResultRow};
use super::home::{AlertList, AlertRow, Fact, GpuCard, Gpus, HomePage, HostRow, ModelRow, TargetList, TargetProblem};
use super::parts::{Badge, Empty, Html, Icon, Link, Mood, Panel, PanelBody, Stat};
use super::rules::{Group, Rule, RulesPage};
use super::shell::{Picker, Preset, Section, Shell};
use super::status::{ConfigPage, FactTable, FactsPage, StatusTab};
use super::targets::{
    Dropped, DroppedPool, Filter, Found, Note as TargetNote, Pager, Pool, RawView, StepView, StepsPage, StepsView,
    Target, TargetsPage,
};

/// 2026-11-22T14:00:00Z
const FROM_MS: i64 = 1_795_356_000_000;

fn check(name: &str, page: &impl Template) {
    let html = page.render().expect("a page renders");
    for attribute in [" style=", "<style", "onclick", "javascript:"] {
        assert!(!html.contains(attribute), "{name} has {attribute}");
    }
    // The version of the static files changes with them; one element a line keeps differences readable.
    let version = super::super::assets::href("");
    let version = version.rsplit('=').next().unwrap_or_default();
    insta::assert_snapshot!(name, html.replace(version, "VERSION").replace("><", ">\n<"));
}

fn shell(section: Section, heading: &str, href: &str) -> Shell {
    let preset = |word: &str, short: &str, current| Preset {
        href: format!("{href}?from=now-{short}"),
        word: word.to_owned(),
        short: short.to_owned(),
        current,
    };
    Shell {
        badge: Some(Badge::new(Mood::Crit, "1 alert firing")),
        facts: vec![
            "4 × NVIDIA GeForce RTX 4090 D".to_owned(),
            "driver 570.124.06".to_owned(),
            "up 23 d 4 h".to_owned(),
        ],
        firing: 1,
        refresh_s: Some(5),
        picker: Some(Picker {
            current: "Last 15 minutes".to_owned(),
            presets: vec![preset("Last 15 minutes", "15m", true), preset("Last 1 hour", "1h", false)],
        }),
        ..Shell::new(section, heading, href)
    }
}

fn wave(name: &str, slot: usize, base: f64, height: f64) -> FrameSeries {
    let value = |index: i64| base + height * (((index * 7 + slot as i64 * 11) % 23) as f64 / 23.0);
    FrameSeries {
        name: name.to_owned(),
        slot,
        timestamps_ms: (0..61).map(|index| FROM_MS + index * 15_000).collect::<Arc<[i64]>>(),
        values: (0..61).map(value).collect(),
    }
}

fn frame(series: Vec<FrameSeries>) -> Frame {
    Frame { series, from_ms: FROM_MS, to_ms: FROM_MS + 900_000, gap_ms: 22_000 }
}

fn panel(id: &str, title: &str, span: &'static str, unit: &str, series: Vec<FrameSeries>) -> Panel {
    let options = PlotOptions::new(format!("{title} over 15 minutes"), Unit::parse(unit));
    let frame = frame(series);
    Panel {
        id: id.to_owned(),
        title: title.to_owned(),
        href: Some("/query?expr=up".to_owned()),
        unit: String::new(),
        span,
        end: None,
        body: PanelBody::Chart {
            plot: Html(chart::time_series(&frame, &options)),
            legend: Html(chart::legend_line(&frame, &options)),
        },
    }
}

fn formatted(text: &str, suffix: &str) -> Formatted {
    Formatted { text: text.to_owned(), suffix: suffix.to_owned() }
}

fn gpu(index: usize, mood: Mood, word: &str) -> GpuCard {
    let fact =
        |name, text, suffix, of: &str, class| Fact { name, value: formatted(text, suffix), of: of.to_owned(), class };
    GpuCard {
        index: index.to_string(),
        model: "NVIDIA GeForce RTX 4090 D".to_owned(),
        span: "c3",
        state: mood,
        badge: Badge::new(if mood == Mood::Neutral { Mood::Ok } else { mood }, word),
        utilisation: formatted("98", "%"),
        spark: Html(chart::sparkline(&frame(vec![wave("", 0, 90.0, 8.0)]), Height::H1, 0.0, 100.0)),
        memory_used: "21.9 GiB".to_owned(),
        memory_total: "24.0 GiB".to_owned(),
        memory_bar: Html(chart::bar(&[Segment { class: "s0", fraction: 0.91 }], Some(0.9))),
        facts: vec![
            fact("Temp.", "84", "°C", "", if mood == Mood::Warn { "warn" } else { "" }),
            fact("Power", "398", "W", " / 450 W", ""),
            fact("Clock", "2,520", "MHz", "", ""),
            fact("Fan", "58", "%", "", ""),
        ],
    }
}

fn stat(name: &'static str, text: &str, suffix: &str, context: &str, class: &'static str) -> Stat {
    Stat { name, value: formatted(text, suffix), context: context.to_owned(), class }
}

#[test]
fn home() {
    let mut ttft =
        panel("m1-ttft", "Time to first token", "c4 w2", "s", vec![wave("P95", 1, 1.2, 1.4), wave("P50", 0, 0.3, 0.5)]);
    let mut options = PlotOptions::new("Time to first token", Unit::parse("s"));
    options.thresholds.push(Threshold { value: 1.5, severity: Severity::Critical, word: "limit 1.5 s".to_owned() });
    let lines = frame(vec![wave("P95", 1, 1.2, 1.4), wave("P50", 0, 0.3, 0.5)]);
    ttft.body = PanelBody::Chart {
        plot: Html(chart::time_series(&lines, &options)),
        legend: Html(chart::legend_line(&lines, &options)),
    };
    let idle =
        Empty::new(Mood::Neutral, "1 of 2 samples, ready in 9 s").icon(Icon::Clock).line("rate() needs two samples.");
    check(
        "home",
        &HomePage {
            shell: shell(Section::Home, "gpu-01", "/"),
            alerts: AlertList {
                rules: "All 35 rules".to_owned(),
                rows: vec![
                    AlertRow {
                        badge: Badge::new(Mood::Crit, "Firing"),
                        name: "GPUMemoryHigh".to_owned(),
                        anchor: "GPUMemoryHigh".to_owned(),
                        subject: "gpu=0".to_owned(),
                        summary: "GPU 0 has used more than 90 % of its memory for five minutes & counting".to_owned(),
                        since: "18 min".to_owned(),
                    },
                    AlertRow {
                        badge: Badge::new(Mood::Info, "Pending").with_icon(Icon::Clock),
                        name: "LlmQueueing".to_owned(),
                        anchor: "LlmQueueing".to_owned(),
                        subject: String::new(),
                        summary: "11 requests wait".to_owned(),
                        since: "80 s".to_owned(),
                    },
                ],
                more: 2,
                empty: None,
            },
            targets: TargetList {
                total: "5 of 6 up".to_owned(),
                rows: vec![TargetProblem {
                    badge: Badge::new(Mood::Crit, "Down"),
                    job: "vllm".to_owned(),
                    href: "/targets?pool=vllm".to_owned(),
                    instance: "127.0.0.1:8001".to_owned(),
                    reason: "connection refused".to_owned(),
                }],
                empty: None,
            },
            gpus: Gpus::Cards(vec![
                gpu(0, Mood::Neutral, "Normal"),
                gpu(1, Mood::Neutral, "Normal"),
                gpu(2, Mood::Warn, "Thermal limit"),
                gpu(3, Mood::Neutral, "Normal"),
            ]),
            gpu_facts: "from NVML".to_owned(),
            models: vec![ModelRow {
                name: "Qwen3-32B-AWQ".to_owned(),
                server: "vLLM on 127.0.0.1:8000".to_owned(),
                stats: vec![
                    stat("Requests", "4.30", "/s", "", ""),
                    stat("TTFT P95", "2.41", "s", "P50 0.84 s", "crit"),
                    stat("End to end P95", "19.8", "s", "", ""),
                    stat("Prompt", "4,180", "tok/s", "", ""),
                    stat("Generated", "1,790", "tok/s", "", ""),
                    stat("Running", "32", "", "", ""),
                    stat("Waiting", "11", "", "", "warn"),
                    stat("KV cache", "97", "%", "", "warn"),
                ],
                panels: vec![
                    ttft,
                    panel(
                        "m1-tokens",
                        "Tokens per second",
                        "c4 w2",
                        "none",
                        vec![wave("prompt", 0, 3_000.0, 2_000.0), wave("generated", 2, 1_000.0, 900.0)],
                    ),
                    Panel {
                        body: PanelBody::Empty(idle),
                        ..panel("m1-e2e", "End-to-end latency", "c4 w2", "s", Vec::new())
                    },
                ],
            }],
            model_empty: None,
            host_facts: "Ubuntu 24.04, Linux 6.8.0-48-generic".to_owned(),
            host_panels: vec![
                panel(
                    "host-cpu",
                    "CPU",
                    "c3",
                    "percent",
                    vec![wave("user", 0, 20.0, 15.0), wave("system", 2, 5.0, 4.0)],
                ),
                panel("host-memory", "Memory", "c3", "bytes", vec![wave("used", 3, 1.2e11, 4e9)]),
                panel(
                    "host-disk",
                    "Disk",
                    "c3",
                    "Bps",
                    vec![wave("nvme0n1 read", 0, 1e6, 9e6), wave("nvme0n1 written", 1, 4e6, 2e7)],
                ),
                panel(
                    "host-network",
                    "Network",
                    "c3",
                    "bps",
                    vec![wave("eno1 in", 0, 1e6, 2e7), wave("eno1 out", 1, 1e8, 1.1e8)],
                ),
            ],
            host_rows: vec![
                HostRow {
                    name: "Memory".to_owned(),
                    value: "148 / 256 GiB".to_owned(),
                    bar: Html(chart::bar(&[Segment { class: "s0", fraction: 0.58 }], None)),
                    context: "page cache 71 GiB".to_owned(),
                },
                HostRow {
                    name: "/data".to_owned(),
                    value: "3.36 / 3.49 TiB".to_owned(),
                    bar: Html(chart::bar(&[Segment { class: "warn bf", fraction: 0.96 }], None)),
                    context: "/dev/nvme1n1, ext4".to_owned(),
                },
            ],
        },
    );
}

#[test]
fn home_of_a_box_without_anything() {
    check(
        "home_empty",
        &HomePage {
            shell: Shell { refresh_s: Some(1), ..Shell::new(Section::Home, "pi-lab", "/") },
            alerts: AlertList {
                rules: "All 18 rules".to_owned(),
                empty: Some(Empty::new(Mood::Ok, "Nothing fires").line("18 rules are watched.")),
                ..AlertList::default()
            },
            targets: TargetList {
                total: "2 of 2 up".to_owned(),
                empty: Some(Empty::new(Mood::Ok, "All targets answer")),
                ..TargetList::default()
            },
            gpus: Gpus::None(
                Empty::new(Mood::Neutral, "No GPU").icon(Icon::Gpu).line("libnvidia-ml.so.1 was not found."),
            ),
            gpu_facts: String::new(),
            models: Vec::new(),
            model_empty: Some(
                Empty::new(Mood::Neutral, "No model server is scraped")
                    .icon(Icon::Model)
                    .line("Add it to scrape_configs in prometheus.yml:")
                    .code("- job_name: vllm\n  static_configs:\n    - targets: [\"localhost:8000\"]"),
            ),
            host_facts: String::new(),
            host_panels: vec![Panel {
                body: PanelBody::Empty(Empty::new(Mood::Neutral, "Waiting for the first samples").icon(Icon::Clock)),
                ..panel("host-cpu", "CPU", "c3", "percent", Vec::new())
            }],
            host_rows: Vec::new(),
        },
    );
}

fn target(id: &str, badge: Badge, url: &str) -> Target {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    Target {
        id: id.to_owned(),
        badge,
        url: url.to_owned(),
        last_scrape: "2.1 s ago".to_owned(),
        duration: "6.2 ms".to_owned(),
        samples: "361".to_owned(),
        problem: None,
        notes: Vec::new(),
        found: None,
        labels: texts(&["instance=gpu-01:8000", "job=vllm"]),
        discovered: texts(&["__address__=127.0.0.1:8000", "job=vllm"]),
        facts: texts(&["every 15s", "timeout 10s"]),
        raw_href: format!("/targets/raw?key={id}"),
        steps_href: Some(format!("/targets/relabel?key={id}")),
    }
}

fn targets_page(state: &'static str) -> TargetsPage {
    let filter =
        |word, key: &str, count| Filter { href: format!("/targets?state={key}"), word, count, current: key == state };
    TargetsPage {
        shell: Shell { unfolds: true, ..shell(Section::Targets, "Targets", "/targets") },
        tabs: StatusTab::all("/targets"),
        query: "gpu \"01\"".to_owned(),
        state,
        pool: String::new(),
        filters: vec![filter("All", "", 4), filter("Down", "down", 1), filter("Dropped", "dropped", 2)],
        pools: Vec::new(),
        dropped: Vec::new(),
        dismissed: Vec::new(),
        pager: None,
        empty: None,
    }
}

#[test]
fn targets() {
    let refused = Empty::new(Mood::Crit, "Connection refused").line("Did you mean port 8000, where vllm listens?");
    let note = |icon, text: &str| vec![TargetNote { icon, text: text.to_owned() }];
    let vllm = Pool {
        id: "pool-vllm".to_owned(),
        name: "vllm".to_owned(),
        summary: "1 of 2 up, 1 down".to_owned(),
        problems: vec![Empty::new(Mood::Warn, "targets.json: line 3: expected a list").line("Kept.")],
        targets: vec![
            Target {
                problem: Some(refused),
                ..target("t-1", Badge::new(Mood::Crit, "Down"), "http://127.0.0.1:8001/metrics")
            },
            Target {
                notes: note(Icon::Search, "Found: vllm serve (pid 4711) listens on 127.0.0.1:8000."),
                found: Some(Found { key: "2".to_owned(), pinned: None }),
                ..target("t-2", Badge::new(Mood::Ok, "Up"), "http://127.0.0.1:8000/metrics")
            },
        ],
        dropped_href: Some("/targets?state=dropped&pool=vllm".to_owned()),
    };
    let node = Pool {
        id: "pool-node".to_owned(),
        name: "node".to_owned(),
        summary: "2 of 2 up".to_owned(),
        problems: Vec::new(),
        targets: vec![
            Target {
                notes: note(Icon::Info, "Node_exporter does not answer there, so the built-in collector does."),
                ..target("t-3", Badge::new(Mood::Info, "Built in"), "http://node-exporter:9100/metrics")
            },
            Target {
                found: Some(Found { key: "4".to_owned(), pinned: Some("127.0.0.1:9100".to_owned()) }),
                discovered: Vec::new(),
                steps_href: None,
                ..target("t-4", Badge::new(Mood::Info, "Built in"), "Built-in collector")
            },
        ],
        dropped_href: None,
    };
    let page = TargetsPage {
        pools: vec![vllm, node],
        dismissed: vec!["127.0.0.1:8080".to_owned()],
        pager: Some(Pager { words: "51 to 54 of 54".to_owned(), before: Some("/targets".to_owned()), after: None }),
        ..targets_page("")
    };
    check("targets", &page);
}

fn steps() -> StepsView {
    let step = |number, rule: &str, changes: &[&str], dropped| StepView {
        number,
        rule: rule.to_owned(),
        input: "a:1".to_owned(),
        dropped,
        changes: changes.iter().map(|change| (*change).to_owned()).collect(),
    };
    StepsView {
        steps: vec![
            step(1, "action: replace, target_label: x", &["+x=y"], false),
            step(2, "action: keep, regex: .*", &[], false),
            step(3, "action: drop, regex: a:.*", &[], true),
        ],
    }
}

#[test]
fn dropped_targets() {
    let dropped = |id: &str, reason: Option<&str>, steps| Dropped {
        id: id.to_owned(),
        address: "a:1".to_owned(),
        reason: reason.map(str::to_owned),
        discovered: vec!["__address__=a:1".to_owned()],
        steps,
    };
    let pool = DroppedPool {
        id: "d-sd".to_owned(),
        name: "sd".to_owned(),
        summary: "2 targets dropped".to_owned(),
        targets: vec![
            dropped("d-sd-0", None, steps()),
            dropped("d-sd-1", Some("the job node has this address"), StepsView { steps: Vec::new() }),
        ],
    };
    check("targets_dropped", &TargetsPage { dropped: vec![pool], ..targets_page("dropped") });
    let nothing = Empty::new(Mood::Neutral, "No such target").link("/targets", "Show all");
    check("targets_empty", &TargetsPage { empty: Some(nothing), ..targets_page("down") });
}

#[test]
fn pages_about_one_target() {
    let shell = |heading, href| shell(Section::Targets, heading, href);
    check(
        "target_relabel",
        &StepsPage {
            shell: shell("Relabelling", "/targets/relabel?key=1"),
            discovered: vec!["__address__=a:1".to_owned()],
            steps: steps(),
            labels: vec!["instance=a:1".to_owned()],
        },
    );
    check(
        "target_raw",
        &RawView {
            shell: shell("Raw page", "/targets/raw?key=1"),
            text: "up{a=\"<b>\"} 1\n".to_owned(),
            plain_href: "/targets/raw.txt?key=1".to_owned(),
            empty: None,
        },
    );
}

#[test]
fn status_pages() {
    let shell = |heading, href| Shell { refresh_s: None, ..shell(Section::Targets, heading, href) };
    check(
        "config",
        &ConfigPage {
            shell: shell("Configuration", "/config"),
            tabs: StatusTab::all("/config"),
            refused: Some("a.yml:1:2: unknown key <x>".to_owned()),
            yaml: "scrape_configs:\n- basic_auth:\n    password: <secret>\n".to_owned(),
            empty: None,
        },
    );
    let rows = vec![("up".to_owned(), "3".to_owned())];
    let table = |heading: &str, unit, rows| FactTable {
        heading: heading.to_owned(),
        span: "c6",
        code: unit == "series",
        unit,
        rows,
    };
    check(
        "facts",
        &FactsPage {
            shell: shell("Storage", "/tsdb-status"),
            tabs: StatusTab::all("/tsdb-status"),
            tables: vec![table("Series by metric name", "series", rows.clone()), table("", "", rows)],
        },
    );
    check(
        "not_found",
        &ErrorPage {
            shell: shell("Not found", "/targets"),
            empty: Empty::new(Mood::Neutral, "There is no such target.").link("/targets", "Back"),
        },
    );
}

#[test]
fn rules() {
    let rule = |badge, problem| Rule {
        badge,
        name: "GPUMemoryHigh".to_owned(),
        anchor: "rule-GPUMemoryHigh".to_owned(),
        hold: "for 5 min".to_owned(),
        expr: "DCGM_FI_DEV_FB_USED / (DCGM_FI_DEV_FB_USED + DCGM_FI_DEV_FB_FREE) > 0.9".to_owned(),
        href: "/query?expr=up".to_owned(),
        labels: vec!["severity=critical".to_owned()],
        last_run: "2.0 s ago".to_owned(),
        duration: "0.4 ms".to_owned(),
        problem,
    };
    let failed = Empty::new(Mood::Crit, "many-to-many matching not allowed").line("The rule did not run.");
    check(
        "rules",
        &RulesPage {
            shell: shell(Section::Rules, "Rules", "/rules"),
            groups: vec![Group {
                name: "gpu".to_owned(),
                anchor: "gpu".to_owned(),
                file: "alerts.yml".to_owned(),
                timing: "every 15 s, last run 2.0 s ago in 6 ms".to_owned(),
                rules: vec![
                    rule(Badge::new(Mood::Crit, "1 firing"), None),
                    rule(Badge::new(Mood::Crit, "Error"), Some(failed)),
                ],
            }],
            empty: None,
        },
    );
}

#[test]
fn alerts() {
    let alert = |badge, note| Alert {
        anchor: "a".to_owned(),
        badge,
        title: "GPU 0 is nearly full: 22.1 of 24 GiB".to_owned(),
        labels: vec!["gpu=0".to_owned(), "severity=critical".to_owned()],
        value: "0.92".to_owned(),
        since: "18 min".to_owned(),
        note,
    };
    let pending = Note { icon: Icon::Clock, text: "Not sent: true for 80 s, fires in 40 s.".to_owned() };
    check(
        "alerts",
        &AlertsPage {
            shell: shell(Section::Alerts, "Alerts", "/alerts"),
            stats: vec![stat("Firing", "1", "", "", "crit"), stat("Pending", "1", "", "", "")],
            groups: vec![AlertGroup {
                name: "GPUMemoryHigh".to_owned(),
                href: "/rules#rule-GPUMemoryHigh".to_owned(),
                summary: "1 firing, 1 pending".to_owned(),
                alerts: vec![
                    alert(Badge::new(Mood::Crit, "Critical"), None),
                    alert(Badge::new(Mood::Info, "Pending").with_icon(Icon::Clock), Some(pending)),
                ],
            }],
            empty: None,
        },
    );
}

fn explore(expr: &str, tab: &'static str, result: ExploreResult) -> ExplorePage {
    ExplorePage {
        shell: Shell { refresh_s: None, ..shell(Section::Explore, "Explore", "/query") },
        expr: expr.to_owned(),
        rows: 2,
        tab,
        from: "now-15m".to_owned(),
        to: "now".to_owned(),
        step: String::new(),
        step_auto: "5s".to_owned(),
        cost: "2 series, 242 samples, 3.8 ms, step 15 s".to_owned(),
        error: None,
        warnings: Vec::new(),
        graph_href: "/query?tab=graph".to_owned(),
        table_href: "/query?tab=table".to_owned(),
        json_href: "/api/v1/query".to_owned(),
        result,
        names: Names {
            find: "node cpu".to_owned(),
            count: "2 of 412 names".to_owned(),
            links: ["node_cpu_seconds_total", "node_cpu_guest_seconds_total"]
                .map(|name| Link { href: format!("/query?expr={name}"), word: name.to_owned() })
                .to_vec(),
        },
    }
}

#[test]
fn query() {
    let options = PlotOptions { height: Height::H4, ..PlotOptions::new("sum", Unit::parse("short")) };
    let frame = frame(vec![wave("{mode=\"user\"}", 0, 1.0, 2.0), wave("{mode=\"system\"}", 1, 0.2, 0.3)]);
    let graph = ExploreResult::Graph {
        plot: Html(chart::time_series(&frame, &options)),
        legend: Html(chart::legend_table(&frame, &options, "Series", &[Summary::Last, Summary::Mean, Summary::Max])),
    };
    check("explore_graph", &explore("sum by (mode) (rate(node_cpu_seconds_total[1m]))", "graph", graph));
    let row =
        |cells: [&str; 2], value: &str| ResultRow { cells: cells.map(str::to_owned).to_vec(), value: value.to_owned() };
    let table = ExploreResult::Table {
        at: "2026-11-22 14:30:00".to_owned(),
        names: vec!["__name__".to_owned(), "job".to_owned()],
        rows: vec![row(["up", "vllm"], "0"), row(["up", "node"], "1")],
        more: 7,
    };
    check("explore_table", &explore("up", "table", table));
    let mut broken = explore("sum(rate(x[5m])", "graph", ExploreResult::Empty(Empty::new(Mood::Neutral, "No result")));
    broken.error = Some(QueryProblem {
        heading: "1:16: parse error: unclosed left parenthesis".to_owned(),
        before: "sum".to_owned(),
        at: "(".to_owned(),
        after: "rate(x[5m])".to_owned(),
    });
    check("explore_error", &broken);
}
