//! The web servers: Debian's nginx, which critest looks for by process name and pid file, and busybox as httpd.

use std::path::PathBuf;

use harness::{
    Result, debian,
    image::{Compression, Image, Layer, LayerBuilder},
};
use serde_json::json;

use super::base::{add_library, find, read};

/// nginx and the libraries it needs beside the C library. Some packages got another name with Debian 13.
const PACKAGES: [&str; 5] = ["nginx", "libcrypt1", "libpcre2-8-0", "libssl3|libssl3t64", "zlib1g"];
const LIBRARIES: [&str; 5] =
    ["libcrypt.so.1", "libcrypto.so.3", "libpcre2-8.so.0", "libssl.so.3", "libz.so.1"];

/// The unpacked packages.
pub(super) struct Web {
    tree: PathBuf,
}

impl Web {
    pub(super) fn unpack() -> Result<Self> {
        Ok(Self { tree: debian::unpack(&PACKAGES)? })
    }

    /// nginx in the foreground, serving one page on `port`.
    pub(super) fn nginx(&self, base: &Layer, port: u16) -> Result<Image> {
        let config = format!(
            "user www-data;\nworker_processes 1;\npid /run/nginx.pid;\nerror_log stderr;\n\
             events {{ worker_connections 64; }}\n\
             http {{\n  access_log off;\n  server {{ listen {port} default_server; root /www; }}\n}}\n"
        );
        let mut layer = LayerBuilder::new();
        for dir in
            ["etc", "etc/nginx", "lib", "usr", "usr/sbin", "var", "var/lib", "var/lib/nginx", "var/log"]
        {
            layer = layer.dir(dir, 0o755)?;
        }
        layer = layer.dir("var/log/nginx", 0o755)?;
        layer = layer.file("usr/sbin/nginx", 0o755, read(&find(&self.tree, &["usr/sbin/nginx"])?)?)?;
        for library in LIBRARIES {
            layer = add_library(layer, &self.tree, library)?;
        }
        layer = page(layer.file("etc/nginx/nginx.conf", 0o644, config)?, "nginx")?;
        let image = Image::new().layer(base.clone()).layer(layer.build(Compression::Gzip)?);
        let image = image.set("Cmd", json!(["nginx", "-g", "daemon off;"]));
        Ok(image.set("ExposedPorts", json!({ format!("{port}/tcp"): {} })))
    }
}

/// busybox' httpd on port 80; says its name first, for the suite looks for it in the log.
pub(super) fn httpd(base: &Layer) -> Result<Image> {
    let layer = page(LayerBuilder::new(), "httpd")?.build(Compression::Gzip)?;
    let serve = "echo httpd: serving /www on port 80; exec httpd -f -p 80 -h /www";
    let image = Image::new().layer(base.clone()).layer(layer).set("Cmd", json!(["sh", "-c", serve]));
    Ok(image.set("ExposedPorts", json!({ "80/tcp": {} })))
}

fn page(layer: LayerBuilder, name: &str) -> Result<LayerBuilder> {
    let html = format!("<html><body>stand-in for {name}</body></html>\n");
    layer.dir("www", 0o755)?.file("www/index.html", 0o644, html)
}
