//! `cargo xtask dev`: Pitwall with four GPUs that are not there, and a model server's page to scrape, to look at and work
//! on.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use anyhow::{Context as _, Result};

use crate::shell::{cargo, root, run};

/// Four GPUs whose memory and load move; the format is fake-nvml's.
const SCENARIO: &str = include_str!("../../fake-nvml/scenarios/four-gpus.scenario");

/// Runs until it is interrupted. Further arguments go to the program.
///
/// # Errors
/// The build fails, or a file cannot be written.
pub(crate) fn dev(arguments: &[String]) -> Result<()> {
    run(&mut cargo(&["build", "--package", "fake-nvml", "--package", "pitwall"]))?;
    let folder = root().join("target/dev");
    std::fs::create_dir_all(&folder)?;
    let scenario = folder.join("gpus.scenario");
    std::fs::write(&scenario, SCENARIO)?;
    let page = root().join("../shared/data/expositions/vllm_0.33.0.txt");
    let config = folder.join("prometheus.yml");
    let mut jobs = String::from("global: {scrape_interval: 5s, evaluation_interval: 5s}\n");
    if let Ok(body) = std::fs::read(&page) {
        let address = serve(body)?;
        jobs += &format!("scrape_configs: [{{job_name: vllm, static_configs: [{{targets: ['{address}']}}]}}]\n");
    }
    std::fs::write(&config, jobs)?;
    let target = root().join("target/debug");
    run(std::process::Command::new(target.join("pitwall"))
        .arg(format!("--config.file={}", config.display()))
        .arg(format!("--storage.path={}", folder.join("data").display()))
        .arg(format!("--gpu.nvml-library={}", target.join("libfake_nvml.so").display()))
        .args(arguments)
        .env("FAKE_NVML_SCENARIO", scenario))
}

/// Answers every request with `body` until the process ends; the address.
fn serve(body: Vec<u8>) -> Result<std::net::SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    std::thread::Builder::new()
        .name("model server".to_owned())
        .spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let mut head = [0; 4096];
                let head_read = stream.read(&mut head);
                let answer = format!(
                    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                    body.len()
                );
                if head_read
                    .and_then(|_| stream.write_all(answer.as_bytes()))
                    .and_then(|()| stream.write_all(&body))
                    .is_err()
                {
                    eprintln!("a scrape was cut off");
                }
            }
        })
        .context("cannot start a thread")?;
    Ok(address)
}
