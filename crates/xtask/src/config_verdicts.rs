//! `cargo xtask config-verdicts`: Prometheus' own test configurations, what we say of each beside what promtool says.
//! A file's name says whether it is good; where it does not, promtool decides.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use config::{Problem, Severity};

/// Files that the promtool of the list, 3.5.3, refuses and Prometheus 3.14 takes.
const TAKEN_LATER: [&str; 1] = ["scrape_config_local_infer_escaping.yml"];

/// Prints every file with both verdicts, and how many of ours are right.
///
/// # Errors
/// The files are not there.
pub(crate) fn config_verdicts(data: &Path) -> Result<ExitCode> {
    let list = data.with_file_name("promtool-check-config.txt");
    let text = fs::read_to_string(&list).with_context(|| format!("reading {}", list.display()))?;
    let promtool = verdicts(&text);
    let mut names: Vec<String> = fs::read_dir(data)
        .with_context(|| format!("reading {}", data.display()))?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<Result<_>>()?;
    names.retain(|name| name.ends_with(".yml"));
    names.sort();
    let (mut passed, mut failed, mut same) = (0, 0, 0);
    for name in &names {
        let theirs = promtool.get(name.as_str());
        let good = match name {
            name if name.ends_with(".good.yml") => true,
            name if name.ends_with(".bad.yml") => false,
            name => TAKEN_LATER.contains(&name.as_str()) || theirs.is_some_and(|verdict| verdict.taken),
        };
        let problems = load(&data.join(name));
        let errors: Vec<&Problem> = problems.iter().filter(|problem| problem.severity == Severity::Error).collect();
        let right = errors.is_empty() == good;
        passed += usize::from(right);
        failed += usize::from(!right);
        let words = theirs.map_or("", |verdict| verdict.words.as_str());
        let agrees =
            !errors.is_empty() && !words.is_empty() && errors.iter().any(|error| error.message.starts_with(words));
        same += usize::from(agrees);
        println!("{} {name}", if right { "ok  " } else { "FAIL" });
        for problem in &problems {
            let word = if problem.severity == Severity::Error { "error" } else { "warning" };
            println!("     ours: {word}: {}", problem.to_string().replace(&format!("{}/", data.display()), ""));
        }
        if !words.is_empty() {
            println!("     promtool{}: {words}", if agrees { " (the same words)" } else { "" });
        }
    }
    println!("{same} refused with promtool's words");
    println!("{passed} passed, {failed} failed");
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn load(path: &Path) -> Vec<Problem> {
    // One file needs a variable.
    let environment = |name: &str| (name == "TEST").then(|| "test_value".to_owned());
    config::load_prometheus_with(path, &environment).problems
}

/// What promtool said of a file.
struct Verdict {
    taken: bool,
    /// Its reason, in one line, without the file's name.
    words: String,
}

/// Reads the list: `== NAME rc=N`, and below it what was printed.
fn verdicts(list: &str) -> BTreeMap<&str, Verdict> {
    let mut found = BTreeMap::new();
    for part in list.split("== ").skip(1) {
        let Some((head, printed)) = part.split_once('\n') else { continue };
        let Some((name, code)) = head.split_once(" rc=") else { continue };
        let reason = printed.split_once(&format!("{name}: ")).map(|(_, reason)| reason).unwrap_or_default();
        let words = reason.split_whitespace().collect::<Vec<_>>().join(" ");
        found.insert(name, Verdict { taken: code.trim() == "0", words });
    }
    found
}
