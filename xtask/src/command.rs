//! Runs other programs for the tasks: says what it runs, fails when they fail.

use std::{
    env,
    ffi::OsStr,
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use anyhow::{Context, Result, bail};

/// The programs of the product, as `cargo build` wants them.
const PRODUCT: [&str; 6] = ["--package", "shim", "--package", "monitor", "--package", "cli"];

/// A child with the developer's whole environment: cargo, rustup and compilers need it.
#[expect(
    clippy::disallowed_methods,
    reason = "a developer's tool, not the product: nothing secret to keep from cargo"
)]
pub(crate) fn program(name: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(name);
    command.current_dir(root());
    command
}

/// The cargo that runs us.
pub(crate) fn cargo() -> Command {
    program(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Runs `command` to its end; an error when it does not succeed.
pub(crate) fn run(mut command: Command) -> Result<()> {
    say(&format!("+ {}", line(&command)));
    let status = command.status().with_context(|| format!("start {}", line(&command)))?;
    if !status.success() {
        bail!("{} ended with {status}", line(&command));
    }
    Ok(())
}

/// Runs one named part of a longer task and says how long it took.
pub(crate) fn step(name: &str, work: impl FnOnce() -> Result<()>) -> Result<()> {
    say(&format!("\n=== {name}"));
    let begun = Instant::now();
    work().with_context(|| format!("{name} failed"))?;
    say(&format!("=== {name}: {:.0} s", begun.elapsed().as_secs_f64()));
    Ok(())
}

/// Builds the product and returns the directory its binaries are in.
pub(crate) fn build_product(release: bool, more: &[&str]) -> Result<PathBuf> {
    let mut build = cargo();
    build.args(["build", "--locked"]).args(PRODUCT).args(more);
    if release {
        build.arg("--release");
    }
    run(build)?;
    binaries(if release { "release" } else { "debug" })
}

/// The repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or_else(|| Path::new("."))
}

/// Where cargo puts the binaries of `profile`: beside the directory of this very program.
fn binaries(profile: &str) -> Result<PathBuf> {
    let here = env::current_exe().context("find the path of this program")?;
    let target = here.ancestors().nth(2).context("this program is not in a cargo target directory")?;
    Ok(target.join(profile))
}

#[expect(clippy::print_stdout, reason = "the terminal is where a developer's tool speaks")]
pub(crate) fn say(text: &str) {
    println!("{text}");
}

fn line(command: &Command) -> String {
    let words = [command.get_program()].into_iter().chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}
