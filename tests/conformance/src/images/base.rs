//! The layer below all others: a busybox userland in which the suite's shell lines mean what they mean elsewhere.
//!
//! * The *dynamic* busybox of Debian: the static one prefers its own applets to PATH, so `sh -c ls` would not even look
//!   at a /bin/ls that is masked.
//! * Applets are hard links: were they symbolic links, masking /bin/ls would mask /bin/sh.
//! * Debian's busybox has no ipcs and no pgrep.

use std::{
    env::consts::ARCH,
    fs,
    path::{Path, PathBuf},
};

use harness::{
    Doing, Failure, Result, debian,
    image::{Compression, Layer, LayerBuilder},
    program,
};

pub(super) const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\n\
    daemon:x:1:1:daemon:/usr/sbin:/bin/false\n\
    www-data:x:33:33:www-data:/var/www:/bin/false\n\
    nobody:x:65534:65534:nobody:/:/bin/false\n";

pub(super) const GROUP: &str = "root:x:0:\ndaemon:x:1:\nwww-data:x:33:\nnogroup:x:65534:\n";

const DIRECTORIES: [&str; 19] = [
    "bin", "dev", "etc", "home", "lib", "mnt", "proc", "run", "sbin", "sys", "usr", "usr/bin", "usr/sbin",
    "var", "var/lib", "var/log", "var/www", "srv", "opt",
];

/// The name begins with `pgrep`, so a search for anything else does not find the searcher.
const PGREP: &str = r#"#!/bin/sh
# pgrep NAME: the ids of the processes whose name contains NAME; fails when there are none.
found=1
for dir in /proc/[0-9]*; do
  { read -r name <"$dir/comm"; } 2>/dev/null || continue
  case $name in *"$1"*) echo "${dir#/proc/}" && found=0 ;; esac
done
exit $found
"#;

/// Builds it.
pub(super) fn layer() -> Result<Layer> {
    let tree = debian::unpack(&["busybox", "libc6", "util-linux"])?;
    let busybox = find(&tree, &["bin/busybox", "usr/bin/busybox"])?;
    let mut layer = LayerBuilder::new();
    for dir in DIRECTORIES {
        layer = layer.dir(dir, 0o755)?;
    }
    layer = layer.dir("root", 0o700)?.dir("tmp", 0o1777)?.dir("var/tmp", 0o1777)?;
    layer = layer.symlink("var/run", "../run")?.file("etc/hostname", 0o644, "")?;
    layer = layer.file("etc/passwd", 0o644, PASSWD)?.file("etc/group", 0o644, GROUP)?;
    layer = layer.file("bin/busybox", 0o755, read(&busybox)?)?;
    for applet in applets(&tree, &busybox)? {
        layer = layer.hard_link(&format!("bin/{applet}"), "bin/busybox")?;
    }
    layer = layer.file("usr/bin/ipcs", 0o755, read(&find(&tree, &["usr/bin/ipcs"])?)?)?;
    layer = layer.file("usr/bin/pgrep", 0o755, PGREP)?;
    for name in [loader()?, "libc.so.6", "libresolv.so.2", "libm.so.6"] {
        layer = add_library(layer, &tree, name)?;
    }
    if ARCH == "x86_64" {
        layer = layer.symlink("lib64", "lib")?;
    }
    layer.build(Compression::Gzip)
}

/// Every applet but the program itself and what has a file of its own. Run by its own loader and C library: the
/// machine's may be others.
fn applets(tree: &Path, busybox: &Path) -> Result<Vec<String>> {
    let loader = library(tree, loader()?)?;
    let libraries = loader.parent().doing(|| format!("find the directory of {}", loader.display()))?;
    let mut list = program(&loader);
    list.arg("--library-path").arg(libraries).arg(busybox).arg("--list");
    let output = list.output().doing(|| format!("run {}", busybox.display()))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let applets: Vec<String> =
        text.lines().filter(|name| !["busybox", "ipcs", "pgrep"].contains(name)).map(str::to_owned).collect();
    if applets.iter().any(|name| name == "sh") {
        return Ok(applets);
    }
    Err(Failure::new(format!("{} --list: {}: no sh among its applets", busybox.display(), output.status)))
}

/// Adds a shared library under the name programs load it by.
pub(super) fn add_library(layer: LayerBuilder, tree: &Path, name: &str) -> Result<LayerBuilder> {
    layer.file(&format!("lib/{name}"), 0o755, read(&library(tree, name)?)?)
}

fn library(tree: &Path, name: &str) -> Result<PathBuf> {
    let [old, merged] = ["lib", "usr/lib"].map(|dir| format!("{dir}/{ARCH}-linux-gnu/{name}"));
    find(tree, &[&old, &merged])
}

fn loader() -> Result<&'static str> {
    match ARCH {
        "x86_64" => Ok("ld-linux-x86-64.so.2"),
        "aarch64" => Ok("ld-linux-aarch64.so.1"),
        other => Err(Failure::new(format!("the stand-in images are not made for {other} yet"))),
    }
}

/// The first of these that is there.
pub(super) fn find(tree: &Path, names: &[&str]) -> Result<PathBuf> {
    let found = names.iter().map(|name| tree.join(name)).find(|path| path.exists());
    found.doing(|| format!("find {} below {}", names.join(" or "), tree.display()))
}

pub(super) fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).doing(|| format!("read {}", path.display()))
}
