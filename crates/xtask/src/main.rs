//! Developer commands, `cargo xtask <command>`: one module each; knows the crates, never the running program.

mod check;
mod config_docs;
mod config_verdicts;
mod cross;
mod dev;
mod oracle;
mod promqltest;
mod remote_write_diff;
mod scrape_diff;
mod shell;
mod sizes;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Developer commands")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs what the real libraries answered (../shared/data/oracle) through our code
    Oracle(oracle::Arguments),
    /// Runs upstream's PromQL test scripts
    Promqltest {
        /// The scripts.
        #[arg(required = true)]
        paths: Vec<std::path::PathBuf>,
    },
    /// Prometheus' own test configurations: our verdicts beside promtool's
    ConfigVerdicts {
        /// The folder with the files; promtool's verdicts lie beside it.
        #[arg(default_value = "../shared/data/prometheus-config")]
        folder: std::path::PathBuf,
    },
    /// Writes docs/configuration.md
    ConfigDocs,
    /// What CI checks
    Check,
    /// Accepts what the snapshot tests now print
    Bless,
    /// Pitwall with four GPUs that are not there, to look at and work on; arguments go to the program
    #[command(trailing_var_arg = true)]
    Dev {
        #[arg(allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// The longest files and functions, and the binary's size
    Sizes,
    /// Builds for aarch64 and starts the result under qemu
    Cross,
    /// node_exporter scraped by real Prometheus and by Pitwall: the same series?
    ScrapeDiff,
    /// The real Prometheus writes to Pitwall in both versions of remote write: the same samples?
    RemoteWriteDiff,
}

fn main() -> anyhow::Result<ExitCode> {
    match Arguments::parse().command {
        Command::Oracle(arguments) => return oracle::run(&arguments),
        Command::ConfigVerdicts { folder } => return config_verdicts::config_verdicts(&folder),
        Command::ConfigDocs => config_docs::config_docs(),
        Command::Promqltest { paths } => return promqltest::promqltest(&paths),
        Command::Check => check::check(),
        Command::Bless => check::bless(),
        Command::Dev { arguments } => dev::dev(&arguments),
        Command::Sizes => sizes::sizes(),
        Command::Cross => cross::cross(),
        Command::ScrapeDiff => scrape_diff::scrape_diff(),
        Command::RemoteWriteDiff => remote_write_diff::remote_write_diff(),
    }
    .map(|()| ExitCode::SUCCESS)
}
