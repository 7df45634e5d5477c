//! The node itself: logs that grow, images that are not used, restarts and crashes of what runs pods.

use std::{collections::BTreeMap, fs, time::Duration};

use harness::{Registry, Result, image, until};
use serde_json::{Value, json};

use crate::{
    pods::{SLEEP, pod, restarts, server, shell, spec, with, workload},
    scenarios::workloads::rolled_out,
    scene::{PATIENCE, Scene, check, container_id},
};

/// kubelet looks once at its start, when it does not know the size of the disk yet, and then every five minutes.
const COLLECTION: Duration = Duration::from_secs(400);

/// A container writes more than its log may have: kubelet rotates, and what is written later is in the new file.
pub(super) async fn rotation(scene: &mut Scene<'_>) -> Result {
    // 64 Ki are the limit of one file; three files stay.
    let line = "i=0; while [ $i -lt 3000 ]; do i=$((i+1)); echo line $i of this long log; [ $((i % 100)) != 0 ] || sleep 0.2; done; \
                echo written; trap 'exit 0' TERM; while :; do sleep 1; done";
    let made = scene.run(pod("writer", spec(&[shell("writer", line)]))).await?;
    let uid = made["metadata"]["uid"].as_str().unwrap_or_default();
    let dir = scene.cluster.node.slot.dir().join("pods");
    let dir = dir.join(format!("{}_writer_{uid}", scene.namespace)).join("writer");
    until("the log was rotated", PATIENCE, async || {
        let names = fs::read_dir(&dir).into_iter().flatten().flatten().map(|entry| entry.file_name());
        names.filter(|name| name.to_string_lossy().starts_with("0.log.")).count() >= 1
    })
    .await?;
    // What is written after the rotation is in the new file, which the API server reads.
    scene.wait_log("writer", "writer", "written").await.map(drop)
}

/// kubelet's summary has the figures of a pod and its container. Those of its network it takes from cAdvisor, which knows
/// two runtimes and no third, unless it is told to ask the runtime.
pub(super) async fn stats(scene: &mut Scene<'_>) -> Result {
    let line = "trap 'exit 0' TERM; dd if=/dev/zero of=/tmp/file bs=1M count=4; while :; do :; done";
    let limits = json!({ "resources": { "limits": { "cpu": "200m", "memory": "64Mi" } } });
    scene.run(pod("busy", spec(&[with(shell("busy", line), limits)]))).await?;
    let mut wanted = vec![
        "/cpu/usageNanoCores",
        "/memory/workingSetBytes",
        "/containers/0/cpu/usageNanoCores",
        "/containers/0/memory/workingSetBytes",
        "/containers/0/rootfs/usedBytes",
        "/containers/0/logs/usedBytes",
    ];
    figures(scene, &wanted).await?;
    wanted.push("/network/rxBytes");
    scene.cluster.node.stop_kubelet().await?;
    scene.cluster.start_kubelet(&json!({ "featureGates": { "PodAndContainerStatsFromCRI": true } })).await?;
    let seen = figures(scene, &wanted).await;
    scene.cluster.node.stop_kubelet().await?;
    scene.cluster.start_kubelet(&json!({})).await?;
    seen
}

/// Waits until the summary has all these figures of the pod, above zero.
async fn figures(scene: &Scene<'_>, wanted: &[&str]) -> Result {
    // The API server does not proxy to loopback addresses.
    let kubelet = scene.cluster.api.at(&format!("https://{}:10250", scene.cluster.node.name));
    let positive =
        |pod: &Value, at: &str| pod.pointer(at).and_then(Value::as_u64).is_some_and(|value| value > 0);
    let mut last = Value::Null;
    let found = until("the summary has the pod with all its figures", PATIENCE, async || {
        let Ok(summary) = kubelet.get("/stats/summary").await else { return false };
        let pods = summary["pods"].as_array();
        let pod =
            pods.into_iter().flatten().find(|pod| pod["podRef"]["namespace"] == scene.namespace.as_str());
        last = pod.cloned().unwrap_or_default();
        wanted.iter().all(|at| positive(&last, at))
    });
    let found = found.await;
    let missing: Vec<_> = wanted.iter().filter(|at| !positive(&last, at)).collect();
    check(found.is_ok(), || format!("missing {missing:?} in {last}"))
}

