//! Whether a page is one of metrics, and whose.

use exposition::{Entry, Format, Parser};

/// What a page of metrics shows of its server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Page {
    /// How many samples it has.
    pub(super) samples: usize,
    /// Whose names they have.
    pub(super) engine: Option<Engine>,
}

/// A server that is known by its metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Engine {
    /// Its targets' `job`, and for a model server their `llm_engine`.
    pub(super) name: &'static str,
    /// Whether it serves models.
    pub(super) is_model_server: bool,
}

/// By how a metric's name begins; the first that fits counts.
const BY_PREFIX: &[(&str, Engine)] = &[
    ("vllm:", Engine { name: "vllm", is_model_server: true }),
    ("sglang:", Engine { name: "sglang", is_model_server: true }),
    ("tgi_", Engine { name: "tgi", is_model_server: true }),
    ("llamacpp:", Engine { name: "llamacpp", is_model_server: true }),
    ("lmdeploy:", Engine { name: "lmdeploy", is_model_server: true }),
    ("nv_inference_", Engine { name: "triton", is_model_server: true }),
    ("DCGM_FI_", Engine { name: "dcgm", is_model_server: false }),
    ("nvidia_smi_", Engine { name: "nvidia_smi", is_model_server: false }),
    ("node_", Engine { name: "node", is_model_server: false }),
];

/// NIM's names have no prefix, so they count only where NIM has its page, and only several of them.
const NIM: Engine = Engine { name: "nim", is_model_server: true };
const NIM_PATH: &str = "/v1/metrics";
const NIM_NAMES: &[&str] =
    &["num_requests_running", "num_requests_waiting", "gpu_cache_usage_perc", "time_to_first_token_seconds"];
const NIM_NAMES_MIN: usize = 2;

/// Reads a page. One that was `cut` counts up to where it ends.
pub(super) fn read(path: &str, content_type: Option<&str>, body: &[u8], cut: bool) -> Result<Page, String> {
    let format = Format::of(content_type, None, body).map_err(|error| error.to_string())?;
    let (mut samples, mut best, mut nim) = (0, BY_PREFIX.len(), [false; NIM_NAMES.len()]);
    for entry in Parser::of(format, body) {
        let raw = match entry {
            Ok(Entry::Series { raw, .. } | Entry::Histogram { raw, .. }) => raw,
            Ok(_) => continue,
            Err(_) if cut && 0 < samples => break,
            Err(error) => return Err(format!("it is no page of metrics: {error}")),
        };
        samples += 1;
        let name = name_of(&raw);
        if let Some(place) = BY_PREFIX.iter().position(|(prefix, _)| name.starts_with(prefix.as_bytes())) {
            best = best.min(place);
        }
        for (seen, known) in nim.iter_mut().zip(NIM_NAMES) {
            *seen |= name.starts_with(known.as_bytes());
        }
    }
    if samples == 0 {
        return Err("it has no samples".to_owned());
    }
    let is_nim = path == NIM_PATH && NIM_NAMES_MIN <= nim.into_iter().filter(|seen| *seen).count();
    let engine = BY_PREFIX.get(best).map(|(_, engine)| *engine).or(is_nim.then_some(NIM));
    Ok(Page { samples, engine })
}

/// The metric's name: what stands before the braces, or the first text within them.
fn name_of(raw: &[u8]) -> &[u8] {
    let raw = raw.strip_prefix(b"{\"").unwrap_or(raw);
    let end = raw.iter().position(|byte| matches!(byte, b'{' | b' ' | b'"' | b'\t'));
    &raw[..end.unwrap_or(raw.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, content_type: Option<&str>, body: &str, expected: &str) {
        let shown = match read(path, content_type, body.as_bytes(), false) {
            Ok(Page { samples, engine }) => format!("{samples} {}", engine.map_or("?", |engine| engine.name)),
            Err(error) => error,
        };
        assert_eq!(shown, expected, "{body}");
    }

    #[test]
    fn servers_are_known_by_their_metrics() {
        for (body, expected) in [
            ("python_info 1\nvllm:num_requests_running{m=\"x\"} 1\n", "2 vllm"),
            ("sglang:token_usage 1\n", "1 sglang"),
            ("tgi_queue_size 1\n", "1 tgi"),
            ("llamacpp:requests_processing 1\n", "1 llamacpp"),
            ("lmdeploy:x 1\n", "1 lmdeploy"),
            ("nv_gpu_utilization 1\nnv_inference_count 1\n", "2 triton"),
            ("node_load1 1\n", "1 node"),
            ("DCGM_FI_DEV_GPU_TEMP{gpu=\"0\"} 1\n", "1 dcgm"),
            ("nvidia_smi_power_draw_watts 1\n", "1 nvidia_smi"),
            ("{\"vllm:x\", a=\"b\"} 1\n", "1 vllm"),
            ("up 1\n", "1 ?"),
        ] {
            check("/metrics", Some("text/plain"), body, expected);
        }
        let nim = "num_requests_running 1\ngpu_cache_usage_perc 0.5\n";
        check("/v1/metrics", None, nim, "2 nim");
        check("/metrics", None, nim, "2 ?");
        check("/v1/metrics", None, "num_requests_running 1\n", "1 ?");
    }

    #[test]
    fn what_is_no_page_of_metrics_is_said() {
        check("/metrics", Some("text/plain"), "# only a comment\n", "it has no samples");
        check("/metrics", Some("text/html"), "<html>", "the endpoint returned a web page, not metrics");
        check("/metrics", None, "{\"detail\": \"Not Found\"}", "the endpoint returned JSON, not metrics");
        let error = read("/metrics", None, b"hello world, this is no metric\n", false).unwrap_err();
        assert!(error.starts_with("it is no page of metrics: "), "{error}");
    }

    #[test]
    fn a_page_that_was_cut_counts() {
        assert_eq!(read("/metrics", None, b"a 1\nb 2\nc{x=\"", true).unwrap().samples, 2);
        assert!(read("/metrics", None, b"a 1\nb 2\nc{x=\"", false).is_err());
    }

    #[test]
    fn real_pages() {
        for (file, expected) in [
            ("vllm_0.33.0.txt", "361 vllm"),
            ("sglang_0.5.23.txt", "931 sglang"),
            ("llamacpp.txt", "11 llamacpp"),
            ("node_exporter_1.5.0.txt", "507 node"),
            ("dcgm_exporter_4.5.3_Hostname.txt", "50 dcgm"),
            ("nvidia_smi_nvidia-l40s__595.80__load.txt", "134 nvidia_smi"),
        ] {
            let Some(path) = test_support::shared_data(format!("expositions/{file}")) else { return };
            check("/metrics", Some("text/plain"), &std::fs::read_to_string(path).unwrap(), expected);
        }
    }
}
