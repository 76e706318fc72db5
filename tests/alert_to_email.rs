//! The whole road: NVML to a chart in a page and a mail in an inbox, with the configuration of a real tutorial.

use std::path::Path;

use test_support::{Behaviour, HttpTarget, SmtpServer, shared_case, shared_data};

use crate::program::{Program, eventually};

/// A tutorial's file with addresses and times changed, and nothing else.
fn changed(case: &str, changes: &[(&str, &str)]) -> String {
    let mut text = std::fs::read_to_string(shared_case(case).unwrap()).unwrap();
    for (from, to) in changes {
        assert!(text.contains(from), "{case} has no {from}");
        text = text.replace(from, to);
    }
    text
}

fn scenario(folder: &Path, used_mib: u32) {
    let text = format!(
        "count = 4\ngpu.*.name = NVIDIA Test\ngpu.*.memory_total_mib = 80000\ngpu.*.memory_used_mib = 20000\n\
         gpu.2.memory_used_mib = {used_mib}\ngpu.*.utilization = 50\n"
    );
    std::fs::write(folder.join("gpus.next"), text).unwrap();
    // A whole file at once: it is read while the test writes.
    std::fs::rename(folder.join("gpus.next"), folder.join("gpus.scenario")).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gpu_s_memory_climbs_and_somebody_is_told() {
    let Some(page) = shared_data("expositions/vllm_0.33.0.txt") else { return };
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let model_server = HttpTarget::serving(std::fs::read(page).unwrap()).await;
    let mail = SmtpServer::start(Behaviour::default()).await;
    std::fs::write(at("ca.pem"), mail.certificate_pem()).unwrap();
    let address = model_server.address().to_string();
    let prometheus = changed("qwen3-vl/prometheus.yml", &[("15s", "1s"), ("qwen3-vl-service:8000", &address)]);
    std::fs::write(at("prometheus.yml"), prometheus).unwrap();
    std::fs::write(at("alerts.yml"), changed("qwen3-vl/alerts.yml", &[("for: 5m", "for: 2s")])).unwrap();
    let alertmanager = changed(
        "qwen3-vl/alertmanager.yml",
        &[
            ("smtp.example.com:587", &mail.smarthost()),
            ("group_wait: 10s", "group_wait: 1s"),
            ("group_interval: 5m", "group_interval: 2s"),
        ],
    );
    std::fs::write(at("alertmanager.yml"), alertmanager).unwrap();
    std::fs::write(at("pitwall.yml"), "collectors: {interval: 1s}\n").unwrap();
    scenario(folder.path(), 20_000);

    let library = Path::new(env!("CARGO_BIN_EXE_pitwall")).with_file_name("libfake_nvml.so");
    assert!(library.exists(), "{} is missing: cargo build --package fake-nvml", library.display());
    let flag = |name: &str, path: &Path| format!("{name}={}", path.display());
    let program = Program::start(
        &at("data"),
        &[
            &flag("--config.file", &at("prometheus.yml")),
            &flag("--alertmanager.config-file", &at("alertmanager.yml")),
            &flag("--pitwall.config-file", &at("pitwall.yml")),
            &flag("--gpu.nvml-library", &library),
        ],
        &[
            ("FAKE_NVML_SCENARIO", at("gpus.scenario").to_str().unwrap()),
            ("SSL_CERT_FILE", at("ca.pem").to_str().unwrap()),
        ],
    )
    .await;

    eventually("four GPUs are seen", || async {
        (program.value("count(DCGM_FI_DEV_FB_USED)").await == Some(4.0)).then_some(())
    })
    .await;
    eventually("the model server is scraped", || async { program.value("vllm:num_requests_running").await.map(drop) })
        .await;
    scenario(folder.path(), 76_000);
    for state in ["pending", "firing"] {
        let query = format!("ALERTS{{alertname=\"HighGPUMemoryUsage\",alertstate=\"{state}\",gpu=\"2\"}}");
        eventually(state, || async { program.value(&query).await.map(drop) }).await;
    }
    let firing = eventually("the mail", || async { mail.mails().first().cloned() }).await;
    for expected in [
        "Subject: [FIRING:1] HighGPUMemoryUsage",
        "To: your-email@example.com",
        "High GPU memory usage on 2",
        "memory usage is 95%",
    ] {
        assert!(firing.contains(expected), "{expected}: {firing}");
    }
    let words = mail.words();
    let (encrypted, password) =
        (words.iter().position(|w| w == "STARTTLS"), words.iter().position(|w| w.starts_with("AUTH")));
    assert!(encrypted.is_some() && encrypted < password, "{words:?}");
    let alerts = program.api("/alerts", &[]).await;
    assert_eq!(alerts["alerts"][0]["labels"]["gpu"], "2");
    assert!(program.page("/alerts").await.contains("HighGPUMemoryUsage"));

    scenario(folder.path(), 20_000);
    let resolved = eventually("the second mail", || async { mail.mails().get(1).cloned() }).await;
    assert!(resolved.contains("Subject: [RESOLVED] HighGPUMemoryUsage"), "{resolved}");

    let query = "DCGM_FI_DEV_FB_USED{gpu=\"2\"}[10m]";
    let climb = program.api("/query", &[("query", query)]).await;
    let values = climb["result"][0]["values"].as_array().cloned().unwrap_or_default();
    assert!(values.iter().any(|point| point[1] == "76000") && values.iter().any(|point| point[1] == "20000"));
    let chart = program.page("/query?expr=DCGM_FI_DEV_FB_USED%7Bgpu%3D%222%22%7D&tab=graph").await;
    assert!(chart.contains("class=\"chart"), "the chart page shows the climb");
    assert_eq!(program.stop().await, Some(0));
}
