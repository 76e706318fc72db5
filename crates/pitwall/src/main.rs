//! Pitwall: one program that scrapes, stores, evaluates, alerts and draws.

mod app;
mod builtin;
mod check;
mod check_relabel;
mod cli;
mod configuration;
mod foreign_flags;
mod found;
mod journal;
mod listeners;
mod maintenance;

use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _};

use crate::cli::{Cli, Command};

/// What ends with this was asked for in a way that cannot work: flags or configuration.
const EXIT_USAGE: u8 = 2;

fn main() -> ExitCode {
    let (arguments, warnings) = foreign_flags::strip(std::env::args());
    let matches = Cli::command().get_matches_from(arguments);
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    match cli.command {
        Some(Command::Check { kind }) => check::run(&kind),
        None => serve(&cli.serve, cli::flags(&matches), &warnings),
    }
}

fn serve(serve: &cli::Serve, flags: Vec<(String, String)>, flag_warnings: &[String]) -> ExitCode {
    let format = match serve.log_format {
        cli::LogFormat::Logfmt => telemetry::LogFormat::Logfmt,
        cli::LogFormat::Json => telemetry::LogFormat::Json,
    };
    if let Err(error) = telemetry::init_logs(format, &serve.log_level) {
        eprintln!("pitwall: {error}");
        return ExitCode::from(EXIT_USAGE);
    }
    for warning in flag_warnings {
        tracing::warn!("{warning}");
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("pitwall: cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(app::run(serve, flags)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(app::RunError::Usage(error)) => {
            eprintln!("pitwall: {error:#}");
            ExitCode::from(EXIT_USAGE)
        }
        Err(app::RunError::Failed(error)) => {
            eprintln!("pitwall: {error:#}");
            ExitCode::FAILURE
        }
    }
}
