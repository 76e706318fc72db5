//! Which servers of metrics are known by their command line.

use std::net::SocketAddr;

use super::listeners::Process;
use super::verdict;

/// A program that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Program {
    /// How a sentence calls it.
    pub(super) name: &'static str,
    /// Whether it serves models. Such a one may take minutes to load before it answers.
    pub(super) is_model_server: bool,
}

const fn model_server(name: &'static str) -> Program {
    Program { name, is_model_server: true }
}

const fn exporter(name: &'static str) -> Program {
    Program { name, is_model_server: false }
}

/// Known by the name of the executable, or of the script that an interpreter runs.
const BY_EXECUTABLE: &[(&str, Program)] = &[
    ("llama-server", model_server("llama-server")),
    ("text-generation-launcher", model_server("text-generation-launcher")),
    ("text-generation-router", model_server("text-generation-router")),
    ("tritonserver", model_server("tritonserver")),
    ("node_exporter", exporter("node_exporter")),
    ("prometheus-node-exporter", exporter("node_exporter")),
    ("dcgm-exporter", exporter("dcgm-exporter")),
    ("nvidia_gpu_exporter", exporter("nvidia_gpu_exporter")),
];

/// Known by the executable and its subcommand.
const BY_SUBCOMMAND: &[(&str, &str, Program)] = &[
    ("vllm", "serve", model_server("vllm serve")),
    ("lmdeploy", "serve", model_server("lmdeploy serve")),
    ("ollama", "serve", model_server("ollama serve")),
    ("sglang", "serve", model_server("sglang serve")),
];

/// Known by the module that Python runs (`-m MODULE`), by its beginning.
const BY_MODULE: &[(&str, Program)] = &[
    ("vllm.entrypoints", model_server("vllm.entrypoints")),
    ("sglang.launch_server", model_server("sglang.launch_server")),
    ("vllm_nvext.entrypoints", model_server("NIM")),
    ("nim_llm", model_server("NIM")),
    ("lmdeploy.serve", model_server("lmdeploy.serve")),
];

/// Known by a title that the process gave itself.
const BY_TITLE: &[(&str, Program)] =
    &[("VLLM::", model_server("vllm serve")), ("sglang::", model_server("sglang.launch_server"))];

/// Words of the command line that are looked at: an interpreter and its options may stand before the program.
const WORDS_MAX: usize = 6;

/// The known program that a process runs.
pub(super) fn of(process: &Process) -> Option<Program> {
    let title = process.command.first().map_or(process.name.as_str(), String::as_str);
    let by_title = BY_TITLE.iter().find(|(begin, _)| title.starts_with(begin) || process.name.starts_with(begin));
    if let Some((_, program)) = by_title {
        return Some(*program);
    }
    let words: Vec<&str> = process.command.iter().take(WORDS_MAX).map(String::as_str).collect();
    if hands_on_to(process).is_some_and(|container| verdict::WELL_KNOWN_PORTS.contains(&container.port())) {
        return Some(model_server("docker-proxy"));
    }
    for (index, word) in words.iter().enumerate() {
        let file = word.rsplit('/').next().unwrap_or(word);
        let next = words.get(index + 1).copied().unwrap_or_default();
        if let Some((_, program)) = BY_EXECUTABLE.iter().find(|(name, _)| *name == file) {
            return Some(*program);
        }
        let by_subcommand = BY_SUBCOMMAND.iter().find(|(name, subcommand, _)| *name == file && *subcommand == next);
        if let Some((_, _, program)) = by_subcommand {
            return Some(*program);
        }
        let by_module = BY_MODULE.iter().find(|(module, _)| *word == "-m" && is_within(next, module));
        if let Some((_, program)) = by_module {
            return Some(*program);
        }
        // The program itself ends the search: what follows are its arguments, such as a file to edit.
        let goes_on = if index == 0 { runs_another(file) } else { word.starts_with('-') };
        if !goes_on {
            break;
        }
    }
    None
}

