//! Other people's tools find the replaced programs where they expect them.

use std::net::TcpListener;

use crate::program::Program;

/// An address that nobody listens on.
fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

#[tokio::test]
async fn the_replaced_programs_addresses_answer() {
    let data = tempfile::tempdir().unwrap();
    let [prometheus, alertmanager, node, dcgm] = [(); 4].map(|()| free_address());
    let flags = [
        format!("--listen.prometheus={prometheus}"),
        format!("--listen.alertmanager={alertmanager}"),
        format!("--listen.node-exporter={node}"),
        format!("--listen.dcgm-exporter={dcgm}"),
    ];
    let library = std::path::Path::new(env!("CARGO_BIN_EXE_pitwall")).with_file_name("libfake_nvml.so");
    assert!(library.exists(), "{} is missing: cargo build --package fake-nvml", library.display());
    let library = format!("--gpu.nvml-library={}", library.display());
    let mut arguments: Vec<&str> = flags.iter().map(String::as_str).collect();
    arguments.push(&library);
    let scenario = data.path().join("gpus.scenario");
    std::fs::write(&scenario, "count = 1\ngpu.*.name = NVIDIA Test\ngpu.*.utilization = 50\n").unwrap();
    let environment = [("FAKE_NVML_SCENARIO", scenario.to_str().unwrap())];
    let program = Program::start(&data.path().join("data"), &arguments, &environment).await;
    let get = |address: &str, path: &str| {
        let url = format!("http://{address}{path}");
        async move { reqwest::get(url).await.unwrap().text().await.unwrap() }
    };
    assert!(get(&prometheus, "/api/v1/status/buildinfo").await.contains("\"version\""));
    assert_eq!(get(&alertmanager, "/-/healthy").await, "Pitwall is Healthy.\n");
    assert!(get(&node, "/metrics").await.contains("\nnode_load1 "));
    crate::program::eventually("a GPU under dcgm-exporter's address", || async {
        get(&dcgm, "/metrics").await.contains("\nDCGM_FI_DEV_GPU_UTIL{").then_some(())
    })
    .await;
    assert_eq!(program.stop().await, Some(0));
}
