//! Probes: each kind on a container of its own, each use of them once.

use harness::Result;
use serde_json::{Value, json};

use crate::{
    pods::{condition, container, pod, restarts, server, shell, spec, with},
    scene::{Scene, check},
};

/// Every second, and one failure is enough.
fn probe(action: Value) -> Value {
    with(action, json!({ "periodSeconds": 1, "failureThreshold": 1 }))
}

/// Startup, readiness and liveness.
pub(super) async fn probes(scene: &mut Scene<'_>) -> Result {
    let port = json!({ "tcpSocket": { "port": 8080 } });
    let tcp = with(server("tcp", 8080, "tcp"), json!({ "readinessProbe": probe(port) }));
    let page = json!({ "httpGet": { "port": 8081, "path": "/index.html" } });
    let late = with(probe(page.clone()), json!({ "failureThreshold": 30 }));
    let http =
        with(server("http", 8081, "http"), json!({ "startupProbe": late, "livenessProbe": probe(page) }));
    // Lives until somebody takes its file; then it is started again, and has the file again.
    let line = "trap 'exit 0' TERM; touch /tmp/lives; while :; do sleep 1; done";
    let lives = json!({ "exec": { "command": ["test", "-e", "/tmp/lives"] } });
    let ready = json!({ "exec": { "command": ["test", "-e", "/tmp/ready"] } });
    let exec = with(
        shell("exec", line),
        json!({
            "livenessProbe": with(probe(lives), json!({ "initialDelaySeconds": 2 })),
            "readinessProbe": probe(ready),
        }),
    );
    scene.create(pod("probed", spec(&[tcp, http, exec]))).await?;
    let pod = scene
        .wait_pod("probed", "is ready but for one", |pod| {
            is_ready(pod, "tcp") && is_ready(pod, "http") && is_started(pod, "exec")
        })
        .await?;
    check(!condition(&pod, "Ready"), || "the pod is ready, one container is not".to_owned())?;

    exec_in(scene, ["touch", "/tmp/ready"]).await?;
    scene.wait_pod("probed", "is ready", |pod| condition(pod, "Ready")).await?;
    exec_in(scene, ["rm", "/tmp/lives"]).await?;
    let again = |pod: &Value| restarts(pod) == 1 && is_started(pod, "exec");
    let pod = scene.wait_pod("probed", "was started again", again).await?;
    check(is_ready(&pod, "tcp"), || "its neighbour is not ready any more".to_owned())
}

fn is_ready(pod: &Value, name: &str) -> bool {
    container(pod, name).is_some_and(|status| status["ready"] == true)
}

fn is_started(pod: &Value, name: &str) -> bool {
    container(pod, name).is_some_and(|status| status["started"] == true)
}

/// Runs something in the container `exec`, past kubelet: this is not about kubectl.
async fn exec_in(scene: &Scene<'_>, command: [&str; 2]) -> Result {
    let pod = scene.cluster.api.get(&scene.path("Pod", "probed")).await?;
    let id = crate::scene::container_id(&pod, "exec")?;
    let done = scene.cluster.node.cri.exec(&id, command).await?;
    check(done.exit_code == 0, || format!("{command:?} ended with {}", done.exit_code))
}