/// Where in a container Docker's proxy hands on what it listens for.
pub(super) fn hands_on_to(process: &Process) -> Option<SocketAddr> {
    let (program, arguments) = process.command.split_first()?;
    if program.rsplit('/').next() != Some("docker-proxy") {
        return None;
    }
    let value = |name: &str| {
        let at = arguments.iter().position(|word| word == name)?;
        arguments.get(at + 1)
    };
    Some(SocketAddr::new(value("-container-ip")?.parse().ok()?, value("-container-port")?.parse().ok()?))
}

/// Whether the executable's first argument is what really runs.
fn runs_another(file: &str) -> bool {
    file.starts_with("python") || ["bash", "dumb-init", "nice", "nohup", "perl", "sh", "tini"].contains(&file)
}

/// Whether `name` is the module, or one within it.
fn is_within(name: &str, module: &str) -> bool {
    name.strip_prefix(module).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Whether the command line names the port: `--port 8000`, `--port=8000`, `--web.listen-address=:9100`.
pub(super) fn names_port(process: &Process, port: u16) -> bool {
    let port = port.to_string();
    let ends_with_port = |word: &str| {
        let rest = word.strip_suffix(port.as_str());
        rest.is_some_and(|rest| rest.is_empty() || rest.ends_with([':', '=']))
    };
    process.command.iter().skip(1).any(|word| ends_with_port(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(name: &str, command: &str) -> Process {
        let command = command.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect();
        Process { pid: 1, name: name.to_owned(), command, is_us: false }
    }

    #[test]
    fn programs_are_known_by_their_command_line() {
        for (command, expected) in [
            ("/usr/bin/vllm serve m --port 8000", Some("vllm serve")),
            ("/usr/bin/python3 /opt/venv/bin/vllm serve m", Some("vllm serve")),
            ("python3 -u -m vllm.entrypoints.openai.api_server --model m", Some("vllm.entrypoints")),
            ("python -m sglang.launch_server --model-path m", Some("sglang.launch_server")),
            ("VLLM::APIServer", Some("vllm serve")),
            ("./llama-server -m m.gguf --metrics", Some("llama-server")),
            ("text-generation-launcher --model-id m", Some("text-generation-launcher")),
            ("/opt/tritonserver/bin/tritonserver --model-repository=/m", Some("tritonserver")),
            ("/usr/local/bin/ollama serve", Some("ollama serve")),
            ("python3 /usr/bin/lmdeploy serve api_server m", Some("lmdeploy serve")),
            ("python3 -m nim_llm.main", Some("NIM")),
            ("/usr/bin/prometheus-node-exporter", Some("node_exporter")),
            ("node_exporter --web.listen-address=:9100", Some("node_exporter")),
            ("/usr/bin/dcgm-exporter -f x", Some("dcgm-exporter")),
            ("nvidia_gpu_exporter", Some("nvidia_gpu_exporter")),
            (
                "/usr/bin/docker-proxy -proto tcp -host-port 18000 -container-ip 172.17.0.2 -container-port 8000",
                Some("docker-proxy"),
            ),
            ("/usr/bin/docker-proxy -proto tcp -host-port 8443 -container-ip 172.17.0.2 -container-port 443", None),
            ("ollama run m", None),
            ("vllm bench", None),
            ("vim /src/node_exporter", None),
            ("python3 -m http.server 8000", None),
            ("python3 -m sglang.launch_server_wrapper", None),
            ("python3 tool.py vllm serve", None),
            ("", None),
        ] {
            assert_eq!(of(&process("x", command)).map(|program| program.name), expected, "{command}");
        }
        assert_eq!(of(&process("VLLM::EngineCor", "")).map(|program| program.name), Some("vllm serve"));
    }

    #[test]
    fn a_port_is_named_by_the_command_line() {
        for (command, expected) in [
            ("x --port 9999", true),
            ("x --port=9999", true),
            ("x --listen 0.0.0.0:9999", true),
            ("x --web.listen-address=:9999", true),
            ("x --port 19999", false),
            ("x --seed=99990", false),
            ("9999", false),
        ] {
            assert_eq!(names_port(&process("x", command), 9999), expected, "{command}");
        }
    }
}
