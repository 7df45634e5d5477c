//! The image most tests run: a static busybox with its applets as hard links, a few users, a few directories.

use std::sync::OnceLock;

use serde_json::json;

use super::{Compression, Image, Layer, LayerBuilder};
use crate::{Doing, Failure, Result, debian, program};

const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\n\
    daemon:x:1:1:daemon:/usr/sbin:/bin/false\n\
    www-data:x:33:33:www-data:/var/www:/bin/sh\n\
    user:x:1000:1000:a user:/home/user:/bin/sh\n\
    nobody:x:65534:65534:nobody:/:/bin/false\n";

const GROUP: &str = "root:x:0:\n\
    daemon:x:1:\n\
    www-data:x:33:\n\
    user:x:1000:\n\
    extra:x:2000:user\n\
    more:x:2001:user,www-data\n\
    nogroup:x:65534:\n";

/// The image, with `sh` as command. Made once per process.
///
/// # Errors
/// When there is no busybox to be had.
pub fn busybox() -> Result<Image> {
    static LAYER: OnceLock<Result<Layer, String>> = OnceLock::new();
    let layer = LAYER.get_or_init(|| layer().map_err(|failure| failure.text().to_owned()));
    let layer = layer.as_ref().map_err(|text| Failure::new(text.clone()))?;
    Ok(Image::new().layer(layer.clone()).set("Cmd", json!(["sh"])))
}

fn layer() -> Result<Layer> {
    let busybox = debian::busybox()?;
    let binary = std::fs::read(&busybox).doing(|| format!("read {}", busybox.display()))?;
    let list = program(&busybox).arg("--list").output().doing(|| format!("run {}", busybox.display()))?;
    let applets = String::from_utf8_lossy(&list.stdout).into_owned();
    let mut layer = LayerBuilder::new();
    for dir in ["bin", "dev", "etc", "proc", "sys", "srv", "usr", "usr/bin", "var", "var/run", "home"] {
        layer = layer.dir(dir, 0o755)?;
    }
    layer = layer.dir("root", 0o700)?.dir("tmp", 0o1777)?.owner(1000, 1000).dir("home/user", 0o750)?;
    layer = layer.file("etc/passwd", 0o644, PASSWD)?.file("etc/group", 0o644, GROUP)?;
    layer = layer.file("bin/busybox", 0o755, binary)?;
    for applet in applets.lines().filter(|applet| *applet != "busybox") {
        layer = layer.hard_link(&format!("bin/{applet}"), "bin/busybox")?;
    }
    layer.file("usr/bin/readme", 0o644, "berth test image\n")?.build(Compression::Gzip)
}
