//! The model-server rows: the same eight questions for each engine, under that engine's names.

use model::{Labels, Timestamp};
use units::quote::quote;
use units::unit::Unit;

use super::super::ask;
use super::super::panel::{self, LoadedPanel, PanelPlan, PanelQuery};
use super::super::view::home::ModelRow;
use super::super::view::parts::{Empty, Icon, Mood, Stat, anchor};
use super::super::window::Window;
use super::host::rate_range;
use crate::State;

/// Models with a row of their own.
const MODELS_MAX: usize = 6;
/// A KV cache fuller than this holds requests back.
const KV_CACHE_WARN: f64 = 0.95;

/// What an engine calls things.
#[derive(Debug)]
struct Engine {
    name: &'static str,
    /// A gauge: requests being worked on.
    running: &'static str,
    /// A gauge: requests that wait.
    waiting: &'static str,
    /// A gauge of 0 to 1; a regular expression where releases renamed it.
    kv_cache: &'static str,
    /// Histograms in seconds.
    time_to_first_token: &'static str,
    end_to_end: &'static str,
    /// Counters.
    prompt_tokens: &'static str,
    generated_tokens: &'static str,
}

const ENGINES: [Engine; 2] = [
    Engine {
        name: "vLLM",
        running: "vllm:num_requests_running",
        waiting: "vllm:num_requests_waiting",
        kv_cache: "vllm:(kv|gpu)_cache_usage_perc",
        time_to_first_token: "vllm:time_to_first_token_seconds",
        end_to_end: "vllm:e2e_request_latency_seconds",
        prompt_tokens: "vllm:prompt_tokens_total",
        generated_tokens: "vllm:generation_tokens_total",
    },
    Engine {
        name: "SGLang",
        running: "sglang:num_running_reqs",
        waiting: "sglang:num_queue_reqs",
        kv_cache: "sglang:token_usage",
        time_to_first_token: "sglang:time_to_first_token_seconds",
        end_to_end: "sglang:e2e_request_latency_seconds",
        prompt_tokens: "sglang:prompt_tokens_total",
        generated_tokens: "sglang:generation_tokens_total",
    },
];

/// A model on an engine.
#[derive(Debug)]
struct Served {
    engine: &'static Engine,
    model: String,
    instances: Vec<String>,
}

/// A row for each model that is served, or the reason for having none.
pub(crate) async fn load(state: &State, window: &Window) -> (Vec<ModelRow>, Option<Empty>) {
    let served = served(state, window.end()).await;
    if served.is_empty() {
        return (Vec::new(), Some(nothing_served()));
    }
    let rows = served.into_iter().take(MODELS_MAX).enumerate().map(|(index, served)| row(state, window, index, served));
    (futures_util::future::join_all(rows).await, None)
}

async fn served(state: &State, at: Timestamp) -> Vec<Served> {
    let mut out: Vec<Served> = Vec::new();
    for engine in &ENGINES {
        let expr = format!("sum by (model_name, instance) ({})", engine.running);
        for (labels, _) in ask::instant(state, &expr, at).await.unwrap_or_default() {
            let model = labels.get("model_name").unwrap_or_default();
            let instance = instance_of(&labels);
            match out.iter_mut().find(|served| served.engine.name == engine.name && served.model == model) {
                Some(known) => known.instances.push(instance),
                None => out.push(Served { engine, model: model.to_owned(), instances: vec![instance] }),
            }
        }
    }
    out
}

fn instance_of(labels: &Labels) -> String {
    labels.get("instance").unwrap_or_default().to_owned()
}

async fn row(state: &State, window: &Window, index: usize, served: Served) -> ModelRow {
    let plans = plans(&served, index, &rate_range(window));
    let panels = futures_util::future::join_all(plans.into_iter().map(|plan| panel::load(state, plan, window))).await;
    let stats = stats(&panels);
    let name = if served.model.is_empty() { served.engine.name.to_owned() } else { served.model };
    ModelRow {
        name,
        server: format!("{} on {}", served.engine.name, served.instances.join(", ")),
        stats,
        panels: panels.into_iter().map(|loaded| loaded.panel).collect(),
    }
}

