//! Containers of one pod: their order, their limits, their ends.

use harness::{Doing, Result, until};
use serde_json::{Value, json};

use crate::{
    pods::{condition, container, pod, restarts, shell, spec, with},
    scene::{PATIENCE, Scene, check, container_id},
};

/// Two init containers one after the other, a sidecar that runs before the rest and ends after it.
pub(super) async fn init(scene: &mut Scene<'_>) -> Result {
    let mount = json!({ "volumeMounts": [{ "name": "notes", "mountPath": "/notes" }] });
    let note = |name: &str, rest: &str| {
        with(shell(name, &format!("echo {name} >>/notes/order; {rest}")), mount.clone())
    };
    let ready =
        json!({ "startupProbe": { "exec": { "command": ["test", "-e", "/tmp/up"] }, "periodSeconds": 1 } });
    let end = "trap 'echo sidecar ends; exit 0' TERM; touch /tmp/up; while :; do sleep 1; done";
    let sidecar = with(with(note("sidecar", end), ready), json!({ "restartPolicy": "Always" }));
    let containers = [note("main", "cat /notes/order")];
    let volumes = json!([{ "name": "notes", "emptyDir": {} }]);
    let init = json!([note("one", "sleep 1"), note("two", ""), sidecar]);
    let fields = json!({ "initContainers": init, "volumes": volumes, "restartPolicy": "Never" });
    scene.create(pod("init", with(spec(&containers), fields))).await?;
    let done = scene.wait_pod("init", "succeeded", |pod| pod["status"]["phase"] == "Succeeded").await?;
    let log = scene.logs("init", "main").await?;
    check(log == "one\ntwo\nsidecar\nmain\n", || format!("not in order: {log:?}"))?;
    let log = scene.logs("init", "sidecar").await?;
    check(log.contains("sidecar ends"), || format!("the sidecar was not asked to end: {log:?}"))?;
    let code = &container(&done, "sidecar").doing(|| "find the sidecar".to_owned())?["state"]["terminated"];
    check(code["exitCode"] == 0, || format!("the sidecar ended with {code}"))
}

/// Processor and memory of a running container change, without a restart.
pub(super) async fn resize(scene: &mut Scene<'_>) -> Result {
    let resources = |cpu: &str, memory: &str| {
        let all = json!({ "cpu": cpu, "memory": memory });
        json!({ "resources": { "requests": all, "limits": all } })
    };
    let show = "cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/cpu/cpu.cfs_quota_us \
                || cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/cpu.max";
    let line = format!("trap 'exit 0' TERM; while :; do ({show}) 2>/dev/null; sleep 1; done");
    let before =
        scene.run(pod("resize", spec(&[with(shell("main", &line), resources("100m", "64Mi"))]))).await?;
    let change =
        json!({ "spec": { "containers": [with(json!({ "name": "main" }), resources("200m", "128Mi"))] } });
    scene.cluster.api.patch(&format!("{}/resize", scene.path("Pod", "resize")), &change).await?;
    let resized = |pod: &Value| {
        let limits = container(pod, "main").map(|status| &status["resources"]["limits"]);
        limits.is_some_and(|limits| limits["memory"] == "128Mi" && limits["cpu"] == "200m")
            && !condition(pod, "PodResizeInProgress")
            && !condition(pod, "PodResizePending")
    };
    let after = scene.wait_pod("resize", "is resized", resized).await?;
    check(container_id(&before, "main")? == container_id(&after, "main")?, || {
        "another container".to_owned()
    })?;
    check(restarts(&after) == 0, || "it was restarted".to_owned())?;
    scene.wait_log("resize", "main", "134217728\n20000").await.map(drop)
}

/// One that needs too much memory is killed and says so; one that fails is started again, and tells why.
pub(super) async fn ends(scene: &mut Scene<'_>) -> Result {
    let greedy =
        with(shell("greedy", "tail /dev/zero"), json!({ "resources": { "limits": { "memory": "20Mi" } } }));
    scene.create(pod("greedy", with(spec(&[greedy]), json!({ "restartPolicy": "Never" })))).await?;
    let message = "echo -n why >/dev/termination-log; exit 7";
    scene.create(pod("failing", spec(&[shell("failing", message)]))).await?;

    let pod = scene.wait_pod("greedy", "failed", |pod| pod["status"]["phase"] == "Failed").await?;
    let end = &container(&pod, "greedy").doing(|| "find greedy".to_owned())?["state"]["terminated"];
    check(end["reason"] == "OOMKilled" && end["exitCode"] == 137, || {
        format!("not killed for its memory: {end}")
    })?;

    let pod = scene.wait_pod("failing", "was started twice again", |pod| restarts(pod) >= 2).await?;
    let end = &container(&pod, "failing").doing(|| "find failing".to_owned())?["lastState"]["terminated"];
    check(end["exitCode"] == 7 && end["message"] == "why", || format!("not as it ended: {end}"))?;
    // The log of the attempt before can still be read.
    let path = format!("{}/log?previous=true", scene.path("Pod", "failing"));
    until("the log before is there", PATIENCE, async || scene.cluster.api.text(&path).await.is_ok()).await
}
