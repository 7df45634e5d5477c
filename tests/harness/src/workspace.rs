//! Where cargo puts the product's binaries; builds them once when they are missing.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use crate::{Doing, Failure, Result, program};

/// The product's binaries and the packages that make them.
const PACKAGES: [(&str, &str); 3] = [("berthd", "shim"), ("berth-monitor", "monitor"), ("berth", "cli")];

/// The path of one of the product's binaries, of the same profile as the running test.
///
/// `cargo xtask test` builds them first, so that they are as new as the tests. A plain `cargo test` builds what is
/// missing but does not look whether what is there is old.
///
/// # Errors
/// When it is not there and cargo cannot build it.
pub fn binary(name: &str) -> Result<PathBuf> {
    let path = profile_dir()?.join(name);
    if path.exists() {
        return Ok(path);
    }
    let lock = target_dir()?.join("harness-build.lock");
    let lock = fs::File::create(&lock).doing(|| format!("create {}", lock.display()))?;
    lock.lock()?;
    if !path.exists() {
        build(name)?;
    }
    Ok(path)
}

fn build(name: &str) -> Result {
    let (_, package) = PACKAGES
        .iter()
        .find(|(binary, _)| *binary == name)
        .doing(|| format!("find the package of {name}"))?;
    let mut cargo = program(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root()).args(["build", "--package", package]);
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    let status = cargo.status().doing(|| format!("start cargo to build {package}"))?;
    if status.success() {
        Ok(())
    } else {
        Err(Failure::new(format!("cargo build --package {package}: {status}")))
    }
}

/// The repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap_or_else(|| Path::new("."))
}

/// A test runs from `<target>/<triple>/<profile>/deps/<name>-<hash>`.
fn profile_dir() -> Result<PathBuf> {
    let own = env::current_exe()?;
    let dir = own.ancestors().skip(1).find(|dir| !dir.ends_with("deps") && !dir.ends_with("examples"));
    Ok(dir.doing(|| format!("find the directory of {}", own.display()))?.to_owned())
}

/// The directory that holds everything cargo builds.
pub(crate) fn target_dir() -> Result<PathBuf> {
    let profile = profile_dir()?;
    let dir = profile.ancestors().find(|dir| dir.join("CACHEDIR.TAG").exists()).unwrap_or(&profile);
    Ok(dir.to_owned())
}
