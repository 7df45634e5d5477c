//! Controllers that make pods: Deployment, Job, DaemonSet, StatefulSet.

use harness::{Result, until};
use serde_json::json;

use crate::{
    pods::{self, SLEEP, restarts, server, shell, spec, with, workload},
    scene::{PATIENCE, Scene, address, check},
};

/// Rolled out, rolled over to another page, scaled to none.
pub(super) async fn deployment(scene: &mut Scene<'_>) -> Result {
    let one = spec(&[server("web", 80, "first")]);
    scene.create(workload("Deployment", "web", &one, json!({ "replicas": 3 }))).await?;
    rolled_out(scene, "web", 3).await?;
    for pod in scene.pods("web").await? {
        scene.wait_page(address(&pod, 80)?, "first").await?;
    }

    let path = scene.path_in("apps/v1", "Deployment", "web");
    let second = json!({ "spec": { "template": { "spec": spec(&[server("web", 80, "second")]) } } });
    scene.cluster.api.patch(&path, &second).await?;
    rolled_out(scene, "web", 3).await?;
    let pods = until_count(scene, "web", 3).await?;
    for pod in &pods {
        scene.wait_page(address(pod, 80)?, "second").await?;
        check(restarts(pod) == 0, || format!("{} restarted", pod["metadata"]["name"]))?;
    }

    scene.cluster.api.patch(&path, &json!({ "spec": { "replicas": 0 } })).await?;
    until_count(scene, "web", 0).await.map(drop)
}

/// The controller has seen the newest version, and all pods are of it and ready.
pub(super) async fn rolled_out(scene: &Scene<'_>, name: &str, replicas: u64) -> Result {
    let path = scene.path_in("apps/v1", "Deployment", name);
    scene
        .wait(&path, "the Deployment is rolled out", |object| {
            let status = &object["status"];
            status["observedGeneration"] == object["metadata"]["generation"]
                && ["updatedReplicas", "readyReplicas", "replicas"]
                    .iter()
                    .all(|count| status[*count].as_u64() == Some(replicas))
        })
        .await
        .map(drop)
}

/// Waits until there are so many pods that are not on their way out.
pub(super) async fn until_count(
    scene: &Scene<'_>,
    app: &str,
    count: usize,
) -> Result<Vec<serde_json::Value>> {
    until(&format!("there are {count} pods of {app}"), PATIENCE, async || {
        scene.pods(app).await.is_ok_and(|pods| pods.len() == count)
    })
    .await?;
    scene.pods(app).await
}

/// Three pods succeed; the first attempt of one of them does not.
pub(super) async fn job(scene: &mut Scene<'_>) -> Result {
    let line = "[ -e /shared/$JOB_COMPLETION_INDEX ] && echo done && exit 0; touch /shared/$JOB_COMPLETION_INDEX; \
                [ $JOB_COMPLETION_INDEX != 1 ] || exit 3; echo done";
    let shared = scene.cluster.node.slot.dir().join("shared").join(&scene.namespace);
    let pod = with(
        spec(&[with(
            shell("work", line),
            json!({ "volumeMounts": [{ "name": "shared", "mountPath": "/shared" }] }),
        )]),
        json!({
            "restartPolicy": "Never",
            "volumes": [{ "name": "shared", "hostPath": { "path": shared, "type": "DirectoryOrCreate" } }],
        }),
    );
    let job = json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": { "name": "work" },
        "spec": {
            "completions": 3, "parallelism": 2, "completionMode": "Indexed", "backoffLimit": 4,
            "template": { "spec": pod },
        },
    });
    scene.create(job).await?;
    let path = scene.path_in("batch/v1", "Job", "work");
    let job = scene.wait(&path, "the Job is complete", |job| pods::condition(job, "Complete")).await?;
    check(job["status"]["succeeded"] == 3, || format!("not three pods succeeded: {}", job["status"]))?;
    check(job["status"]["failed"] == 1, || format!("not one pod failed: {}", job["status"]))
}

/// One pod on each node, which is one.
pub(super) async fn daemon_set(scene: &mut Scene<'_>) -> Result {
    let pod = with(spec(&[shell("agent", SLEEP)]), json!({ "hostNetwork": true, "hostPID": true }));
    scene.create(workload("DaemonSet", "agent", &pod, json!({}))).await?;
    let path = scene.path_in("apps/v1", "DaemonSet", "agent");
    scene.wait(&path, "the DaemonSet is ready", |set| set["status"]["numberReady"] == 1).await?;
    let pods = scene.pods("agent").await?;
    let node = scene.cluster.node.name.as_str();
    check(pods.len() == 1 && pods[0]["spec"]["nodeName"] == node, || format!("not one pod on {node}"))?;
    check(pods[0]["status"]["podIP"] == node, || {
        format!("not the node's address: {}", pods[0]["status"]["podIP"])
    })
}

/// What a pod wrote is there for the pod that takes its place.
pub(super) async fn stateful_set(scene: &mut Scene<'_>) -> Result {
    let home = scene.cluster.node.slot.dir().join("shared").join(&scene.namespace);
    let line = format!("echo $HOSTNAME >>/data/hosts; cat /data/hosts; {SLEEP}");
    let mounts = json!([{ "name": "data", "mountPath": "/data", "subPathExpr": "$(POD)" }, { "name": "cache", "mountPath": "/cache" }]);
    let container = with(
        shell("db", &line),
        json!({
            "volumeMounts": mounts,
            "env": [{ "name": "POD", "valueFrom": { "fieldRef": { "fieldPath": "metadata.name" } } }],
        }),
    );
    let volumes = json!([
        { "name": "data", "hostPath": { "path": home, "type": "DirectoryOrCreate" } },
        { "name": "cache", "emptyDir": { "medium": "Memory", "sizeLimit": "1Mi" } },
    ]);
    let pod = with(spec(&[container]), json!({ "volumes": volumes }));
    scene.create(workload("StatefulSet", "db", &pod, json!({ "replicas": 2, "serviceName": "db" }))).await?;
    let path = scene.path_in("apps/v1", "StatefulSet", "db");
    scene.wait(&path, "the StatefulSet is ready", |set| set["status"]["readyReplicas"] == 2).await?;
    let log = scene.wait_log("db-1", "db", "db-1").await?;
    check(log.trim() == "db-1", || format!("db-1 is not the only one in its directory: {log}"))?;

    let before = scene.cluster.api.get(&scene.path("Pod", "db-1")).await?;
    scene.cluster.api.delete(&scene.path("Pod", "db-1")).await?;
    let again = |pod: &serde_json::Value| {
        pod["metadata"]["uid"] != before["metadata"]["uid"] && pods::condition(pod, "Ready")
    };
    scene.wait_pod("db-1", "is made anew", again).await?;
    scene.wait_log("db-1", "db", "db-1\ndb-1").await.map(drop)
}