/// Panels of a row, in the order in which [`stats`] reads them.
fn plans(served: &Served, index: usize, range: &str) -> Vec<PanelPlan> {
    let (engine, model) = (served.engine, anchor(&served.model));
    let host = if served.model.is_empty() { String::new() } else { format!("model_name={}", quote(&served.model)) };
    let plan = |id: &str, title, unit, queries| PanelPlan {
        id: format!("model-{index}-{model}-{id}"),
        title,
        span: "c4 w2",
        unit,
        queries,
        fill: false,
        stack: false,
        max: None,
        empty: idle(),
    };
    let query = |name, slot, expr| PanelQuery { expr, name, slot };
    let quantile = |quantile: &str, histogram: &str| {
        format!("histogram_quantile({quantile}, sum by (le) (rate({histogram}_bucket{{{host}}}[{range}])))")
    };
    let rate = |counter: &str| format!("sum(rate({counter}{{{host}}}[{range}]))");
    let sum = |gauge: &str| format!("sum({gauge}{{{host}}})");
    let separator = if host.is_empty() { "" } else { "," };
    let kv_cache = format!("max({{__name__=~\"{}\"{separator}{host}}})", engine.kv_cache);
    vec![
        plan(
            "ttft",
            "Time to first token",
            "s",
            vec![
                query("P95", 1, quantile("0.95", engine.time_to_first_token)),
                query("P50", 0, quantile("0.5", engine.time_to_first_token)),
            ],
        ),
        plan(
            "e2e",
            "End-to-end latency",
            "s",
            vec![
                query("P95", 1, quantile("0.95", engine.end_to_end)),
                query("P50", 0, quantile("0.5", engine.end_to_end)),
            ],
        ),
        PanelPlan {
            fill: true,
            ..plan(
                "tokens",
                "Tokens per second",
                "short",
                vec![
                    query("prompt", 0, rate(engine.prompt_tokens)),
                    query("generated", 2, rate(engine.generated_tokens)),
                ],
            )
        },
        plan(
            "requests",
            "Requests",
            "short",
            vec![query("running", 0, sum(engine.running)), query("waiting", 1, sum(engine.waiting))],
        ),
        PanelPlan {
            max: Some(1.0),
            fill: true,
            ..plan("kv", "KV cache", "percentunit", vec![query("used", 3, kv_cache)])
        },
        plan(
            "rate",
            "Requests per second",
            "short",
            vec![query("finished", 0, rate(&format!("{}_count", engine.end_to_end)))],
        ),
    ]
}

/// The newest values of the panels' lines.
fn stats(panels: &[LoadedPanel]) -> Vec<Stat> {
    let newest = |panel: usize, line: usize| {
        panels.get(panel).and_then(|panel| panel.newest.get(line).copied().flatten()).filter(|value| !value.is_nan())
    };
    let stat = |name, value: Option<f64>, unit: &str, context: String| Stat {
        name,
        value: Unit::parse(unit).format(value.unwrap_or(f64::NAN), None),
        context,
        class: "",
    };
    let median = |panel| match newest(panel, 1) {
        Some(value) => format!("P50 {}", Unit::parse("s").format(value, None)),
        None => String::new(),
    };
    let kv_cache = newest(4, 0);
    vec![
        stat("Requests", newest(5, 0), "suffix:/s", String::new()),
        stat("TTFT P95", newest(0, 0), "s", median(0)),
        stat("End to end P95", newest(1, 0), "s", median(1)),
        stat("Prompt", newest(2, 0), "suffix:tok/s", String::new()),
        stat("Generated", newest(2, 1), "suffix:tok/s", String::new()),
        stat("Running", newest(3, 0), "none", String::new()),
        stat("Waiting", newest(3, 1), "none", String::new()),
        Stat {
            class: if kv_cache.is_some_and(|used| KV_CACHE_WARN <= used) { "warn" } else { "" },
            ..stat("KV cache", kv_cache, "percentunit", String::new())
        },
    ]
}

fn idle() -> Empty {
    Empty::new(Mood::Neutral, "No requests in this time")
        .icon(Icon::Model)
        .line("The server is up; a line appears with the first requests.")
}

fn nothing_served() -> Empty {
    Empty::new(Mood::Neutral, "No model server is scraped")
        .icon(Icon::Model)
        .line("A vLLM or SGLang server gets its row here as soon as its metrics arrive. Add it to prometheus.yml and reload:")
        .code("scrape_configs:\n  - job_name: vllm\n    static_configs:\n      - targets: [\"localhost:8000\"]")
        .link("/targets", "See what is scraped")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_expression_of_every_engine_parses() {
        for engine in &ENGINES {
            for model in ["", "Qwen/Qwen3-\"32B\""] {
                let served = Served { engine, model: model.to_owned(), instances: Vec::new() };
                for plan in plans(&served, 0, "1m") {
                    for query in plan.queries {
                        if let Err(error) = promql_syntax::parse(&query.expr) {
                            panic!("{}: {error}", query.expr);
                        }
                    }
                }
            }
        }
    }
}
