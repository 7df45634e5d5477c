//! Real programs from Debian packages, unpacked below the target directory: nothing is installed on the machine.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{Doing, Failure, Result, program, workspace::target_dir};

/// The registry, from `docker-registry`. `BERTH_TEST_REGISTRY` names another binary of the same program.
///
/// # Errors
/// When there is none and the package cannot be had.
pub fn registry() -> Result<PathBuf> {
    find("BERTH_TEST_REGISTRY", &["docker-registry"], "usr/bin/docker-registry")
}

/// A static busybox, from `busybox-static`. `BERTH_TEST_BUSYBOX` names another one.
///
/// # Errors
/// When there is none and the package cannot be had.
pub fn busybox() -> Result<PathBuf> {
    find("BERTH_TEST_BUSYBOX", &["busybox-static"], "bin/busybox")
}

fn find(variable: &str, packages: &[&str], path: &str) -> Result<PathBuf> {
    if let Some(given) = std::env::var_os(variable) {
        return Ok(given.into());
    }
    let found = unpack(packages).map_err(|cause| {
        Failure::new(format!("{}; {variable}=PATH names a program to use instead", cause.text()))
    })?;
    let [usr, plain] = [found.join("usr").join(path), found.join(path)];
    Ok(if plain.exists() { plain } else { usr })
}

/// Unpacks packages, each with its alternatives separated by `|`, into one tree and returns its root.
/// What was unpacked before is used again.
///
/// # Errors
/// When a package cannot be downloaded or unpacked; the text names the way out.
pub fn unpack(packages: &[&str]) -> Result<PathBuf> {
    let home = target_dir()?.join("debian");
    fs::create_dir_all(&home).doing(|| format!("make {}", home.display()))?;
    let lock = fs::File::create(home.join("lock"))?;
    lock.lock()?;
    let tree = home.join(packages.join("+").replace('|', "-or-"));
    if !tree.exists() {
        let new = tree.with_extension("new");
        if new.exists() {
            fs::remove_dir_all(&new)?;
        }
        fs::create_dir_all(&new)?;
        for package in packages {
            add(&home, package, &new)?;
        }
        fs::rename(&new, &tree)?;
    }
    Ok(tree)
}

fn add(home: &Path, alternatives: &str, tree: &Path) -> Result {
    let mut causes = Vec::new();
    for package in alternatives.split('|') {
        match download(home, package) {
            Ok(deb) => {
                let mut dpkg = program("dpkg-deb");
                dpkg.arg("--extract").arg(&deb).arg(tree);
                let unpacked = output(dpkg).map(drop);
                fs::remove_file(&deb)?;
                return unpacked;
            }
            Err(cause) => causes.push(cause.text().to_owned()),
        }
    }
    Err(Failure::new(format!(
        "the tests need Debian's {alternatives}, which could not be downloaded ({}): \
         run as root on Debian or Ubuntu with a package source in reach",
        causes.join("; ")
    )))
}

/// `apt-get download`, first with the machine's package lists, then with lists of our own: a bare image has none.
fn download(home: &Path, package: &str) -> Result<PathBuf> {
    let dir = home.join("downloads").join(package);
    fs::create_dir_all(&dir)?;
    if fetch(&dir, package, &[]).is_err() {
        let own = own_lists(home)?;
        fetch(&dir, package, &own)?;
    }
    let mut found = fs::read_dir(&dir)?.filter_map(std::result::Result::ok).map(|entry| entry.path());
    found
        .find(|path| path.extension().is_some_and(|e| e == "deb"))
        .doing(|| format!("find what apt-get made of {package}"))
}

fn fetch(dir: &Path, package: &str, options: &[String]) -> Result {
    let mut apt = program("apt-get");
    // apt's own user may not write where we download to.
    apt.current_dir(dir)
        .args(["-qq", "-o", "APT::Sandbox::User=root"])
        .args(options)
        .args(["download", package]);
    output(apt).map(drop)
}

/// Options for apt-get that keep its lists below `home`; fetches them once.
fn own_lists(home: &Path) -> Result<Vec<String>> {
    let [lists, cache] = [home.join("apt/lists"), home.join("apt/cache")];
    fs::create_dir_all(lists.join("partial"))?;
    fs::create_dir_all(cache.join("archives/partial"))?;
    let settings =
        [format!("Dir::State::lists={}", lists.display()), format!("Dir::Cache={}", cache.display())];
    let options: Vec<String> = settings.into_iter().flat_map(|setting| ["-o".to_owned(), setting]).collect();
    if fs::read_dir(&lists)?.count() <= 2 {
        let mut apt = program("apt-get");
        apt.args(["-qq", "-o", "APT::Sandbox::User=root"]).args(&options).arg("update");
        output(apt)?;
    }
    Ok(options)
}

fn output(mut command: std::process::Command) -> Result<Vec<u8>> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().doing(|| format!("start {name}"))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let text = String::from_utf8_lossy(&output.stderr);
    Err(Failure::new(format!("{name}: {}: {}", output.status, text.trim().replace('\n', " "))))
}
