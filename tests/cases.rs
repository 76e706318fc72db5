//! The configurations of five real tutorials, as their readers would type them: they run unchanged, and what a tutorial
//! got wrong is named.

use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::Value;
use test_support::shared_case;

use crate::program::{Program, eventually};

/// A case's files as flags, its GPUs, and what must come of it.
struct Case {
    /// The `prometheus.yml`.
    prometheus: &'static str,
    /// The `alertmanager.yml`.
    alertmanager: Option<&'static str>,
    /// Jobs of replaced programs: they are up through the built-in collectors, under the configured instance.
    served: &'static [(&'static str, &'static str)],
    /// Jobs whose model servers are asked; whether something answers is this machine's matter.
    asked: &'static [&'static str],
    /// Rules that evaluate.
    rule_count: usize,
}

const CASES: &[Case] = &[
    Case {
        prometheus: "qwen3-vl/prometheus.yml",
        alertmanager: Some("qwen3-vl/alertmanager.yml"),
        served: &[
            ("prometheus", "localhost:9090"),
            ("node-exporter", "node-exporter:9100"),
            ("dcgm-exporter", "dcgm-exporter:9400"),
        ],
        asked: &["qwen3-vl"],
        rule_count: 3,
    },
    Case {
        prometheus: "qwen2.5-7b/prometheus.yml",
        alertmanager: Some("qwen2.5-7b/alertmanager.yml"),
        served: &[],
        asked: &["vllm-qwen25"],
        rule_count: 3,
    },
    Case {
        prometheus: "qwen3-1.7b/prometheus.yml",
        alertmanager: None,
        served: &[],
        asked: &["qwen3-inference"],
        rule_count: 0,
    },
    Case {
        prometheus: "qwen3-4b/prometheus.yml",
        alertmanager: None,
        served: &[],
        asked: &["qwen3-4b-inference"],
        rule_count: 0,
    },
    Case {
        prometheus: "glm-4.7-flash/scrape_job.yml",
        alertmanager: None,
        served: &[],
        asked: &["vllm-glm47flash"],
        rule_count: 0,
    },
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_tutorial_runs_as_it_is() {
    // Side by side: their scrapes begin somewhere in an interval of 15 seconds.
    let mut running = tokio::task::JoinSet::new();
    for case in CASES {
        let Some(prometheus) = shared_case(case.prometheus) else { return };
        running.spawn(run(case, prometheus));
    }
    while let Some(ended) = running.join_next().await {
        ended.unwrap();
    }
}

async fn run(case: &Case, prometheus: PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let scenario = folder.path().join("gpus.scenario");
    std::fs::write(&scenario, "count = 2\ngpu.*.name = NVIDIA Test\ngpu.*.utilization = 50\n").unwrap();
    let library = Path::new(env!("CARGO_BIN_EXE_pitwall")).with_file_name("libfake_nvml.so");
    assert!(library.exists(), "{} is missing: cargo build --package fake-nvml", library.display());
    let mut flags =
        vec![format!("--config.file={}", prometheus.display()), format!("--gpu.nvml-library={}", library.display())];
    if let Some(path) = case.alertmanager {
        flags.push(format!("--alertmanager.config-file={}", shared_case(path).unwrap().display()));
    }
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let environment = [("FAKE_NVML_SCENARIO", scenario.to_str().unwrap())];
    let program = Program::start(&folder.path().join("data"), &flags, &environment).await;

    for (job, instance) in case.served {
        let query = format!("up{{job=\"{job}\",instance=\"{instance}\"}} == 1");
        eventually(&query, || async { program.value(&query).await }).await;
    }
    for job in case.asked {
        let query = format!("up{{job=\"{job}\"}}");
        eventually(&query, || async { program.value(&query).await }).await;
    }
    if !case.served.is_empty() {
        // The built-in collectors' own targets rest, so that nothing is counted twice.
        for query in ["count(node_load1) == 1", "count(DCGM_FI_DEV_GPU_UTIL) == 2"] {
            eventually(query, || async { program.value(query).await }).await;
        }
    }
    if 0 < case.rule_count {
        eventually("every rule evaluates", || async {
            let rules = program.api("/rules", &[]).await;
            let rules: Vec<&Value> =
                rules["groups"].as_array()?.iter().filter_map(|group| group["rules"].as_array()).flatten().collect();
            let healthy = rules.iter().filter(|rule| rule["health"] == "ok").count();
            (rules.len() == case.rule_count && healthy == case.rule_count).then_some(())
        })
        .await;
    }
    assert_eq!(program.stop().await, Some(0), "{}", case.prometheus);
}

#[tokio::test]
async fn what_a_tutorial_got_wrong_is_named() {
    let Some(retention) = shared_case("qwen3-vl/retention.yml") else { return };
    let said = check("config", &retention).await;
    assert!(said.status.success(), "{said:?}");
    assert!(String::from_utf8_lossy(&said.stdout).contains("storage.tsdb.retention.time"), "{said:?}");
    let said = check("config", &shared_case("qwen2.5-7b/datasource.yml").unwrap()).await;
    assert!(said.status.success(), "{said:?}");
}

async fn check(kind: &str, path: &Path) -> Output {
    let program = env!("CARGO_BIN_EXE_pitwall");
    tokio::process::Command::new(program).args(["check", kind]).arg(path).output().await.unwrap()
}
