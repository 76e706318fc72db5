//! `cargo xtask cross`: builds for aarch64 on an x86-64 Debian and starts the result under qemu.
//!
//! rustup may have no standard library for the other machine at hand, Debian has: its compiler and both standard
//! libraries are unpacked into target/cross, and rustup's cargo drives them. Where the packages cannot be had, one line
//! says so and the command succeeds.

use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use crate::shell::{cargo, output, root, run};

const TARGET: &str = "aarch64-unknown-linux-gnu";
const TOOLS: &[&str] = &["gcc-aarch64-linux-gnu", "libc6-dev-arm64-cross", "qemu-user-static"];

/// Builds and tries the binary.
///
/// # Errors
/// The packages are there, but the build or the binary fails.
pub(crate) fn cross() -> Result<()> {
    let folder = root().join("target/cross");
    std::fs::create_dir_all(&folder)?;
    let folder = folder.canonicalize()?;
    let sysroot = match sysroot(&folder) {
        Ok(sysroot) => sysroot,
        Err(error) => {
            println!("cross: skipped, the packages cannot be had: {error:#}");
            return Ok(());
        }
    };
    let rustc = compiler(&folder, &sysroot)?;
    let build = ["build", "--release", "--locked", "--package", "pitwall", "--target", TARGET];
    run(cargo(&build)
        .env("RUSTC", rustc)
        .env_remove("RUSTUP_TOOLCHAIN")
        .env("CARGO_TARGET_DIR", &folder)
        .env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER", "aarch64-linux-gnu-gcc")
        .env("CC_aarch64_unknown_linux_gnu", "aarch64-linux-gnu-gcc"))?;
    let binary = folder.join(TARGET).join("release/pitwall");
    println!("cross: {} bytes: {}", binary.metadata()?.len(), binary.display());
    try_binary(&binary, &folder)
}

/// Installs the tools and unpacks Debian's compiler with both standard libraries.
fn sysroot(folder: &Path) -> Result<PathBuf> {
    let sysroot = folder.join("sysroot");
    let library = sysroot.join("usr/lib/rustlib").join(TARGET).join("lib");
    if !TOOLS.iter().all(|tool| installed(tool)) {
        run(Command::new("apt-get").args(["install", "-y", "-q", "--no-install-recommends"]).args(TOOLS))?;
    }
    if library.exists() {
        return Ok(sysroot);
    }
    let standard = dependency("libstd-rust-web-dev", "libstd-rust-web-")?;
    let llvm = dependency(&standard, "libllvm")?;
    let debs = folder.join("debs");
    std::fs::create_dir_all(&debs)?;
    let names = ["rustc-web", "libstd-rust-web-dev", &standard, &llvm];
    run(Command::new("apt-get").args(["-q", "download"]).args(names).current_dir(&debs))?;

    // The other machine's standard library comes from lists of its own, so that this system's apt stays as it is.
    let state = folder.join("apt");
    for part in ["lists/partial", "cache/archives/partial"] {
        std::fs::create_dir_all(state.join(part))?;
    }
    let options = [
        "APT::Architecture=arm64".to_owned(),
        "APT::Architectures::=arm64".to_owned(),
        format!("Dir::State::lists={}", state.join("lists").display()),
        format!("Dir::Cache={}", state.join("cache").display()),
        "Dir::State::status=/dev/null".to_owned(),
    ];
    let apt = || {
        let mut command = Command::new("apt-get");
        command.arg("-q").args(options.iter().flat_map(|option| ["-o", option]));
        command
    };
    run(apt().arg("update"))?;
    let version = candidate("rustc-web")?;
    run(apt().arg("download").arg(format!("libstd-rust-web-dev={version}")).current_dir(&debs))?;
    for deb in std::fs::read_dir(&debs)? {
        run(Command::new("dpkg-deb").arg("-x").arg(deb?.path()).arg(&sysroot))?;
    }
    ensure!(library.exists(), "Debian's package has no standard library for {TARGET}");
    Ok(sysroot)
}

fn installed(package: &str) -> bool {
    let status = Command::new("dpkg-query").args(["-W", "-f", "${Status}", package]).output();
    status.is_ok_and(|output| output.stdout.ends_with(b" installed"))
}

/// The package that `package` depends on whose name begins with `prefix`.
fn dependency(package: &str, prefix: &str) -> Result<String> {
    let text = output(Command::new("apt-cache").args(["depends", package]))?;
    let mut names = text.lines().filter_map(|line| line.trim().strip_prefix("Depends: "));
    let name = names.find(|name| name.starts_with(prefix));
    Ok(name.with_context(|| format!("{package} depends on no {prefix}…"))?.to_owned())
}

fn candidate(package: &str) -> Result<String> {
    let text = output(Command::new("apt-cache").args(["policy", package]))?;
    let version = text.lines().find_map(|line| line.trim().strip_prefix("Candidate: "));
    Ok(version.with_context(|| format!("{package} has no candidate"))?.to_owned())
}

/// A script that starts Debian's compiler with its own libraries.
fn compiler(folder: &Path, sysroot: &Path) -> Result<PathBuf> {
    let script = folder.join("rustc");
    let text = format!(
        "#!/bin/sh\nLD_LIBRARY_PATH={0}/usr/lib/x86_64-linux-gnu exec {0}/usr/bin/rustc \"$@\"\n",
        sysroot.display()
    );
    std::fs::write(&script, text)?;
    run(Command::new("chmod").arg("+x").arg(&script))?;
    Ok(script)
}

/// Starts the binary under qemu and asks it whether it is well and what 1 + 1 is.
fn try_binary(binary: &Path, folder: &Path) -> Result<()> {
    let data = folder.join("data");
    if data.exists() {
        std::fs::remove_dir_all(&data)?;
    }
    let mut child = Command::new("qemu-aarch64-static")
        .args(["-L", "/usr/aarch64-linux-gnu"])
        .arg(binary)
        .args(["--web.listen-address=127.0.0.1:0", "--bare"])
        .arg(format!("--storage.path={}", data.display()))
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start qemu-aarch64-static")?;
    let asked = child.stdout.take().context("its output is piped").and_then(|stdout| ask(BufReader::new(stdout)));
    child.kill()?;
    child.wait()?;
    asked
}

fn ask(said: impl std::io::BufRead) -> Result<()> {
    let line = said.lines().map_while(Result::ok).find(|line| line.contains("http://"));
    let line = line.context("the binary ended before it listened")?;
    let url = line.split_once("http://").map(|(_, url)| format!("http://{}", url.trim())).unwrap_or_default();
    for path in ["/-/healthy", "/api/v1/query?query=1%2B1"] {
        let answer = output(Command::new("curl").args(["-sS", "--fail", "--max-time", "30", &format!("{url}{path}")]))?;
        println!("cross: GET {path}: {}", answer.trim());
    }
    Ok(())
}
