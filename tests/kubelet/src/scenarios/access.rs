//! kubectl's ways into a running pod, each through API server and kubelet to Berth's streaming server.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener},
};

use harness::{Result, until};
use serde_json::{Value, json};

use crate::{
    pods::{IMAGE, SLEEP, container, pod, server, shell, spec, with},
    scene::{PATIENCE, Scene, check},
};

/// exec, attach, logs and cp.
pub(super) async fn kubectl(scene: &mut Scene<'_>) -> Result {
    let reader = with(
        shell("reader", "while read line; do echo heard $line; done; echo end"),
        json!({ "stdin": true, "stdinOnce": true }),
    );
    let fields = json!({ "restartPolicy": "Never" });
    scene.create(pod("reader", with(spec(&[reader]), fields))).await?;
    let counter = "trap 'exit 0' TERM; i=0; while :; do i=$((i+1)); echo line $i; sleep 1; done";
    scene.run(pod("counter", spec(&[shell("counter", counter)]))).await?;
    exec(scene)?;
    copy(scene)?;

    let mut follow = scene.kubectl()?.start(&scene.namespace, "follow", &["logs", "--follow", "counter"])?;
    until("logs --follow prints on", PATIENCE, async || follow.log().contains("line 5\n")).await?;
    follow.stop().await.or_else(|failure| if follow.check().is_err() { Ok(()) } else { Err(failure) })?;
    let log = scene.kubectl_run(&["logs", "--tail=2", "counter"])?;
    check(log.lines().count() == 2, || format!("not two lines: {log:?}"))?;

    scene.wait_pod("reader", "is running", |pod| pod["status"]["phase"] == "Running").await?;
    let attach = scene.kubectl()?.output(&scene.namespace, &["attach", "--stdin", "reader"], "one\ntwo\n")?;
    let text = String::from_utf8_lossy(&attach.stdout).into_owned();
    check(text.contains("heard two") && text.contains("end"), || {
        format!("attach printed {text:?}, {attach:?}")
    })?;
    scene.wait_pod("reader", "ended", |pod| pod["status"]["phase"] == "Succeeded").await.map(drop)
}

/// Output, input, exit code, standard error apart.
fn exec(scene: &Scene<'_>) -> Result {
    let kubectl = scene.kubectl()?;
    let echo =
        kubectl.output(&scene.namespace, &["exec", "--stdin", "counter", "--", "cat"], "there and back")?;
    check(echo.status.success() && echo.stdout == b"there and back", || format!("cat said {echo:?}"))?;
    let fails = ["exec", "counter", "--", "sh", "-c", "echo out; echo err >&2; exit 7"];
    let fails = kubectl.output(&scene.namespace, &fails, "")?;
    check(fails.status.code() == Some(7) && fails.stdout == b"out\n", || format!("exec said {fails:?}"))?;
    check(fails.stderr.starts_with(b"err\n"), || format!("exec said {fails:?}"))?;
    // More than any buffer on the way holds.
    let many = scene.kubectl_run(&["exec", "counter", "--", "sh", "-c", "yes | head -c 4000000"])?;
    check(many.len() == 4_000_000, || format!("{} bytes of 4000000 came", many.len()))
}

/// A file there and back.
fn copy(scene: &Scene<'_>) -> Result {
    let dir = scene.cluster.node.slot.dir().join("kubectl");
    let (here, back) = (dir.join("here"), dir.join("back"));
    let bytes: Vec<u8> = (0..2_000_000_u32).flat_map(u32::to_le_bytes).collect();
    fs::write(&here, &bytes)?;
    scene.kubectl_run(&["cp", &here.display().to_string(), "counter:/tmp/there"])?;
    scene.kubectl_run(&["cp", "counter:/tmp/there", &back.display().to_string()])?;
    check(fs::read(&back)? == bytes, || "another file came back".to_owned())?;
    fs::remove_file(here)?;
    Ok(fs::remove_file(back)?)
}

/// A port of this machine leads into the pod's network, time and again.
pub(super) async fn forward(scene: &mut Scene<'_>) -> Result {
    scene.run(pod("web", spec(&[server("web", 80, "through the tunnel")]))).await?;
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
    let ports = format!("{port}:80");
    let mut tunnel =
        scene.kubectl()?.start(&scene.namespace, "forward", &["port-forward", "pod/web", &ports])?;
    let here = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    for _ in 0..20 {
        scene.wait_page(here, "through the tunnel").await?;
    }
    tunnel.check()?;
    // It knows no end but the signal's.
    drop(tunnel);
    Ok(())
}

/// An ephemeral container sees the processes of the one it is to debug, and its files.
pub(super) async fn debug(scene: &mut Scene<'_>) -> Result {
    let line = format!("echo secret >/tmp/secret; {SLEEP}");
    scene.run(pod("ill", spec(&[shell("main", &line), shell("other", SLEEP)]))).await?;
    let doctor = "cat /proc/1/root/tmp/secret; tr '\\0' ' ' </proc/1/cmdline; echo; sleep 1000";
    let image = format!("--image={IMAGE}");
    scene.kubectl_run(&[
        "debug",
        "ill",
        "--container=doctor",
        "--target=main",
        "--profile=general",
        &image,
        "--",
        "sh",
        "-c",
        doctor,
    ])?;
    let running =
        |pod: &Value| container(pod, "doctor").is_some_and(|status| !status["state"]["running"].is_null());
    scene.wait_pod("ill", "has its doctor", running).await?;
    let log = scene.wait_log("ill", "doctor", "echo secret").await?;
    check(log.starts_with("secret\n"), || format!("not the target's files: {log}"))
}