/// Ids of all containers of pods with a label.
async fn ids(scene: &Scene<'_>, app: &str) -> Result<BTreeMap<String, String>> {
    let pods = scene.pods(app).await?;
    let ids = pods.iter().map(|pod| {
        let name = pod["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        Ok((name, container_id(pod, app)?))
    });
    ids.collect()
}

/// Both daemons are started again: the same containers run, and logs go on.
pub(super) async fn restart(scene: &mut Scene<'_>) -> Result {
    let one = spec(&[server("web", 80, "still there")]);
    scene.create(workload("Deployment", "web", &one, json!({ "replicas": 3 }))).await?;
    rolled_out(scene, "web", 3).await?;
    let before = ids(scene, "web").await?;
    scene.cluster.node.stop_kubelet().await?;
    scene.cluster.node.kill_daemon()?;
    scene.cluster.node.start_daemon().await?;
    scene.cluster.start_kubelet(&json!({})).await?;
    rolled_out(scene, "web", 3).await?;
    for pod in scene.pods("web").await? {
        scene.wait_page(crate::scene::address(&pod, 80)?, "still there").await?;
        check(restarts(&pod) == 0, || format!("{} was started again", pod["metadata"]["name"]))?;
    }
    let after = ids(scene, "web").await?;
    check(before == after, || format!("other containers: {before:?}, then {after:?}"))?;
    // A pod can still be made.
    scene.run(pod("new", spec(&[shell("new", SLEEP)]))).await.map(drop)
}

/// kill -9 to berthd three times during a rolling update: it comes to its end, and nothing is started twice.
pub(super) async fn crash(scene: &mut Scene<'_>) -> Result {
    let one = spec(&[server("web", 80, "first")]);
    scene.create(workload("Deployment", "web", &one, json!({ "replicas": 4 }))).await?;
    rolled_out(scene, "web", 4).await?;
    let path = scene.path_in("apps/v1", "Deployment", "web");
    let second = json!({ "spec": { "template": { "spec": spec(&[server("web", 80, "second")]) } } });
    scene.cluster.api.patch(&path, &second).await?;
    for updated in 1..=3 {
        let some = |set: &Value| set["status"]["updatedReplicas"].as_u64() >= Some(updated);
        scene.wait(&path, "some pods are new", some).await?;
        scene.cluster.node.kill_daemon()?;
        scene.cluster.node.start_daemon().await?;
    }
    rolled_out(scene, "web", 4).await?;
    for pod in scene.pods("web").await? {
        scene.wait_page(crate::scene::address(&pod, 80)?, "second").await?;
        check(restarts(&pod) == 0, || format!("{} was started again", pod["metadata"]["name"]))?;
    }
    Ok(())
}

/// A kubelet that has too little room removes what nobody uses, and nothing else.
pub(super) async fn images(scene: &mut Scene<'_>) -> Result {
    let registry = Registry::shared()?;
    let unused = image::busybox()?.set("Labels", json!({ "used": "no" }));
    registry.push("library/unused", "1", &unused)?;
    let name = "docker.io/library/unused:1";
    scene.run(pod("user", spec(&[shell("user", SLEEP)]))).await?;
    scene.cluster.node.cri.pull(name).await?;
    scene.cluster.node.stop_kubelet().await?;
    let greedy = json!({ "imageGCHighThresholdPercent": 2, "imageGCLowThresholdPercent": 1, "imageMinimumGCAge": "0s" });
    scene.cluster.start_kubelet(&greedy).await?;
    until("the unused image is gone", COLLECTION, async || {
        matches!(scene.cluster.node.cri.image(name).await, Ok(None))
    })
    .await?;
    let used = scene.cluster.node.cri.image(crate::pods::IMAGE).await?;
    check(used.is_some(), || "the image of a running container is gone".to_owned())?;
    scene.cluster.node.stop_kubelet().await?;
    scene.cluster.start_kubelet(&json!({})).await
}

/// What Kubernetes is tested with on a node of any size.
const PODS: u64 = 110;
/// Two cores need about a second a pod.
const CROWD: Duration = Duration::from_secs(600);

/// A hundred and ten pods at once; then none.
pub(super) async fn density(scene: &mut Scene<'_>) -> Result {
    let one = spec(&[shell("one", "trap 'exit 0' TERM; sleep 100000 & wait")]);
    scene.create(workload("Deployment", "one", &one, json!({ "replicas": PODS }))).await?;
    let path = scene.path_in("apps/v1", "Deployment", "one");
    let ready = |object: &Value| object["status"]["readyReplicas"].as_u64() == Some(PODS);
    scene.wait_within(CROWD, &path, "all pods are ready", ready).await?;
    for pod in scene.pods("one").await? {
        check(restarts(&pod) == 0, || format!("{} was started again", pod["metadata"]["name"]))?;
    }
    // The control plane, too, knows that they are gone: so the namespace goes in time.
    scene.cluster.api.patch(&path, &json!({ "spec": { "replicas": 0 } })).await?;
    let namespace = format!("/api/v1/namespaces/{}/pods", scene.namespace);
    until("all pods are gone", CROWD, async || {
        scene.cluster.api.list(&namespace).await.is_ok_and(|pods| pods.is_empty())
    })
    .await
}
