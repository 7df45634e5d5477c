//! A real program from Debian packages: nginx serves over the pod network and a hostPort, under limits that bite.

use std::{net::SocketAddr, time::Duration};

use e2e::cgroup_file;
use harness::{
    Node, Result, container, debian, http,
    image::{Compression, Image, LayerBuilder},
    run, until,
};
use serde_json::json;

const PACKAGES: [&str; 6] = ["nginx", "libc6", "libcrypt1", "libpcre2-8-0", "libssl3|libssl3t64", "zlib1g"];

const CONFIGURATION: &str = "user root;\ndaemon off;\npid /tmp/nginx.pid;\nworker_processes 1;\nevents { worker_connections 64; }\n\
    http {\n  access_log /dev/stdout;\n  client_body_temp_path /tmp/b;\n  proxy_temp_path /tmp/p;\n  fastcgi_temp_path /tmp/f;\n  \
    uwsgi_temp_path /tmp/u;\n  scgi_temp_path /tmp/s;\n  server {\n    listen 80;\n    location / { return 200 \"served by nginx\\n\"; }\n  }\n}\n";

/// One process that wants room for a million connections: some 400 MB, at once.
const GREEDY: &str = "user root;\ndaemon off;\nmaster_process off;\npid /tmp/nginx.pid;\nevents { worker_connections 1000000; }\n";

fn image() -> Result<Image> {
    let tree = debian::unpack(&PACKAGES)?;
    let mut layer = LayerBuilder::new().tree(&tree)?;
    for dir in ["lib", "lib64"] {
        // Newer packages put everything below /usr and leave the links to the base system.
        if !tree.join(dir).exists() {
            layer = layer.symlink(dir, &format!("usr/{dir}"))?;
        }
    }
    let layer = layer
        .dir("tmp", 0o1777)?
        .dir("var/log/nginx", 0o755)?
        .file("etc/passwd", 0o644, "root:x:0:0:root:/root:/bin/sh\n")?
        .file("etc/group", 0o644, "root:x:0:\n")?
        .file("etc/nginx/serve.conf", 0o644, CONFIGURATION)?
        .file("etc/nginx/greedy.conf", 0o644, GREEDY)?
        .build(Compression::Gzip)?;
    let start = json!(["/usr/sbin/nginx", "-e", "/dev/stderr", "-c"]);
    Ok(Image::new()
        .layer(layer)
        .set("Entrypoint", start)
        .set("Cmd", json!(["/etc/nginx/serve.conf"]))
        .set("StopSignal", json!("SIGQUIT")))
}

#[test]
fn nginx_serves_and_its_limits_bite() -> Result {
    run(async {
        let node = Node::start().await?;
        node.registry.push("library/nginx", "latest", &image()?)?;
        let port = node.slot.host_port()?;
        let pod = node.run_pod(&node.pod("web").host_port(port, 80)).await?;
        let mut nginx = container("nginx").image("nginx").memory(64 << 20);
        (nginx.resources().cpu_period, nginx.resources().cpu_quota) = (100_000, 2_000);
        let id = node.start_container(&pod, &nginx).await?;
        let ways = [SocketAddr::new(node.address(&pod).await?, 80), SocketAddr::from(([127, 0, 0, 1], port))];
        for way in ways {
            until("nginx serves", Duration::from_secs(30), async || {
                http::get(way, "/").is_ok_and(|page| page.text() == "served by nginx\n")
            })
            .await?;
        }
        assert_eq!(
            cgroup_file(&node, &id, &["memory.max", "memory.limit_in_bytes"])?,
            (64 << 20).to_string()
        );
        until(
            "two per cent of a core are not enough for many requests",
            Duration::from_secs(30),
            async || {
                let _ = http::get(ways[0], "/");
                let stat = cgroup_file(&node, &id, &["cpu.stat"]).unwrap_or_default();
                stat.lines().any(|line| line.strip_prefix("nr_throttled ").is_some_and(|count| count != "0"))
            },
        )
        .await?;
        let served = node.wait_log(&pod, "nginx", |line| line.contains("\"GET / HTTP/1.1\" 200"));
        served.await?;
        node.cri.stop(&id, 30).await?;
        let status = node.cri.status(&id).await?;
        assert_eq!((status.exit_code, status.reason.as_str()), (0, "Completed"), "SIGQUIT is a graceful end");

        let greedy =
            container("greedy").image("nginx").arguments(["/etc/nginx/greedy.conf"]).memory(32 << 20);
        let id = node.start_container(&pod, &greedy).await?;
        let status = node.wait_exit(&id).await?;
        assert_eq!((status.exit_code, status.reason.as_str()), (137, "OOMKilled"));
        node.finish().await
    })
}
