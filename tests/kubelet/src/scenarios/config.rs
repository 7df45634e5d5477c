//! What pods read: ConfigMaps and Secrets as variables, as files, and as files that change; images as volumes.

use std::time::Duration;

use harness::{
    Registry, Result,
    image::{Compression, Image, LayerBuilder},
    until,
};
use serde_json::json;

use crate::{
    pods::{SLEEP, pod, shell, spec, with},
    scene::{Scene, check},
};

/// kubelet looks at its volumes every few seconds, and adds up to a minute for its caches.
const REFRESH: Duration = Duration::from_secs(150);

/// Both change under a running pod.
pub(super) async fn config(scene: &mut Scene<'_>) -> Result {
    let map = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "map" }, "data": { "key": "one" } });
    let secret = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "secret" }, "stringData": { "key": "three" } });
    scene.create(map).await?;
    scene.create(secret).await?;
    let line = "trap 'exit 0' TERM; echo variable $KEY; while :; do echo $(cat /map/key) $(cat /secret/key); sleep 1; done";
    let container = with(
        shell("reader", line),
        json!({
            "env": [{ "name": "KEY", "valueFrom": { "configMapKeyRef": { "name": "map", "key": "key" } } }],
            "volumeMounts": [
                { "name": "map", "mountPath": "/map" },
                { "name": "secret", "mountPath": "/secret", "readOnly": true, "recursiveReadOnly": "IfPossible" },
            ],
        }),
    );
    let volumes = json!([
        { "name": "map", "configMap": { "name": "map" } },
        { "name": "secret", "secret": { "secretName": "secret" } },
    ]);
    scene.run(pod("reader", with(spec(&[container]), json!({ "volumes": volumes })))).await?;
    let log = scene.wait_log("reader", "reader", "one three").await?;
    check(log.contains("variable one"), || format!("no variable: {log}"))?;

    scene.cluster.api.patch(&scene.path("ConfigMap", "map"), &json!({ "data": { "key": "two" } })).await?;
    scene
        .cluster
        .api
        .patch(&scene.path("Secret", "secret"), &json!({ "stringData": { "key": "four" } }))
        .await?;
    until("the changes reach the pod", REFRESH, async || {
        scene.logs("reader", "reader").await.is_ok_and(|log| log.contains("two four"))
    })
    .await
}

/// The files of an image of two layers, whole and a directory of them, read-only as kubelet wants them.
pub(super) async fn image_volume(scene: &mut Scene<'_>) -> Result {
    let lower = LayerBuilder::new().dir("words", 0o755)?.file("words/first", 0o644, "one\n")?;
    let upper = LayerBuilder::new().dir("words", 0o755)?.file("words/second", 0o644, "two\n")?;
    let image = Image::new().layer(lower.build(Compression::Gzip)?).layer(upper.build(Compression::Gzip)?);
    Registry::shared()?.push("library/words", "1", &image)?;
    let line =
        format!("cat /all/words/first /some/second; touch /all/new 2>/dev/null || echo read-only; {SLEEP}");
    let mounts = json!([
        { "name": "words", "mountPath": "/all" },
        { "name": "words", "mountPath": "/some", "subPath": "words" },
    ]);
    let container = with(shell("reader", &line), json!({ "volumeMounts": mounts }));
    let volume = json!({ "name": "words", "image": { "reference": "docker.io/library/words:1" } });
    scene.run(pod("reader", with(spec(&[container]), json!({ "volumes": [volume] })))).await?;
    scene.wait_log("reader", "reader", "one\ntwo\nread-only\n").await.map(drop)
}
